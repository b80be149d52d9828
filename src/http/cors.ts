import cors from 'cors';
import type { RequestHandler } from 'express';
import { AppError } from '../model/errors.js';
import { originAllowed } from './origin.js';

const PREFLIGHT_CACHE_SECONDS = 600;
const READABLE_HEADERS = ['X-Request-Id', 'Retry-After', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'];
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * CORS with credentials for the console's origins, and for nobody else. An OPTIONS request that is no preflight
 * goes on: the proxies forward it.
 */
export function corsHeaders(frontendOrigins: readonly string[]): RequestHandler {
  return cors((req, answer) =>
    answer(null, {
      origin: [...frontendOrigins],
      credentials: true,
      maxAge: PREFLIGHT_CACHE_SECONDS,
      exposedHeaders: READABLE_HEADERS,
      preflightContinue: req.headers['access-control-request-method'] === undefined,
    }),
  );
}

/** Refuses what a foreign page tries to change: browsers send some such requests without asking first. */
export function refuseForeignChanges(frontendOrigins: readonly string[]): RequestHandler {
  return (req, _res, next) => {
    if (SAFE_METHODS.has(req.method) || originAllowed(req.headers.origin, req.headers.host, frontendOrigins)) next();
    else next(new AppError('forbidden', 'pages of this origin may not change anything here; FRONTEND_URL names those that may'));
  };
}
