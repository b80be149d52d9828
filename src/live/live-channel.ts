import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import type { AgentDirectory } from '../model/agent.js';
import { AppError, isAppError } from '../model/errors.js';
import type { Events } from '../model/event.js';
import { presentAgent, presentMetric } from '../query/present.js';
import { type Clock, monotonicMs } from '../runtime/clock.js';
import type { EventBus } from '../runtime/event-bus.js';
import type { Logger } from '../runtime/logger.js';
import type { SelfMetrics } from '../runtime/self-metrics.js';
import { AgentNews, type AgentNewsItem } from './agent-news.js';
import { SharedFrame } from './frame.js';
import { LatestMetrics, type LatestReader } from './latest-metrics.js';
import { LiveClient } from './live-client.js';
import { type LiveRequest, parseLiveRequest } from './live-messages.js';
import { type PendingSample, SampleRooms } from './sample-rooms.js';

export interface LiveSettings {
  readonly maxClients: number;
  /** A console is told of news at most once per so many milliseconds. */
  readonly intervalMs: number;
  /** Metrics a console is sent per interval; the other series that have news wait for their turn. */
  readonly metricsPerInterval: number;
  /** Series that wait for a console, and metrics in one answer; the rest is dropped and counted. */
  readonly maxPending: number;
  /** Unsent bytes at which a console is skipped. */
  readonly maxBufferedBytes: number;
}

export interface LiveChannelDeps {
  readonly settings: LiveSettings;
  readonly bus: EventBus<Events>;
  readonly agents: AgentDirectory;
  readonly reader: LatestReader;
  readonly metrics: Pick<SelfMetrics, 'liveDropped'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_SUBSCRIPTIONS = 1_000;
const MAX_WAITING_ALERTS = 100;
const MAX_WAITING_AGENT_LISTS = 2;
const MAX_WAITING_METRICS = 8;
const PING_INTERVAL_MS = 30_000;
const CLOSE_GRACE_MS = 1_000;

/**
 * The console's live channel (CONTRACT §4). News is gathered, newest per series and per agent, and sent once per
 * interval: that of all agents, and `metricsPerInterval` metrics, because the console fetches its charts again on every
 * one. The other series wait for their turn, in which they come with the value that is newest by then. What a console
 * asks for comes at once and whole. Frames are written once for all consoles that hear the same, and a slow console
 * loses metrics rather than filling our memory (counted). Without consoles nothing is listened to.
 *
 * Who may connect, and from which Origin, was decided before `accept`.
 */
export class LiveChannel {
  private server: WebSocketServer | null = null;
  private readonly clients = new Set<LiveClient>();
  private readonly rooms: SampleRooms;
  private readonly agentNews = new AgentNews();
  private alerts: SharedFrame[] = [];
  private readonly unsubscribe: (() => void)[] = [];
  private timer: NodeJS.Timeout | null = null;
  private pingedAtMs = 0;
  private readonly latest: LatestMetrics;

  constructor(private readonly deps: LiveChannelDeps) {
    this.rooms = new SampleRooms(deps.settings.maxPending);
    this.latest = new LatestMetrics(deps.reader, deps.agents, deps.clock);
  }

  get clientCount(): number {
    return this.clients.size;
  }

