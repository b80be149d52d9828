import { once } from 'node:events';
import { connect } from 'node:net';
import { Authorizer } from '../../src/http/auth.js';
import { HttpServer } from '../../src/http/http-server.js';
import { createHttpApp, type HttpAppSettings, type MountedRouter } from '../../src/http/server.js';
import { UpgradeGate, type UpgradeGateSettings } from '../../src/http/upgrade-gate.js';
import { type UpgradeRoute, UpgradeRouter } from '../../src/http/upgrade-router.js';
import { systemClock } from '../../src/runtime/clock.js';
import { SelfMetrics } from '../../src/runtime/self-metrics.js';
import { MemoryLogger } from './memory-logger.js';

export interface EdgeOptions {
  readonly settings?: Partial<HttpAppSettings>;
  readonly agentTokens?: readonly string[];
  readonly apiKeys?: readonly string[];
  readonly routers?: readonly MountedRouter[];
  readonly probe?: () => Promise<void>;
  readonly upgradeRoutes?: ReadonlyMap<string, UpgradeRoute>;
  readonly gate?: Partial<UpgradeGateSettings>;
  readonly connections?: () => number;
}

/** The HTTP edge alone, listening on a free port: production code in front, whatever routers the test brings behind. */
export async function startEdge(options: EdgeOptions = {}) {
  const logger = new MemoryLogger();
  const metrics = new SelfMetrics();
  const authorizer = new Authorizer({ agentTokens: options.agentTokens ?? [], apiKeys: options.apiKeys ?? [] });
  const nowhere = 'http://127.0.0.1:9';
  const settings: HttpAppSettings = {
    frontendOrigins: ['http://localhost:4200'],
    localOnly: false,
    trustProxy: false,
    maxBodyBytes: 1_024,
    maxMessageBytes: 8_192,
    maxUnreadBytes: 67_108_864,
    authFailuresPerMinute: 60,
    rateLimit: { windowMs: 60_000, maxRequests: 1_000 },
    proxies: { loggingUrl: nowhere, computeUrl: nowhere, cloudRunUrl: nowhere, ipifyUrl: nowhere, timeoutMs: 500 },
    consoleDir: '/nowhere',
    ...options.settings,
  };
  const app = createHttpApp({
    settings,
    version: '1.2.3',
    clock: systemClock,
    logger,
    authorizer,
    metrics,
    health: {
      database: { probe: options.probe ?? (async () => {}) },
      ingest: () => ({ queuedBatches: 0, saturated: false, connections: 0 }),
    },
    routers: options.routers ?? [],
  });
  const gate = new UpgradeGate(
    { upgradesPerSecond: 1_000, upgradeWaitMs: 1_000, maxWaitingUpgrades: 100, maxConnections: 100, ...options.gate },
    options.connections ?? (() => 0),
  );
  const upgrades = new UpgradeRouter({
    routes: options.upgradeRoutes ?? new Map(),
    gate,
    authorizer,
    pages: settings,
    refused: metrics.upgradesRefused,
    logger,
    clock: systemClock,
  });
  const server = new HttpServer({
    settings: { host: '127.0.0.1', port: 0, inactivityTimeoutMs: 30_000 },
    app,
    upgrades,
    logger,
    clock: systemClock,
  });
  await server.start();
  const { port } = server.address();
  return { url: `http://127.0.0.1:${port}`, port, server, gate, logger, metrics, stop: () => server.stop() };
}

/** Sends bytes as they are and answers all that comes back until the server closes. */
export async function rawExchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    received += text;
  });
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return received;
}
