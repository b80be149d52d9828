import type { ErrorRequestHandler, Request } from 'express';
import type { AppError } from '../model/errors.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import { errorResponse, toAppError } from './error-response.js';
import { ERROR_STATUS } from './error-status.js';
import { redactUrl } from './redact.js';

/** Answered as they should be, and nobody needs to hear of them: 4xx, and 5xx that are only "not now" or "not here". */
const QUIET = new Set(['overloaded', 'shutting_down', 'not_implemented']);

/**
 * The last middleware: whatever a handler threw becomes the one error shape. 4xx are logged at debug, what heals
 * itself at warn, bugs as errors with their stack. Once an answer has begun it cannot be changed into an error
 * any more: the connection is cut, so that the client sees the answer is not whole.
 */
export function errorHandler(logger: Logger, clock: Clock): ErrorRequestHandler {
  return (thrown: unknown, req, res, _next) => {
    const error = toAppError(thrown);
    log(logger, error, thrown, req, String(res.locals.requestId ?? ''));
    if (res.headersSent) {
      if (!res.writableEnded) res.destroy();
      return;
    }
    const { status, headers, body } = errorResponse(error, clock.nowMs());
    res.status(status).set(headers).json(body);
  };
}

function log(logger: Logger, error: AppError, thrown: unknown, req: Request, requestId: string): void {
  const meta = { requestId, method: req.method, url: redactUrl(req.originalUrl), code: error.code };
  const status = ERROR_STATUS[error.code];
  if (error.code === 'internal') logger.error('request failed', { ...meta, error: thrown });
  else if (status >= 500 && !QUIET.has(error.code)) logger.warn('request failed', { ...meta, reason: error.message });
  else logger.debug('request refused', { ...meta, reason: error.message });
}
