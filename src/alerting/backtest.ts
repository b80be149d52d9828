/**
 * What a rule would have done: its state machine over buckets of the past. Told by steps of the rule's interval, or wider ones where
 * those would be too many; windows are of whole buckets, percentiles of windows that do not overlap. Whether agents were connected is
 * not known of the past: what they sent counts as sent in time.
 */
import type { AlertRuleFields, MetricSubject } from '../model/alert.js';
import { AppError, isAppError } from '../model/errors.js';
import type { Tags, TimeRange } from '../model/metric.js';
import type { AggregateGroup, AggregateQuery, MetricReader, SampleCursor } from '../storage/ports.js';
import { alertLabels } from './alert-steps.js';
import { Breather } from './breather.js';
import { lossScale, readLoss } from './columns.js';
import { freshForMs, isBad } from './conditions.js';
import { groupKeys, keyOfAnswer } from './groups.js';
import { percentileOf } from './observations.js';
import { emptyBuckets, type PastBuckets, type PastWindows, slide } from './past-windows.js';
import { type Selection, SeriesBook } from './series-book.js';
import { type Finding, type GroupState, step } from './state-machine.js';

/** One alert that would have fired. */
export interface PastAlert {
  readonly labels: Tags;
  readonly startedAtMs: number;
  readonly firingSinceMs: number;
  /** Null: it would still fire at the end. */
  readonly resolvedAtMs: number | null;
  /** The worst value of it; null: it was about no data. */
  readonly peakValue: number | null;
}

export interface BacktestResult {
  readonly range: TimeRange;
  /** How far apart evaluations were, and what they looked at: wider than the rule's where that would be too much to read. */
  readonly stepMs: number;
  readonly windowMs: number;
  readonly evaluations: number;
  readonly matchedSeries: number;
  readonly groups: number;
  /** In the order in which they would have fired, the first so many. */
  readonly alerts: readonly PastAlert[];
  readonly isTruncated: boolean;
}

export type BacktestReader = Pick<MetricReader, 'aggregate' | 'samples' | 'series'>;

type MetricRuleFields = AlertRuleFields & { readonly subject: MetricSubject };

interface Plan {
  readonly stepMs: number;
  readonly bucketMs: number;
  readonly windowMs: number;
  /** The first bucket, and how many there are. */
  readonly startMs: number;
  readonly length: number;
}

const MAX_STEPS = 2_000;
/** Buckets of one group. */
const MAX_BUCKETS = 20_000;
/** Of all groups: some 50 bytes each. */
const MAX_CELLS = 1_000_000;
const MAX_SAMPLES = 300_000;
const SAMPLES_PAGE = 10_000;
const MAX_ALERTS = 1_000;
/** What is left of old days has buckets of these widths. */
const ROLLUPS_MS = [0, 300_000, 3_600_000];

/** @throws AppError `validation_failed`: it is about agents, or too much is to be read; of storage */
export async function backtest(reader: BacktestReader, rule: AlertRuleFields, range: TimeRange): Promise<BacktestResult> {
  if (!isMetricRule(rule)) throw new AppError('validation_failed', 'only rules about metrics can be tried on the past');
  const { subject } = rule;
  const book = await SeriesBook.read(reader, new Set([subject.metricName]));
  const question = { metricName: subject.metricName, filter: rule.filter, by: subject.by };
  await book.prepare(question);
  const selection = book.select(question);
  const { plan, groups } = await readPast(reader, rule, range, selection, book);
  const alerts: PastAlert[] = [];
  const breather = new Breather();
  for (const [index, buckets] of groups) {
    if (breather.isDue) await breather.breathe();
    const windows = slide(buckets, plan.windowMs / plan.bucketMs, plan.bucketMs, subject.aggregation);
    alerts.push(...alertsOf(rule, selection.groups[index]?.labels ?? {}, windows, plan, range));
  }
  alerts.sort((a, b) => a.firingSinceMs - b.firingSinceMs);
  return {
    range,
    stepMs: plan.stepMs,
    windowMs: plan.windowMs,
    evaluations: timesOf(plan, range).length,
    matchedSeries: selection.series.length,
    groups: selection.groups.length,
    alerts: alerts.slice(0, MAX_ALERTS),
    isTruncated: alerts.length > MAX_ALERTS,
  };
}

function isMetricRule(rule: AlertRuleFields): rule is MetricRuleFields {
  return rule.subject.kind === 'metric';
}