  start(): void {
    this.server ??= new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
    });
  }

  /** Closes all consoles with 1001; those that do not answer are cut off after a second. */
  async stop(): Promise<void> {
    this.server = null;
    const clients = [...this.clients];
    const closed = clients.map(({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
    for (const { socket } of clients) closeSoon(socket, 1001, 'the server is stopping');
    await Promise.all(closed);
  }

  /** Takes over an upgrade to `/ws`. When there are too many consoles it is closed with 1013, try again later. */
  accept(req: IncomingMessage, socket: Duplex, head: Buffer, _url: URL): void {
    const { server } = this;
    if (server === null) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    server.handleUpgrade(req, socket, head, (ws) => this.admit(ws));
  }

  private admit(socket: WebSocket): void {
    const { settings, logger } = this.deps;
    socket.on('error', (error) => logger.debug('console socket failed', { error }));
    if (this.server === null) return closeSoon(socket, 1001, 'the server is stopping');
    if (this.clients.size >= settings.maxClients) return closeSoon(socket, 1013, 'too many consoles are connected');
    const client = new LiveClient(socket, settings.maxBufferedBytes, (item) => this.agentFrame(item), logger);
    this.clients.add(client);
    this.rooms.join(client.subscriptions);
    if (this.clients.size === 1) this.listen();
    socket.on('message', (data, isBinary) => this.receive(client, data, isBinary));
    socket.once('close', () => this.leave(client));
  }

  private leave(client: LiveClient): void {
    if (!this.clients.delete(client)) return;
    this.rooms.leave(client.subscriptions);
    if (this.clients.size === 0) this.unlisten();
  }

  // ---------------------------------------------------------------- what consoles say

  private receive(client: LiveClient, data: RawData, isBinary: boolean): void {
    if (client.socket.readyState !== WebSocket.OPEN) return;
    if (!client.allowMessage()) return closeSoon(client.socket, 1008, 'too many messages');
    try {
      if (isBinary) throw new AppError('invalid_json', 'messages are JSON text');
      this.handle(client, parseLiveRequest((data as Buffer).toString('utf8')));
    } catch (error) {
      this.answerError(client, error);
    }
  }

  private handle(client: LiveClient, request: LiveRequest): void {
    switch (request.type) {
      case 'client_connect':
        return;
      case 'ping':
        client.answer([this.frame('pong', () => ({}))].values());
        return;
      case 'request_agents':
        this.answerAgents(client);
        return;
      case 'request_metrics':
        this.answerLatest(client, request);
        return;
      case 'subscribe_agent':
        this.follow(client, request.agentId);
        return;
      case 'unsubscribe_agent':
        this.countDropped(this.rooms.unfollow(client.subscriptions, request.agentId));
        return;
    }
  }

  /** One frame per agent, each written when its turn comes. One list may wait for another: more would say the same. */
  private answerAgents(client: LiveClient): void {
    if (client.waitingAgentLists >= MAX_WAITING_AGENT_LISTS) return;
    client.waitingAgentLists += 1;
    client.answer(this.allAgents(), () => {
      client.waitingAgentLists -= 1;
    });
  }

  private *allAgents(): Generator<SharedFrame, undefined> {
    for (const { id } of this.deps.agents.all()) {
      const agent = this.deps.agents.find(id);
      if (agent !== null) yield this.agentFrame({ type: 'agent_updated', agent });
    }
  }

  /** Answers follow one another: the next is read when the last one has left. */
  private answerLatest(client: LiveClient, request: MetricsRequest): void {
    if (client.waitingMetrics >= MAX_WAITING_METRICS) {
      throw new AppError('rate_limited', 'too many request_metrics are waiting for their answer');
    }
    const followed = client.subscriptions.size === 0 ? null : [...client.subscriptions];
    const agentIds = request.agentId === null ? followed : [request.agentId];
    client.waitingMetrics += 1;
    client.lastMetrics = client.lastMetrics.then(async () => {
      try {
        const { metrics, left } = await this.latest.read({ agentIds, metricType: request.metricType }, this.deps.settings.maxPending);
        this.countDropped(left);
        const frames = metrics.map((metric) => this.frame('metric_received', () => metric));
        await new Promise<void>((resolve) => client.answer(frames.values(), resolve));
      } catch (error) {
        this.answerError(client, error);
      } finally {
        client.waitingMetrics -= 1;
      }
    });
  }

  private follow({ subscriptions }: LiveClient, agentId: string): void {
    if (subscriptions.size >= MAX_SUBSCRIPTIONS && !subscriptions.has(agentId)) {
      throw new AppError('validation_failed', `no more than ${MAX_SUBSCRIPTIONS} agents can be subscribed to`);
    }
    this.countDropped(this.rooms.follow(subscriptions, agentId));
  }

  private answerError(client: LiveClient, error: unknown): void {
    const known = isAppError(error);
    if (!known) this.deps.logger.error('a message of a console failed', { error });
    const data = known ? { message: error.message, code: error.code } : { message: 'internal error', code: 'internal' };
    client.answer([this.frame('error', () => data)].values());
  }

  // ---------------------------------------------------------------- what consoles are told

  private listen(): void {
    const { bus, settings } = this.deps;
    this.unsubscribe.push(
      bus.on('samplesCommitted', (committed) => this.countDropped(this.rooms.gather(committed))),
      bus.on('agentConnected', (agent) => this.agentNews.add('agent_connected', agent)),
      bus.on('agentDisconnected', (agent) => this.agentNews.add('agent_disconnected', agent)),
      bus.on('agentUpdated', (agent) => this.agentNews.add('agent_updated', agent)),
      bus.on('agentDeleted', (agent) => {
        this.rooms.forget(agent.id);
        this.agentNews.add('agent_disconnected', { ...agent, status: 'disconnected' });
      }),
      bus.on('systemAlert', (alert) => {
        if (this.alerts.length >= MAX_WAITING_ALERTS) this.countDropped(this.clients.size);
        else this.alerts.push(this.frame('system_alert', () => alert));
      }),
    );
    this.pingedAtMs = monotonicMs();
    this.timer = setInterval(() => this.tick(), settings.intervalMs);
  }

  private unlisten(): void {
    for (const leave of this.unsubscribe.splice(0)) leave();
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.agentNews.take();
    this.alerts = [];
  }

  private tick(): void {
    const agents = this.agentNews.take().map((item) => ({ item, frame: this.agentFrame(item) }));
    const { metricsPerInterval } = this.deps.settings;
    const heard = this.rooms.take(metricsPerInterval, (pending) => this.frame('metric_received', () => this.presentSample(pending)));
    const { alerts } = this;
    this.alerts = [];
    let dropped = 0;
    for (const client of this.clients) {
      dropped += client.deliver({ alerts, agents, metrics: heard(client.subscriptions) });
    }
    this.countDropped(dropped);
    if (monotonicMs() - this.pingedAtMs >= PING_INTERVAL_MS) {
      this.pingedAtMs = monotonicMs();
      for (const client of this.clients) client.ping();
    }
  }

  private presentSample({ sample, agentId, receivedAtMs }: PendingSample): object {
    const agent = this.deps.agents.find(agentId);
    const { seriesId: id, name, type, unit, tagsJson, timestampMs, value, objectJson } = sample;
    const place = { provider: agent?.provider ?? '', region: agent?.region ?? '', zone: agent?.zone ?? '' };
    return presentMetric({ id, name, type, unit, tagsJson, agentId, ...place }, { timestampMs, value, objectJson, receivedAtMs });
  }

  private countDropped(count: number): void {
    if (count > 0) this.deps.metrics.liveDropped.inc(count);
  }

  private agentFrame(item: AgentNewsItem): SharedFrame {
    return this.frame(item.type, () => presentAgent(item.agent));
  }

  private frame(type: string, data: () => object): SharedFrame {
    return new SharedFrame(type, data, () => this.deps.clock.nowMs());
  }
}

type MetricsRequest = Extract<LiveRequest, { type: 'request_metrics' }>;

/** Closes with a handshake, and cuts the connection when the other side does not take part. */
function closeSoon(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason);
  const timer = setTimeout(() => socket.terminate(), CLOSE_GRACE_MS);
  socket.once('close', () => clearTimeout(timer));
}
