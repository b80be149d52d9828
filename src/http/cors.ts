import cors from 'cors';
import type { RequestHandler } from 'express';
import { AppError } from '../model/errors.js';
import { hostAllowed, originAllowed, type PageRules } from './origin.js';

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

/**
 * Refuses what a foreign page tries to change: browsers send some such requests without asking first. What only reads is
 * refused under a foreign name; elsewhere browsers keep the answer from the page.
 */
export function refuseForeignPages(rules: PageRules): RequestHandler {
  return (req, _res, next) => {
    const { origin, host } = req.headers;
    if (!SAFE_METHODS.has(req.method)) {
      if (originAllowed(origin, host, rules)) next();
      else next(new AppError('forbidden', 'pages of this origin may not change anything here; FRONTEND_URL names those that may'));
      return;
    }
    if (hostAllowed(host, rules)) next();
    else next(new AppError('forbidden', foreignName(host ?? '')));
  };
}

function foreignName(host: string): string {
  return `without API_KEYS and AGENT_TOKENS this server goes by localhost or 127.0.0.1, not by "${host.slice(0, 100)}"; names in FRONTEND_URL do as well`;
}
