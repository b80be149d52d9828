/**
 * What a rule would have done: its state machine over buckets of the past. Told by steps of the rule's interval, or wider ones where
 * those would be too many; windows are of whole buckets, percentiles of windows that do not overlap. Whether agents were connected is
 * not known of the past: what they sent counts as sent in time.
 */
import type { AlertRuleFields, MetricSubject } from '../model/alert.js';
import { AppError } from '../model/errors.js';
import type { Tags, TimeRange } from '../model/metric.js';
import { alertLabels } from './alert-steps.js';
import { Breather } from './breather.js';
import { freshForMs, isBad } from './conditions.js';
import { type MetricRuleFields, type PastReader, type Plan, readPast } from './past-samples.js';
import { type PastWindows, slide, together } from './past-windows.js';
import { SeriesBook } from './series-book.js';
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

const MAX_ALERTS = 1_000;
/** @throws AppError `validation_failed`: it is about agents, or too much is to be read; of storage */
export async function backtest(reader: PastReader, rule: AlertRuleFields, range: TimeRange): Promise<BacktestResult> {
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
    const windows = together(buckets.map((each) => slide(each, plan.windowMs / plan.bucketMs, plan.bucketMs, subject.aggregation)));
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
