/** What alerting is about: rules, what becomes of them, silences, and who is told. Times are Unix milliseconds. */
import type { Tags } from './metric.js';

export const CONDITIONS = ['gt', 'gte', 'lt', 'lte', 'eq', 'ne'] as const;
export type Condition = (typeof CONDITIONS)[number];

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What becomes of a group without samples in the window: it counts as well, everything stays as it is, or it counts as bad. */
export const NO_DATA_POLICIES = ['ok', 'keep', 'alert'] as const;
export type NoDataPolicy = (typeof NO_DATA_POLICIES)[number];

export const RULE_AGGREGATIONS = ['last', 'avg', 'min', 'max', 'sum', 'count', 'rate', 'increase'] as const;
/** Besides those, `p1` to `p99`. */
export type RuleAggregation = (typeof RULE_AGGREGATIONS)[number] | `p${number}`;

/** Of agents themselves: not connected; nothing heard of it; its clock is off; its configuration could not be applied. */
export const AGENT_CONDITIONS = ['disconnected', 'stale', 'clock_skew', 'config_failed'] as const;
export type AgentCondition = (typeof AGENT_CONDITIONS)[number];

/** Values of a metric over a window that ends now, compared with a threshold, group by group. */
export interface MetricSubject {
  readonly kind: 'metric';
  readonly metricName: string;
  readonly aggregation: RuleAggregation;
  readonly windowMs: number;
  readonly condition: Condition;
  readonly threshold: number;
  /** A firing group is well again when the condition does not hold for this; null: for the threshold itself. */
  readonly recoveryThreshold: number | null;
  /** Names of labels (`agent`, `provider`, `region`, `type`, or a tag's) a group is told by; null: the agent and every tag but `target_ip`. Empty: one group. */
  readonly by: readonly string[] | null;
  readonly noData: NoDataPolicy;
}

/** Something about agents, each of them a group. */
export interface AgentSubject {
  readonly kind: 'agent';
  readonly condition: AgentCondition;
  /** Of `stale` and `clock_skew`: from how many milliseconds on; null: the usual (5 minutes, 30 seconds). */
  readonly thresholdMs: number | null;
}

/** Which agents and series a rule looks at; what is absent is any. */
export interface RuleFilter {
  readonly agentIds?: readonly string[];
  readonly providers?: readonly string[];
  readonly regions?: readonly string[];
  /** All must hold. */
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
}

export interface AlertRuleFields {
  /** Unique among rules. */
  readonly name: string;
  readonly subject: MetricSubject | AgentSubject;
  readonly filter: RuleFilter;
  readonly severity: Severity;
  /** How long it must be bad before it fires. */
  readonly forMs: number;
  /** How long it goes on firing after it is well again. */
  readonly keepFiringForMs: number;
  readonly intervalMs: number;
  readonly labels: Tags;
  /** Texts for people, with templates: `{{ value }}`, `{{ threshold }}`, `{{ labels.agent }}` … */
  readonly annotations: Tags;
  readonly enabled: boolean;
}

export interface AlertRule extends AlertRuleFields {
  readonly id: string;
  /** Made by the server on a fresh database: said, so that people know what they did not write. */
  readonly isDefault: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export type AlertState = 'pending' | 'firing' | 'resolved';

/** Why an alert is over. `dismissed`: somebody said so. */
export type ResolvedReason =
  | 'recovered'
  | 'rule_changed'
  | 'rule_deleted'
  | 'rule_disabled'
  | 'agent_deleted'
  | 'series_gone'
  | 'dismissed';

export interface Acknowledgement {
  readonly by: string;
  readonly comment: string;
  readonly atMs: number;
}

/** One group of one rule from the moment it was bad until it is over; a group that is bad again is another alert. */
export interface Alert {
  readonly id: string;
  readonly ruleId: string;
  /** Canonical JSON of the labels the group is told by. */
  readonly groupKey: string;
  /** The group's and the rule's labels, `alertname` and `severity`. */
  readonly labels: Tags;
  /** Rendered with the newest value. */
  readonly annotations: Tags;
  readonly agentId: string | null;
  readonly state: AlertState;
  /** The newest value that was looked at; null: there was no data. */
  readonly value: number | null;
  /** Since when it has been bad without a break. */
  readonly startedAtMs: number;
  /** Null while (or when it never got beyond) pending. */
  readonly firingSinceMs: number | null;
  /** Since when a firing group has been well again (it may still have to go on firing); null: it is not. */
  readonly wellSinceMs: number | null;
  readonly resolvedAtMs: number | null;
  readonly resolvedReason: ResolvedReason | null;
  readonly acknowledgement: Acknowledgement | null;
  readonly updatedAtMs: number;
}

/** `isRegex`: anchored at both ends. */
export interface Matcher {
  readonly label: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual: boolean;
}

/** Alerts that match are not told while it lasts. With a recurrence it is a maintenance window: from each time of the expression on, for a while. */
export interface SilenceFields {
  readonly matchers: readonly Matcher[];
  readonly startsAtMs: number;
  /** Null: until it is ended; only of recurring ones. */
  readonly endsAtMs: number | null;
  readonly recurrence: { readonly cron: string; readonly durationMs: number; readonly timeZone: string } | null;
  readonly author: string;
  readonly comment: string;
}

export interface Silence extends SilenceFields {
  readonly id: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export const CHANNEL_TYPES = ['webhook', 'slack', 'discord', 'teams', 'pagerduty', 'telegram', 'ntfy', 'email', 'alertmanager'] as const;
export type ChannelType = (typeof CHANNEL_TYPES)[number];

export interface ChannelFields {
  /** Unique among channels. */
  readonly name: string;
  readonly type: ChannelType;
  /** As the type wants it; may hold secrets, which never come back out. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Which alerts it is told; all must hold, none: all alerts. */
  readonly matchers: readonly Matcher[];
  /** Alerts that agree in these labels come as one notification. */
  readonly groupBy: readonly string[];
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly sendsResolved: boolean;
  readonly enabled: boolean;
}

export interface Channel extends ChannelFields {
  readonly id: string;
  /** Made of ALERT_WEBHOOK_URL or ALERT_EMAIL_*: it changes with the configuration, not over the API. */
  readonly isFromSettings: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What a channel was last told of one group of alerts. */
export interface NotificationGroup {
  readonly channelId: string;
  readonly groupKey: string;
  /** Ids of the alerts that were told as firing, and have not been told as resolved. */
  readonly toldFiring: readonly string[];
  readonly firstSeenAtMs: number;
  readonly lastToldAtMs: number | null;
}

export type DeliveryStatus = 'waiting' | 'delivered' | 'failed';

/** One notification on its way through one channel. */
export interface Delivery {
  readonly id: string;
  readonly channelId: string;
  readonly groupKey: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly nextAttemptAtMs: number;
  readonly createdAtMs: number;
  readonly finishedAtMs: number | null;
  /** What the other side said, or why it could not be reached; without secrets. */
  readonly lastError: string | null;
}

export interface WaitingDelivery extends Delivery {
  /** It says that an alert is over, which none that is made later says again. */
  readonly tellsResolved: boolean;
}

export interface NewDelivery extends WaitingDelivery {
  /** What is to be told, before the channel gives it its form; JSON. Kept until it is finished. */
  readonly payloadJson: string;
}

export interface LoggedDelivery extends Delivery {
  /** How many alerts it tells of. */
  readonly alerts: number;
}
