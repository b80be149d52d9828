/**
 * Folds series columns, and rows that were folded before (rollups), into groups of buckets. Pure arithmetic: per series the
 * input comes ascending in time, in as many pieces as there are windows; a bucket may span pieces. The unit of work is
 * a run — the samples of one series in one bucket, folded in local variables and added to the group's row once — and
 * only what the query wants is computed.
 */
import type { AggregateGroup, AggregateWants } from '../../model/aggregate.js';
import type { SeriesInfo, TimeRange } from '../../model/metric.js';
import { stepBetween } from './column.js';
import { commonTags } from './group-labels.js';
import { AggregateBudget, GroupRows } from './group-rows.js';
import type { Grouping } from './grouping.js';
import type { PartialAggregate, PartialGroup } from './partial-aggregate.js';
import { endWithin, firstWithin, type RollupRow, type SampleFold } from './sample-fold.js';

export { AggregateLimitError } from './group-rows.js';

/** Buckets one answer may hold, over all its groups: keeps a query's memory within about 500 MB. */
export const MAX_BUCKETS = 5_000_000;

/** Samples that percentiles are computed of, over all groups: they are all kept until the end, for the same reason. */
export const MAX_PERCENTILE_VALUES = 5_000_000;

interface Group {
  readonly labels: readonly (string | null)[];
  readonly rows: GroupRows;
  readonly members: SeriesInfo[];
  firstMs: number;
  lastMs: number;
}

export class Aggregator implements SampleFold<PartialAggregate> {
  private readonly groups: readonly Group[];
  private readonly groupOf: Uint32Array;
  /** Per slot: 1 once it held a sample. */
  private readonly seen: Uint8Array;
  /** Per slot, when means are wanted: the bucket whose mean is being taken. It may go on in the next piece. */
  private readonly openBucket: Float64Array;
  private readonly openCount: Float64Array;
  private readonly openSum: Float64Array;
  /** Per slot, when increases are wanted: the value before; NaN before the first, which is neither a step up nor a reset. */
  private readonly previous: Float64Array;
  /** And the first value, with its bucket, for whoever adds this to what came before. */
  private readonly firstValue: Float64Array;
  private readonly firstBucket: Float64Array;

  constructor(
    private readonly series: readonly SeriesInfo[],
    private readonly range: TimeRange,
    private readonly stepMs: number | null,
    { labels, groupOf }: Grouping,
    private readonly wants: AggregateWants = {},
  ) {
    this.seen = new Uint8Array(series.length);
    const openSlots = wants.sumOfMeans === true ? series.length : 0;
    this.openBucket = new Float64Array(openSlots).fill(Number.NaN);
    this.openCount = new Float64Array(openSlots);
    this.openSum = new Float64Array(openSlots);
    const stepSlots = wants.increase === true ? series.length : 0;
    this.previous = new Float64Array(stepSlots).fill(Number.NaN);
    this.firstValue = new Float64Array(stepSlots).fill(Number.NaN);
    this.firstBucket = new Float64Array(stepSlots).fill(Number.NaN);
    const budget = new AggregateBudget(MAX_BUCKETS, MAX_PERCENTILE_VALUES);
    this.groupOf = groupOf;
    this.groups = labels.map((ofGroup) => ({
      labels: ofGroup,
      rows: new GroupRows(wants, budget),
      members: [],
      firstMs: Number.POSITIVE_INFINITY,
      lastMs: Number.NEGATIVE_INFINITY,
    }));
  }

  /**
   * Adds rows `from` to `to` (exclusive) of one series, ascending in time and behind everything that was added of this
   * series before; those outside the range are passed over.
   * @throws AggregateLimitError
   */
  add(slot: number, timestampsMs: Float64Array, values: Float64Array, from: number, to: number): void {
    const { stepMs, range } = this;
    let start = firstWithin(range, timestampsMs, from, to);
    const end = endWithin(range, timestampsMs, start, to);
    if (start >= end) return;
    const group = this.holds(slot, timestampsMs[start] as number, timestampsMs[end - 1] as number);
    const { rows } = group;
    const withNumbers = this.wants.countsOnly !== true;
    const withMeans = this.wants.sumOfMeans === true;
    const withIncrease = this.countsUp(slot);
    const withValues = this.wants.percentiles !== undefined;
    let length = 0;
    while (start < end) {
      const bucket = this.bucketOf(timestampsMs[start] as number);
      // The run is probably as long as the one before.
      const stop = stepMs === null ? end : runEnd(timestampsMs, start, end, bucket + stepMs, start + length);
      length = stop - start;
      let sum = 0;
      let min = Number.POSITIVE_INFINITY;
      let max = Number.NEGATIVE_INFINITY;
      for (let i = withNumbers ? start : stop; i < stop; i += 1) {
        const value = values[i] as number;
        sum += value;
        if (value < min) min = value;
        if (value > max) max = value;
      }
      if (withMeans) this.addToMean(slot, rows, bucket, length, sum);
      const row = rows.rowOf(bucket);
      if (withNumbers) rows.add(row, length, sum, min, max);
      else rows.add(row, length, 0, 0, 0);
      if (withIncrease) {
        this.comesIn(slot, bucket, values[start] as number);
        rows.addIncrease(row, this.stepsOf(slot, values, start, stop));
      }
      if (withValues) rows.keep(bucket, values, start, stop);
      start = stop;
    }
  }

