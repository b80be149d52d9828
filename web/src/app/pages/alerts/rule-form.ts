/** A rule as it is filled in and sent. Pure. */
import type { AgentCondition, Condition, MetricRule, NoData, Rule, Severity } from '../../core/alert-types';
import type { FieldErrors } from '../../shared/field-errors';
import { durationField, parseSeconds } from './durations';
import { type Pair, pairsOf, tagsOf } from './pairs';

/** What stands in the fields: numbers and durations as they are typed. */
export interface RuleForm {
  readonly name: string;
  readonly kind: 'metric' | 'agent';
  readonly metricName: string;
  readonly aggregation: string;
  readonly window: string;
  readonly condition: Condition;
  readonly threshold: string;
  /** Empty: the threshold itself. */
  readonly recoveryThreshold: string;
  /** Groups are told by the agent and every tag but `target_ip`; else by `by`. */
  readonly isByDefault: boolean;
  readonly by: readonly string[];
  readonly noData: NoData;
  readonly agentCondition: AgentCondition;
  /** Seconds; empty: the usual. */
  readonly agentThreshold: string;
  readonly agentIds: readonly string[];
  readonly providers: readonly string[];
  readonly regions: readonly string[];
  /** `key:value`. */
  readonly tags: readonly string[];
  readonly severity: Severity;
  readonly for: string;
  readonly keepFiringFor: string;
  readonly interval: string;
  readonly labels: readonly Pair[];
  readonly summary: string;
  readonly description: string;
  /** Annotations besides those two. */
  readonly others: readonly Pair[];
  readonly enabled: boolean;
}

export const AGGREGATIONS: readonly (readonly [value: string, label: string])[] = [
  ['avg', 'average'],
  ['last', 'newest value'],
  ['min', 'minimum'],
  ['max', 'maximum'],
  ['sum', 'sum'],
  ['count', 'number of samples'],
  ['rate', 'rate per second (counters)'],
  ['increase', 'increase (counters)'],
  ['p50', 'median'],
  ['p90', '90th percentile'],
  ['p95', '95th percentile'],
  ['p99', '99th percentile'],
];

export const NO_DATA_WORDS: readonly (readonly [value: NoData, label: string])[] = [
  ['keep', 'leave everything as it is'],
  ['ok', 'count as well'],
  ['alert', 'count as bad, while the agent is connected'],
];

export const RULE_FIELDS: Readonly<Record<string, string>> = {
  name: 'The name',
  kind: 'The kind',
  metric_name: 'The metric',
  aggregation: 'The aggregation',
  window: 'The window',
  condition: 'The condition',
  threshold: 'The threshold',
  recovery_threshold: 'The recovery threshold',
  by: 'The grouping',
  no_data: 'This',
  agent_condition: 'The condition',
  'agent_filter.agent_ids': 'The list of agents',
  'agent_filter.providers': 'The list of providers',
  'agent_filter.regions': 'The list of regions',
  'agent_filter.tags': 'The list of tags',
  severity: 'The severity',
  for: 'This duration',
  keep_firing_for: 'This duration',
  interval: 'The interval',
  labels: 'The labels',
  annotations: 'The texts',
};

/** Conditions that a recovery threshold has a meaning for. */
export function hasRecovery(condition: Condition): boolean {
  return condition !== 'eq' && condition !== 'ne';
}

/** Whether agents that are like this are measured: for how long, by how much. */
export function hasAgentThreshold(condition: AgentCondition): boolean {
  return condition === 'stale' || condition === 'clock_skew';
}

