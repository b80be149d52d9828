/**
 * The fleet of the storage bench: what its agents measured, cycle by cycle, as numbers rather than frames. The values are
 * drawn as in fleet.ts; the rates are computed as the Go agent does it, from two readings of a counter and a clock of whole
 * nanoseconds: (total - previous) / elapsed seconds. One time for all interfaces of a cycle, one for each ping target, one
 * for the system's own metrics. The same agent, start and shape give the same samples every time.
 */
export const INTERVAL_MS = 30_000;
const KINDS = ['bytes', 'packets', 'errors', 'drops'];
const WAYS = ['rx', 'tx'];
const NANOS = 1_000_000_000;

/** As in fleet.ts: 100 series, 5 interfaces and 8 ping targets. */
export const EQUAL = () => ({ interfaces: 5, targets: 8, hasSystem: false });

/** From 5 to 400 series, small ones as likely as large ones. */
export function unequal(index, agents) {
  const series = Math.round(5 * 80 ** (agents === 1 ? 1 : index / (agents - 1)));
  const hasSystem = series >= 9;
  const interfaces = Math.floor((series * 0.6) / 12);
  const targets = Math.max(1, Math.round((series - interfaces * 12 - (hasSystem ? 4 : 0)) / 5));
  return { interfaces, targets, hasSystem };
}

export class DayAgent {
  constructor(index, { interfaces, targets, hasSystem }, startMs) {
    this.index = index;
    this.id = `be000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
    this.startMs = startMs;
    this.state = (index * 2_654_435_761 + 1) >>> 0;
    this.cycle = 0;
    /** Series that are sampled at one time, in the order in which their values come. */
    this.groups = [];
    for (let nic = 0; nic < interfaces; nic += 1) this.groups.push(interfaceGroup(nic));
    for (let target = 0; target < targets; target += 1) this.groups.push(pingGroup(target));
    if (hasSystem) this.groups.push(systemGroup());
    this.seriesCount = this.groups.reduce((sum, { series }) => sum + series.length, 0);
    this.phaseMs = this.random() * INTERVAL_MS * 0.9;
    this.counters = new Float64Array(interfaces * 4);
    this.meanRates = new Float64Array(interfaces * 4);
    for (let i = 0; i < this.counters.length; i += 1) {
      const isBytes = i % 4 < 2;
      this.meanRates[i] = (isBytes ? 200_000 : 300) * 10 ** (this.random() * 2 - 1);
      this.counters[i] = Math.floor(this.random() * (isBytes ? 2e12 : 3e9));
    }
    this.baseRttMs = Float64Array.from({ length: targets }, () => 0.3 + this.random() * 30);
    this.interfaces = interfaces;
    this.hasSystem = hasSystem;
    this.uptimeS = Math.floor(this.random() * 1e7);
    this.lastNanos = Math.round((this.phaseMs - INTERVAL_MS) * 1e6);
  }

  /** Calls back for every group of the next cycle: its number, its time, its values in order. */
  next(visit) {
    const cycleMs = this.phaseMs + this.cycle * INTERVAL_MS + this.random() * 0.9;
    this.cycle += 1;
    const nowNanos = Math.round(cycleMs * 1e6);
    const elapsedNanos = nowNanos - this.lastNanos;
    this.lastNanos = nowNanos;
    // As Go's Duration.Seconds(): whole seconds and the rest apart.
    const elapsedSeconds = Math.floor(elapsedNanos / NANOS) + (elapsedNanos % NANOS) / NANOS;
    const timeMs = this.startMs + Math.floor(cycleMs);
    const { counters, meanRates } = this;
    let group = 0;
    for (let nic = 0; nic < this.interfaces; nic += 1) {
      const first = nic * 4;
      const values = [];
      for (let i = first; i < first + 4; i += 1) {
        const delta = Math.floor(meanRates[i] * elapsedSeconds * (0.5 + this.random()));
        counters[i] += delta;
        values.push(delta / elapsedSeconds);
      }
      for (let i = 0; i < 4; i += 1) values.push(this.random() < 0.002 ? 1 / elapsedSeconds : 0);
      for (let i = first; i < first + 4; i += 1) values.push(counters[i]);
      visit(group++, timeMs, values);
    }
    let pingMs = cycleMs;
    for (const baseMs of this.baseRttMs) {
      pingMs += 0.05 + this.random() * 0.4;
      const minMs = baseMs * (1 + this.random() * 0.1);
      const avgMs = minMs * (1 + this.random() * 0.2);
      const maxMs = avgMs * (1 + this.random() * 0.3);
      visit(group++, this.startMs + Math.floor(pingMs), [1, thousandths(avgMs), thousandths(minMs), thousandths(maxMs), 0]);
    }
    if (this.hasSystem) {
      pingMs += this.random();
      const percent = (mean, noise) => Math.round((mean + this.random() * noise) * 100) / 100;
      visit(group++, this.startMs + Math.floor(pingMs), [
        percent(5, 40),
        percent(55, 2),
        percent(61, 0.1),
        this.uptimeS + Math.floor(cycleMs / 1000),
      ]);
    }
  }

  /** mulberry32, as in fleet.ts. */
  random() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
}

function interfaceGroup(nic) {
  const ways = (kinds, suffix, type, unitOf) =>
    kinds.flatMap((kind) => WAYS.map((way) => ({ field: `${way}_${kind}_${suffix}`, type, unit: unitOf(kind) })));
  return {
    prefix: 'network_interface',
    tags: { interface: `eth${nic}` },
    series: [...ways(KINDS, 'per_sec', 'gauge', (kind) => `${kind}/sec`), ...ways(KINDS.slice(0, 2), 'total', 'counter', (kind) => kind)],
  };
}

function pingGroup(target) {
  const address = `10.128.${target >> 8}.${target & 255}`;
  return {
    prefix: 'ping',
    tags: { target: address, target_ip: address },
    series: [
      { field: 'success', type: 'gauge', unit: 'boolean' },
      ...['avg', 'min', 'max'].map((part) => ({ field: `rtt_${part}_ms`, type: 'gauge', unit: 'ms' })),
      { field: 'packet_loss_percent', type: 'gauge', unit: 'percent' },
    ],
  };
}

function systemGroup() {
  return {
    prefix: 'system',
    tags: {},
    series: [
      ...['cpu', 'memory', 'disk'].map((what) => ({ field: `${what}_percent`, type: 'gauge', unit: 'percent' })),
      { field: 'uptime_seconds', type: 'gauge', unit: 'seconds' },
    ],
  };
}

function thousandths(value) {
  return Math.round(value * 1000) / 1000;
}
