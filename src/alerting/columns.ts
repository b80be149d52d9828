/** What a window holds, series by series, and what that makes of groups. Pure arithmetic. */
import type { RuleAggregation } from '../model/alert.js';
import { PACKET_LOSS_METRIC } from '../query/packet-loss.js';
import type { SeriesTotals } from '../storage/ports.js';
import type { Selection, SeriesBook } from './series-book.js';

/** What a window holds of a group's series together. `count` is 0 where it holds nothing. */
interface Sums {
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** NaN where none is a counter of which there are two samples: one says nothing of what came before it. */
  readonly increase: Float64Array;
  /** A second; of each series over the time between its own samples. */
  readonly rate: Float64Array;
  readonly lastMs: Float64Array;
}

/** What a window holds, by a book's slots. */
export interface Scan {
  readonly totals: SeriesTotals;
  /** Of each slot its row of the totals; −1 where the window holds nothing. */
  readonly rowOf: Int32Array;
}

/** One value for each group of a selection, NaN where there is no data, and the time of its newest sample, NaN where there is none. */
export interface GroupValues {
  readonly values: Float64Array;
  readonly newestMs: Float64Array;
}

/** Series the book does not know are passed over. */
export function scanOf(totals: SeriesTotals, book: SeriesBook): Scan {
  const rowOf = new Int32Array(book.size).fill(-1);
  for (const [row, id] of totals.seriesIds.entries()) {
    const slot = book.slotOf(id);
    if (slot !== undefined) rowOf[slot] = row;
  }
  return { totals, rowOf };
}

/** The newest value of each group's series. */
export function lastValues(selection: Selection, { totals, rowOf }: Scan, metricName: string): GroupValues {
  const result = emptyValues(selection);
  for (const [i, { slot }] of selection.series.entries()) {
    const row = rowOf[slot] as number;
    if (row === -1) continue;
    const group = selection.groupOf[i] as number;
    const atMs = totals.lastMs[row] as number;
    // NaN is neither above nor below: the first one counts.
    if (atMs < (result.newestMs[group] as number)) continue;
    result.newestMs[group] = atMs;
    result.values[group] = (totals.last[row] as number) / lossScale(metricName, totals.max[row] as number);
  }
  return result;
}

/** A percentile of groups that are one series each: column `column` of those that were asked for. */
export function percentileValues(selection: Selection, { totals, rowOf }: Scan, column: number, metricName: string): GroupValues {
  const result = emptyValues(selection);
  for (const [i, { slot }] of selection.series.entries()) {
    const row = rowOf[slot] as number;
    if (row === -1) continue;
    const group = selection.groupOf[i] as number;
    result.values[group] = (totals.percentiles[column]?.[row] ?? NaN) / lossScale(metricName, totals.max[row] as number);
    result.newestMs[group] = totals.lastMs[row] as number;
  }
  return result;
}

/** What all samples of each group's series amount to. Not for percentiles and `last`. */
export function aggregateValues(
  selection: Selection,
  { totals, rowOf }: Scan,
  aggregation: RuleAggregation,
  metricName: string,
): GroupValues {
  const groups = emptySums(selection.groups.length);
  const { series, groupOf } = selection;
  for (let i = 0; i < series.length; i += 1) {
    const row = rowOf[(series[i] as Selection['series'][number]).slot] as number;
    if (row === -1) continue;
    const group = groupOf[i] as number;
    const max = totals.max[row] as number;
    const scale = lossScale(metricName, max);
    const isFirst = groups.count[group] === 0;
    (groups.count[group] as number) += totals.count[row] as number;
    (groups.sum[group] as number) += (totals.sum[row] as number) / scale;
    const min = (totals.min[row] as number) / scale;
    if (isFirst || min < (groups.min[group] as number)) groups.min[group] = min;
    if (isFirst || max / scale > (groups.max[group] as number)) groups.max[group] = max / scale;
    const increase = totals.increase[row] as number;
    const lastMs = totals.lastMs[row] as number;
    const coveredMs = lastMs - (totals.firstMs[row] as number);
    if (coveredMs > 0 && !Number.isNaN(increase)) {
      addTo(groups.increase, group, increase);
      addTo(groups.rate, group, (increase * 1_000) / coveredMs);
    }
    if (isFirst || lastMs > (groups.lastMs[group] as number)) groups.lastMs[group] = lastMs;
  }
  const values = new Float64Array(selection.groups.length);
  for (let group = 0; group < values.length; group += 1) values[group] = valueOf(groups, group, aggregation);
  return { values, newestMs: groups.lastMs };
}

export function emptyValues(selection: Selection): GroupValues {
  const length = selection.groups.length;
  return { values: new Float64Array(length).fill(NaN), newestMs: new Float64Array(length).fill(NaN) };
}

/** A loss above 100 % comes from agents that report 33.33 % as 3333 (query/packet-loss.ts): it is read as hundredths. */
export function readLoss(metricName: string, value: number): number {
  return value / lossScale(metricName, value);
}

/** By what a series' loss is to be divided, told by the highest value: what is beside hundredths is zero, or hundredths too. */
export function lossScale(metricName: string, max: number): number {
  return metricName === PACKET_LOSS_METRIC && max > 100 ? 100 : 1;
}

function addTo(column: Float64Array, group: number, value: number): void {
  const known = column[group] as number;
  column[group] = Number.isNaN(known) ? value : known + value;
}

function emptySums(length: number): Sums {
  const column = (fill: number): Float64Array => new Float64Array(length).fill(fill);
  return {
    count: column(0),
    sum: column(0),
    min: column(NaN),
    max: column(NaN),
    increase: column(NaN),
    rate: column(NaN),
    lastMs: column(NaN),
  };
}

function valueOf(groups: Sums, group: number, aggregation: RuleAggregation): number {
  const count = groups.count[group] as number;
  if (count === 0) return NaN;
  switch (aggregation) {
    case 'avg':
      return (groups.sum[group] as number) / count;
    case 'sum':
      return groups.sum[group] as number;
    case 'min':
      return groups.min[group] as number;
    case 'max':
      return groups.max[group] as number;
    case 'count':
      return count;
    case 'increase':
      return groups.increase[group] as number;
    case 'rate':
      return groups.rate[group] as number;
    default:
      return NaN;
  }
}
