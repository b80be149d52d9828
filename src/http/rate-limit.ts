import type { RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { AppError } from '../model/errors.js';

export interface RateLimitSettings {
  readonly windowMs: number;
  readonly maxRequests: number;
}

/**
 * Limits reads per address (IPv6: per /56, which is what one customer has). What agents post is not counted: a
 * whole fleet may sit behind one address. The answer says how much is left (`RateLimit-*`), a refusal when to
 * come again (`Retry-After`).
 */
export function limitReads(settings: RateLimitSettings): RequestHandler {
  return rateLimit({
    windowMs: settings.windowMs,
    limit: settings.maxRequests,
    standardHeaders: 'draft-6',
    legacyHeaders: false,
    skip: (req) => req.method !== 'GET' && req.method !== 'HEAD',
    keyGenerator: (req) => ipKeyGenerator(req.ip ?? 'unknown'),
    handler: (_req, _res, next) => {
      next(
        new AppError(
          'rate_limited',
          `more than ${settings.maxRequests} reads in ${settings.windowMs / 1_000} s; Retry-After says when to come again`,
        ),
      );
    },
    // Its self-checks print to the console; TRUST_PROXY is checked by the configuration.
    validate: false,
  });
}

const FAILURES_WINDOW_MS = 60_000;

/**
 * For requests that were refused already because they showed no valid credential: calls on while their address has not
 * sent more of them than `perMinute` within a minute, and after that with an error that says when to come again. It is to
 * be asked about such requests alone: a valid credential is never kept out by what others behind its address do.
 */
export function limitFailures(perMinute: number): RequestHandler {
  return rateLimit({
    windowMs: FAILURES_WINDOW_MS,
    limit: perMinute,
    // Who has no right is not told how much is left.
    standardHeaders: false,
    legacyHeaders: false,
    keyGenerator: (req) => ipKeyGenerator(req.ip ?? 'unknown'),
    handler: (_req, res, next) => {
      res.setHeader('Retry-After', String(FAILURES_WINDOW_MS / 1_000));
      next(
        new AppError(
          'rate_limited',
          `more than ${perMinute} requests without a valid token or key came from this address within a minute; those with one still pass`,
        ),
      );
    },
    validate: false,
  });
}
