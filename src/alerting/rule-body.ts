import Joi from 'joi';
import { agentIdProblem } from '../model/agent.js';
import {
  AGENT_CONDITIONS,
  type AgentCondition,
  type AgentSubject,
  type AlertRule,
  type AlertRuleFields,
  type Condition,
  CONDITIONS,
  type MetricSubject,
  NO_DATA_POLICIES,
  type NoDataPolicy,
  RULE_AGGREGATIONS,
  type RuleAggregation,
  type RuleFilter,
  SEVERITIES,
  type Severity,
} from '../model/alert.js';
import { AppError } from '../model/errors.js';
import type { Tags } from '../model/metric.js';
import { validate } from '../runtime/validate.js';
import { durationMs } from './body-fields.js';

/** What an alert rule may look like, and what is taken where nothing is said. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 86_400_000;
const LIMITS = { nameLength: 200, labels: 50, labelLength: 100, valueLength: 1_024, textLength: 4_000, listed: 1_000, by: 20 };
const DEFAULTS = { windowMs: 5 * MINUTE_MS, intervalMs: 30 * SECOND_MS };
/** A window is read anew at each look. */
const MAX_LOOKS_PER_WINDOW = 100;
/** Labels the server gives an alert itself. */
const RESERVED_LABELS = ['alertname', 'severity', 'agent'];

interface GivenRule {
  readonly name?: string;
  readonly kind?: 'metric' | 'agent';
  readonly metric_name?: string;
  readonly aggregation?: RuleAggregation;
  readonly window?: number;
  readonly condition?: Condition;
  readonly threshold?: number | null;
  readonly recovery_threshold?: number | null;
  readonly by?: readonly string[] | null;
  readonly no_data?: NoDataPolicy;
  readonly agent_condition?: AgentCondition;
  readonly agent_filter?: {
    readonly agent_ids?: readonly string[];
    readonly providers?: readonly string[];
    readonly regions?: readonly string[];
    readonly tags?: Tags;
  };
  readonly severity?: Severity;
  readonly for?: number;
  readonly keep_firing_for?: number;
  readonly interval?: number;
  readonly labels?: Tags;
  readonly annotations?: Tags;
  readonly enabled?: boolean;
  readonly id?: unknown;
  readonly is_default?: unknown;
  readonly status?: unknown;
  readonly created_at?: unknown;
  readonly updated_at?: unknown;
}

const labelName = Joi.string().max(LIMITS.labelLength);
const textsBy = (name: Joi.StringSchema, maxLength: number): Joi.ObjectSchema =>
  Joi.object().pattern(name, Joi.string().max(maxLength).allow('')).max(LIMITS.labels);
const list = (item: Joi.Schema): Joi.ArraySchema => Joi.array().items(item).single().max(LIMITS.listed).unique();
const agentId = Joi.string().custom((value: string, helpers) => {
  const problem = agentIdProblem(value);
  return problem === null ? value : helpers.message({ custom: `{{#label}} is no agent id: ${problem}` });
});

const filter = Joi.object({
  agent_ids: list(agentId),
  providers: list(Joi.string().max(LIMITS.nameLength)),
  regions: list(Joi.string().max(LIMITS.nameLength)),
  tags: textsBy(labelName, LIMITS.valueLength),
}).rename('agentIds', 'agent_ids');

const schema = Joi.object<GivenRule>({
  name: Joi.string().trim().min(1).max(LIMITS.nameLength),
  kind: Joi.string().valid('metric', 'agent'),
  metric_name: Joi.string().trim().min(1).max(LIMITS.nameLength),
  aggregation: Joi.string().custom((value: string, helpers) =>
    (RULE_AGGREGATIONS as readonly string[]).includes(value) || /^p[1-9]\d?$/.test(value)
      ? value
      : helpers.message({ custom: `{{#label}} must be one of ${RULE_AGGREGATIONS.join(', ')}, or p1 to p99` }),
  ),
  window: durationMs(SECOND_MS, DAY_MS),
  condition: Joi.string().valid(...CONDITIONS),
  threshold: Joi.number().unsafe().allow(null),
  recovery_threshold: Joi.number().unsafe().allow(null),
  by: list(labelName).max(LIMITS.by).allow(null),
  no_data: Joi.string().valid(...NO_DATA_POLICIES),
  agent_condition: Joi.string().valid(...AGENT_CONDITIONS),
  agent_filter: filter,
  severity: Joi.string().valid(...SEVERITIES),
  for: durationMs(0, 7 * DAY_MS),
  keep_firing_for: durationMs(0, 7 * DAY_MS),
  interval: durationMs(5 * SECOND_MS, DAY_MS),
  labels: textsBy(labelName.invalid(...RESERVED_LABELS), LIMITS.valueLength),
  annotations: textsBy(labelName, LIMITS.textLength),
  enabled: Joi.boolean(),
  // What the server says of a rule may come back in a body, and is not taken from it.
  id: Joi.any().strip(),
  is_default: Joi.any().strip(),
  status: Joi.any().strip(),
  created_at: Joi.any().strip(),
  updated_at: Joi.any().strip(),
})
  .rename('metricName', 'metric_name')
  .rename('recoveryThreshold', 'recovery_threshold')
  .rename('noData', 'no_data')
  .rename('agentCondition', 'agent_condition')
  .rename('agentFilter', 'agent_filter')
  .rename('keepFiringFor', 'keep_firing_for')
  .rename('isDefault', 'is_default')
  .rename('createdAt', 'created_at')
  .rename('updatedAt', 'updated_at');

