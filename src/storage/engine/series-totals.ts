/**
 * What a range holds of each series by itself, in one bucket. The same arithmetic as Aggregator's by series, without a group, its rows
 * and its labels for each of a hundred thousand series: columns are all there is.
 */
import type { SeriesTotals } from '../../model/aggregate.js';
import type { SeriesInfo, TimeRange } from '../../model/metric.js';
import { MAX_PERCENTILE_VALUES } from './aggregate.js';
import { stepBetween } from './column.js';
import { AggregateBudget } from './group-rows.js';
import { endWithin, firstWithin, type FoldPart, type RollupRow, type SampleFold } from './sample-fold.js';
import { ValueLog } from './value-log.js';

type Columns = { readonly [Name in keyof RollupRow]: Float64Array };

/** Rows of the series that hold samples, `slots` naming them. */
export interface TotalsPart extends FoldPart {
  readonly slots: Uint32Array;
  readonly columns: Columns;
}

export class SeriesTotalsFold implements SampleFold<TotalsPart> {
  /** Per slot; 0 samples: nothing else is said of it. */
  private readonly columns: Columns;
  private readonly valueLog: ValueLog | null;
  private readonly budget = new AggregateBudget(Number.POSITIVE_INFINITY, MAX_PERCENTILE_VALUES);
  private readonly row = { count: 0, sum: 0, min: 0, max: 0, first: 0, last: 0, firstMs: 0, lastMs: 0, increase: 0 };

  constructor(
    private readonly series: readonly SeriesInfo[],
    private readonly range: TimeRange,
    private readonly percentiles: readonly number[] | null = null,
  ) {
    this.columns = columnsOf(() => new Float64Array(series.length));
    this.valueLog = percentiles === null ? null : new ValueLog();
  }

  add(slot: number, timestampsMs: Float64Array, values: Float64Array, from: number, to: number): void {
    const start = firstWithin(this.range, timestampsMs, from, to);
    const end = endWithin(this.range, timestampsMs, start, to);
    if (start >= end) return;
    if (this.valueLog !== null) {
      this.budget.takeValues(end - start);
      this.valueLog.add(slot, values, start, end);
    }
    let sum = 0;
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = start; i < end; i += 1) {
      const value = values[i] as number;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    let increase = 0;
    if (this.series[slot]?.type === 'counter') {
      for (let i = start + 1; i < end; i += 1) increase += stepBetween(values[i - 1] as number, values[i] as number);
    }
    const { row } = this;
    row.count = end - start;
    row.sum = sum;
    row.min = min;
    row.max = max;
    row.first = values[start] as number;
    row.last = values[end - 1] as number;
    row.firstMs = timestampsMs[start] as number;
    row.lastMs = timestampsMs[end - 1] as number;
    row.increase = increase;
    this.put(slot, row);
  }

  /** Percentiles cannot be told from rollups and must not be wanted. */
  addRollup(slot: number, _startMs: number, row: RollupRow): void {
    if (this.percentiles !== null) throw new Error('percentiles cannot be computed from rollups');
    this.put(slot, row);
  }

  /** Percentiles must not be wanted. */
  partial(): TotalsPart {
    if (this.percentiles !== null) throw new Error('percentiles cannot be told in parts');
    const { columns } = this;
    const slots = this.held();
    const part = columnsOf((name) => Float64Array.from(slots, (slot) => columns[name][slot] as number));
    return { slots, columns: part, byteCount: slots.byteLength + NAMES.length * 8 * slots.length };
  }

  addPartial({ slots, columns }: TotalsPart): void {
    const { row } = this;
    for (const [i, slot] of slots.entries()) {
      for (const name of NAMES) row[name] = columns[name][i] as number;
      this.put(slot, row);
    }
  }

  /** Series that hold samples, in the order in which they were given. To be called once, at the end. */
  result(): SeriesTotals {
    const slots = this.held();
    const { columns } = this;
    const of = (column: Float64Array): Float64Array => Float64Array.from(slots, (slot) => column[slot] as number);
    const count = of(columns.count);
    return {
      seriesIds: Float64Array.from(slots, (slot) => (this.series[slot] as SeriesInfo).id),
      count,
      sum: of(columns.sum),
      min: of(columns.min),
      max: of(columns.max),
      last: of(columns.last),
      increase: Float64Array.from(slots, (slot) =>
        this.series[slot]?.type === 'counter' ? (columns.increase[slot] as number) : Number.NaN,
      ),
      firstMs: of(columns.firstMs),
      lastMs: of(columns.lastMs),
      percentiles: this.valueLog?.percentiles(this.percentiles ?? [], Float64Array.from(slots), count) ?? [],
    };
  }

  /** Slots that hold samples, ascending. */
  private held(): Uint32Array {
    const { count } = this.columns;
    const slots = new Uint32Array(count.reduce((sum, samples) => sum + Number(samples > 0), 0));
    for (let slot = 0, found = 0; slot < count.length; slot += 1) if ((count[slot] as number) > 0) slots[found++] = slot;
    return slots;
  }

  private put(slot: number, row: RollupRow): void {
    const { count, sum, min, max, first, last, firstMs, lastMs, increase } = this.columns;
    const isFirst = count[slot] === 0;
    (count[slot] as number) += row.count;
    (sum[slot] as number) += row.sum;
    if (isFirst || row.min < (min[slot] as number)) min[slot] = row.min;
    if (isFirst || row.max > (max[slot] as number)) max[slot] = row.max;
    if (isFirst) {
      first[slot] = row.first;
      firstMs[slot] = row.firstMs;
      increase[slot] = row.increase;
    } else (increase[slot] as number) += stepBetween(last[slot] as number, row.first) + row.increase;
    last[slot] = row.last;
    lastMs[slot] = row.lastMs;
  }
}

const NAMES = ['count', 'sum', 'min', 'max', 'first', 'last', 'firstMs', 'lastMs', 'increase'] as const;

function columnsOf(make: (name: keyof RollupRow) => Float64Array): Columns {
  return {
    count: make('count'),
    sum: make('sum'),
    min: make('min'),
    max: make('max'),
    first: make('first'),
    last: make('last'),
    firstMs: make('firstMs'),
    lastMs: make('lastMs'),
    increase: make('increase'),
  };
}
