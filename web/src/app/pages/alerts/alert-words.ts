/** Alerts and rules in words for people. Pure. */
import type { AgentCondition, Alert, Condition, MetricRule, Rule, Severity } from '../../core/alert-types';
import type { Tags } from '../../core/api-types';
import { formatDuration, formatValue } from '../../core/units';

export const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'info'];

export const CONDITION_WORDS: Readonly<Record<Condition, { readonly sign: string; readonly label: string }>> = {
  gt: { sign: '>', label: 'is above' },
  gte: { sign: '≥', label: 'is at or above' },
  lt: { sign: '<', label: 'is below' },
  lte: { sign: '≤', label: 'is at or below' },
  eq: { sign: '=', label: 'equals' },
  ne: { sign: '≠', label: 'differs from' },
};

export const AGENT_CONDITION_WORDS: Readonly<Record<AgentCondition, { readonly label: string; readonly usual: number | null }>> = {
  disconnected: { label: 'is not connected', usual: null },
  stale: { label: 'has not been heard of', usual: 300 },
  clock_skew: { label: 'has a clock that is off', usual: 30 },
  config_failed: { label: 'could not apply its configuration', usual: null },
};

const REASONS: Readonly<Record<string, string>> = {
  recovered: 'Recovered',
  rule_changed: 'The rule was changed',
  rule_deleted: 'The rule was deleted',
  rule_disabled: 'The rule was switched off',
  agent_deleted: 'The agent was deleted',
  series_gone: 'There is no such data any more',
  dismissed: 'Dismissed by hand',
};

/** Labels that are said of an alert elsewhere already. */
const SAID = new Set(['alertname', 'severity']);

export function reasonText(reason: string | null): string {
  return reason === null ? '' : (REASONS[reason] ?? reason.replaceAll('_', ' '));
}

/** What tells the alert from others of its rule; the agent first. */
export function ownLabels(labels: Tags): [name: string, value: string][] {
  return Object.entries(labels)
    .filter(([name]) => !SAID.has(name))
    .sort(([a], [b]) => Number(b === 'agent') - Number(a === 'agent') || (a < b ? -1 : 1));
}

