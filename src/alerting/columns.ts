/** What a window holds, series by series, and what that makes of groups. Pure arithmetic. */
import type { RuleAggregation } from '../model/alert.js';
import { PACKET_LOSS_METRIC } from '../query/packet-loss.js';
import type { AggregateGroup, SampleRows } from '../storage/ports.js';
import type { Selection, SeriesBook } from './series-book.js';

/** Of each slot of a book: what the window holds of the series. `count` is 0 where it holds nothing. */
export interface Totals {
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** NaN where it is no counter, or nobody asked. */
  readonly increase: Float64Array;
  readonly firstMs: Float64Array;
  readonly lastMs: Float64Array;
}

/** Of each slot the newest sample; the time is NaN where there is none. */
export interface Newest {
  readonly value: Float64Array;
  readonly timeMs: Float64Array;
}

/** One value for each group of a selection, NaN where there is no data, and the time of its newest sample, NaN where there is none. */
export interface GroupValues {
  readonly values: Float64Array;
  readonly newestMs: Float64Array;
}

/** How often the columns take a breath: `breathe` is awaited between so many rows. */
const ROWS_AT_ONCE = 2_000;

/** `answer` is grouped by series, in one bucket. Series the book does not know are passed over. */
export async function totalsOf(answer: readonly AggregateGroup[], book: SeriesBook, breathe: () => Promise<void>): Promise<Totals> {
  const column = (fill = 0): Float64Array => new Float64Array(book.size).fill(fill);
  const totals = {
    count: column(),
    sum: column(),
    min: column(),
    max: column(),
    increase: column(NaN),
    firstMs: column(NaN),
    lastMs: column(NaN),
  };
  for (const [i, group] of answer.entries()) {
    if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await breathe();
    const slot = book.slotOf(Number(group.labels[0]));
    if (slot === undefined) continue;
    totals.count[slot] = group.count[0] ?? 0;
    totals.sum[slot] = group.sum[0] ?? NaN;
    totals.min[slot] = group.min[0] ?? NaN;
    totals.max[slot] = group.max[0] ?? NaN;
    totals.increase[slot] = group.increase?.[0] ?? NaN;
    totals.firstMs[slot] = group.firstMs;
    totals.lastMs[slot] = group.lastMs;
  }
  return totals;
}

export function newestOf(rows: SampleRows, book: SeriesBook): Newest {
  const newest = { value: new Float64Array(book.size), timeMs: new Float64Array(book.size).fill(NaN) };
  for (const [row, index] of rows.seriesIndex.entries()) {
    const slot = book.slotOf(rows.series[index]?.id ?? 0);
    if (slot === undefined) continue;
    newest.value[slot] = rows.values[row] ?? NaN;
    newest.timeMs[slot] = rows.timestampsMs[row] ?? NaN;
  }
  return newest;
}

/** The newest value of each group's series. */
export function lastValues(selection: Selection, { value, timeMs }: Newest, metricName: string): GroupValues {
  const result = emptyValues(selection);
  for (const [i, { slot }] of selection.series.entries()) {
    const group = selection.groupOf[i] as number;
    const atMs = timeMs[slot] as number;
    // NaN is neither above nor below: the first one counts.
    if (Number.isNaN(atMs) || atMs < (result.newestMs[group] as number)) continue;
    result.newestMs[group] = atMs;
    result.values[group] = readLoss(metricName, value[slot] as number);
  }
  return result;
}

/** What all samples of each group's series amount to. Not for percentiles and `last`. */
export function aggregateValues(selection: Selection, totals: Totals, aggregation: RuleAggregation, metricName: string): GroupValues {
  const groups = emptySums(selection.groups.length);
  const { series, groupOf } = selection;
  for (let i = 0; i < series.length; i += 1) {
    const slot = (series[i] as Selection['series'][number]).slot;
    const count = totals.count[slot] as number;
    if (count === 0) continue;
    const group = groupOf[i] as number;
    const max = totals.max[slot] as number;
    const scale = lossScale(metricName, max);
    const isFirst = groups.count[group] === 0;
    (groups.count[group] as number) += count;
    (groups.sum[group] as number) += (totals.sum[slot] as number) / scale;
    const min = totals.min[slot] as number;
    const scaledMin = min / lossScale(metricName, min);
    if (isFirst || scaledMin < (groups.min[group] as number)) groups.min[group] = scaledMin;
    if (isFirst || max / scale > (groups.max[group] as number)) groups.max[group] = max / scale;
    const increase = totals.increase[slot] as number;
    if (!Number.isNaN(increase))
      groups.increase[group] = (Number.isNaN(groups.increase[group]) ? 0 : (groups.increase[group] as number)) + increase;
    if (isFirst || (totals.firstMs[slot] as number) < (groups.firstMs[group] as number))
      groups.firstMs[group] = totals.firstMs[slot] as number;
    if (isFirst || (totals.lastMs[slot] as number) > (groups.lastMs[group] as number)) groups.lastMs[group] = totals.lastMs[slot] as number;
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

function emptySums(length: number): Totals {
  const column = (fill: number): Float64Array => new Float64Array(length).fill(fill);
  return {
    count: column(0),
    sum: column(0),
    min: column(NaN),
    max: column(NaN),
    increase: column(NaN),
    firstMs: column(NaN),
    lastMs: column(NaN),
  };
}

function valueOf(groups: Totals, group: number, aggregation: RuleAggregation): number {
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
    case 'rate': {
      // One sample says nothing of what came before it.
      const coveredMs = (groups.lastMs[group] as number) - (groups.firstMs[group] as number);
      if (coveredMs <= 0) return NaN;
      const increase = groups.increase[group] as number;
      return aggregation === 'increase' ? increase : (increase * 1_000) / coveredMs;
    }
    default:
      return NaN;
  }
}