/** To change this rule, or (null) to make one, with the server's usual values. */
export function formOf(rule: Rule | null): RuleForm {
  const metric: Partial<MetricRule> = rule?.kind === 'metric' ? rule : {};
  const { summary = '', description = '', ...others } = rule?.annotations ?? {};
  const number = (value: number | null | undefined): string => (value === null || value === undefined ? '' : String(value));
  return {
    name: rule?.name ?? '',
    kind: rule?.kind ?? 'metric',
    metricName: metric.metric_name ?? '',
    aggregation: metric.aggregation ?? 'avg',
    window: durationField(metric.window ?? 300),
    condition: metric.condition ?? 'gt',
    threshold: number(metric.threshold),
    recoveryThreshold: number(metric.recovery_threshold),
    isByDefault: (metric.by ?? null) === null,
    by: metric.by ?? [],
    noData: metric.no_data ?? 'keep',
    agentCondition: rule?.kind === 'agent' ? rule.agent_condition : 'disconnected',
    agentThreshold: rule?.kind === 'agent' ? number(rule.threshold) : '',
    agentIds: rule?.agent_filter.agent_ids ?? [],
    providers: rule?.agent_filter.providers ?? [],
    regions: rule?.agent_filter.regions ?? [],
    tags: Object.entries(rule?.agent_filter.tags ?? {}).map(([key, value]) => `${key}:${value}`),
    severity: rule?.severity ?? 'warning',
    for: durationField(rule?.for ?? 0),
    keepFiringFor: durationField(rule?.keep_firing_for ?? 0),
    interval: durationField(rule?.interval ?? 30),
    labels: pairsOf(rule?.labels ?? {}),
    summary,
    description,
    others: pairsOf(others),
    enabled: rule?.enabled ?? true,
  };
}

/** One like it, to be given a name of its own. */
export function copyOf(rule: Rule): RuleForm {
  return { ...formOf(rule), name: `${rule.name} (copy)` };
}

/** The body of a request. */
export function bodyOf(form: RuleForm): Record<string, unknown> {
  const summary = form.summary.trim();
  const description = form.description.trim();
  return {
    name: form.name.trim(),
    kind: form.kind,
    ...(form.kind === 'metric' ? metricBody(form) : agentBody(form)),
    agent_filter: {
      agent_ids: form.agentIds,
      providers: form.providers,
      regions: form.regions,
      // Tags are of series: agents have none.
      tags: form.kind === 'metric' ? Object.fromEntries(form.tags.map(splitTag)) : {},
    },
    severity: form.severity,
    for: form.for.trim(),
    keep_firing_for: form.keepFiringFor.trim(),
    interval: form.interval.trim(),
    labels: tagsOf(form.labels),
    annotations: { ...(summary !== '' && { summary }), ...(description !== '' && { description }), ...tagsOf(form.others) },
    enabled: form.enabled,
  };
}

function metricBody(form: RuleForm): Record<string, unknown> {
  return {
    metric_name: form.metricName,
    aggregation: form.aggregation,
    window: form.window.trim(),
    condition: form.condition,
    threshold: numberOf(form.threshold),
    recovery_threshold: hasRecovery(form.condition) ? numberOf(form.recoveryThreshold) : null,
    by: form.isByDefault ? null : form.by,
    no_data: form.noData,
  };
}

function agentBody({ agentCondition, agentThreshold }: RuleForm): Record<string, unknown> {
  return { agent_condition: agentCondition, threshold: hasAgentThreshold(agentCondition) ? numberOf(agentThreshold) : null };
}

/** Null: empty. What is no number is left to the server to say so. */
function numberOf(text: string): number | string | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : trimmed;
}

function splitTag(tag: string): [string, string] {
  const at = tag.indexOf(':');
  return [tag.slice(0, at), tag.slice(at + 1)];
}

/** What is missing altogether: to the server, a change without it keeps what was. */
export function formErrors(form: RuleForm): FieldErrors {
  return {
    ...(form.name.trim() === '' && { name: 'Give the rule a name.' }),
    ...(form.kind === 'metric' && form.metricName === '' && { metric_name: 'Choose a metric.' }),
    ...(form.kind === 'metric' && form.threshold.trim() === '' && { threshold: 'Say from which value on it is bad.' }),
  };
}

/** A rule to be tried on the past: a name is not needed for that. Null: there is not enough yet. */
export function testBodyOf(form: RuleForm): Record<string, unknown> | null {
  const { name: _, ...missing } = formErrors(form);
  if (Object.keys(missing).length > 0) return null;
  // Texts change nothing about when it fires.
  return { ...bodyOf(form), name: 'preview', annotations: {}, labels: {}, enabled: true };
}

/** Of its window; null: it is none. */
export function windowSeconds({ window }: RuleForm): number | null {
  const seconds = parseSeconds(window);
  return seconds === null || seconds <= 0 ? null : seconds;
}
