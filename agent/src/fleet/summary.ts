import type { Fleet, FleetStats } from './fleet.js';

/** Tells how a fleet is doing, each time of the time since it was last asked. */
export class Summary {
  private last: FleetStats;
  private lastMs = performance.now();

  constructor(private readonly fleet: Fleet) {
    this.last = fleet.stats();
  }

  /** One line. */
  next(): string {
    const stats = this.fleet.stats();
    const nowMs = performance.now();
    const seconds = Math.max(nowMs - this.lastMs, 1) / 1_000;
    const samplesPerSecond = Math.round((stats.ackedSamples - this.last.ackedSamples) / seconds);
    const batchesAcked = stats.ackedBatches - this.last.ackedBatches;
    this.last = stats;
    this.lastMs = nowMs;
    const latencies = this.fleet.takeLatencies();
    return [
      `connected ${stats.connected}/${stats.agents}`,
      `batches acked ${stats.ackedBatches} (+${batchesAcked})`,
      `${samplesPerSecond} samples/s`,
      latencies === null ? 'no acks' : `ack p50 ${latencies.p50.toFixed(1)} ms p99 ${latencies.p99.toFixed(1)} ms`,
      `waiting ${stats.waitingBatches}`,
      `errors: ${errorsOf(stats)}`,
    ].join(' | ');
  }
}

/** What went wrong so far; `none` when nothing did. */
export function errorsOf(stats: FleetStats): string {
  const counts = {
    disconnects: stats.disconnects,
    resent: stats.resentBatches,
    'refused batches': stats.refusedBatches,
    'rejected samples': stats.rejectedSamples,
    'dropped samples': stats.droppedSamples,
  };
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  return told.length === 0 ? 'none' : told.map(([name, count]) => `${name} ${count}`).join(', ');
}
