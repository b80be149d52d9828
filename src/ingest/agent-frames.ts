/** Frames as text: reading what an agent sent, and writing what it is answered. Knows the wire, and no connection. */
import { AppError, type ErrorCode, isAppError } from '../model/errors.js';
import type { BatchOutcome } from './batch-processor.js';
import { isPlainObject, shown } from './metric-checks.js';

const FRAME_TYPES = ['registration', 'metrics', 'status', 'pong', 'config_status', 'command_result'] as const;
type FrameType = (typeof FRAME_TYPES)[number];

export interface AgentFrame {
  readonly type: FrameType;
  readonly data: Readonly<Record<string, unknown>>;
  /** Monotonic. */
  readonly arrivedMs: number;
}

/** Why a message is no frame. */
export interface FrameProblem {
  readonly code: 'invalid_json' | 'unknown_type' | 'unsupported' | ErrorCode;
  readonly message: string;
}

const INTERNAL = new AppError('internal', 'This could not be handled; the server has logged why');

/** Reads one message. Never throws. */
export function parseFrame(text: string, arrivedMs: number): AgentFrame | FrameProblem {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { code: 'invalid_json', message: 'The frame is not JSON' };
  }
  if (!isPlainObject(json)) return invalidFrame(`A frame must be an object (it is ${shown(json)})`);
  const { type } = json;
  if (typeof type !== 'string') return invalidFrame(`type must be a string (it is ${shown(type)})`);
  if (!isFrameType(type)) return { code: 'unknown_type', message: `There are no frames of type ${shown(type)}` };
  const data = json.data ?? {};
  if (!isPlainObject(data)) return invalidFrame(`data must be an object (it is ${shown(data)})`);
  return { type, data, arrivedMs };
}

/** A frame to an agent. */
export function frameText(type: string, data: object, now: string): string {
  return JSON.stringify({ type, data, timestamp: now });
}

/** The acknowledgement of a batch that is on disk. */
export function ackText(batchId: string | null, outcome: BatchOutcome, now: string): string {
  const { processed, errors, duplicate, details } = outcome;
  const data = {
    processed,
    errors,
    timestamp: now,
    batch_id: batchId ?? undefined,
    duplicate: duplicate ? true : undefined,
    details: details.length > 0 ? details : undefined,
  };
  return frameText('metrics_ack', data, now);
}

/** The `error` frame for something that failed; what is not meant to be shown is answered as `internal`. */
export function failureText(error: unknown, more: object, now: string): string {
  const { message, code, retryAfterMs } = isAppError(error) ? error : INTERNAL;
  return frameText('error', { message, code, timestamp: now, ...more, retry_after_ms: retryAfterMs ?? undefined }, now);
}

/**
 * True when the very same batch may succeed later. What is not an AppError is a bug, and a batch that meets a bug
 * meets it again: it must not be resent for ever.
 */
export function isRetryable(error: unknown): boolean {
  return isAppError(error) && error.retryAfterMs !== null;
}

/** The batch's id for an error about it, as far as it is one. */
export function batchIdOf(data: Readonly<Record<string, unknown>>): string | undefined {
  const batchId = data.batch_id ?? data.batchId;
  return typeof batchId === 'string' && batchId !== '' && batchId.length <= 128 ? batchId : undefined;
}

function isFrameType(type: string): type is FrameType {
  return (FRAME_TYPES as readonly string[]).includes(type);
}

function invalidFrame(message: string): FrameProblem {
  return { code: 'validation_failed', message };
}
