/** What a rule would have done: the question for the chart beside it, and what of the answer is drawn. Pure. */
import type { Condition, Firing, RuleTest } from '../../core/alert-types';
import type { Params } from '../../core/api';
import type { Tags } from '../../core/api-types';
import type { Span, TimeRange } from '../../core/time-range';
import { rangeQuery } from '../../core/time-range';
import { formatDuration, formatValue } from '../../core/units';
import type { ChartMark } from '../../shared/chart-marks';
import { CONDITION_WORDS, labelsText, ownLabels, unitOfAggregation } from './alert-words';
import { hasRecovery, type RuleForm, windowSeconds } from './rule-form';

/** So many lines can be told apart. */
export const MAX_LINES = 20;
/** Groups that fired are listed up to here. */
export const MAX_ROWS = 50;
const POINTS = 400;
/** The window is shown as it is where that makes so many points. */
const MIN_POINTS = 12;
const MAX_POINTS = 2_000;
const NOT_TAGS = new Set(['agent', 'provider', 'region', 'type', 'name', 'unit']);
/** What they say depends on the length of the window. */
const OF_WINDOWS = new Set(['sum', 'count', 'increase']);

/** For `GET /metrics/chart`: what the rule looks at, of all groups or of the one with these labels. Null: there is nothing to ask for. */
export function chartQuestion(form: RuleForm, range: TimeRange, focus: Tags | null): Params | null {
  const window = windowSeconds(form);
  if (form.kind !== 'metric' || form.metricName === '' || window === null) return null;
  const groups = form.isByDefault
    ? ['series']
    : ['name', ...form.by.filter((name) => name !== 'name').map((name) => (NOT_TAGS.has(name) ? name : `tag:${name}`))];
  const of = (name: string): readonly string[] => (focus?.[name] === undefined ? [] : [focus[name]]);
  const tags = ownLabels(focus ?? {}).filter(([name]) => !NOT_TAGS.has(name));
  const lengthMs = range.kind === 'last' ? range.durationMs : range.endMs - range.startMs;
  const points = lengthMs / 1_000 / window;
  const isWindow = points <= MAX_POINTS && (points >= MIN_POINTS || OF_WINDOWS.has(form.aggregation)) && Number.isInteger(window);
  return {
    metricName: form.metricName,
    agentId: focus === null || of('agent').length === 0 ? form.agentIds : of('agent'),
    provider: focus === null || of('provider').length === 0 ? form.providers : of('provider'),
    region: focus === null || of('region').length === 0 ? form.regions : of('region'),
    tag: [...new Set([...form.tags, ...tags.map(([name, value]) => `${name}:${value}`)])],
    aggregation: form.aggregation === 'last' ? 'avg' : form.aggregation,
    groupBy: groups.join(','),
    limit: MAX_LINES,
    ...(isWindow ? { interval: `${window}s` } : { interval: 'auto', points: POINTS }),
    ...rangeQuery(range),
  };
}

/** Threshold and recovery as lines; none where they are no numbers. */
export function marksOf(form: RuleForm, unit: string | null): ChartMark[] {
  if (form.kind !== 'metric') return [];
  const threshold = numberOf(form.threshold);
  const recovery = hasRecovery(form.condition) ? numberOf(form.recoveryThreshold) : null;
  const shown = unitOfAggregation(form.aggregation, unit);
  const mark = (value: number, words: string, color: string, dash: readonly number[]): ChartMark => ({
    value,
    label: `${words} ${formatValue(value, shown)}`,
    color,
    dash,
  });
  return [
    ...(threshold === null ? [] : [mark(threshold, `fires ${CONDITION_WORDS[form.condition].sign}`, '--ccv-error', [6, 4])]),
    ...(recovery === null ? [] : [mark(recovery, `recovers ${opposite(form.condition)}`, '--ccv-ok', [2, 4])]),
  ];
}

function opposite(condition: Condition): string {
  const opposites: Readonly<Record<Condition, Condition>> = { gt: 'lte', gte: 'lt', lt: 'gte', lte: 'gt', eq: 'ne', ne: 'eq' };
  return CONDITION_WORDS[opposites[condition]].sign;
}

function numberOf(text: string): number | null {
  const value = Number(text.trim());
  return text.trim() === '' || !Number.isFinite(value) ? null : value;
}

/** A group that would have fired, for a row of the list. */
export interface FiredGroup {
  readonly key: string;
  readonly labels: Tags;
  readonly text: string;
  readonly times: number;
  readonly totalMs: number;
  /** The worst value; null: none is known. */
  readonly peak: number | null;
  /** In percent of the period. */
  readonly bars: readonly { readonly left: number; readonly width: number }[];
  readonly spans: readonly Span[];
}

/** Groups that would have fired, those that did for longest first. */
export function firedGroups(test: RuleTest, condition: Condition | null): FiredGroup[] {
  const period = { startMs: Date.parse(test.period.start), endMs: Date.parse(test.period.end) };
  const lengthMs = Math.max(1, period.endMs - period.startMs);
  return test.groups
    .filter(({ firings }) => firings.length > 0)
    .map(({ labels, firings }) => {
      const spans = firings.map((firing) => spanOf(firing, period));
      return {
        key: JSON.stringify(labels),
        labels,
        text: labelsText(labels),
        times: firings.length,
        totalMs: spans.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0),
        peak: worst(firings, condition),
        bars: spans.map(({ startMs, endMs }) => ({
          left: ((startMs - period.startMs) / lengthMs) * 100,
          width: ((endMs - startMs) / lengthMs) * 100,
        })),
        spans,
      };
    })
    .sort((a, b) => b.totalMs - a.totalMs || (a.text < b.text ? -1 : 1));
}

function spanOf({ from, to }: Firing, period: Span): Span {
  const startMs = Math.max(period.startMs, Date.parse(from));
  return { startMs, endMs: Math.max(startMs, to === null ? period.endMs : Math.min(period.endMs, Date.parse(to))) };
}

function worst(firings: readonly Firing[], condition: Condition | null): number | null {
  const peaks = firings.map(({ peak }) => peak).filter((peak) => peak !== null);
  if (peaks.length === 0) return null;
  return condition === 'lt' || condition === 'lte' ? Math.min(...peaks) : Math.max(...peaks);
}

/** All their stretches as one where they overlap. */
export function union(spans: readonly Span[]): Span[] {
  const joined: { startMs: number; endMs: number }[] = [];
  for (const { startMs, endMs } of [...spans].sort((a, b) => a.startMs - b.startMs)) {
    const last = joined[joined.length - 1];
    if (last !== undefined && startMs <= last.endMs) last.endMs = Math.max(last.endMs, endMs);
    else joined.push({ startMs, endMs });
  }
  return joined;
}

/** What it would have done, in a sentence. */
export function testText({ groups, matched }: RuleTest, fired: readonly FiredGroup[]): string {
  if (matched === 0 && groups.length === 0) return 'It looks at nothing: no series matches.';
  if (fired.length === 0) return 'It would not have fired.';
  const times = fired.reduce((sum, group) => sum + group.times, 0);
  const longestMs = Math.max(...fired.flatMap(({ spans }) => spans.map(({ startMs, endMs }) => endMs - startMs)));
  const where = fired.length === 1 ? 'one group' : `${fired.length} groups`;
  return `It would have fired ${times === 1 ? 'once' : `${times} times`}, in ${where}; the longest for ${formatDuration(longestMs)}.`;
}
