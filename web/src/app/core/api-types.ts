/** The REST API's answers, as the README documents them. Times are ISO 8601 UTC. */

export type AgentStatus = 'connected' | 'disconnected' | 'error';

export interface ConfigState {
  readonly desired_version: number;
  readonly attempted_version: number | null;
  readonly effective_version: number | null;
  readonly status: string;
  readonly error: string | null;
  readonly desired_since: string;
  readonly attempted_at: string | null;
  readonly effective_since: string | null;
}

export interface Agent {
  readonly id: string;
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
  readonly network: string;
  readonly subnet: string;
  readonly instance_id: string;
  readonly ip_address: string;
  readonly version: string;
  readonly status: AgentStatus;
  readonly health: string;
  readonly capabilities: readonly string[];
  readonly connected_at: string | null;
  readonly last_seen: string | null;
  readonly last_registration: string | null;
  readonly total_messages: number;
  readonly total_metrics: number;
  readonly total_errors: number;
  readonly clock_skew_ms: number | null;
  readonly config: ConfigState | null;
  readonly created_at: string | null;
  readonly updated_at: string | null;
}

export type MetricType = 'gauge' | 'counter' | 'histogram' | 'timer';
export type Tags = Readonly<Record<string, string>>;

export interface Metric {
  readonly id: string;
  readonly agent_id: string;
  readonly name: string;
  readonly type: MetricType;
  readonly value: unknown;
  readonly unit: string | null;
  readonly tags: Tags;
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
  readonly timestamp: string;
  readonly received_at: string | null;
}

export interface Activity {
  readonly timestamp: string;
  readonly type: string;
  readonly agent_id: string;
  readonly message: string;
}

/** Data that is known to be missing. */
export interface Gap {
  readonly agent_id: string;
  readonly from: string;
  readonly to: string;
  readonly reason: 'missing' | 'dropped';
  readonly batches: number | null;
  readonly samples: number | null;
}

export interface Pagination {
  readonly total?: number;
  readonly limit: number;
  readonly offset: number;
  readonly hasMore: boolean;
}

export type TargetType = 'ping' | 'http' | 'tcp' | 'dns';

export interface Target {
  readonly id: string;
  readonly name: string;
  readonly type: TargetType;
  readonly address: string;
  readonly port: number | null;
  readonly interval: number | null;
  readonly timeout: number | null;
  readonly enabled: boolean;
  readonly agent_ids: readonly string[];
}