/** Of days whose samples are gone there are wider buckets only: then those are asked for. */
async function readPast(
  reader: BacktestReader,
  rule: MetricRuleFields,
  range: TimeRange,
  selection: Selection,
  book: SeriesBook,
): Promise<{ plan: Plan; groups: ReadonlyMap<number, PastBuckets> }> {
  let refusal: unknown = null;
  for (const leastMs of ROLLUPS_MS) {
    const plan = planOf(rule, range, selection.groups.length, leastMs);
    try {
      const isLast = rule.subject.aggregation === 'last';
      return {
        plan,
        groups: isLast ? await readSamples(reader, rule, plan, selection, book) : await readBuckets(reader, rule, plan, selection),
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
  reader: BacktestReader,
  { subject, filter }: MetricRuleFields,
  plan: Plan,
  selection: Selection,
): Promise<ReadonlyMap<number, PastBuckets>> {
  const groupBy = groupKeys(selection.series, subject.by);
  const percentile = percentileOf(subject.aggregation);
  const wants: AggregateQuery['wants'] = {
    increase: subject.aggregation === 'rate' || subject.aggregation === 'increase',
    ...(percentile !== null && { percentiles: [percentile] }),
  };
  const answer = await reader.aggregate({
    filter: { ...filter, names: [subject.metricName] },
    range: rangeOf(plan),
    stepMs: plan.bucketMs,
    groupBy,
    wants,
  });
  const groups = new Map<number, PastBuckets>();
  for (const group of answer) {
    const index = selection.indexOf(keyOfAnswer(groupBy, group.labels, subject.by));
    if (index !== undefined) groups.set(index, bucketsOf(group, plan, subject.metricName));
  }
  return groups;
}

function bucketsOf(group: AggregateGroup, plan: Plan, metricName: string): PastBuckets {
  const buckets = emptyBuckets(plan.length);
  for (const [i, startMs] of group.bucketsMs.entries()) {
    const at = (startMs - plan.startMs) / plan.bucketMs;
    const max = group.max[i] as number;
    buckets.count[at] = group.count[i] as number;
    buckets.sum[at] = (group.sum[i] as number) / lossScale(metricName, max);
    buckets.min[at] = readLoss(metricName, group.min[i] as number);
    buckets.max[at] = readLoss(metricName, max);
    buckets.increase[at] = group.increase?.[i] ?? NaN;
    buckets.newest[at] = readLoss(metricName, group.percentiles?.[0]?.[i] ?? NaN);
  }
  return buckets;
}

/** The newest value of each bucket: no aggregate tells it. */
async function readSamples(
  reader: BacktestReader,
  { subject, filter }: MetricRuleFields,
  plan: Plan,
  selection: Selection,
  book: SeriesBook,
): Promise<ReadonlyMap<number, PastBuckets>> {
  const groupOfSlot = new Map(selection.series.map(({ slot }, i) => [slot, selection.groupOf[i] as number]));
  const groups = new Map<number, PastBuckets>();
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
      let buckets = groups.get(group);
      if (buckets === undefined) groups.set(group, (buckets = emptyBuckets(plan.length)));
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

/** When it is evaluated. */
function timesOf({ stepMs }: Plan, { startMs, endMs }: TimeRange): number[] {
  const first = Math.ceil(startMs / stepMs) * stepMs;
  return Array.from({ length: Math.max(Math.floor((endMs - first) / stepMs) + 1, 0) }, (_, i) => first + i * stepMs);
}

function alertsOf(rule: MetricRuleFields, groupLabels: Tags, { values, newest }: PastWindows, plan: Plan, range: TimeRange): PastAlert[] {
  const { subject, forMs, keepFiringForMs } = rule;
  const timing = { forMs, keepFiringForMs, maxStepMs: plan.stepMs };
  const freshMs = Math.max(freshForMs(rule.intervalMs), plan.stepMs);
  const labels = alertLabels(rule, groupLabels);
  const alerts: PastAlert[] = [];
  let state: GroupState | null = null;
  let peakValue: number | null = null;
  let wasHeard = false;
  const end = (of: GroupState | null, resolvedAtMs: number | null): void => {
    if (of !== null && of.firingSinceMs !== null) {
      alerts.push({ labels, startedAtMs: of.startedAtMs, firingSinceMs: of.firingSinceMs, resolvedAtMs, peakValue });
    }
    peakValue = null;
  };
  for (const nowMs of timesOf(plan, range)) {
    const at = Math.round((nowMs - plan.startMs) / plan.bucketMs);
    const value = values[at] ?? NaN;
    const newestMs = plan.startMs + ((newest[at] ?? -1) + 1) * plan.bucketMs;
    wasHeard ||= (newest[at] ?? -1) >= 0;
    const isFresh = nowMs - newestMs <= freshMs;
    const finding = findingOf(subject, value, { isFiring: state?.state === 'firing', isFresh, wasHeard });
    const mayBegin = Number.isNaN(value) || isFresh;
    const before: GroupState | null = state;
    state = step(before, { nowMs, finding, mayBegin }, timing).state;
    if (state === null) end(before, nowMs);
    else if (finding === 'bad' && !Number.isNaN(value)) peakValue = worse(subject, peakValue, value);
  }
  end(state, null);
  return alerts;
}

/** As the evaluator finds it (looks.ts). Of groups nothing was heard of yet nobody knows whether they were there. */
function findingOf(
  subject: MetricSubject,
  value: number,
  { isFiring, isFresh, wasHeard }: { isFiring: boolean; isFresh: boolean; wasHeard: boolean },
): Finding {
  if (!Number.isNaN(value)) return isBad(subject, value, isFiring) ? 'bad' : isFresh ? 'well' : 'unknown';
  if (subject.noData === 'keep') return 'unknown';
  if (subject.noData === 'ok') return 'well';
  return wasHeard ? 'bad' : 'unknown';
}

function worse({ condition, threshold }: MetricSubject, known: number | null, value: number): number {
  if (known === null) return value;
  switch (condition) {
    case 'gt':
    case 'gte':
      return Math.max(known, value);
    case 'lt':
    case 'lte':
      return Math.min(known, value);
    default:
      return Math.abs(value - threshold) > Math.abs(known - threshold) ? value : known;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
