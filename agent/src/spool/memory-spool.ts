import { randomUUID } from 'node:crypto';
import type { Batch, Clock, Dropped, Metric } from '../model.js';
import { DroppedLedger } from './dropped.js';
import { describeMetrics, type Spool, type SpoolEntry, type SpoolLimits } from './spool.js';
import { SpoolIndex } from './spool-index.js';

export interface MemorySpoolOptions extends SpoolLimits {
  readonly agentId: string;
  readonly clock: Clock;
}

interface Held extends SpoolEntry {
  readonly batch: Batch;
}

/** About what a metric takes in memory. */
const METRIC_BYTES = 200;

/** A spool that does not outlive its process: for simulated agents. */
export class MemorySpool implements Spool {
  readonly problem = null;
  private readonly index: SpoolIndex<Held>;
  private readonly ledger = new DroppedLedger();
  private lastSeq = 0;

  constructor(private readonly options: MemorySpoolOptions) {
    this.index = new SpoolIndex(options);
  }

  get agentId(): string {
    return this.options.agentId;
  }

  get entries(): readonly SpoolEntry[] {
    return this.index.list();
  }

  get bytes(): number {
    return this.index.bytes;
  }

  get dropped(): Dropped | null {
    return this.ledger.total;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  add(metrics: readonly Metric[]): Promise<SpoolEntry | null> {
    const described = describeMetrics(metrics);
    const batch: Batch = { batchId: randomUUID(), seq: ++this.lastSeq, timestampMs: described.toMs, metrics };
    const entry: Held = { batchId: batch.batchId, seq: batch.seq, ...described, bytes: metrics.length * METRIC_BYTES, batch };
    for (const { batchId } of this.index.surplusFor(this.options.clock.nowMs(), entry.bytes)) this.drop(this.index.remove(batchId));
    if (entry.bytes > this.options.maxBytes) {
      this.drop(entry);
      return Promise.resolve(null);
    }
    this.index.add(entry);
    return Promise.resolve(entry);
  }

  read(batchId: string): Promise<Batch | null> {
    return Promise.resolve(this.index.get(batchId)?.batch ?? null);
  }

  remove(batchId: string, rejected = 0): Promise<void> {
    const entry = this.index.remove(batchId);
    if (entry !== null) this.ledger.add({ ...entry, count: Math.min(rejected, entry.count) });
    return Promise.resolve();
  }

  setAside(batchId: string): Promise<void> {
    this.drop(this.index.remove(batchId));
    return Promise.resolve();
  }

  tellDropped(): Dropped | null {
    return this.ledger.tell();
  }

  forgetDropped(): Promise<void> {
    this.ledger.forgetTold();
    return Promise.resolve();
  }

  private drop(entry: Held | null): void {
    if (entry !== null) this.ledger.add(entry);
  }
}
