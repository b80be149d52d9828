/**
 * The wire's shape of what the house knows: agents, samples, activities and times, as CONTRACT §3 spells them.
 * Everything that answers with an agent or a metric (REST, live channel) goes through here, so that a client sees
 * one shape everywhere. Pure; never throws for values that storage can hold.
 */
import type { Agent } from '../model/agent.js';
import { type AgentConfigState, type ConfigStatus, configStatus } from '../model/config-state.js';
import type { Activity } from '../model/event.js';
import { isoTime, isoTimeOrNull } from '../model/iso-time.js';
import type { MetricType, SeriesInfo, Tags } from '../model/metric.js';
import type { SampleRows } from '../storage/ports.js';

/** An agent in answers. Times are ISO 8601 UTC, or null where it never happened; empty texts mean "not known". */
export interface AgentAnswer {
  readonly id: string;
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
  readonly network: string;
  readonly subnet: string;
  readonly instance_id: string;
  readonly ip_address: string;
  readonly version: string;
  readonly status: string;
  readonly health: string;
  readonly capabilities: readonly string[];
  readonly connected_at: string | null;
  readonly last_seen: string | null;
  readonly last_registration: string | null;
  readonly total_messages: number;
  readonly total_metrics: number;
  readonly total_errors: number;
  readonly clock_skew_ms: number | null;
  /** null while neither a configuration nor a target is meant for it. */
  readonly config: ConfigStateAnswer | null;
  readonly created_at: string | null;
  readonly updated_at: string | null;
}

/** Which version of its configuration an agent is to run, which one it tried, which one it runs, and since when. */
export interface ConfigStateAnswer {
  readonly desired_version: number;
  readonly attempted_version: number | null;
  readonly effective_version: number | null;
  readonly status: ConfigStatus;
  /** Why the attempt failed. */
  readonly error: string | null;
  readonly desired_since: string;
  readonly attempted_at: string | null;
  readonly effective_since: string | null;
}

/** A metric in answers. `value` is the number, or the object exactly as it came in. */
export interface MetricAnswer {
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

/** A series in answers, with its agent's current place. */
export interface SeriesAnswer {
  readonly id: number;
  readonly agent_id: string;
  readonly name: string;
  readonly type: MetricType;
  readonly unit: string | null;
  readonly tags: Tags;
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
}

export interface ActivityAnswer {
  readonly timestamp: string;
  readonly type: string;
  readonly agent_id: string;
  readonly message: string;
}

/** The ends of a half-open range, for people. */
export interface PeriodAnswer {
  readonly start: string;
  readonly end: string;
}

export function presentPeriod(range: { startMs: number; endMs: number }): PeriodAnswer {
  return { start: isoTime(range.startMs), end: isoTime(range.endMs) };
}

/** The number, or null where it overflowed or was never there: JSON has no word for Infinity and NaN. */
export function finiteOrNull(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}

export function presentAgent(agent: Agent): AgentAnswer {
  return {
    id: agent.id,
    provider: agent.provider,
    region: agent.region,
    zone: agent.zone,
    network: agent.network,
    subnet: agent.subnet,
    instance_id: agent.instanceId,
    ip_address: agent.ipAddress,
    version: agent.version,
    status: agent.status,
    health: agent.health,
    capabilities: [...agent.capabilities],
    connected_at: isoTimeOrNull(agent.connectedAtMs),
    last_seen: isoTimeOrNull(agent.lastSeenMs),
    last_registration: isoTimeOrNull(agent.lastRegistrationMs),
    total_messages: agent.totalMessages,
    total_metrics: agent.totalMetrics,
    total_errors: agent.totalErrors,
    clock_skew_ms: agent.clockSkewMs,
    config: agent.config === null ? null : presentConfigState(agent.config),
    created_at: isoTimeOrNull(agent.createdAtMs),
    updated_at: isoTimeOrNull(agent.updatedAtMs),
  };
}

function presentConfigState(state: AgentConfigState): ConfigStateAnswer {
  return {
    desired_version: state.version,
    attempted_version: state.attemptedVersion,
    effective_version: state.effectiveVersion,
    status: configStatus(state),
    error: state.attemptError,
    desired_since: isoTime(state.updatedAtMs),
    attempted_at: isoTimeOrNull(state.attemptedAtMs),
    effective_since: isoTimeOrNull(state.effectiveAtMs),
  };
}

export function presentSeries(series: SeriesInfo): SeriesAnswer {
  return {
    id: series.id,
    agent_id: series.agentId,
    name: series.name,
    type: series.type,
    unit: series.unit,
    tags: parseTags(series.tagsJson),
    provider: series.provider,
    region: series.region,
    zone: series.zone,
  };
}

/** One sample; `receivedAtMs` is NaN or null where it is not known, `tags` may be handed in when already parsed. */
export function presentMetric(
  series: SeriesInfo,
  sample: { timestampMs: number; value: number; objectJson: string | null; receivedAtMs: number | null },
  tags: Tags = parseTags(series.tagsJson),
): MetricAnswer {
  return {
    id: `${series.id}-${sample.timestampMs}`,
    agent_id: series.agentId,
    name: series.name,
    type: series.type,
    value: sample.objectJson === null ? sample.value : (JSON.parse(sample.objectJson) as unknown),
    unit: series.unit,
    tags,
    provider: series.provider,
    region: series.region,
    zone: series.zone,
    timestamp: isoTime(sample.timestampMs),
    received_at: isoTimeOrNull(sample.receivedAtMs),
  };
}

/** All rows, in their order. Tags are parsed once per series and shared between its rows. */
export function presentRows(rows: SampleRows): MetricAnswer[] {
  const tags = rows.series.map((series) => parseTags(series.tagsJson));
  const objects = new Map(rows.objectValues.map(({ row, json }) => [row, json]));
  const answers: MetricAnswer[] = [];
  for (const [row, index] of rows.seriesIndex.entries()) {
    const series = rows.series[index];
    if (series === undefined) throw new Error(`row ${row} names series ${index} of ${rows.series.length}`);
    const sample = {
      timestampMs: rows.timestampsMs[row] ?? NaN,
      value: rows.values[row] ?? NaN,
      objectJson: objects.get(row) ?? null,
      receivedAtMs: rows.receivedAtMs[row] ?? NaN,
    };
    answers.push(presentMetric(series, sample, tags[index]));
  }
  return answers;
}

export function presentActivity(activity: Activity): ActivityAnswer {
  return {
    timestamp: isoTime(activity.timestampMs),
    type: activity.type,
    agent_id: activity.agentId,
    message: activity.message,
  };
}

/** Parsed, never copied key by key: a tag called `__proto__` stays an ordinary own property. */
export function parseTags(tagsJson: string): Tags {
  return JSON.parse(tagsJson) as Tags;
}
