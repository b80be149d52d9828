import type { TimeRange } from '../../model/metric.js';

/**
 * Samples of one series that were folded before: all those of some span of time that lies in one bucket. Whoever has many
 * to add may give the same object each time.
 */
export interface RollupRow {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** The first and the last value and their times. */
  readonly first: number;
  readonly last: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** As in AggregateGroup, of the steps within the span; only counters' is read. */
  readonly increase: number;
}

/** The part of an answer that a stretch of time makes. */
export interface FoldPart {
  readonly byteCount: number;
}

/**
 * Takes samples in, of each series ascending in time and behind all that was taken in of it before. A slot is a series' place
 * among those that were asked for.
 */
export interface SampleFold<Part extends FoldPart> {
  /** Rows `from` to `to` (exclusive); those outside the range that was asked for are passed over. @throws AggregateLimitError */
  add(slot: number, timestampsMs: Float64Array, values: Float64Array, from: number, to: number): void;
  /** Samples that were folded before. All of them must lie in the range, and in the bucket that holds `startMs`. @throws AggregateLimitError */
  addRollup(slot: number, startMs: number, row: RollupRow): void;
  /** All that was taken in so far, to be added to another fold of the same question about the same series. */
  partial(): Part;
  /** @throws AggregateLimitError */
  addPartial(part: Part): void;
}

/** The first of the ascending rows `from` to `to` at or behind a time; `to` when there is none. */
function firstAt(timestampsMs: Float64Array, from: number, to: number, timeMs: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((timestampsMs[middle] as number) < timeMs) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Of the ascending rows `from` to `to` the first in the range; nearly always that is `from`. */
export function firstWithin({ startMs }: TimeRange, timestampsMs: Float64Array, from: number, to: number): number {
  return from < to && (timestampsMs[from] as number) < startMs ? firstAt(timestampsMs, from, to, startMs) : from;
}

/** Of the ascending rows `from` to `to` the end of those in the range. */
export function endWithin({ endMs }: TimeRange, timestampsMs: Float64Array, from: number, to: number): number {
  return from < to && (timestampsMs[to - 1] as number) >= endMs ? firstAt(timestampsMs, from, to, endMs) : to;
}