/**
 * The rule a body describes. A field that is missing keeps the value it has in `current`; without one it is the default, or
 * required: a name, and `metric_name` with `threshold`, or `agent_condition`.
 * @throws AppError `validation_failed`
 */
export function parseRule(body: unknown, current: AlertRule | null): AlertRuleFields {
  const given = validate(schema, body, 'rule');
  const kind = given.kind ?? (given.agent_condition === undefined ? (current?.subject.kind ?? 'metric') : 'agent');
  const same = current?.subject.kind === kind ? current.subject : null;
  const name = given.name ?? current?.name ?? missing('name');
  const subject = kind === 'metric' ? metricSubject(given, same as MetricSubject | null) : agentSubject(given, same as AgentSubject | null);
  return {
    name,
    subject,
    filter: filterOf(given, current, kind),
    severity: given.severity ?? current?.severity ?? 'warning',
    forMs: given.for ?? current?.forMs ?? 0,
    keepFiringForMs: given.keep_firing_for ?? current?.keepFiringForMs ?? 0,
    intervalMs: intervalOf(given, subject, current),
    labels: given.labels ?? current?.labels ?? {},
    annotations: given.annotations ?? current?.annotations ?? {},
    enabled: given.enabled ?? current?.enabled ?? true,
  };
}

/** Without a word about it, long windows are looked at less often: each time all samples of the window are read. */
function intervalOf(given: GivenRule, subject: MetricSubject | AgentSubject, current: AlertRule | null): number {
  const leastMs = subject.kind === 'metric' ? Math.ceil(subject.windowMs / MAX_LOOKS_PER_WINDOW) : 0;
  if (given.interval === undefined) return Math.max(leastMs, current?.intervalMs ?? DEFAULTS.intervalMs);
  if (given.interval >= leastMs) return given.interval;
  throw invalid('interval', `must be ${leastMs / SECOND_MS} seconds at least with this window`, given.interval / SECOND_MS);
}

function metricSubject(given: GivenRule, current: MetricSubject | null): MetricSubject {
  const subject: MetricSubject = {
    kind: 'metric',
    metricName: given.metric_name ?? current?.metricName ?? missing('metric_name'),
    aggregation: given.aggregation ?? current?.aggregation ?? 'avg',
    windowMs: given.window ?? current?.windowMs ?? DEFAULTS.windowMs,
    condition: given.condition ?? current?.condition ?? 'gt',
    threshold: given.threshold ?? current?.threshold ?? missing('threshold'),
    recoveryThreshold: given.recovery_threshold === undefined ? (current?.recoveryThreshold ?? null) : given.recovery_threshold,
    by: given.by === undefined ? (current?.by ?? null) : given.by,
    noData: given.no_data ?? current?.noData ?? 'keep',
  };
  const problem = recoveryProblem(subject);
  if (problem !== null) throw invalid('recovery_threshold', problem, subject.recoveryThreshold);
  return subject;
}

function agentSubject(given: GivenRule, current: AgentSubject | null): AgentSubject {
  const condition = given.agent_condition ?? current?.condition ?? missing('agent_condition');
  const hasThreshold = condition === 'stale' || condition === 'clock_skew';
  const kept = current?.condition === condition ? current.thresholdMs : null;
  const thresholdMs = given.threshold === undefined ? kept : given.threshold === null ? null : given.threshold * SECOND_MS;
  if (thresholdMs !== null && !hasThreshold) throw invalid('threshold', `has no meaning for agents that are ${condition}`, given.threshold);
  if (thresholdMs !== null && thresholdMs <= 0) throw invalid('threshold', 'must be more than 0 seconds', given.threshold);
  return { kind: 'agent', condition, thresholdMs };
}

/** A group must be able to be bad and then well again: what is well lies on the good side of the threshold. */
function recoveryProblem({ condition, threshold, recoveryThreshold }: MetricSubject): string | null {
  if (recoveryThreshold === null) return null;
  switch (condition) {
    case 'gt':
    case 'gte':
      return recoveryThreshold <= threshold ? null : `must not be above the threshold (${threshold}) of a rule that fires above it`;
    case 'lt':
    case 'lte':
      return recoveryThreshold >= threshold ? null : `must not be below the threshold (${threshold}) of a rule that fires below it`;
    default:
      return `has no meaning for the condition "${condition}"`;
  }
}

/** Agents have no tags: a filter by them would look as if it did something. */
function filterOf({ agent_filter: given }: GivenRule, current: AlertRule | null, kind: 'metric' | 'agent'): RuleFilter {
  const { tags, ...ofAgents } = given === undefined ? (current?.filter ?? {}) : toFilter(given);
  if (kind === 'metric') return tags === undefined ? ofAgents : { ...ofAgents, tags };
  if (given !== undefined && tags !== undefined)
    throw invalid('agent_filter.tags', 'has no meaning for rules about agents: they have no tags');
  return ofAgents;
}

function toFilter({ agent_ids, providers, regions, tags }: NonNullable<GivenRule['agent_filter']>): RuleFilter {
  const pairs = Object.entries(tags ?? {}).map(([key, value]) => ({ key, value }));
  return {
    ...(agent_ids && agent_ids.length > 0 && { agentIds: agent_ids }),
    ...(providers && providers.length > 0 && { providers }),
    ...(regions && regions.length > 0 && { regions }),
    ...(pairs.length > 0 && { tags: pairs }),
  };
}

function missing(field: string): never {
  throw invalid(field, 'is required');
}

function invalid(field: string, reason: string, value?: unknown): AppError {
  const message = `"${field}" ${reason}`;
  return new AppError('validation_failed', `invalid rule: ${message}`, [
    value === undefined ? { field, message } : { field, message, value },
  ]);
}
