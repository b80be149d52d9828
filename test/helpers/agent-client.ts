import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';

/**
 * A monitoring agent for tests: a real WebSocket to the agents' path, with an inbox of the frames that came.
 * It answers nothing by itself (no pong frames), so that a test sees exactly what it sends.
 */

/** The data of a frame; tests look into it freely. */
export type FrameData = any;

export interface Frame {
  readonly type: string;
  readonly data: FrameData;
  readonly timestamp?: string;
}

export interface AgentOptions {
  /** Default: a fresh one. Left out of the query when null. */
  readonly agentId?: string | null;
  readonly provider?: string;
  readonly region?: string;
  readonly zone?: string;
  readonly token?: string;
  /** Further query parameters. */
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the agents' path of the contract. */
  readonly path?: string;
}

export interface MetricOptions {
  readonly type?: string;
  readonly unit?: string;
  readonly tags?: Readonly<Record<string, string>> | null;
  /** ISO text, or Unix milliseconds. */
  readonly timestamp?: string | number;
}

export interface WireMetric {
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
  readonly unit?: string;
  readonly tags?: Readonly<Record<string, string>> | null;
  readonly timestamp?: string;
}

/** One metric as it goes over the wire; a gauge unless `options.type` says otherwise. */
export function metric(name: string, value: unknown, options: MetricOptions = {}): WireMetric {
  const { type = 'gauge', unit, tags, timestamp } = options;
  return {
    name,
    type,
    value,
    ...(unit === undefined ? {} : { unit }),
    ...(tags === undefined ? {} : { tags }),
    ...(timestamp === undefined ? {} : { timestamp: typeof timestamp === 'number' ? new Date(timestamp).toISOString() : timestamp }),
  };
}

/** An upgrade was refused: the HTTP answer. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused';

  constructor(
    readonly status: number,
    readonly body: string,
    readonly headers: Readonly<Record<string, string | string[] | undefined>>,
  ) {
    super(`upgrade refused with HTTP ${status}: ${body.slice(0, 200)}`);
  }
}

/** The server answered a batch with an `error` frame, whose data is `data`. */
export class BatchRefused extends Error {
  override readonly name = 'BatchRefused';

  constructor(readonly data: FrameData) {
    super(`batch refused: ${JSON.stringify(data)}`);
  }
}

