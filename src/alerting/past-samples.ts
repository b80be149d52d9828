/** The samples of the past in buckets, group by group, no more of them than can be looked at. */
import type { GroupKey } from '../model/aggregate.js';
import type { AlertRuleFields, MetricSubject } from '../model/alert.js';
import { AppError, isAppError } from '../model/errors.js';
import { addToList } from '../model/lists.js';
import type { TimeRange } from '../model/metric.js';
import type { AggregateGroup, AggregateQuery, MetricReader, SampleCursor } from '../storage/ports.js';
import { lossScale, readLoss } from './columns.js';
import { groupKeys, keyOfAnswer } from './groups.js';
import { percentileOf } from './observations.js';
import { emptyBuckets, type PastBuckets } from './past-windows.js';
import type { Selection, SeriesBook } from './series-book.js';

export type PastReader = Pick<MetricReader, 'aggregate' | 'samples' | 'series'>;

export type MetricRuleFields = AlertRuleFields & { readonly subject: MetricSubject };

/** How a stretch of the past is looked at. */
export interface Plan {
  readonly stepMs: number;
  readonly bucketMs: number;
  readonly windowMs: number;
  /** The first bucket, and how many there are. */
  readonly startMs: number;
  readonly length: number;
}

/** Of each group of a selection the buckets of all its series together; of increases and rates, those of each of its series. */
export type PastGroups = ReadonlyMap<number, readonly PastBuckets[]>;

const MAX_STEPS = 2_000;
/** Buckets of one group. */
const MAX_BUCKETS = 20_000;
/** Of all groups: some 50 bytes each. */
const MAX_CELLS = 1_000_000;
const MAX_SAMPLES = 300_000;
const SAMPLES_PAGE = 10_000;
/** What is left of old days has buckets of these widths. */
const ROLLUPS_MS = [0, 300_000, 3_600_000];

