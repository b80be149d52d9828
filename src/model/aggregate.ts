/** The shape of aggregates over series: what the engine folds and the queries present. */

/** A dimension to group by: a property of the series or its agent, or one of its tags. */
export type GroupKey = 'series' | 'agent' | 'name' | 'type' | 'unit' | 'provider' | 'region' | `tag:${string}`;

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
  /** Sum over the group's series of each series' mean in the bucket: "all interfaces together". */
  readonly sumOfMeans: Float64Array;
  /** Times of the first and the last sample in the range. */
  readonly firstMs: number;
  readonly lastMs: number;
}
