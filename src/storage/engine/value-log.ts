/**
 * The values of one group, kept for its percentiles: one column in the order they came, and which run of it belongs to which
 * bucket. At the end the runs are brought together and each bucket is sorted. A list per bucket was rejected: a bucket
 * often holds a single value, and a million small arrays cost many times what is in them.
 */
export class ValueLog {
  private values = new Float64Array(16);
  private count = 0;
  private readonly runBucketsMs: number[] = [];
  private readonly runEnds: number[] = [];

  add(bucketMs: number, values: Float64Array, from: number, to: number): void {
    const end = this.count + to - from;
    if (end > this.values.length) {
      const larger = new Float64Array(Math.max(end, 2 * this.values.length));
      larger.set(this.values);
      this.values = larger;
    }
    for (let i = from; i < to; i += 1) this.values[this.count++] = values[i] as number;
    const last = this.runEnds.length - 1;
    if (this.runBucketsMs[last] === bucketMs) {
      this.runEnds[last] = end;
    } else {
      this.runBucketsMs.push(bucketMs);
      this.runEnds.push(end);
    }
  }

  /** One column per percentile. `bucketsMs` and `counts` are the group's buckets: all that were added, and no others. */
  percentiles(wanted: readonly number[], bucketsMs: Float64Array, counts: Float64Array): Float64Array[] {
    const columns = wanted.map(() => new Float64Array(bucketsMs.length));
    const byBucket = this.broughtTogether(bucketsMs, counts);
    let start = 0;
    for (let row = 0; row < bucketsMs.length; row += 1) {
      const end = start + (counts[row] as number);
      const sorted = byBucket.subarray(start, end).sort();
      for (const [i, column] of columns.entries()) column[row] = percentileOf(sorted, wanted[i] as number);
      start = end;
    }
    return columns;
  }

  private broughtTogether(bucketsMs: Float64Array, counts: Float64Array): Float64Array {
    const rowOf = new Map<number, number>();
    const next = new Float64Array(bucketsMs.length);
    let total = 0;
    for (let row = 0; row < bucketsMs.length; row += 1) {
      rowOf.set(bucketsMs[row] as number, row);
      next[row] = total;
      total += counts[row] as number;
    }
    const byBucket = new Float64Array(total);
    let from = 0;
    for (let run = 0; run < this.runEnds.length; run += 1) {
      const to = this.runEnds[run] as number;
      const row = rowOf.get(this.runBucketsMs[run] as number) as number;
      let at = next[row] as number;
      for (let i = from; i < to; i += 1) byBucket[at++] = this.values[i] as number;
      next[row] = at;
      from = to;
    }
    return byBucket;
  }
}

/** Linear interpolation between the closest ranks of an ascending, not empty column. */
function percentileOf(sorted: Float64Array, percentile: number): number {
  const rank = ((sorted.length - 1) * percentile) / 100;
  const lower = Math.floor(rank);
  const value = sorted[lower] as number;
  return lower + 1 < sorted.length ? value + (rank - lower) * ((sorted[lower + 1] as number) - value) : value;
}
