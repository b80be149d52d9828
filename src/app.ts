/**
 * The composition root: every part of the server is made here, once, and handed what it needs. Read it top to
 * bottom to know who knows whom; read `parts` to know what starts after what (stopping goes the other way).
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createAlerting } from './alerting/alerting.js';
import type { Config } from './config/config.js';
import { ConfigService } from './control/agent-config.js';
import { CommandService } from './control/commands.js';
import { ConfigPusher } from './control/config-pusher.js';
import { Housekeeper } from './control/housekeeper.js';
import { TargetBook } from './control/target-book.js';
import { TargetService } from './control/targets.js';
import { TrustedTime } from './control/trusted-time.js';
import { Authorizer } from './http/auth.js';
import { HttpServer } from './http/http-server.js';
import { agentCommandRoutes } from './http/routes/agent-commands.js';
import { agentConfigRoutes } from './http/routes/agent-config.js';
import { agentDeleteRoutes } from './http/routes/agent-delete.js';
import { agentGapRoutes } from './http/routes/agent-gaps.js';
import { agentPushRoutes } from './http/routes/agent-push.js';
import { agentReadRoutes } from './http/routes/agents.js';
import { alertChannelRoutes } from './http/routes/alert-channels.js';
import { alertRoutes } from './http/routes/alerts.js';
import { dashboardRoutes } from './http/routes/dashboard.js';
import { metricChartRoutes } from './http/routes/metrics-chart.js';
import { metricReadRoutes } from './http/routes/metrics.js';
import { targetRoutes } from './http/routes/targets.js';
import { topologyRoutes } from './http/routes/topology.js';
import { createHttpApp } from './http/server.js';
import { UpgradeGate } from './http/upgrade-gate.js';
import { UpgradeRouter } from './http/upgrade-router.js';
import { AgentRegistry } from './ingest/agent-registry.js';
import { AgentSockets } from './ingest/agent-socket.js';
import { BatchProcessor } from './ingest/batch-processor.js';
import { HttpPush } from './ingest/http-push.js';
import { MetricFrameDecoder } from './ingest/metric-frame.js';
import { KnownFrameReader } from './ingest/templates/known-frame-reader.js';
import { LiveChannel } from './live/live-channel.js';
import type { Events } from './model/event.js';
import { AgentQueries } from './query/agent-queries.js';
import { ChartQueries } from './query/chart.js';
import { DashboardQueries } from './query/dashboard-queries.js';
import { GapQueries } from './query/gaps.js';
import { MetricQueries } from './query/metric-queries.js';
import { TopologyQueries } from './query/topology.js';
import { type Clock, systemClock } from './runtime/clock.js';
import { EventBus } from './runtime/event-bus.js';
import { Lifecycle, type Part } from './runtime/lifecycle.js';
import { createLogger, type Logger } from './runtime/logger.js';
import { SelfMetrics } from './runtime/self-metrics.js';
import { SqliteStorage } from './storage/sqlite/sqlite-storage.js';

/** The paths are fixed: agents overwrite whatever path they were configured with. */
const AGENT_PATH = '/api/v1/agents/connect';
const LIVE_PATH = '/ws';

/** What tests replace: clocks and the outside world. */
export interface AppOverrides {
  readonly clock?: Clock;
  readonly logger?: Logger;
}

export interface App {
  readonly logger: Logger;
  /** Resolves when the server listens and its database is open. */
  start(): Promise<void>;
  /** Answers what was read, closes everything; true when all of it went cleanly and within the deadline. */
  stop(): Promise<boolean>;
  address(): { host: string; port: number };
}

