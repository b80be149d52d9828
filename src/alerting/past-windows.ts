/** Windows that slide over buckets of the past, and what each of them holds. Pure arithmetic. */
import type { RuleAggregation } from '../model/alert.js';

/** Buckets of one group, or of one series, from the first on, also empty ones. `count` 0: it holds nothing, and the rest is not to be looked at. */
export interface PastBuckets {
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** NaN where there is no counter. */
  readonly increase: Float64Array;
  /** The newest value, or a percentile: whatever cannot be put together of several buckets. */
  readonly newest: Float64Array;
}

/** Value i is of the window that ends where bucket i begins; NaN: no data. `newest` is the bucket of its newest sample, -1: none. */
export interface PastWindows {
  readonly values: Float64Array;
  readonly newest: Int32Array;
}

export function emptyBuckets(length: number): PastBuckets {
  const column = (): Float64Array => new Float64Array(length);
  return { count: column(), sum: column(), min: column(), max: column(), increase: column().fill(NaN), newest: column() };
}

/** Windows of `width` buckets; one more than there are buckets. */
export function slide(buckets: PastBuckets, width: number, bucketMs: number, aggregation: RuleAggregation): PastWindows {
  const length = buckets.count.length + 1;
  const values = new Float64Array(length).fill(NaN);
  const newest = newestBuckets(buckets, width);
  const oldest = oldestBuckets(buckets, width);
  const count = runningSums(buckets.count);
  const within = (sums: Float64Array, i: number): number => (sums[i] as number) - (sums[Math.max(i - width, 0)] as number);
  const fill = (valueAt: (i: number) => number): void => {
    for (let i = 1; i < length; i += 1) if ((newest[i] as number) >= 0) values[i] = valueAt(i);
  };
  switch (aggregation) {
    case 'count':
      fill((i) => within(count, i));
      break;
    case 'sum':
    case 'avg': {
      const sums = runningSums(buckets.sum);
      fill((i) => (aggregation === 'sum' ? within(sums, i) : within(sums, i) / within(count, i)));
      break;
    }
    case 'min':
    case 'max': {
      const extremes = slidingExtremes(buckets, width, aggregation);
      fill((i) => extremes[i] as number);
      break;
    }
    case 'increase':
    case 'rate': {
      const counted = runningSums(Float64Array.from(buckets.increase, (value) => Number(!Number.isNaN(value))));
      const sums = runningSums(buckets.increase);
      fill((i) => {
        // One sample says nothing of what came before it.
        if (within(counted, i) === 0 || within(count, i) < 2) return NaN;
        // The step that leads to the window's first sample is not of the window: of that bucket's steps it is one.
        const first = oldest[i] as number;
        const samples = buckets.count[first] as number;
        const stepsInFirst = ((buckets.increase[first] as number) || 0) * ((samples - 1) / samples);
        const increase = (sums[i] as number) - (sums[first + 1] as number) + stepsInFirst;
        const coveredMs = Math.max((newest[i] as number) - first, 1) * bucketMs;
        return aggregation === 'increase' ? increase : (increase * 1_000) / coveredMs;
      });
      break;
    }
    default:
      fill((i) => buckets.newest[newest[i] as number] as number);
  }
  return { values, newest };
}

/** What windows over the buckets of several series amount to together: of increases and rates, which are each series' own. */
export function together(windows: readonly PastWindows[]): PastWindows {
  const [first, ...others] = windows;
  if (first === undefined) throw new Error('there are no windows');
  for (const { values, newest } of others) {
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i] as number;
      if (!Number.isNaN(value)) first.values[i] = Number.isNaN(first.values[i]) ? value : (first.values[i] as number) + value;
      first.newest[i] = Math.max(first.newest[i] as number, newest[i] as number);
    }
  }
  return first;
}

/** Sums of all buckets before each; what is not finite counts as nothing, so that it does not spoil all that follows. */
function runningSums(column: Float64Array): Float64Array {
  const sums = new Float64Array(column.length + 1);
  for (let i = 0; i < column.length; i += 1) {
    const value = column[i] as number;
    sums[i + 1] = (sums[i] as number) + (Number.isFinite(value) ? value : 0);
  }
  return sums;
}

function newestBuckets({ count }: PastBuckets, width: number): Int32Array {
  const newest = new Int32Array(count.length + 1).fill(-1);
  let last = -1;
  for (let i = 1; i < newest.length; i += 1) {
    if ((count[i - 1] as number) > 0) last = i - 1;
    if (last >= 0 && last >= i - width) newest[i] = last;
  }
  return newest;
}

function oldestBuckets({ count }: PastBuckets, width: number): Int32Array {
  const oldest = new Int32Array(count.length + 1).fill(-1);
  let first = 0;
  for (let i = 1; i < oldest.length; i += 1) {
    first = Math.max(first, i - width);
    while (first < i && count[first] === 0) first += 1;
    if (first < i) oldest[i] = first;
  }
  return oldest;
}

/** The candidates of a window, the best first; each is better than all that come behind it. */
function slidingExtremes(buckets: PastBuckets, width: number, which: 'min' | 'max'): Float64Array {
  const column = buckets[which];
  const extremes = new Float64Array(column.length + 1).fill(NaN);
  const candidates: number[] = [];
  let head = 0;
  for (let i = 1; i < extremes.length; i += 1) {
    const value = column[i - 1] as number;
    if ((buckets.count[i - 1] as number) > 0 && !Number.isNaN(value)) {
      while (candidates.length > head) {
        const last = column[candidates.at(-1) as number] as number;
        if (which === 'min' ? last < value : last > value) break;
        candidates.pop();
      }
      candidates.push(i - 1);
    }
    while (head < candidates.length && (candidates[head] as number) < i - width) head += 1;
    if (head < candidates.length) extremes[i] = column[candidates[head] as number] as number;
  }
  return extremes;
}
