/**
 * Rollups: what the samples of a series amount to in each step (an hour, five minutes) of time. Pure arithmetic; the
 * steps are aligned to the Unix epoch. Row i of every column is one step that holds samples.
 */
import { type Column, statsOf, stepBetween } from './column.js';

/**
 * Fields as in ColumnStats, per step. Only counters have a first and a last value (NaN for others), which join the rows'
 * increases: what a counter grew by from one row's last value to the next one's first is in neither row's `increase`.
 */
export interface RollupColumn {
  readonly seriesId: number;
  readonly isCounter: boolean;
  /** Start of each step, strictly ascending. */
  readonly bucketsMs: Float64Array;
  readonly count: Float64Array;
  /** Times of the first and the last sample. */
  readonly firstMs: Float64Array;
  readonly lastMs: Float64Array;
  readonly sum: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly first: Float64Array;
  readonly last: Float64Array;
  readonly increase: Float64Array;
}

export const ROLLUP_FIELDS = ['bucketsMs', 'count', 'firstMs', 'lastMs', 'sum', 'min', 'max', 'first', 'last', 'increase'] as const;

/** A column of `rows` steps, to be filled. */
export function emptyRollup(seriesId: number, isCounter: boolean, rows: number): RollupColumn {
  const field = (): Float64Array => new Float64Array(rows);
  return {
    seriesId,
    isCounter,
    bucketsMs: field(),
    count: field(),
    firstMs: field(),
    lastMs: field(),
    sum: field(),
    min: field(),
    max: field(),
    first: field(),
    last: field(),
    increase: field(),
  };
}

/** Folds a column of samples. */
export function rollUp(
  seriesId: number,
  isCounter: boolean,
  { timestampsMs, values }: Pick<Column, 'timestampsMs' | 'values'>,
  stepMs: number,
): RollupColumn {
  const starts: number[] = [];
  let bucketEnd = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < timestampsMs.length; i += 1) {
    const time = timestampsMs[i] as number;
    if (time < bucketEnd) continue;
    starts.push(i);
    bucketEnd = (Math.floor(time / stepMs) + 1) * stepMs;
  }
  const rollup = emptyRollup(seriesId, isCounter, starts.length);
  for (const [row, from] of starts.entries()) {
    const to = starts[row + 1] ?? timestampsMs.length;
    const { count, sum, min, max, first, last, increase } = statsOf(values, from, to, isCounter);
    rollup.bucketsMs[row] = Math.floor((timestampsMs[from] as number) / stepMs) * stepMs;
    rollup.firstMs[row] = timestampsMs[from] as number;
    rollup.lastMs[row] = timestampsMs[to - 1] as number;
    rollup.count[row] = count;
    rollup.sum[row] = sum;
    rollup.min[row] = min;
    rollup.max[row] = max;
    rollup.first[row] = isCounter ? first : Number.NaN;
    rollup.last[row] = isCounter ? last : Number.NaN;
    rollup.increase[row] = increase;
  }
  return rollup;
}

/**
 * Takes rows of other samples of the same series into `known`, for samples that come when those of their time are gone. A
 * sample that is in both counts twice. Where samples of one step lie between each other, the increase is the sum of both
 * sides', which is then more than it was.
 */
export function addRollups(known: RollupColumn, late: RollupColumn): RollupColumn {
  const bucketsMs = Float64Array.from(new Set([...known.bucketsMs, ...late.bucketsMs])).sort();
  const result = emptyRollup(known.seriesId, known.isCounter, bucketsMs.length);
  const rowOf = (column: RollupColumn): Map<number, number> => new Map(Array.from(column.bucketsMs, (bucket, row) => [bucket, row]));
  const [inKnown, inLate] = [rowOf(known), rowOf(late)];
  for (const [row, bucket] of bucketsMs.entries()) {
    const [a, b] = [inKnown.get(bucket), inLate.get(bucket)];
    if (a === undefined || b === undefined) {
      const [from, at] = a === undefined ? [late, b as number] : [known, a];
      for (const field of ROLLUP_FIELDS) result[field][row] = from[field][at] as number;
      continue;
    }
    const knownFirst = (known.firstMs[a] as number) <= (late.firstMs[b] as number);
    const [earlier, i, later, j] = knownFirst ? [known, a, late, b] : [late, b, known, a];
    const lastOfLater = (later.lastMs[j] as number) >= (earlier.lastMs[i] as number);
    const apart = (earlier.lastMs[i] as number) < (later.firstMs[j] as number);
    const joint = known.isCounter && apart ? stepBetween(earlier.last[i] as number, later.first[j] as number) : 0;
    result.bucketsMs[row] = bucket;
    result.count[row] = (known.count[a] as number) + (late.count[b] as number);
    result.firstMs[row] = earlier.firstMs[i] as number;
    result.lastMs[row] = lastOfLater ? (later.lastMs[j] as number) : (earlier.lastMs[i] as number);
    result.sum[row] = (known.sum[a] as number) + (late.sum[b] as number);
    result.min[row] = Math.min(known.min[a] as number, late.min[b] as number);
    result.max[row] = Math.max(known.max[a] as number, late.max[b] as number);
    result.first[row] = earlier.first[i] as number;
    result.last[row] = lastOfLater ? (later.last[j] as number) : (earlier.last[i] as number);
    result.increase[row] = (known.increase[a] as number) + (late.increase[b] as number) + joint;
  }
  return result;
}
