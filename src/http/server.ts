import express, { type Express, type RequestHandler } from 'express';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import { type Authorizer, authMiddleware } from './auth.js';
import { consoleFiles } from './console-files.js';
import { corsHeaders, refuseForeignPages } from './cors.js';
import { errorHandler } from './error-handler.js';
import { jsonBodies } from './json-body.js';
import { type MountedRouter, notFound } from './not-found.js';
import { type DurationHistogram, labelledAs, mountedAt, observeRequests } from './observe.js';
import type { PageRules } from './origin.js';
import { googleProxies, type ProxySettings } from './proxy/google-proxies.js';
import { ipifyRoutes } from './proxy/ipify.js';
import { limitFailures, limitReads, type RateLimitSettings } from './rate-limit.js';
import { requestId } from './request-id.js';
import { deploymentRoutes } from './routes/deployments.js';
import { type Exposition, expositionRoutes } from './routes/exposition.js';
import { type HealthDeps, healthRoutes } from './routes/health.js';
import { infoRoutes } from './routes/info.js';
import { securityHeaders } from './security-headers.js';
import { boundUnreadAnswers, type CutCounter } from './unread-answers.js';

export type { MountedRouter } from './not-found.js';

export interface HttpAppSettings extends PageRules {
  readonly trustProxy: false | number | readonly string[];
  readonly maxBodyBytes: number;
  readonly maxMessageBytes: number;
  readonly maxUnreadBytes: number;
  readonly rateLimit: RateLimitSettings;
  readonly authFailuresPerMinute: number;
  readonly proxies: ProxySettings;
  /** The folder of the built console. */
  readonly consoleDir: string;
}

export interface HttpAppDeps {
  readonly settings: HttpAppSettings;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly authorizer: Authorizer;
  readonly metrics: { readonly httpSeconds: DurationHistogram; readonly registry: Exposition; readonly unreadAnswersCut: CutCounter };
  readonly health: Pick<HealthDeps, 'database' | 'ingest'>;
  /** The rest of the API, in order. Their bodies are parsed; what they throw is answered in the one error shape. */
  readonly routers: readonly MountedRouter[];
}

/**
 * The HTTP side of the server, from the first header to the last resort. The order is the design: what must hold for
 * every answer comes first, who may not come in gets no further, proxied bodies pass before anybody parses them.
 */
export function createHttpApp(deps: HttpAppDeps): Express {
  const { settings, logger, clock } = deps;
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', typeof settings.trustProxy === 'object' ? [...settings.trustProxy] : settings.trustProxy);

  app.use(requestId());
  app.use(observeRequests(deps.metrics.httpSeconds, logger));
  app.use(securityHeaders());
  app.use(corsHeaders(settings.frontendOrigins));
  app.use(refuseForeignPages(settings));
  app.use(authMiddleware(deps.authorizer, limitFailures(settings.authFailuresPerMinute)));

  for (const proxy of googleProxies(settings.proxies)) {
    app.use(proxy.path, labelledAs(`${proxy.path}/*`), proxy.handler);
  }

  app.use(
    '/api/v1',
    neverCached,
    limitReads(settings.rateLimit),
    boundUnreadAnswers(settings.maxUnreadBytes, deps.metrics.unreadAnswersCut, logger),
  );
  const bodiless: MountedRouter[] = [
    { path: '/', router: healthRoutes({ ...deps.health, version: deps.version, clock }) },
    { path: '/', router: expositionRoutes({ registry: deps.metrics.registry }) },
    { path: '/api', router: ipifyRoutes(settings.proxies) },
    { path: '/api/v1', router: infoRoutes({ version: deps.version }) },
    { path: '/api/v1', router: deploymentRoutes({ clock }) },
  ];
  for (const { path, router } of bodiless) app.use(path, mountedAt(path), router);
  app.use(jsonBodies(settings));
  for (const { path, router } of deps.routers) app.use(path, mountedAt(path), router);

  app.use(consoleFiles(settings.consoleDir));
  app.use(notFound([...bodiless, ...deps.routers]));
  app.use(errorHandler(logger, clock));
  return app;
}

/** Answers are about now, and some are for those with a key only. */
const neverCached: RequestHandler = (_req, res, next) => {
  res.setHeader('Cache-Control', 'no-store');
  next();
};
