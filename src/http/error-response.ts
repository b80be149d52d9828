import { AppError, type ErrorCode, isAppError } from '../model/errors.js';
import { isoTime } from '../model/iso-time.js';
import { ERROR_STATUS } from './error-status.js';

/**
 * The one shape of an error answer, for Express and for raw sockets alike:
 * `{"error":{"code","message","status","timestamp","details"?}}`.
 */
export interface ErrorResponse {
  readonly status: number;
  /** `Retry-After`, when a retry of the same request may succeed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: Readonly<Record<string, unknown>> };
}

export function errorResponse(error: AppError, nowMs: number): ErrorResponse {
  const status = ERROR_STATUS[error.code];
  const { retryAfterMs } = error;
  return {
    status,
    headers: retryAfterMs === null ? {} : { 'Retry-After': String(Math.ceil(retryAfterMs / 1_000)) },
    body: {
      error: {
        code: error.code,
        message: error.message,
        status,
        timestamp: isoTime(nowMs),
        ...(error.details === undefined ? {} : { details: error.details }),
      },
    },
  };
}

/**
 * Whatever was thrown, as an error that may be shown. Errors of Express, its router and its body parser carry a
 * 4xx status: they are the client's. Everything else that is no AppError is a bug: `internal`, and nothing of it
 * goes outside.
 */
export function toAppError(thrown: unknown): AppError {
  if (isAppError(thrown) && thrown.code in ERROR_STATUS) return thrown;
  return fromFramework(thrown) ?? new AppError('internal', 'something went wrong inside the server; its log knows more');
}

/** Names of body-parser's errors that need more words than their status tells. */
const PARSER_ERRORS: Readonly<Record<string, { code: ErrorCode; say: (error: FrameworkError) => string }>> = {
  'entity.parse.failed': { code: 'invalid_json', say: parseFailure },
  'entity.too.large': {
    code: 'payload_too_large',
    say: (error) => `the body is larger than ${typeof error.limit === 'number' ? `${error.limit} bytes` : 'allowed'}`,
  },
  'encoding.unsupported': {
    code: 'unsupported_media_type',
    say: () => 'send the body plain, or with Content-Encoding gzip, deflate or br',
  },
  'charset.unsupported': { code: 'unsupported_media_type', say: () => 'send the body as UTF-8' },
  'request.aborted': { code: 'validation_failed', say: () => 'the body ended early' },
  'request.size.invalid': { code: 'validation_failed', say: () => 'the body is not as long as Content-Length says' },
};

/** The parser takes objects and arrays only, and calls everything else an unexpected token. */
function parseFailure({ body, message = '' }: FrameworkError): string {
  const bare = typeof body === 'string' && !/^[\x20\t\r\n]*[[{]/.test(body);
  return bare ? 'the body must be a JSON object' : `the body is not valid JSON: ${message}`;
}

const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
};

interface FrameworkError {
  readonly name?: unknown;
  readonly message?: string;
  readonly status?: unknown;
  readonly type?: unknown;
  readonly code?: unknown;
  readonly limit?: unknown;
  readonly body?: unknown;
}

function fromFramework(thrown: unknown): AppError | null {
  if (typeof thrown !== 'object' || thrown === null) return null;
  const error = thrown as FrameworkError;
  if (typeof error.status !== 'number' || error.status < 400 || error.status > 499) return null;
  const known = typeof error.type === 'string' ? PARSER_ERRORS[error.type] : undefined;
  if (known !== undefined) return new AppError(known.code, known.say(error));
  if (typeof error.code === 'string' && /^(Z|ERR_)_/.test(error.code)) {
    return new AppError('validation_failed', 'the body is not what its Content-Encoding says');
  }
  if (error.name === 'URIError') return new AppError('validation_failed', 'the path holds a "%" that starts no valid escape');
  return new AppError(CODE_BY_STATUS[error.status] ?? 'validation_failed', 'the request cannot be read');
}
