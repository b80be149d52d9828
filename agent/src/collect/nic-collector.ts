import type { Collector, Metric } from '../model.js';
import { type Host, NIC_COUNTERS, type NicCounter, type NicCounters } from './host.js';
import { at, counter, gauge, type Reading } from './metric.js';
import { matchesAny } from './patterns.js';

export interface NicCollectorOptions {
  readonly host: Pick<Host, 'nics'>;
  /** Names, or beginnings with a `*`. Empty: all but loopback and those that never carried a packet. */
  readonly interfaces: readonly string[];
  /** Monotonic: a wall clock that is set makes no rates. */
  readonly monotonicMs: () => number;
}

const TOTALS: readonly NicCounter[] = ['rx_bytes', 'tx_bytes', 'rx_packets', 'tx_packets'];
const LOOPBACK = /^(lo\d*$|loopback)/i;

interface Seen {
  readonly monotonicMs: number;
  readonly nics: ReadonlyMap<string, NicCounters['counters']>;
}

/**
 * Network interfaces: totals, and rates since the collection before. An interface has no rates in its first one, and a counter has none
 * when it fell: it was reset, and how much went by since then nobody knows.
 */
export class NicCollector implements Collector {
  readonly name = 'nic';
  private seen: Seen | null = null;

  constructor(private readonly options: NicCollectorOptions) {}

  async collect(nowMs: number): Promise<Metric[]> {
    const nics = (await this.options.host.nics()).filter(({ name }) => this.isMeant(name));
    const now: Seen = { monotonicMs: this.options.monotonicMs(), nics: new Map(nics.map(({ name, counters }) => [name, counters])) };
    const before = this.seen;
    this.seen = now;
    return at(
      nics.filter((nic) => this.isReported(nic)).flatMap((nic) => [...rates(nic, before, now.monotonicMs), ...totals(nic)]),
      nowMs,
    );
  }

  private isMeant(name: string): boolean {
    const { interfaces } = this.options;
    return interfaces.length === 0 ? !LOOPBACK.test(name) : matchesAny(name, interfaces);
  }

  /** Systems have interfaces nobody uses; they are of interest to those who name them. */
  private isReported({ counters }: NicCounters): boolean {
    return this.options.interfaces.length > 0 || Object.values(counters).some((value) => value > 0);
  }
}

function rates({ name, counters }: NicCounters, before: Seen | null, monotonicMs: number): Reading[] {
  const last = before?.nics.get(name);
  const elapsedS = (monotonicMs - (before?.monotonicMs ?? monotonicMs)) / 1_000;
  if (last === undefined || elapsedS <= 0) return [];
  const readings: Reading[] = [];
  for (const key of NIC_COUNTERS) {
    const from = last[key];
    const to = counters[key];
    if (from === undefined || to === undefined || to < from) continue;
    readings.push(gauge(`network_interface_${key}_per_sec`, (to - from) / elapsedS, `${unitOf(key)}/sec`, { interface: name }));
  }
  return readings;
}

function totals({ name, counters }: NicCounters): Reading[] {
  return TOTALS.flatMap((key) => {
    const value = counters[key];
    return value === undefined ? [] : [counter(`network_interface_${key}_total`, value, unitOf(key), { interface: name })];
  });
}

function unitOf(key: NicCounter): string {
  return key.slice('rx_'.length);
}
