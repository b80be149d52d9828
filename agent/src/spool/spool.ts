import type { Batch, Dropped, Metric } from '../model.js';

/** What is known of a spooled batch without reading it. */
export interface SpoolEntry {
  readonly batchId: string;
  readonly seq: number;
  /** How many metrics it holds. */
  readonly count: number;
  /** Unix milliseconds of its oldest and its newest metric. */
  readonly fromMs: number;
  readonly toMs: number;
  /** What it occupies. */
  readonly bytes: number;
}

export interface SpoolLimits {
  /** Of all batches together. A batch that alone is longer is not kept. */
  readonly maxBytes: number;
  /** Each costs a file and an entry in memory, however small it is. Default: 50,000. */
  readonly maxBatches?: number;
  /** A batch whose newest metric is older is given up. Of a clock that jumps ahead that is believed after an hour. */
  readonly maxAgeMs: number;
}

/**
 * Where batches are until the server has acknowledged them: the truth about what is still to be delivered.
 * Bounded; the oldest batches are given up first and counted in `dropped`. Sequence numbers go on across restarts, and one that
 * was given up is not used again.
 */
export interface Spool {
  /** Set by `start`: the given id, or the one that was kept. */
  readonly agentId: string;
  /** Why batches cannot be kept at the moment, for people; null when they can. */
  readonly problem: string | null;
  /** What waits, oldest first. */
  readonly entries: readonly SpoolEntry[];
  readonly bytes: number;
  /** What was given up and not reported yet, both told and untold. */
  readonly dropped: Dropped | null;
  /** @throws Error when it cannot be used, or belongs to somebody else */
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * Makes a batch of `metrics` (at least one) and keeps it. When this resolves it is as safe as it will get.
   * Null: it could not be kept at all, and is counted as dropped. Rejects only for a bug.
   */
  add(metrics: readonly Metric[]): Promise<SpoolEntry | null>;
  /** Null when it is not there any more, or is damaged: then it is set aside and counted as dropped. Rejects when reading fails. */
  read(batchId: string): Promise<Batch | null>;
  /** It was acknowledged, all but `rejected` of its metrics: these are counted as dropped. Does nothing for one that is not there. */
  remove(batchId: string, rejected?: number): Promise<void>;
  /** It can never be delivered, since it is that: out of the way, for people to look at, and counted as dropped. */
  setAside(batchId: string, why: 'corrupt' | 'refused'): Promise<void>;
  /** What a registration is to report; see DroppedLedger. */
  tellDropped(): Dropped | null;
  /** The report has arrived. */
  forgetDropped(): Promise<void>;
}

/** What an entry says of these metrics. */
export function describeMetrics(metrics: readonly Metric[]): { count: number; fromMs: number; toMs: number } {
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = Number.NEGATIVE_INFINITY;
  for (const { timestampMs } of metrics) {
    fromMs = Math.min(fromMs, timestampMs);
    toMs = Math.max(toMs, timestampMs);
  }
  return { count: metrics.length, fromMs, toMs };
}
