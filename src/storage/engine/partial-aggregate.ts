import type { FoldPart } from './sample-fold.js';

/** One group's buckets; groups that hold nothing are left out. */
export interface PartialGroup {
  /** Which group of the aggregator: the same question about the same series has the same groups. */
  readonly group: number;
  /** Starts of the buckets, ascending; of the one bucket of a question without steps, NaN. */
  readonly bucketsMs: Float64Array;
  /** The rows' cells as GroupRows keeps them. */
  readonly cells: Float64Array;
  readonly firstMs: number;
  readonly lastMs: number;
}

/**
 * What the samples of one stretch of time amount to in a question by groups: the part of an answer that stays the same from one asking to
 * the next while no sample of that stretch changes. Made by Aggregator.partial, added by Aggregator.addPartial.
 */
export interface PartialAggregate extends FoldPart {
  readonly groups: readonly PartialGroup[];
  /** Slots that hold samples, ascending. The columns below have one number for each. */
  readonly slots: Uint32Array;
  /** The mean that is still being taken, where a bucket may go on behind the stretch; else null. */
  readonly means: { readonly bucketsMs: Float64Array; readonly counts: Float64Array; readonly sums: Float64Array } | null;
  /** How a counter came in and went out, where increases are wanted: the step from the stretch before is still to be added. */
  readonly steps: { readonly bucketsMs: Float64Array; readonly first: Float64Array; readonly last: Float64Array } | null;
}
