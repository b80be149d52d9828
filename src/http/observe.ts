import type { RequestHandler, Response } from 'express';
import type { Logger } from '../runtime/logger.js';
import { monotonicMs } from '../runtime/clock.js';
import { redactUrl } from './redact.js';

/** The part of a prom-client histogram that is used here. */
export interface DurationHistogram {
  observe(labels: { method: string; route: string; status: string }, seconds: number): void;
}

/**
 * Measures and (at debug) logs every request, also those the client gave up on. The route label is the template
 * (`/api/v1/agents/:agentId`), never the path: paths are the caller's to choose, and every one would be a new
 * series for ever.
 */
export function observeRequests(histogram: DurationHistogram, logger: Logger): RequestHandler {
  return (req, res, next) => {
    const startedMs = monotonicMs();
    // Node calls an answer finished also when its connection was cut with half of it unsent. Looked at before Node's
    // own listener, which closes the connection of a last answer.
    let isWhole = false;
    res.prependOnceListener('finish', () => {
      isWhole = !req.socket.destroyed;
    });
    res.once('close', () => {
      const durationMs = monotonicMs() - startedMs;
      const status = isWhole ? String(res.statusCode) : 'aborted';
      histogram.observe({ method: req.method, route: routeLabel(req.route, res), status }, durationMs / 1_000);
      logger.debug('request', {
        requestId: res.locals.requestId as string,
        method: req.method,
        url: redactUrl(req.originalUrl),
        status,
        durationMs: Math.round(durationMs * 10) / 10,
      });
    });
    next();
  };
}

/** Remembers where a router is mounted: after an error the request itself no longer tells. */
export function mountedAt(path: string): RequestHandler {
  return (_req, res, next) => {
    res.locals.mountPath = path;
    next();
  };
}

/** Labels everything behind a prefix as one route, e.g. a proxy. */
export function labelledAs(label: string): RequestHandler {
  return (_req, res, next) => {
    res.locals.routeLabel = label;
    next();
  };
}

function routeLabel(route: unknown, res: Response): string {
  if (typeof res.locals.routeLabel === 'string') return res.locals.routeLabel;
  const paths = (route as { path?: unknown } | undefined)?.path;
  // Several spellings of one route are one route: the first names it.
  const template: unknown = Array.isArray(paths) ? paths[0] : paths;
  if (typeof template !== 'string' || typeof res.locals.mountPath !== 'string') return 'unmatched';
  const label = `${res.locals.mountPath}${template}`.replace(/\/{2,}/g, '/');
  return label.length > 1 ? label.replace(/\/$/, '') : label;
}
