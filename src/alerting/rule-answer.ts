import type { AlertRule, RuleFilter } from '../model/alert.js';
import { isoTime, isoTimeOrNull } from '../model/iso-time.js';
import type { RuleStatus } from './rule-schedule.js';

/** Said of a rule that can never fire. */
export const NOTHING_MATCHES = 'no series matches this rule';

export const NOT_EVALUATED: RuleStatus = {
  lastEvaluatedAtMs: null,
  durationMs: null,
  error: null,
  matchedSeries: null,
  groups: null,
  heldBack: 0,
  pending: 0,
  firing: 0,
};

/** A rule in the wire's shape. Durations are seconds, times ISO 8601 UTC. */
export function presentRule(rule: AlertRule, status: RuleStatus) {
  return {
    id: rule.id,
    name: rule.name,
    ...presentSubject(rule),
    agent_filter: presentFilter(rule.filter),
    severity: rule.severity,
    for: rule.forMs / 1_000,
    keep_firing_for: rule.keepFiringForMs / 1_000,
    interval: rule.intervalMs / 1_000,
    labels: rule.labels,
    annotations: rule.annotations,
    enabled: rule.enabled,
    is_default: rule.isDefault,
    status: presentStatus(rule, status),
    created_at: isoTime(rule.createdAtMs),
    updated_at: isoTime(rule.updatedAtMs),
  };
}

function presentSubject({ subject }: AlertRule) {
  if (subject.kind === 'agent') {
    return {
      kind: subject.kind,
      agent_condition: subject.condition,
      threshold: subject.thresholdMs === null ? null : subject.thresholdMs / 1_000,
    };
  }
  return {
    kind: subject.kind,
    metric_name: subject.metricName,
    aggregation: subject.aggregation,
    window: subject.windowMs / 1_000,
    condition: subject.condition,
    threshold: subject.threshold,
    recovery_threshold: subject.recoveryThreshold,
    by: subject.by,
    no_data: subject.noData,
  };
}

function presentFilter({ agentIds, providers, regions, tags }: RuleFilter) {
  return {
    agent_ids: agentIds ?? [],
    providers: providers ?? [],
    regions: regions ?? [],
    tags: Object.fromEntries((tags ?? []).map(({ key, value }) => [key, value])),
  };
}

function presentStatus(rule: AlertRule, status: RuleStatus) {
  const { lastEvaluatedAtMs, durationMs, error, matchedSeries, groups, pending, firing } = status;
  return {
    last_evaluated_at: isoTimeOrNull(lastEvaluatedAtMs),
    duration_ms: durationMs,
    error,
    matched: matchedSeries,
    groups,
    pending,
    firing,
    warning: rule.enabled ? warningOf(status) : null,
  };
}

function warningOf({ matchedSeries, heldBack }: RuleStatus): string | null {
  if (matchedSeries === 0) return NOTHING_MATCHES;
  if (heldBack === 0) return null;
  return heldBack === 1
    ? '1 group is bad, but holds samples that came late: it can begin to fire when those have left the window'
    : `${heldBack} groups are bad, but hold samples that came late: they can begin to fire when those have left the window`;
}
