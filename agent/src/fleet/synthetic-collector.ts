import type { Collector, Metric } from '../model.js';

const INTERFACES = ['eth0', 'eth1', 'eth2', 'docker0', 'wg0'];
const TARGETS = ['10.128.0.1', '10.128.0.53', '169.254.169.254', '8.8.8.8', '8.8.4.4', '1.1.1.1', '1.0.0.1', '9.9.9.9'];
const NIC_KINDS = ['bytes', 'packets', 'errors', 'drops'] as const;
const WAYS = ['rx', 'tx'] as const;
/** The Go agents' mix: 60 of 100 series belong to interfaces, 40 to ping targets. */
const NIC_SHARE = 0.6;
/** Events a second at the most, by kind. */
const RATES: Readonly<Record<(typeof NIC_KINDS)[number], number>> = { bytes: 4e6, packets: 3_000, errors: 0.02, drops: 0.1 };

type Source = (elapsedS: number) => number;

interface Series {
  readonly name: string;
  readonly type: Metric['type'];
  readonly unit: string;
  readonly tags: Metric['tags'];
  readonly next: Source;
}

/**
 * Makes up what one of the Go agents would measure: the same names, units and tags, counters that grow with the rates beside them, round trips
 * with noise. Costs next to nothing, and needs no machine to be measured.
 */
export class SyntheticCollector implements Collector {
  readonly name = 'synthetic';
  private readonly series: readonly Series[];
  private lastMs: number | null = null;

  /** @param random in [0, 1) */
  constructor(
    seriesCount: number,
    private readonly random: () => number,
  ) {
    const nicSeries = Math.round(seriesCount * NIC_SHARE);
    this.series = [...this.interfaces(nicSeries), ...this.targets(seriesCount - nicSeries)];
  }

  collect(nowMs: number): Promise<Metric[]> {
    const elapsedS = Math.max(nowMs - (this.lastMs ?? nowMs), 0) / 1_000;
    this.lastMs = nowMs;
    return Promise.resolve(
      this.series.map(({ name, type, unit, tags, next }) => ({ name, type, value: next(elapsedS), unit, tags, timestampMs: nowMs })),
    );
  }

  private interfaces(count: number): Series[] {
    const series: Series[] = [];
    for (let i = 0; series.length < count; i++) series.push(...this.oneInterface(nameOf(INTERFACES, i)));
    return series.slice(0, count);
  }

  private oneInterface(name: string): Series[] {
    const tags = { interface: name };
    const rates: Series[] = [];
    const totals: Series[] = [];
    for (const kind of NIC_KINDS) {
      for (const way of WAYS) {
        let rate = 0;
        let total = Math.floor(this.random() * 1e9);
        // Whole events in a measured time, as a real interface has it.
        const step: Source = (elapsedS) => {
          const events = Math.floor(this.random() * RATES[kind] * elapsedS);
          total += events;
          rate = elapsedS > 0 ? events / elapsedS : 0;
          return rate;
        };
        rates.push({ name: `network_interface_${way}_${kind}_per_sec`, type: 'gauge', unit: `${kind}/sec`, tags, next: step });
        if (kind === 'errors' || kind === 'drops') continue;
        totals.push({ name: `network_interface_${way}_${kind}_total`, type: 'counter', unit: kind, tags, next: () => total });
      }
    }
    return [...rates, ...totals];
  }

  private targets(count: number): Series[] {
    const series: Series[] = [];
    for (let i = 0; series.length < count; i++) series.push(...this.oneTarget(nameOf(TARGETS, i)));
    return series.slice(0, count);
  }

  private oneTarget(target: string): Series[] {
    const tags = { target, target_ip: target };
    const usualMs = 1 + this.random() * 80;
    const roundTrip =
      (factor: number): Source =>
      () =>
        Math.round(usualMs * factor * (0.95 + this.random() * 0.1) * 1_000) / 1_000;
    const gauge = (name: string, unit: string, next: Source): Series => ({ name, type: 'gauge', unit, tags, next });
    return [
      gauge('ping_success', 'boolean', () => 1),
      gauge('ping_rtt_avg_ms', 'ms', roundTrip(1)),
      gauge('ping_rtt_min_ms', 'ms', roundTrip(0.8)),
      gauge('ping_rtt_max_ms', 'ms', roundTrip(1.4)),
      gauge('ping_packet_loss_percent', 'percent', () => (this.random() < 0.01 ? 33.3333 : 0)),
    ];
  }
}

/** The names in their order, and once they are used up, again with a number. */
function nameOf(names: readonly string[], index: number): string {
  const round = Math.floor(index / names.length);
  return `${names[index % names.length] ?? ''}${round === 0 ? '' : `-${round + 1}`}`;
}
