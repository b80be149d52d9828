/** What the REST API answers about alerts, as the README documents it. Times are ISO 8601 UTC, durations seconds. */
import type { Pagination, Tags } from './api-types';

export type Severity = 'info' | 'warning' | 'critical';
export type AlertState = 'pending' | 'firing' | 'resolved';

export interface AlertCounts {
  readonly pending: number;
  readonly firing: number;
  /** Of those that fire. */
  readonly critical: number;
  readonly warning: number;
  readonly info: number;
  readonly silenced: number;
  readonly acknowledged: number;
}

export interface Acknowledgement {
  readonly by: string;
  readonly comment: string;
  readonly at: string;
}

export interface Alert {
  readonly id: string;
  readonly rule_id: string;
  readonly rule_name: string;
  readonly state: AlertState;
  readonly severity: Severity;
  readonly labels: Tags;
  readonly annotations: Tags;
  readonly agent_id: string | null;
  /** Null: there was no data. */
  readonly value: number | null;
  readonly started_at: string;
  readonly firing_since: string | null;
  /** It is well again, and goes on firing for a while. */
  readonly well_since: string | null;
  readonly resolved_at: string | null;
  readonly resolved_reason: string | null;
  readonly acknowledgement: Acknowledgement | null;
  readonly silenced_by: readonly string[];
  readonly updated_at: string;
}

export interface AlertsAnswer {
  readonly alerts: readonly Alert[];
  readonly counts: AlertCounts;
  readonly pagination: Pagination;
}

export interface AlertHistoryAnswer {
  readonly alerts: readonly Alert[];
  readonly pagination: Pagination;
}

export type Condition = 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'ne';
export type NoData = 'ok' | 'keep' | 'alert';
export type AgentCondition = 'disconnected' | 'stale' | 'clock_skew' | 'config_failed';

export interface RuleStatus {
  readonly last_evaluated_at: string | null;
  readonly duration_ms: number | null;
  readonly error: string | null;
  /** Series that match; null: of agents' rules, and before the first look. */
  readonly matched: number | null;
  readonly groups: number;
  readonly pending: number;
  readonly firing: number;
  /** What is the matter with the rule itself: it matches nothing, or is kept from firing by samples that came late. */
  readonly warning: string | null;
}

export interface AgentFilter {
  readonly agent_ids: readonly string[];
  readonly providers: readonly string[];
  readonly regions: readonly string[];
  readonly tags: Tags;
}

interface RuleBase {
  readonly id: string;
  readonly name: string;
  readonly agent_filter: AgentFilter;
  readonly severity: Severity;
  readonly for: number;
  readonly keep_firing_for: number;
  readonly interval: number;
  readonly labels: Tags;
  readonly annotations: Tags;
  readonly enabled: boolean;
  readonly is_default: boolean;
  readonly status: RuleStatus;
}

export interface MetricRule extends RuleBase {
  readonly kind: 'metric';
  readonly metric_name: string;
  readonly aggregation: string;
  readonly window: number;
  readonly condition: Condition;
  readonly threshold: number;
  readonly recovery_threshold: number | null;
  /** Null: the agent and every tag but `target_ip`. */
  readonly by: readonly string[] | null;
  readonly no_data: NoData;
}

export interface AgentRule extends RuleBase {
  readonly kind: 'agent';
  readonly agent_condition: AgentCondition;
  /** Seconds; null: the usual. */
  readonly threshold: number | null;
}

export type Rule = MetricRule | AgentRule;

/** When a group of a rule would have fired. */
export interface Firing {
  readonly from: string;
  /** Null: it would fire still. */
  readonly to: string | null;
  readonly peak: number | null;
}

export interface RuleTest {
  readonly period: { readonly start: string; readonly end: string };
  readonly interval: number | string;
  readonly matched: number;
  readonly truncated: boolean;
  readonly warning: string | null;
  readonly groups: readonly { readonly labels: Tags; readonly firings: readonly Firing[] }[];
}

export interface Matcher {
  readonly label: string;
  readonly value: string;
  /** The value is a regular expression for the whole of the label's value. */
  readonly is_regex: boolean;
  /** False: what does not match is meant. */
  readonly is_equal: boolean;
}

export interface Recurrence {
  readonly cron: string;
  readonly duration: number;
  readonly time_zone: string;
}

export interface Silence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly starts_at: string;
  /** Null: until it is ended. */
  readonly ends_at: string | null;
  readonly recurrence: Recurrence | null;
  readonly author: string;
  readonly comment: string;
  readonly state: 'active' | 'pending' | 'expired';
}

export interface ChannelSetting {
  readonly name: string;
  readonly is_secret: boolean;
  readonly is_required: boolean;
}

export interface ChannelType {
  readonly type: string;
  readonly settings: readonly ChannelSetting[];
}

export interface Channel {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** Secrets are `***`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly matchers: readonly Matcher[];
  readonly group_by: readonly string[];
  readonly group_wait: number;
  readonly group_interval: number;
  readonly repeat_interval: number;
  readonly sends_resolved: boolean;
  readonly enabled: boolean;
  /** Made of the server's configuration: it cannot be changed here. */
  readonly is_from_settings: boolean;
}

export interface Delivery {
  readonly id: string;
  readonly status: 'waiting' | 'delivered' | 'failed';
  readonly attempts: number;
  readonly created_at: string;
  readonly finished_at: string | null;
  readonly next_attempt_at: string | null;
  readonly last_error: string | null;
  readonly group_labels: Tags;
  /** How many it tells of, or what it tells of them. */
  readonly alerts: number | readonly unknown[];
}
