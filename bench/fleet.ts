/**
 * A fleet shaped like the real Go agents: what each of them would send, frame by frame.
 *
 * 100 series an agent: 5 network interfaces with 12 metrics each, sampled in one go (one timestamp for all of them),
 * and 8 ping targets with 5 metrics each (one timestamp a target). Key order, number formats and the trailing newline
 * are those of the captured frames in test/fixtures/go-agent; rates are whole counts divided by a measured interval, so
 * they carry a full 53 bits of noise, as in life.
 *
 * Generating must cost far less than ingesting, or the load generator becomes what is measured: everything constant is
 * joined once into pieces of text, and a frame is those pieces with numbers and times between them.
 *
 * Times run ahead of the clock on the wall: an agent that is acknowledged 40 times a second cannot be 5 s older every
 * time unless it starts in the past. So each agent plays back an outage that ends about now (`planHistory`); no two of
 * its batches share a millisecond, and none lies in the future or beyond retention.
 */

export const SAMPLES_PER_BATCH = 100;

const INTERFACES = ['eth0', 'eth1', 'eth2', 'docker0', 'wg0'];
const TARGETS = ['10.128.0.1', '10.128.0.53', '169.254.169.254', '8.8.8.8', '8.8.4.4', '1.1.1.1', '1.0.0.1', '9.9.9.9'];
const REGIONS = [
  ['gcp', 'us-central1'],
  ['gcp', 'europe-west3'],
  ['gcp', 'asia-east1'],
  ['aws', 'eu-central-1'],
  ['on-premise', 'lab'],
] as const;

const NIC_KINDS = ['bytes', 'packets', 'errors', 'drops'];
const COLLECTION_INTERVAL_MS = 5_000;
const LONGEST_HISTORY_MS = 25 * 86_400_000;
/** More batches a second than any server this is pointed at will take; it only bounds how far back a history starts. */
const BATCHES_PER_SECOND_BOUND = 8_000;

/** Where an agent's clock starts, and how far it moves from one batch to the next. */
export interface History {
  readonly startMs: number;
  readonly intervalMs: number;
}

/** A history long enough for `agents` agents sending as fast as they can for `seconds`, ending before `nowMs`. */
export function planHistory(nowMs: number, agents: number, seconds: number): History {
  const batchesPerAgent = Math.ceil((BATCHES_PER_SECOND_BOUND * seconds) / agents) + 1;
  const spanMs = Math.min(batchesPerAgent * COLLECTION_INTERVAL_MS, LONGEST_HISTORY_MS);
  return { startMs: nowMs - spanMs, intervalMs: spanMs / batchesPerAgent };
}

/** The constant text before each value of a frame, and between a value and its timestamp. */
interface Template {
  readonly beforeValue: readonly string[];
  readonly beforeTime: readonly string[];
  readonly afterLast: string;
}

const TEMPLATE = buildTemplate();

function buildTemplate(): Template {
  const metrics: { name: string; unit: string; tags: string; type: string }[] = [];
  for (const name of INTERFACES) {
    const tags = `{"interface":"${name}"}`;
    for (const kind of NIC_KINDS) {
      for (const way of ['rx', 'tx']) {
        metrics.push({ name: `network_interface_${way}_${kind}_per_sec`, unit: `${kind}/sec`, tags, type: 'gauge' });
      }
    }
    for (const kind of ['bytes', 'packets']) {
      for (const way of ['rx', 'tx']) metrics.push({ name: `network_interface_${way}_${kind}_total`, unit: kind, tags, type: 'counter' });
    }
  }
  for (const target of TARGETS) {
    const tags = `{"target":"${target}","target_ip":"${target}"}`;
    metrics.push({ name: 'ping_success', unit: 'boolean', tags, type: 'gauge' });
    for (const part of ['avg', 'min', 'max']) metrics.push({ name: `ping_rtt_${part}_ms`, unit: 'ms', tags, type: 'gauge' });
    metrics.push({ name: 'ping_packet_loss_percent', unit: 'percent', tags, type: 'gauge' });
  }
  const after = metrics.map((m) => `","tags":${m.tags},"type":"${m.type}"}`);
  return {
    beforeValue: metrics.map((m, i) => `${i === 0 ? '' : `${after[i - 1] ?? ''},`}{"name":"${m.name}","value":`),
    beforeTime: metrics.map((m) => `,"unit":"${m.unit}","timestamp":"`),
    afterLast: after.at(-1) ?? '',
  };
}