  /**
   * Adds samples of one series that were folded before, in time behind everything that was added of this series before.
   * All of them must lie in the range and in the bucket that holds `startMs`: the caller has seen to it that the step is
   * a multiple of the rollup's and that the range cuts none. The step from the series' previous value to `row.first`
   * counts as between samples. Percentiles cannot be told from rollups and must not be wanted.
   * @throws AggregateLimitError
   */
  addRollup(slot: number, startMs: number, row: RollupRow): void {
    if (this.wants.percentiles !== undefined) throw new Error('percentiles cannot be computed from rollups');
    const { rows } = this.holds(slot, row.firstMs, row.lastMs);
    const bucket = this.bucketOf(startMs);
    if (this.wants.sumOfMeans === true) this.addToMean(slot, rows, bucket, row.count, row.sum);
    const at = rows.rowOf(bucket);
    if (this.wants.countsOnly === true) rows.add(at, row.count, 0, 0, 0);
    else rows.add(at, row.count, row.sum, row.min, row.max);
    if (this.countsUp(slot)) {
      this.comesIn(slot, bucket, row.first);
      rows.addIncrease(at, stepBetween(this.previous[slot] as number, row.first) + row.increase);
      this.previous[slot] = row.last;
    }
  }

  /**
   * All that was added so far, to be added to another aggregator of the same question about the same series. Only of
   * stretches that begin and end between buckets, or lie in one bucket; percentiles must not be wanted.
   */
  partial(): PartialAggregate {
    if (this.wants.percentiles !== undefined) throw new Error('percentiles cannot be told in parts');
    const slots = new Uint32Array(this.seen.reduce((sum, seen) => sum + seen, 0));
    for (let slot = 0, found = 0; slot < this.seen.length; slot += 1) if (this.seen[slot] === 1) slots[found++] = slot;
    const of = (column: Float64Array): Float64Array => Float64Array.from(slots, (slot) => column[slot] as number);
    const symbolic = (bucketsMs: Float64Array): Float64Array => (this.stepMs === null ? bucketsMs.fill(Number.NaN) : bucketsMs);
    const groups = this.groups.flatMap(({ rows, firstMs, lastMs }, group): PartialGroup[] => {
      if (firstMs > lastMs) return [];
      const { bucketsMs, cells } = rows.rows();
      return [{ group, bucketsMs: symbolic(bucketsMs), cells, firstMs, lastMs }];
    });
    const means =
      this.wants.sumOfMeans === true
        ? { bucketsMs: symbolic(of(this.openBucket)), counts: of(this.openCount), sums: of(this.openSum) }
        : null;
    const steps =
      this.wants.increase === true
        ? { bucketsMs: symbolic(of(this.firstBucket)), first: of(this.firstValue), last: of(this.previous) }
        : null;
    const columns = (means === null ? 0 : 3) + (steps === null ? 0 : 3);
    const cellBytes = groups.reduce((sum, { bucketsMs, cells }) => sum + bucketsMs.byteLength + cells.byteLength + 200, 0);
    return { groups, slots, means, steps, byteCount: cellBytes + slots.byteLength + 8 * columns * slots.length };
  }

