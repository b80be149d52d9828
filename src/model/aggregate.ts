/** The shape of aggregates over series: what the engine folds and the queries present. */

/** A dimension to group by: a property of the series or its agent, or one of its tags. */
export type GroupKey = 'series' | 'agent' | 'name' | 'type' | 'unit' | 'provider' | 'region' | `tag:${string}`;

/** What an aggregate is to hold beyond count, sum, min and max. Everything here costs time, so it is asked for. */
export interface AggregateWants {
  /** Exact percentiles, each from 0 to 100, interpolated linearly between the closest ranks (as numpy does). */
  readonly percentiles?: readonly number[];
  /** How much the group's counters went up. */
  readonly increase?: boolean;
  /** "All interfaces together", see AggregateGroup. */
  readonly sumOfMeans?: boolean;
  /** Nothing but counts, times and labels: sums and extremes are 0. Samples need not be decoded for it. */
  readonly countsOnly?: boolean;
}

/**
 * What a range holds of each series by itself, of those that hold samples: row i of every column is one series. NaN values count, and
 * make the sum NaN, but are no extremes.
 */
export interface SeriesTotals {
  readonly seriesIds: Float64Array;
  readonly count: Float64Array;
  readonly sum: Float64Array;
  /** +Infinity and −Infinity when every value is NaN. */
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** The newest value. */
  readonly last: Float64Array;
  /** As in AggregateGroup; NaN of what is no counter. */
  readonly increase: Float64Array;
  /** Times of the first and the last sample in the range. */
  readonly firstMs: Float64Array;
  readonly lastMs: Float64Array;
  /** One column per percentile, in the order in which they were asked for. */
  readonly percentiles: readonly Float64Array[];
}

/**
 * One group's buckets, ascending in time, only those that hold samples. `labels[i]` is the value of `groupBy[i]`
 * (null: this series lacks it; for 'series' the id as text). Row i of every column is one bucket.
 */
export interface AggregateGroup {
  readonly labels: readonly (string | null)[];
  /** How many series of the group hold samples in the range, and how many agents they are of. */
  readonly seriesCount: number;
  readonly agentCount: number;
  /** The group's unit and tags, as far as all its series that hold samples agree. */
  readonly unit: string | null;
  readonly commonTagsJson: string;
  /** Distinct metric names among the series that hold samples. */
  readonly uniqueNames: number;
  readonly bucketsMs: Float64Array;
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** When wanted: sum over the group's series of each series' mean in the bucket. */
  readonly sumOfMeans?: Float64Array;
  /**
   * When wanted: how much the group's series of type counter went up, NaN where the bucket holds no sample of one. Of two
   * samples of a series that follow each other, the step up belongs to the bucket of the later one; where the later value
   * is lower, the counter began again at zero and the step is the later value (never less than 0). The first sample in
   * the range has no step, so that the buckets of a range add up to the increase over the whole of it.
   */
  readonly increase?: Float64Array;
  /** When wanted: one column per percentile, in the order in which they were asked for. */
  readonly percentiles?: readonly Float64Array[];
  /** Times of the first and the last sample in the range. */
  readonly firstMs: number;
  readonly lastMs: number;
}