/** The id of the n-th agent: the shape of a UUID, which is what an unconfigured agent gives itself. */
export function agentId(index: number): string {
  return `be000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
}

/** Where the n-th agent says it is. */
export function agentRegion(index: number): { provider: string; region: string } {
  const [provider, region] = REGIONS[index % REGIONS.length] ?? REGIONS[0];
  return { provider, region };
}

function locationJson(index: number): string {
  const { provider, region } = agentRegion(index);
  const address = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
  return (
    `{"provider":"${provider}","region":"${region}","zone":"${region}-a","network":"default","subnet":"default",` +
    `"instance_id":"i-${index}","private_ip":"${address}","public_ip":""}`
  );
}

/** RFC 3339 in UTC with nine digits, never ending in 0: Go drops trailing zeros, so this is how most of its times look. */
class TimeText {
  private second = Number.NaN;
  private prefix = '';

  format(epochMs: number, random: () => number): string {
    const second = Math.floor(epochMs / 1000);
    if (second !== this.second) {
      this.second = second;
      this.prefix = `${new Date(second * 1000).toISOString().slice(0, 19)}.`;
    }
    const micros = Math.floor((epochMs - second * 1000) * 1000);
    const nanos = micros * 1000 + Math.floor(random() * 100) * 10 + 1 + Math.floor(random() * 9);
    return `${this.prefix}${String(nanos).padStart(9, '0')}Z`;
  }
}

/** One simulated agent. The same index and history give the same frames (but for the batch's own time). */
export class SimulatedAgent {
  readonly id: string;
  private readonly head: string;
  private readonly tail: string;
  private readonly times = new TimeText();
  private readonly wallTimes = new TimeText();
  /** rx/tx bytes and packets of every interface. */
  private readonly counters = new Float64Array(INTERFACES.length * 4);
  private readonly meanRates = new Float64Array(INTERFACES.length * 4);
  private readonly baseRttMs = new Float64Array(TARGETS.length);
  private cycle = 0;
  private state: number;
  private readonly phaseMs: number;

  constructor(
    readonly index: number,
    private readonly history: History,
  ) {
    this.id = agentId(index);
    this.state = (index * 2_654_435_761 + 1) >>> 0;
    this.head = `{"data":{"agent_id":"${this.id}","timestamp":"`;
    this.tail = `${TEMPLATE.afterLast}],"location":${locationJson(index)}},"type":"metrics"}\n`;
    this.phaseMs = this.random() * history.intervalMs;
    for (let i = 0; i < this.counters.length; i += 1) {
      const isBytes = i % 4 < 2;
      this.meanRates[i] = (isBytes ? 200_000 : 300) * 10 ** (this.random() * 2 - 1);
      this.counters[i] = Math.floor(this.random() * (isBytes ? 2e12 : 3e9));
    }
    for (let i = 0; i < this.baseRttMs.length; i += 1) this.baseRttMs[i] = 0.3 + this.random() * 30;
  }

  /** What the agent says first on every connection. */
  registrationFrame(nowMs: number): string {
    return (
      `{"data":{"agent_id":"${this.id}","location":${locationJson(this.index)},` +
      `"timestamp":"${this.wallTimes.format(nowMs, () => this.random())}","version":"1.0.0"},"type":"registration"}\n`
    );
  }

  /** The next batch of 100 metrics. `nowMs` is the batch's own time; its samples are of the next collection cycle. */
  metricsFrame(nowMs: number): string {
    const random = (): number => this.random();
    // The ticker drifts by about a millisecond, and the agent divides by what it measured between two ticks.
    const cycleMs = this.history.startMs + this.phaseMs + this.cycle * this.history.intervalMs + this.random() * 0.9;
    const elapsedSeconds = (COLLECTION_INTERVAL_MS + (this.random() - 0.5) * 2) / 1000 + this.random() * 1e-7;
    this.cycle += 1;

    let text = `${this.head}${this.wallTimes.format(nowMs, random)}","metrics":[`;
    let metric = 0;
    let time = this.times.format(cycleMs, random);
    const put = (value: number): void => {
      text += (TEMPLATE.beforeValue[metric] ?? '') + value + (TEMPLATE.beforeTime[metric] ?? '') + time;
      metric += 1;
    };
    for (let nic = 0; nic < INTERFACES.length; nic += 1) {
      const first = nic * 4;
      for (let i = first; i < first + 4; i += 1) {
        const delta = this.count((this.meanRates[i] ?? 0) * elapsedSeconds);
        this.counters[i] = (this.counters[i] ?? 0) + delta;
        put(delta / elapsedSeconds);
      }
      for (let i = 0; i < 4; i += 1) put(this.random() < 0.002 ? 1 / elapsedSeconds : 0);
      for (let i = first; i < first + 4; i += 1) put(this.counters[i] ?? 0);
    }
    let pingMs = cycleMs;
    for (const baseMs of this.baseRttMs) {
      pingMs += 0.05 + this.random() * 0.4;
      time = this.times.format(pingMs, random);
      const minMs = baseMs * (1 + this.random() * 0.1);
      const avgMs = minMs * (1 + this.random() * 0.2);
      const maxMs = avgMs * (1 + this.random() * 0.3);
      put(1);
      put(Math.round(avgMs * 1000) / 1000);
      put(Math.round(minMs * 1000) / 1000);
      put(Math.round(maxMs * 1000) / 1000);
      put(0);
    }
    return text + this.tail;
  }

  /** A whole number around `mean`: traffic comes in bursts. */
  private count(mean: number): number {
    return Math.floor(mean * (0.5 + this.random()));
  }

  /** mulberry32: small, fast, and the same on every machine. */
  private random(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
}