/** Of days whose samples are gone there are wider buckets only: then those are asked for. */
export async function readPast(
  reader: PastReader,
  rule: MetricRuleFields,
  range: TimeRange,
  selection: Selection,
  book: SeriesBook,
): Promise<{ plan: Plan; groups: PastGroups }> {
  let refusal: unknown = null;
  for (const leastMs of ROLLUPS_MS) {
    const plan = planOf(rule, range, isOfSeries(rule.subject) ? selection.series.length : selection.groups.length, leastMs);
    try {
      const isLast = rule.subject.aggregation === 'last';
      return {
        plan,
        groups: isLast ? await readSamples(reader, rule, plan, selection, book) : await readBuckets(reader, rule, plan, selection, book),
      };
    } catch (error) {
      if (!isAppError(error) || error.code !== 'validation_failed') throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

function planOf({ subject, intervalMs }: MetricRuleFields, range: TimeRange, groups: number, leastBucketMs: number): Plan {
  const lengthMs = range.endMs - range.startMs;
  const mostSteps = Math.max(Math.min(MAX_STEPS, Math.floor(MAX_CELLS / Math.max(groups, 1))), 1);
  const upTo = (ms: number, unitMs: number): number => Math.max(Math.ceil(ms / unitMs), 1) * unitMs;
  let stepMs = upTo(Math.max(lengthMs / mostSteps, leastBucketMs), intervalMs);
  if (leastBucketMs > 0) stepMs = upTo(stepMs, leastBucketMs);
  let bucketMs = greatestCommonDivisor(stepMs, subject.windowMs);
  const mostBuckets = Math.min(MAX_BUCKETS, Math.max(mostSteps, Math.floor(MAX_CELLS / Math.max(groups, 1))));
  if (percentileOf(subject.aggregation) !== null) {
    bucketMs = upTo(subject.windowMs, Math.max(leastBucketMs, 1));
    stepMs = upTo(stepMs, bucketMs);
  } else if (bucketMs % Math.max(leastBucketMs, 1) !== 0 || (lengthMs + subject.windowMs) / bucketMs > mostBuckets) bucketMs = stepMs;
  const windowMs = upTo(subject.windowMs, bucketMs);
  const startMs = Math.floor(range.startMs / stepMs) * stepMs - windowMs;
  return { stepMs, bucketMs, windowMs, startMs, length: Math.ceil((range.endMs - startMs) / bucketMs) };
}

async function readBuckets(
  reader: PastReader,
  { subject, filter }: MetricRuleFields,
  plan: Plan,
  selection: Selection,
  book: SeriesBook,
): Promise<PastGroups> {
  const ofSeries = isOfSeries(subject);
  const groupBy: readonly GroupKey[] = ofSeries ? ['series'] : groupKeys(selection.series, subject.by);
  const groupOfSlot = ofSeries ? groupsBySlot(selection) : null;
  const percentile = percentileOf(subject.aggregation);
  const wants: AggregateQuery['wants'] = {
    increase: ofSeries,
    ...(percentile !== null && { percentiles: [percentile] }),
  };
  const answer = await reader.aggregate({
    filter: { ...filter, names: [subject.metricName] },
    range: rangeOf(plan),
    stepMs: plan.bucketMs,
    groupBy,
    wants,
  });
  const groups = new Map<number, PastBuckets[]>();
  for (const group of answer) {
    const { labels } = group;
    const index =
      groupOfSlot === null
        ? selection.indexOf(keyOfAnswer(groupBy, labels, subject.by))
        : groupOfSlot.get(book.slotOf(Number(labels[0])) ?? -1);
    if (index === undefined) continue;
    addToList(groups, index, bucketsOf(group, plan, subject.metricName));
  }
  return groups;
}

function bucketsOf(group: AggregateGroup, plan: Plan, metricName: string): PastBuckets {
  const buckets = emptyBuckets(plan.length);
  for (const [i, startMs] of group.bucketsMs.entries()) {
    const at = (startMs - plan.startMs) / plan.bucketMs;
    const scale = lossScale(metricName, group.max[i] as number);
    buckets.count[at] = group.count[i] as number;
    buckets.sum[at] = (group.sum[i] as number) / scale;
    buckets.min[at] = (group.min[i] as number) / scale;
    buckets.max[at] = (group.max[i] as number) / scale;
    buckets.increase[at] = group.increase?.[i] ?? NaN;
    buckets.newest[at] = (group.percentiles?.[0]?.[i] ?? NaN) / scale;
  }
  return buckets;
}

function groupsBySlot(selection: Selection): ReadonlyMap<number, number> {
  return new Map(selection.series.map(({ slot }, i) => [slot, selection.groupOf[i] as number]));
}

/** Whether what each series does by itself is added up: a counter's steps are between its own samples. */
function isOfSeries({ aggregation }: MetricSubject): boolean {
  return aggregation === 'rate' || aggregation === 'increase';
}

/** The newest value of each bucket: no aggregate tells it. */
async function readSamples(
  reader: PastReader,
  { subject, filter }: MetricRuleFields,
  plan: Plan,
  selection: Selection,
  book: SeriesBook,
): Promise<PastGroups> {
  const groupOfSlot = groupsBySlot(selection);
  const groups = new Map<number, [PastBuckets]>();
  const query = {
    filter: { ...filter, names: [subject.metricName] },
    range: rangeOf(plan),
    order: 'oldest',
    limit: SAMPLES_PAGE,
    offset: 0,
  } as const;
  let after: SampleCursor | undefined;
  for (let read = 0; ; ) {
    const rows = await reader.samples({ ...query, ...(after !== undefined && { after }) });
    const length = rows.timestampsMs.length;
    for (let row = 0; row < length; row += 1) {
      const seriesId = rows.series[rows.seriesIndex[row] as number]?.id ?? 0;
      const timestampMs = rows.timestampsMs[row] as number;
      after = { timestampMs, seriesId };
      const group = groupOfSlot.get(book.slotOf(seriesId) ?? -1);
      if (group === undefined) continue;
      let [buckets] = groups.get(group) ?? [];
      if (buckets === undefined) groups.set(group, [(buckets = emptyBuckets(plan.length))]);
      const at = Math.floor((timestampMs - plan.startMs) / plan.bucketMs);
      (buckets.count[at] as number) += 1;
      buckets.newest[at] = readLoss(subject.metricName, rows.values[row] as number);
    }
    read += length;
    if (!rows.hasMore || length === 0) return groups;
    if (read >= MAX_SAMPLES) {
      throw new AppError('validation_failed', `the range holds more than ${MAX_SAMPLES} samples: choose a shorter one, or fewer agents`);
    }
  }
}

function rangeOf({ startMs, length, bucketMs }: Plan): TimeRange {
  return { startMs, endMs: startMs + length * bucketMs };
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
