/** The protocol's frames: what the server says, checked and under this project's names, and what the agent says as text. */
import type { Batch, Dropped } from '../model.js';

/** Where an agent is; '' for what is not known. */
export interface Location {
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
  readonly network: string;
  readonly subnet: string;
  readonly instanceId: string;
  readonly privateIp: string;
  readonly publicIp: string;
}

export interface Registration {
  readonly agentId: string;
  readonly version: string;
  readonly location: Location;
  readonly capabilities: readonly string[];
  /** What was lost and is not known to the server yet. */
  readonly dropped: Dropped | null;
}

export interface Ack {
  readonly batchId: string;
  readonly processed: number;
  readonly errors: number;
  readonly duplicate: boolean;
  /** Why the first metric that was rejected was. */
  readonly firstError: string | null;
}

export interface Refusal {
  /** Null: it is about something other than a batch. */
  readonly batchId: string | null;
  readonly code: string;
  readonly message: string;
  /** False: it can never succeed. */
  readonly isRetryable: boolean;
  readonly retryAfterMs: number | null;
}

export interface CommandFrame {
  readonly commandId: string;
  readonly name: string;
  readonly args: unknown;
  /** Unix milliseconds; NaN when it is not a time. */
  readonly expiresAtMs: number;
}

export type ServerFrame =
  | { readonly type: 'welcome'; readonly serverVersion: string }
  | { readonly type: 'registration_ack' }
  | ({ readonly type: 'metrics_ack' } & Ack)
  | { readonly type: 'ping' }
  | { readonly type: 'config_update'; readonly version: number; readonly config: unknown }
  | ({ readonly type: 'command' } & CommandFrame)
  | ({ readonly type: 'error' } & Refusal)
  | { readonly type: 'unknown'; readonly name: string };

type Fields = Readonly<Record<string, unknown>>;

const MAX_SHOWN_LENGTH = 300;

/** Reads what the server sent; null for what is no frame. Never throws. */
export function readFrame(text: string): ServerFrame | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isFields(json) || typeof json.type !== 'string') return null;
  const data = isFields(json.data) ? json.data : {};
  switch (json.type) {
    case 'welcome':
      return { type: 'welcome', serverVersion: isFields(data.serverInfo) ? textOf(data.serverInfo.version) : '' };
    case 'registration_ack':
    case 'ping':
      return { type: json.type };
    case 'metrics_ack':
      return { type: 'metrics_ack', ...readAck(data) };
    case 'config_update':
      return { type: 'config_update', version: numberOf(data.version) ?? 0, config: data.config };
    case 'command': {
      const expiresAtMs = Date.parse(textOf(data.expires_at));
      return { type: 'command', commandId: textOf(data.command_id), name: textOf(data.name), args: data.args ?? {}, expiresAtMs };
    }
    case 'error':
      return { type: 'error', ...readRefusal(data) };
    default:
      return { type: 'unknown', name: textOf(json.type) };
  }
}

function readAck(data: Fields): Ack {
  const first: unknown = Array.isArray(data.details) ? data.details[0] : null;
  return {
    batchId: textOf(data.batch_id),
    processed: numberOf(data.processed) ?? 0,
    errors: numberOf(data.errors) ?? 0,
    duplicate: data.duplicate === true,
    firstError: isFields(first) ? `${textOf(first.name)}: ${textOf(first.error)}` : null,
  };
}

/** A server that asks for a longer pause is asked again all the same: timers know no more than 24 days, and it may have been a mistake. */
const MAX_RETRY_AFTER_MS = 600_000;

function readRefusal(data: Fields): Refusal {
  const retryAfterMs = numberOf(data.retry_after_ms);
  return {
    batchId: textOf(data.batch_id) || null,
    code: textOf(data.code),
    message: textOf(data.message),
    isRetryable: data.retryable !== false,
    retryAfterMs: retryAfterMs !== null && retryAfterMs >= 0 ? Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) : null,
  };
}

/** A frame of the agent. */
export function frameText(type: string, data: object): string {
  return JSON.stringify({ type, data });
}

/**
 * The data of a `metrics` frame. Its time is that of sending, by which the server tells how far this clock is off; each sample has its own.
 */
export function metricsData(agentId: string, { batchId, seq, metrics }: Batch, sentAtMs: number): object {
  return {
    agent_id: agentId,
    timestamp: timeText(sentAtMs),
    batch_id: batchId,
    seq,
    metrics: metrics.map(({ name, value, unit, timestampMs: measuredMs, tags, type }) => ({
      name,
      value,
      unit,
      timestamp: timeText(measuredMs),
      tags,
      type,
    })),
  };
}

/** The data of a `registration` frame. */
export function registrationData({ agentId, version, location, capabilities, dropped }: Registration): object {
  return {
    agent_id: agentId,
    version,
    location: {
      provider: location.provider,
      region: location.region,
      zone: location.zone,
      network: location.network,
      subnet: location.subnet,
      instance_id: location.instanceId,
      private_ip: location.privateIp,
      public_ip: location.publicIp,
    },
    capabilities,
    timestamp: timeText(Date.now()),
    ...(dropped === null ? {} : { dropped: { count: dropped.count, from: timeText(dropped.fromMs), to: timeText(dropped.toMs) } }),
  };
}

/** RFC 3339; a time no calendar knows is the epoch's, so that nothing fails over it. */
function timeText(epochMs: number): string {
  const time = new Date(epochMs);
  return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString();
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_SHOWN_LENGTH) : '';
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