export function createApp(config: Config, overrides: AppOverrides = {}): App {
  const clock = overrides.clock ?? systemClock;
  const logger = overrides.logger ?? createLogger({ ...config.log, json: config.environment === 'production' });
  const version = packageVersion();
  const metrics = new SelfMetrics();
  const bus = new EventBus<Events>(logger);

  // Storage
  const storage = new SqliteStorage({ ...config.storage, maxSeriesPerAgent: config.limits.maxSeriesPerAgent }, clock, logger, {
    activitiesDropped: (count) => metrics.activitiesDropped.inc(count),
    folded: (batches, units) => metrics.countFold(batches, units),
    writable: (failure) =>
      bus.emit(
        'systemAlert',
        failure === null
          ? { message: 'The database can be written again.', severity: 'info' }
          : { message: `The database cannot be written: ${failure}. Agents keep their batches until it can.`, severity: 'error' },
      ),
  });
  const { activities, configs } = storage;

  // The way in
  const registrySettings = { ...config.agents, retentionMs: config.storage.retentionMs };
  const registry = new AgentRegistry({ agents: storage.agents, activities, bus, clock, logger, settings: registrySettings });
  const processor = new BatchProcessor({ writer: storage.writer, registry, bus, metrics, settings: config.agents });
  const decoder = new MetricFrameDecoder(config.limits, config.storage.retentionMs);
  const { maxMetricsPerBatch } = config.limits;
  const knownFrames = config.fastParser ? new KnownFrameReader(decoder, maxMetricsPerBatch) : null;
  const agentSockets = new AgentSockets({
    settings: config.agents,
    registry,
    processor,
    decoder,
    knownFrames,
    bus,
    clock,
    metrics,
    logger,
    maxMetricsPerBatch,
    version,
  });
  const push = new HttpPush({ registry, processor, decoder, clock, maxMetricsPerBatch });

  // What people ask for
  const book = new TargetBook(storage.targets);
  const pusher = new ConfigPusher({ configs, targets: book, agents: registry, clock, logger });
  const configService = new ConfigService({ configs, agents: registry, pusher, activities, bus, clock, logger });
  const targetService = new TargetService({ store: storage.targets, book, agents: registry, pusher, clock });
  const commandService = new CommandService({ store: storage.commands, agents: registry, activities, bus, clock, logger });
  const time = new TrustedTime(clock, logger);
  const housekeeper = new Housekeeper({
    store: storage.agents,
    alerts: storage.alerts.alerts,
    deliveries: storage.alerts.deliveries,
    registry,
    settings: config.storage,
    time,
    metrics,
    logger,
  });

  // Alerts
  const alerting = createAlerting({
    settings: config.alerts,
    onAttempt: (type, outcome) => metrics.notifications.inc({ type, outcome }),
    stores: storage.alerts,
    reader: storage.reader,
    agents: registry,
    bus,
    clock,
    logger,
  });

  // The way out
  const agentQueries = new AgentQueries(registry, storage.reader, activities);
  const gapQueries = new GapQueries(registry, storage.gaps);
  const metricQueries = new MetricQueries(storage.reader, registry, clock, config.storage, storage.health, gapQueries);
  const dashboardQueries = new DashboardQueries(storage.reader, registry, activities, storage.health, clock, alerting.alerts);
  const topologyQueries = new TopologyQueries(storage.reader, registry, book, clock);
  const live = new LiveChannel({ settings: config.live, bus, agents: registry, reader: storage.reader, metrics, clock, logger });

  // HTTP, and the upgrades to WebSocket
  const authorizer = new Authorizer(config.auth);
  const http = createHttpApp({
    settings: { ...config, maxMessageBytes: config.agents.maxMessageBytes, consoleDir: config.consoleDir ?? ownConsoleDir() },
    version,
    clock,
    logger,
    authorizer,
    metrics,
    health: {
      database: storage.health,
      ingest: () => ({ queuedBatches: processor.queuedBatches, saturated: processor.saturated, connections: agentSockets.count }),
    },
    routers: [
      agentPushRoutes({ push }),
      agentConfigRoutes({ configs: configService }),
      agentCommandRoutes({ commands: commandService }),
      agentDeleteRoutes({ agents: { remove: (id) => removeAndErase(registry, housekeeper, id) } }),
      targetRoutes({ targets: targetService }),
      agentReadRoutes({ agentQueries, clock }),
      agentGapRoutes({ gapQueries, clock }),
      metricReadRoutes({ metricQueries, clock }),
      metricChartRoutes({ chartQueries: new ChartQueries(storage.reader, gapQueries), clock }),
      dashboardRoutes({ dashboardQueries, clock }),
      topologyRoutes({ topologyQueries, clock }),
      alertRoutes({ ...alerting, clock }),
      alertChannelRoutes(alerting),
    ].map((router) => ({ path: '/api/v1', router })),
  });
  const gate = new UpgradeGate(config.agents, () => agentSockets.count);
  const upgrades = new UpgradeRouter({
    routes: new Map([
      [
        AGENT_PATH,
        {
          kind: 'agent' as const,
          validate: (url: URL) => agentSockets.validate(url),
          accept: agentSockets.accept.bind(agentSockets),
        },
      ],
      [LIVE_PATH, { kind: 'person' as const, accept: live.accept.bind(live) }],
    ]),
    gate,
    authorizer,
    pages: config,
    refused: metrics.upgradesRefused,
    logger,
    clock,
  });
  const inactivityTimeoutMs = 2 * config.proxies.timeoutMs + 60_000;
  const server = new HttpServer({
    settings: { host: config.host, port: config.port, inactivityTimeoutMs },
    app: http,
    upgrades,
    logger,
    clock,
  });

  metrics.gauge('ccv_agent_connections', 'Agent sockets open now.', () => agentSockets.count);
  metrics.gauge('ccv_agent_connections_paused', 'Agent sockets not being read because something is full.', () => agentSockets.pausedCount);
  metrics.gauge('ccv_live_clients', 'Consoles connected now.', () => live.clientCount);
  metrics.gauge('ccv_agents', 'Agents known.', () => registry.counts.known);
  metrics.gauge('ccv_upgrades_waiting', 'Connections waiting to be let in.', () => gate.waiting);
  metrics.gauge('ccv_ingest_queue_batches', 'Batches read and not yet on disk.', () => processor.queuedBatches);
  metrics.gauge('ccv_ingest_queue_bytes', 'The same in bytes of samples.', () => processor.queuedBytes);
  metrics.gauge('ccv_database_bytes', 'Size of the database file.', () => storage.health.status().databaseBytes);
  metrics.gauge('ccv_database_wal_bytes', 'Size of its write-ahead log.', () => storage.health.status().walBytes);
  const usage = () => storage.health.knownUsage();
  const ofTiers = (field: 'bytes' | 'samples') => () => usage()?.tiers.map((tier) => [tier.tier, tier[field]] as const) ?? [];
  metrics.gaugePer('tier', 'ccv_tier_bytes', 'Bytes of units, by tier; up to a minute old.', ofTiers('bytes'));
  metrics.gaugePer('tier', 'ccv_tier_samples', 'Samples in units, of rollups rows, by tier; up to a minute old.', ofTiers('samples'));
  metrics.gauge('ccv_log_batches', 'Rows of the batch log; up to a minute old.', () => usage()?.log.batches ?? 0);
  const alertCounts = () => alerting.alerts.counts();
  metrics.gaugePer('state', 'ccv_alerts', 'Alerts that are not over, by state.', () => [
    ['firing', alertCounts().firing],
    ['pending', alertCounts().pending],
  ]);
  metrics.gauge('ccv_writer_queue', 'Writes waiting for the writer thread.', () => storage.health.status().writerQueue);
  metrics.gauge('ccv_reader_queue', 'Queries waiting for a reader thread.', () => storage.health.status().readerQueue);

  // Stopping goes from the last to the first: no new sockets, then the agents' (their batches are acknowledged and
  // they are told 1001), the consoles', running requests, and the database when nobody can want it any more.
  const parts: { name: string; part: Part }[] = [
    { name: 'storage', part: storage },
    { name: 'registry', part: registry },
    { name: 'target book', part: book },
    { name: 'config pusher', part: pusher },
    { name: 'agent configuration', part: configService },
    { name: 'commands', part: commandService },
    { name: 'housekeeper', part: housekeeper },
    { name: 'alerting', part: alerting },
    { name: 'self metrics', part: { start: () => metrics.collectProcessMetrics(), stop: () => metrics.registry.clear() } },
    { name: 'http server', part: server },
    { name: 'live channel', part: live },
    { name: 'agent sockets', part: agentSockets },
    { name: 'upgrades', part: { stop: () => server.refuseUpgrades() } },
  ];
  const lifecycle = new Lifecycle(parts, logger, config.stopTimeoutMs);

  return {
    logger,
    async start() {
      await lifecycle.start();
      logger.info('listening', { ...server.address(), version });
    },
    stop: () => lifecycle.stop(),
    address: () => server.address(),
  };
}

/** Deleting answers when the agent is gone for everybody; its data is erased in the background. */
async function removeAndErase(registry: AgentRegistry, housekeeper: Housekeeper, id: string): Promise<boolean> {
  const removed = await registry.remove(id);
  if (removed) void housekeeper.clean();
  return removed;
}

/** Where `npm run build` puts the console, wherever the server is started. */
function ownConsoleDir(): string {
  return fileURLToPath(new URL('../web/dist/browser', import.meta.url));
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
