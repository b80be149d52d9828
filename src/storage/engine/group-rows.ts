/**
 * One group's buckets while samples are folded into them: rows kept ascending in time, each a few neighbouring numbers.
 * Samples come nearly in the order of time, so that the row wanted is almost always the last one found or its successor;
 * a map from bucket to row costs more than all the arithmetic. A row's index is only valid until the next row is made.
 */
import type { AggregateWants } from '../../model/aggregate.js';
import { ValueLog } from './value-log.js';

/** The cells of a row; the mean's and the increase's follow when they are wanted. */
const COUNT = 0;
const SUM = 1;
const MIN = 2;
const MAX = 3;

/** What one query may still use up, over all its groups. */
export class AggregateBudget {
  private buckets = 0;
  private values = 0;

  constructor(
    private readonly maxBuckets: number,
    private readonly maxValues: number,
  ) {}

  /** @throws AggregateLimitError */
  takeBucket(): void {
    this.buckets += 1;
    if (this.buckets > this.maxBuckets) {
      throw new AggregateLimitError(
        `the answer would hold more than ${this.maxBuckets} buckets; ask for a longer interval, a shorter range or fewer groups`,
      );
    }
  }

  /** @throws AggregateLimitError */
  takeValues(count: number): void {
    this.values += count;
    if (this.values > this.maxValues) {
      throw new AggregateLimitError(
        `percentiles of more than ${this.maxValues} samples are not computed; ask for a shorter range or fewer series`,
      );
    }
  }
}

/** The query asks for more than one answer may hold. The message says what to ask instead. */
export class AggregateLimitError extends Error {
  override readonly name = 'AggregateLimitError';
}

export class GroupRows {
  private length = 0;
  private latest = 0;
  private bucketsMs: Float64Array = new Float64Array(2);
  private cells: Float64Array;
  private readonly width: number;
  private readonly meanCell: number;
  private readonly increaseCell: number;
  private readonly valueLog: ValueLog | null;

  constructor(
    private readonly wants: AggregateWants,
    private readonly budget: AggregateBudget,
  ) {
    this.meanCell = MAX + 1;
    this.increaseCell = this.meanCell + (wants.sumOfMeans === true ? 1 : 0);
    this.width = this.increaseCell + (wants.increase === true ? 1 : 0);
    this.cells = new Float64Array(2 * this.width);
    this.valueLog = wants.percentiles === undefined ? null : new ValueLog();
  }

  /**
   * The bucket's row, made when there is none yet.
   * @throws AggregateLimitError
   */
  rowOf(bucketMs: number): number {
    const { latest, bucketsMs } = this;
    if (latest < this.length) {
      if (bucketsMs[latest] === bucketMs) return latest;
      if (latest + 1 < this.length && bucketsMs[latest + 1] === bucketMs) return (this.latest = latest + 1);
    }
    return (this.latest = this.search(bucketMs));
  }

  add(row: number, count: number, sum: number, min: number, max: number): void {
    const { cells } = this;
    const at = row * this.width;
    (cells[at + COUNT] as number) += count;
    (cells[at + SUM] as number) += sum;
    if (min < (cells[at + MIN] as number)) cells[at + MIN] = min;
    if (max > (cells[at + MAX] as number)) cells[at + MAX] = max;
  }

  addMean(row: number, mean: number): void {
    (this.cells[row * this.width + this.meanCell] as number) += mean;
  }

  addIncrease(row: number, increase: number): void {
    const at = row * this.width + this.increaseCell;
    const known = this.cells[at] as number;
    this.cells[at] = Number.isNaN(known) ? increase : known + increase;
  }

  /**
   * Keeps the values from `from` to `to` for the percentiles.
   * @throws AggregateLimitError
   */
  keep(bucketMs: number, values: Float64Array, from: number, to: number): void {
    this.budget.takeValues(to - from);
    this.valueLog?.add(bucketMs, values, from, to);
  }

  /** Starts of the buckets so far, ascending, and their cells: copies. */
  rows(): { bucketsMs: Float64Array; cells: Float64Array } {
    return { bucketsMs: this.bucketsMs.slice(0, this.length), cells: this.cells.slice(0, this.length * this.width) };
  }

  /**
   * Adds rows of another group of the same question; a bucket that is NaN is `bucketMs`. Values are not among them.
   * @throws AggregateLimitError
   */
  addRows(bucketsMs: Float64Array, cells: Float64Array, bucketMs: number): void {
    const { width, meanCell, increaseCell, wants } = this;
    for (let i = 0; i < bucketsMs.length; i += 1) {
      const start = bucketsMs[i] as number;
      const row = this.rowOf(Number.isNaN(start) ? bucketMs : start);
      const at = i * width;
      this.add(row, cells[at + COUNT] as number, cells[at + SUM] as number, cells[at + MIN] as number, cells[at + MAX] as number);
      if (wants.sumOfMeans === true) this.addMean(row, cells[at + meanCell] as number);
      if (wants.increase !== true) continue;
      const increase = cells[at + increaseCell] as number;
      if (!Number.isNaN(increase)) this.addIncrease(row, increase);
    }
  }

  /** The columns, one row per bucket. */
  columns() {
    const { wants, valueLog } = this;
    const bucketsMs = this.bucketsMs.slice(0, this.length);
    const count = this.column(COUNT);
    return {
      bucketsMs,
      count,
      sum: this.column(SUM),
      min: this.column(MIN),
      max: this.column(MAX),
      ...(wants.sumOfMeans === true && { sumOfMeans: this.column(this.meanCell) }),
      ...(wants.increase === true && { increase: this.column(this.increaseCell) }),
      ...(valueLog !== null && { percentiles: valueLog.percentiles(wants.percentiles ?? [], bucketsMs, count) }),
    };
  }

  private column(cell: number): Float64Array {
    const column = new Float64Array(this.length);
    for (let row = 0; row < column.length; row += 1) column[row] = this.cells[row * this.width + cell] as number;
    return column;
  }

  private search(bucketMs: number): number {
    let low = 0;
    let high = this.length;
    if (high > 0 && (this.bucketsMs[high - 1] as number) < bucketMs) low = high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.bucketsMs[middle] as number) < bucketMs) low = middle + 1;
      else high = middle;
    }
    if (low === this.length || this.bucketsMs[low] !== bucketMs) this.insert(low, bucketMs);
    return low;
  }

  private insert(row: number, bucketMs: number): void {
    this.budget.takeBucket();
    const { width } = this;
    if (this.length === this.bucketsMs.length) {
      this.bucketsMs = resized(this.bucketsMs, 2 * this.length);
      this.cells = resized(this.cells, 2 * this.length * width);
    }
    if (row < this.length) {
      this.bucketsMs.copyWithin(row + 1, row, this.length);
      this.cells.copyWithin((row + 1) * width, row * width, this.length * width);
    }
    this.length += 1;
    this.bucketsMs[row] = bucketMs;
    const at = row * width;
    this.cells.fill(0, at, at + width);
    this.cells[at + MIN] = Number.POSITIVE_INFINITY;
    this.cells[at + MAX] = Number.NEGATIVE_INFINITY;
    if (this.wants.increase === true) this.cells[at + this.increaseCell] = Number.NaN;
  }
}

function resized(column: Float64Array, length: number): Float64Array {
  const larger = new Float64Array(length);
  larger.set(column);
  return larger;
}