interface Waiter {
  readonly accepts: (frame: Frame) => boolean;
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

const DEFAULT_TIMEOUT_MS = 5_000;

export class TestAgent {
  /** Every frame that came, in order, consumed or not. */
  readonly frames: Frame[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  private readonly inbox: Frame[] = [];
  private readonly waiters: Waiter[] = [];

  private constructor(
    readonly socket: WebSocket,
    readonly agentId: string,
  ) {
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const waiter of this.waiters.splice(0)) {
          clearTimeout(waiter.timer);
          waiter.reject(new Error(`the socket was closed (${code} ${reason.toString()}) while waiting for a frame`));
        }
      });
    });
    socket.on('error', () => undefined);
    socket.on('message', (raw) => this.receive(JSON.parse((raw as Buffer).toString()) as Frame));
  }

  /**
   * Connects; resolves when the upgrade is done.
   * @throws UpgradeRefused when the server answers with HTTP, or the socket's own error.
   */
  static connect(server: { readonly wsUrl: string }, options: AgentOptions = {}): Promise<TestAgent> {
    const agentId = options.agentId === undefined ? `agent-${randomUUID()}` : (options.agentId ?? '');
    const url = new URL(options.path ?? '/api/v1/agents/connect', server.wsUrl);
    if (options.agentId !== null) url.searchParams.set('agent_id', agentId);
    for (const name of ['provider', 'region', 'zone', 'token'] as const) {
      const value = options[name] ?? (name === 'provider' ? 'gcp' : name === 'region' ? 'us-central1' : undefined);
      if (value !== undefined) url.searchParams.set(name, value);
    }
    for (const [name, value] of Object.entries(options.query ?? {})) url.searchParams.set(name, value);
    const socket = new WebSocket(url, { headers: { 'User-Agent': 'Go-http-client/1.1', ...options.headers }, perMessageDeflate: false });
    return new Promise((resolve, reject) => {
      const agent = new TestAgent(socket, agentId);
      socket.once('open', () => resolve(agent));
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => {
          reject(new UpgradeRefused(response.statusCode ?? 0, Buffer.concat(chunks).toString(), response.headers));
          socket.terminate();
        });
      });
    });
  }

  /** The data of the next frame of this type that no call has taken yet, also one that came before. */
  async nextFrame(type: string, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<FrameData> {
    return (await this.next((frame) => frame.type === type, timeoutMs, `"${type}"`)).data;
  }

  /** Like nextFrame, for any frame that `accepts` takes; the whole frame. */
  next(accepts: (frame: Frame) => boolean, timeoutMs = DEFAULT_TIMEOUT_MS, what = 'frame'): Promise<Frame> {
    const waiting = this.inbox.find(accepts);
    if (waiting !== undefined) {
      this.inbox.splice(this.inbox.indexOf(waiting), 1);
      return Promise.resolve(waiting);
    }
    if (this.socket.readyState === WebSocket.CLOSED) return Promise.reject(new Error(`no ${what}: the socket is closed`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiters.splice(this.waiters.indexOf(waiter), 1);
        const seen = this.frames.map((frame) => frame.type).join(', ');
        reject(new Error(`no ${what} within ${timeoutMs} ms; came so far: ${seen || 'nothing'}`));
      }, timeoutMs);
      const waiter: Waiter = { accepts, resolve, reject, timer };
      this.waiters.push(waiter);
    });
  }

  /** Registers and waits for the acknowledgement, whose data it answers. */
  register(extra: Readonly<Record<string, unknown>> = {}): Promise<FrameData> {
    this.send('registration', {
      agent_id: this.agentId,
      version: '1.0.0',
      location: { provider: 'gcp', region: 'us-central1', zone: 'us-central1-a' },
      timestamp: new Date().toISOString(),
      ...extra,
    });
    return this.nextFrame('registration_ack');
  }

  /**
   * Sends one batch and waits for its acknowledgement, whose data it answers. With a `batchId` several may be under way.
   * @throws BatchRefused when the server answers with an `error` frame.
   */
  async push(
    metrics: readonly unknown[],
    options: {
      readonly batchId?: string;
      readonly timestamp?: string | number;
      readonly extra?: Readonly<Record<string, unknown>>;
      readonly timeoutMs?: number;
    } = {},
  ): Promise<FrameData> {
    const { batchId, timestamp = Date.now(), extra = {} } = options;
    this.send('metrics', {
      agent_id: this.agentId,
      timestamp: typeof timestamp === 'number' ? new Date(timestamp).toISOString() : timestamp,
      metrics,
      ...(batchId === undefined ? {} : { batch_id: batchId }),
      ...extra,
    });
    const answers = (frame: Frame): boolean =>
      (frame.type === 'metrics_ack' || frame.type === 'error') && (batchId === undefined || frame.data?.batch_id === batchId);
    const frame = await this.next(answers, options.timeoutMs ?? DEFAULT_TIMEOUT_MS, '"metrics_ack"');
    if (frame.type === 'error') throw new BatchRefused(frame.data);
    return frame.data;
  }

  /** Sends a frame `{type, data, timestamp}`. */
  send(type: string, data: unknown): void {
    this.socket.send(JSON.stringify({ type, data, timestamp: new Date().toISOString() }));
  }

  sendRaw(payload: string | Uint8Array): void {
    this.socket.send(payload);
  }

  /** Closes with a handshake; resolves when the socket is closed. */
  async close(code?: number): Promise<void> {
    this.socket.close(code);
    await this.closed;
  }

  /** Cuts the connection without a word. */
  terminate(): void {
    this.socket.terminate();
  }

  private receive(frame: Frame): void {
    this.frames.push(frame);
    const index = this.waiters.findIndex((waiter) => waiter.accepts(frame));
    const waiter = this.waiters[index];
    if (waiter === undefined) {
      this.inbox.push(frame);
      return;
    }
    this.waiters.splice(index, 1);
    clearTimeout(waiter.timer);
    waiter.resolve(frame);
  }
}
