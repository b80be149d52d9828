/**
 * The errors this service answers with. A code is a promise to clients: it is stable, lower snake case, and
 * maps to exactly one HTTP status (the table is http/error-status.ts). Whatever is not an AppError is a bug and
 * is answered as `internal`, without details.
 */
export const ERROR_CODES = [
  'validation_failed',
  'invalid_json',
  'unauthorized',
  'forbidden',
  'not_found',
  'agent_not_found',
  'agent_disconnected',
  'agent_deleted',
  'method_not_allowed',
  'conflict',
  'payload_too_large',
  'unsupported_media_type',
  'rate_limited',
  'internal',
  'not_implemented',
  'bad_gateway',
  'gateway_timeout',
  'overloaded',
  'query_timeout',
  'storage_unavailable',
  'storage_full',
  'shutting_down',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** One field that was wrong: its name, the reason, and (shortened) the value that was given. */
export interface ErrorDetail {
  readonly field: string;
  readonly message: string;
  readonly value?: unknown;
}

/** An error that is meant to be shown to the client: `message` and `details` hold no secrets and no internals. */
export class AppError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details?: readonly ErrorDetail[],
  ) {
    super(message);
    this.name = 'AppError';
  }

  /** When a retry of the very same request may succeed: how long to wait first, in milliseconds; otherwise null. */
  get retryAfterMs(): number | null {
    return RETRY_AFTER_MS[this.code] ?? null;
  }
}

const RETRY_AFTER_MS: Partial<Record<ErrorCode, number>> = {
  overloaded: 1_000,
  query_timeout: 5_000,
  storage_unavailable: 5_000,
  storage_full: 30_000,
  shutting_down: 5_000,
};

/** True for an AppError, also for one that was made in another realm (a test's VM context). */
export function isAppError(error: unknown): error is AppError {
  return error instanceof Error && error.name === 'AppError';
}
