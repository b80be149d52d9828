/**
 * All agent WebSockets: takes upgraded connections over, hands their events to AgentConnection, and looks after
 * them with one timer for all (a timer for each would cost memory and wake-ups ten thousand times over).
 *
 * Whether a connection is let in (credentials, pace, number of sockets) was decided before `accept`.
 * Stop: read nothing more, answer all that was read, close 1001, and give up on those who do not close in time.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { agentIdProblem } from '../model/agent.js';
import { AppError } from '../model/errors.js';
import { monotonicMs } from '../runtime/clock.js';
import { AgentConnection, type ConnectionContext } from './agent-connection.js';
import { readConnectParameters } from './messages.js';

export interface AgentSocketSettings {
  readonly heartbeatIntervalMs: number;
  readonly connectionTimeoutMs: number;
  readonly maxMessageBytes: number;
}

export type AgentSocketDeps = Omit<ConnectionContext, 'paused' | 'heartbeatIntervalMs' | 'connectionTimeoutMs'> & {
  readonly settings: AgentSocketSettings;
};

/** How long a stop waits for the other sides' close frames. */
const CLOSE_GRACE_MS = 1_500;
const MAX_SWEEP_INTERVAL_MS = 1_000;
const MIN_SWEEP_INTERVAL_MS = 10;
/**
 * WebSocket pings whose pongs have not left yet; one more ends the connection. Agents send N + 1 pings at once after N
 * reconnects: cutting them off over 60, which is the library's default, would only make it one more.
 * (The type declarations of ws do not know the option yet.)
 */
const MAX_PENDING_PONGS = { maxPendingAutoPongs: 10_000 };

/** The socket knows whose it is, so that one set of listener functions serves all sockets. */
class AgentWebSocket extends WebSocket {
  owner: AgentSockets | null = null;
  connection: AgentConnection | null = null;
}

export class AgentSockets {
  private readonly server: WebSocketServer;
  private readonly sockets = new Set<AgentWebSocket>();
  private readonly context: ConnectionContext;
  private readonly settings: AgentSocketSettings;
  private timer: NodeJS.Timeout | null = null;
  private unsubscribe: (() => void) | null = null;
  private stopping = false;
  private onLastClosed: (() => void) | null = null;

  constructor({ settings, ...deps }: AgentSocketDeps) {
    this.settings = settings;
    this.context = {
      ...deps,
      heartbeatIntervalMs: settings.heartbeatIntervalMs,
      connectionTimeoutMs: settings.connectionTimeoutMs,
      paused: new Set(),
    };
    this.server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: settings.maxMessageBytes,
      ...MAX_PENDING_PONGS,
      skipUTF8Validation: false,
      WebSocket: AgentWebSocket,
    });
  }

  /** Sockets that are open. */
  get count(): number {
    return this.sockets.size;
  }

  /** Sockets that are not being read because something is full. */
  get pausedCount(): number {
    return this.context.paused.size;
  }

  start(): void {
    if (this.timer !== null) return;
    const { heartbeatIntervalMs, connectionTimeoutMs } = this.settings;
    const quarter = Math.floor(Math.min(heartbeatIntervalMs, connectionTimeoutMs) / 4);
    this.timer = setInterval(() => this.sweep(), Math.min(Math.max(quarter, MIN_SWEEP_INTERVAL_MS), MAX_SWEEP_INTERVAL_MS));
    this.timer.unref();
    this.unsubscribe = this.context.processor.onRelief(() => {
      for (const flow of this.context.paused) flow.resumeIfRoom();
    });
  }

  /** Resolves when every socket is closed. Everything that was read before has been answered, or failed. */
  async stop(): Promise<void> {
    if (this.timer === null) return;
    this.stopping = true;
    clearInterval(this.timer);
    this.timer = null;
    this.unsubscribe?.();
    await Promise.all(Array.from(this.sockets, async (socket) => socket.connection?.drain()));
    for (const { connection } of this.sockets) connection?.close(1001, 'server is shutting down');
    if (this.sockets.size === 0) return;
    const grace = setTimeout(() => {
      for (const socket of this.sockets) socket.terminate();
    }, CLOSE_GRACE_MS);
    await new Promise<void>((resolve) => {
      this.onLastClosed = resolve;
    });
    clearTimeout(grace);
  }

  /** Why this URL cannot be an agent's, or null: its `agent_id` is missing or malformed. */
  validate(url: URL): AppError | null {
    const problem = agentIdProblem(agentIdOf(url));
    return problem === null ? null : new AppError('validation_failed', problem, [{ field: 'agent_id', message: problem }]);
  }

  /** Completes the upgrade. To be called with a URL that passed `validate`. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, url: URL): void {
    if (this.stopping) {
      socket.destroy();
      return;
    }
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      const agentSocket = webSocket as AgentWebSocket;
      const description = readConnectParameters(agentIdOf(url) ?? '', url.searchParams);
      agentSocket.owner = this;
      agentSocket.connection = new AgentConnection(agentSocket, description, this.context);
      this.sockets.add(agentSocket);
      this.context.metrics.connectionsOpened.inc();
      agentSocket.on('message', onMessage);
      agentSocket.on('ping', onSignOfLife);
      agentSocket.on('pong', onSignOfLife);
      agentSocket.on('error', onError);
      agentSocket.on('close', onClose);
      agentSocket.connection.open();
    });
  }

  private sweep(): void {
    const nowMs = monotonicMs();
    for (const { connection } of this.sockets) connection?.sweep(nowMs);
  }

  /** A socket of these is closed. */
  closed(socket: AgentWebSocket, code: number): void {
    this.sockets.delete(socket);
    socket.connection?.closed(code);
    if (this.sockets.size === 0) this.onLastClosed?.();
  }
}

/** The agent's id in either spelling, or null. */
function agentIdOf({ searchParams }: URL): string | null {
  return searchParams.get('agent_id') || searchParams.get('agentId') || searchParams.get('agent_id');
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  (this as AgentWebSocket).connection?.receive(data as Buffer, isBinary);
}

function onSignOfLife(this: WebSocket): void {
  (this as AgentWebSocket).connection?.signOfLife();
}

function onClose(this: WebSocket, code: number): void {
  const socket = this as AgentWebSocket;
  socket.owner?.closed(socket, code);
}

function onError(this: WebSocket, error: Error): void {
  (this as AgentWebSocket).connection?.failed(error);
}