  /**
   * Adds a stretch of time behind everything that was added of its series before; all of it must lie in the range.
   * @throws AggregateLimitError
   */
  addPartial({ groups, slots, means, steps }: PartialAggregate): void {
    const only = this.range.startMs;
    for (const { group, bucketsMs, cells, firstMs, lastMs } of groups) {
      const own = this.groups[group] as Group;
      own.rows.addRows(bucketsMs, cells, only);
      if (firstMs < own.firstMs) own.firstMs = firstMs;
      if (lastMs > own.lastMs) own.lastMs = lastMs;
    }
    const bucketAt = (bucketsMs: Float64Array, i: number): number => (this.stepMs === null ? only : (bucketsMs[i] as number));
    for (let i = 0; i < slots.length; i += 1) {
      const slot = slots[i] as number;
      this.seen[slot] = 1;
      if (means === null && steps === null) continue;
      const { rows } = this.groupAt(slot);
      if (means !== null) this.addToMean(slot, rows, bucketAt(means.bucketsMs, i), means.counts[i] as number, means.sums[i] as number);
      if (steps === null || !this.countsUp(slot)) continue;
      const bucket = bucketAt(steps.bucketsMs, i);
      const first = steps.first[i] as number;
      this.comesIn(slot, bucket, first);
      rows.addIncrease(rows.rowOf(bucket), stepBetween(this.previous[slot] as number, first));
      this.previous[slot] = steps.last[i] as number;
    }
  }

  /** Groups that hold samples, in the order in which their first series was given. To be called once, at the end. */
  result(): AggregateGroup[] {
    for (const [slot, info] of this.series.entries()) {
      if (this.seen[slot] === 0) continue;
      const group = this.groupAt(slot);
      group.members.push(info);
      if (this.wants.sumOfMeans === true) this.closeMean(slot, group.rows);
    }
    return this.groups.filter((group) => group.members.length > 0).map(toAnswer);
  }

  private groupAt(slot: number): Group {
    return this.groups[this.groupOf[slot] as number] as Group;
  }

  private bucketOf(timeMs: number): number {
    return this.stepMs === null ? this.range.startMs : Math.floor(timeMs / this.stepMs) * this.stepMs;
  }

  private countsUp(slot: number): boolean {
    return this.wants.increase === true && (this.series[slot] as SeriesInfo).type === 'counter';
  }

  /** Remembers the first value of a counter. */
  private comesIn(slot: number, bucket: number, value: number): void {
    if (!Number.isNaN(this.firstBucket[slot])) return;
    this.firstBucket[slot] = bucket;
    this.firstValue[slot] = value;
  }

  private holds(slot: number, firstMs: number, lastMs: number): Group {
    const group = this.groupAt(slot);
    this.seen[slot] = 1;
    if (firstMs < group.firstMs) group.firstMs = firstMs;
    if (lastMs > group.lastMs) group.lastMs = lastMs;
    return group;
  }

  private addToMean(slot: number, rows: GroupRows, bucket: number, count: number, sum: number): void {
    if (this.openBucket[slot] !== bucket) {
      this.closeMean(slot, rows);
      this.openBucket[slot] = bucket;
      this.openCount[slot] = 0;
      this.openSum[slot] = 0;
    }
    (this.openCount[slot] as number) += count;
    (this.openSum[slot] as number) += sum;
  }

  private closeMean(slot: number, rows: GroupRows): void {
    const count = this.openCount[slot] as number;
    if (count > 0) rows.addMean(rows.rowOf(this.openBucket[slot] as number), (this.openSum[slot] as number) / count);
  }

  private stepsOf(slot: number, values: Float64Array, from: number, to: number): number {
    let previous = this.previous[slot] as number;
    let increase = 0;
    for (let i = from; i < to; i += 1) {
      const value = values[i] as number;
      increase += stepBetween(previous, value);
      previous = value;
    }
    this.previous[slot] = previous;
    return increase;
  }
}

/** The end of the run that begins at `from` and ends before `beforeMs`, looked for from a guess on. */
function runEnd(timestampsMs: Float64Array, from: number, to: number, beforeMs: number, guess: number): number {
  let end = Math.min(Math.max(guess, from + 1), to);
  while (end > from + 1 && (timestampsMs[end - 1] as number) >= beforeMs) end -= 1;
  while (end < to && (timestampsMs[end] as number) < beforeMs) end += 1;
  return end;
}

function toAnswer({ labels, rows, members, firstMs, lastMs }: Group): AggregateGroup {
  const unit = members[0]?.unit ?? null;
  return {
    labels,
    seriesCount: members.length,
    agentCount: new Set(members.map((info) => info.agentId)).size,
    unit: members.every((info) => info.unit === unit) ? unit : null,
    commonTagsJson: commonTags(members),
    uniqueNames: new Set(members.map((info) => info.name)).size,
    ...rows.columns(),
    firstMs,
    lastMs,
  };
}