/** `agent=web-1, target=8.8.8.8`; for a group of everything, a dash. */
export function labelsText(labels: Tags): string {
  return (
    ownLabels(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(', ') || '–'
  );
}

/** Which alert it is, for those who hear it. */
export function nameOf({ rule_name, labels }: Pick<Alert, 'rule_name' | 'labels'>): string {
  return `${rule_name}, ${labelsText(labels)}`;
}

/** Somebody knows of it, or nobody is to be told. */
export function isQuiet({ acknowledgement, silenced_by }: Alert): boolean {
  return acknowledgement !== null || silenced_by.length > 0;
}

/** The alerts as they were read now; those that are as they were before are the same objects: nothing of them is drawn again. */
export function keepSame(before: readonly Alert[], now: readonly Alert[]): readonly Alert[] {
  const known = new Map(before.map((alert) => [alert.id, alert]));
  return now.map((alert) => {
    const old = known.get(alert.id);
    return old !== undefined && JSON.stringify(old) === JSON.stringify(alert) ? old : alert;
  });
}

/** Since when it fires, or (while it is pending) has been bad. */
export function sinceOf({ firing_since, started_at }: Pick<Alert, 'firing_since' | 'started_at'>): string {
  return firing_since ?? started_at;
}

/** The text about it that the rule has for people; the first of the usual ones. */
export function summaryOf({ summary, description }: Tags): string {
  return summary ?? description ?? '';
}

/** `avg of ping_rtt_avg_ms over 5 min > 200 ms, for 2 min`. */
export function ruleText(rule: Rule): string {
  const lasting = rule.for > 0 ? `, for ${formatDuration(rule.for * 1_000)}` : '';
  if (rule.kind === 'metric')
    return `${metricText(rule)} ${CONDITION_WORDS[rule.condition].sign} ${formatValue(rule.threshold, unitOfRule(rule))}${lasting}`;
  const { label, usual } = AGENT_CONDITION_WORDS[rule.agent_condition];
  const seconds = rule.threshold ?? usual;
  const amount = seconds === null ? '' : ` ${rule.agent_condition === 'stale' ? 'for' : 'by more than'} ${formatDuration(seconds * 1_000)}`;
  return `An agent ${label}${amount}${lasting}`;
}

function metricText({ metric_name, aggregation, window }: MetricRule): string {
  return `${aggregation} of ${metric_name} over ${formatDuration(window * 1_000)}`;
}

const UNITS: readonly (readonly [ending: string, unit: string])[] = [
  ['_bytes_per_sec', 'bytes/sec'],
  ['_bytes', 'bytes'],
  ['_percent', 'percent'],
  ['_ms', 'ms'],
  ['_seconds', 'seconds'],
];

/** The unit that a metric's name tells; null: it tells none. For where its samples have not been asked for theirs. */
export function unitOfName(metricName: string): string | null {
  return UNITS.find(([ending]) => metricName.endsWith(ending))?.[1] ?? null;
}

/** The unit of the values of a rule's alerts. */
export function unitOfRule(rule: Rule | undefined): string | null {
  if (rule === undefined) return null;
  if (rule.kind === 'agent') return rule.agent_condition === 'config_failed' ? null : 'seconds';
  return unitOfAggregation(rule.aggregation, unitOfName(rule.metric_name));
}

/** What a metric's unit becomes by the aggregation; a count has none. */
export function unitOfAggregation(aggregation: string, unit: string | null): string | null {
  return aggregation === 'count' ? null : aggregation === 'rate' ? (unit === null ? '/sec' : `${unit}/sec`) : unit;
}

/** An address of the explorer that shows what the alert is about, from an hour before it began. */
export function explorerParams(alert: Alert, rule: Rule | undefined, nowMs: number): Record<string, string | readonly string[]> | null {
  if (rule?.kind !== 'metric') return null;
  const tags = ownLabels(alert.labels).filter(
    ([name]) => !NOT_TAGS.has(name) && !Object.hasOwn(rule.labels, name) && (rule.by === null || rule.by.includes(name)),
  );
  const endMs = alert.resolved_at === null ? null : Math.min(nowMs, Date.parse(alert.resolved_at) + AROUND_MS);
  const fromMs = Date.parse(alert.started_at) - AROUND_MS;
  return {
    m: rule.metric_name,
    ...(alert.agent_id !== null && { agent: alert.agent_id }),
    ...(tags.length > 0 && { tag: tags.map(([name, value]) => `${name}:${value}`) }),
    from: new Date(fromMs).toISOString(),
    to: new Date(endMs ?? nowMs).toISOString(),
  };
}

const AROUND_MS = 3_600_000;
const NOT_TAGS = new Set(['agent', 'provider', 'region', 'type', 'name']);

/** How a rule fares: what fires, what is pending, or that all is well; nothing is known of one that is off or was not looked at yet. */
export function ruleState({ enabled, status }: Rule): { readonly mark: string; readonly text: string } {
  if (!enabled) return { mark: 'off', text: 'off' };
  if (status.error !== null) return { mark: 'error', text: 'cannot be evaluated' };
  if (status.firing > 0) return { mark: 'firing', text: `${status.firing} firing` };
  if (status.pending > 0) return { mark: 'pending', text: `${status.pending} pending` };
  if (status.last_evaluated_at === null) return { mark: 'off', text: 'not looked at yet' };
  if (status.warning === null) return { mark: 'ok', text: 'well' };
  return { mark: 'warning', text: status.matched === 0 ? 'matches nothing' : 'held back' };
}

/** All words somewhere in what is shown of the rule. */
export function matchesRule(rule: Rule, search: string): boolean {
  const text = `${rule.name}\n${rule.severity}\n${ruleText(rule)}\n${rule.is_default ? 'default' : ''}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
