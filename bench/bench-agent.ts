/**
 * One agent of the fleet on the wire: connects, registers, sends batches, matches acknowledgements, answers pings.
 * The server acknowledges a connection's batches in the order they were sent, so the oldest one waiting is the one meant.
 *
 * Every acknowledgement must confirm the whole batch without errors; anything else ends the bench (`onBroken`), since a
 * server that does not store what it is sent has no speed worth measuring.
 */
import { type History, SAMPLES_PER_BATCH, SimulatedAgent, agentId, agentRegion } from './fleet.js';
import { RefusedError, WebSocketConnection } from './websocket-client.js';

interface Frame {
  readonly type: string;
  readonly data?: { readonly processed?: number; readonly errors?: number; readonly duplicate?: boolean };
}

export interface AgentEvents {
  /** `startedMs` is what `sendBatch` was given. */
  onAck(agent: BenchAgent, startedMs: number): void;
  onBroken(reason: string): void;
}

/** Wall clock with its fraction: `Date.now()` alone would end every time in six zeros. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

export class BenchAgent {
  private connection: WebSocketConnection | null = null;
  private registered: ((error: Error | null) => void) | null = null;
  private simulated: SimulatedAgent | null = null;
  /** When the batches not yet acknowledged were started, oldest first from `oldest` on. */
  private started: number[] = [];
  private oldest = 0;

  constructor(
    readonly index: number,
    private readonly target: { readonly host: string; readonly port: number; readonly fragmentBytes: number; readonly history: History },
    private readonly events: AgentEvents,
  ) {}

  get inFlight(): number {
    return this.started.length - this.oldest;
  }

  /** Resolves at the registration_ack. Rejects with RefusedError when the connection ended before it. */
  async connect(): Promise<void> {
    const { host, port, fragmentBytes } = this.target;
    const { provider, region } = agentRegion(this.index);
    const path = `/api/v1/agents/connect?agent_id=${agentId(this.index)}&provider=${provider}&region=${region}`;
    this.connection = await WebSocketConnection.connect({ host, port, path }, fragmentBytes, {
      onText: (text) => this.receive(text),
      onLost: (reason) => this.lost(reason),
    });
    const ack = new Promise<void>((resolve, reject) => {
      this.registered = (error) => (error === null ? resolve() : reject(error));
    });
    this.connection.sendText(this.simulation().registrationFrame(nowMs()));
    await ack;
  }

  /** Sends the next batch; its latency counts from `startedMs`. */
  sendBatch(startedMs: number): void {
    this.started.push(startedMs);
    this.connection?.sendText(this.simulation().metricsFrame(nowMs()));
  }

  /** Ends the connection without a word. */
  drop(reset: boolean): void {
    this.connection?.drop(reset);
    this.connection = null;
  }

  private simulation(): SimulatedAgent {
    this.simulated ??= new SimulatedAgent(this.index, this.target.history);
    return this.simulated;
  }

  private lost(reason: string): void {
    this.connection = null;
    if (this.registered === null) return this.events.onBroken(`agent ${this.index} lost its connection: ${reason}`);
    this.registered(new RefusedError(reason));
    this.registered = null;
  }

  private receive(text: string): void {
    const frame = JSON.parse(text) as Frame;
    switch (frame.type) {
      case 'metrics_ack': {
        const { processed, errors, duplicate } = frame.data ?? {};
        const startedMs = this.started[this.oldest];
        if (startedMs === undefined) return this.events.onBroken(`agent ${this.index} got an acknowledgement it was not owed`);
        if (processed !== SAMPLES_PER_BATCH || errors !== 0 || duplicate === true) {
          return this.events.onBroken(`agent ${this.index} sent ${SAMPLES_PER_BATCH} samples and got ${text.slice(0, 500)}`);
        }
        this.oldest += 1;
        if (this.oldest === this.started.length) {
          this.started = [];
          this.oldest = 0;
        }
        return this.events.onAck(this, startedMs);
      }
      case 'registration_ack':
        this.registered?.(null);
        this.registered = null;
        return;
      case 'ping':
        this.connection?.sendText(`{"data":{"timestamp":"${new Date().toISOString()}"},"type":"pong"}\n`);
        return;
      case 'welcome':
      case 'config_update':
        return;
      default:
        this.events.onBroken(`agent ${this.index} got ${text.slice(0, 500)}`);
    }
  }
}
