/**
 * The agent's link to its server: connects, registers, answers pings, hands on what the server says, and connects again for
 * ever, with full jitter, when the connection ends. It is up between the acknowledged registration and the end of the connection;
 * only then batches go out.
 *
 * A connection is given up when nothing came over it for `silenceMs`, when the registration is not answered, or when the outbox
 * says so. Refused upgrades are tried again too: tokens and servers are put right without the agent.
 * What is lost while the link is up is told by registering again over the same connection, once in `lossReportMs` at the most.
 */
import type { Dropped, Logger } from '../model.js';
import { reasonOf } from '../reason-of.js';
import { Backoff } from './backoff.js';
import { connectUrl } from './connect-url.js';
import { Connection, type ConnectionEnd, type ConnectionTimings } from './connection.js';
import { type Ack, type CommandFrame, frameText, type Location, type Refusal, registrationData, type ServerFrame } from './frames.js';
import type { UpgradeRefusal } from './upgrade-refusal.js';

export interface LinkTimings extends ConnectionTimings {
  /** Bounds of the wait before a reconnect. */
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly registrationMs: number;
  /** A connection that lasted so long was a good one: the next wait is short again. */
  readonly stableMs: number;
  /** How often is looked for losses that are to be told. */
  readonly lossReportMs: number;
}

export interface LinkOptions {
  /** ws, wss, http or https; the path does not matter. */
  readonly url: string;
  readonly token: string | null;
  /** Asked at every connect. */
  readonly agentId: () => string;
  readonly version: string;
  readonly location: Location;
  readonly capabilities: readonly string[];
  readonly timings?: Partial<LinkTimings>;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random?: () => number;
}

/** What happens, and what the registration asks for. None of these may throw. */
export interface LinkEvents {
  /** What a registration is to report as lost: the very same object until it was told and that has taken effect. */
  tellDropped(): Dropped | null;
  /** The report has arrived. */
  droppedTold(): void;
  up(): void;
  /** It was up, and is not any more. `code` is WebSocket's close code. */
  down(code: number): void;
  acknowledged(ack: Ack): void;
  /** A batch was not taken. */
  refused(refusal: Refusal & { readonly batchId: string }): void;
  configUpdate(version: number, config: unknown): void;
  command(command: CommandFrame): void;
}

const DEFAULT_TIMINGS: LinkTimings = {
  minBackoffMs: 1_000,
  maxBackoffMs: 60_000,
  handshakeMs: 45_000,
  registrationMs: 30_000,
  silenceMs: 90_000,
  stableMs: 10_000,
  closeMs: 1_000,
  lossReportMs: 60_000,
};
/** What could not be told while the connection was down. The server asks again for what matters. */
const MAX_UNSENT_REPORTS = 32;
const CLOSED_NORMALLY = 1_000;

type State = 'stopped' | 'waiting' | 'connecting' | 'registering' | 'up';

export class Link {
  private readonly timings: LinkTimings;
  private readonly backoff: Backoff;
  private state: State = 'stopped';
  private connection: Connection | null = null;
  private timer: NodeJS.Timeout | null = null;
  private lossTimer: NodeJS.Timeout | null = null;
  /** Its report is under way. */
  private toldLoss: Dropped | null = null;
  /** Its report has arrived; whoever counts losses may not have noted that yet. */
  private knownLoss: Dropped | null = null;
  private lastProblem = '';
  private readonly unsentReports: string[] = [];

  constructor(
    private readonly options: LinkOptions,
    private readonly events: LinkEvents,
  ) {
    this.timings = { ...DEFAULT_TIMINGS, ...options.timings };
    const { minBackoffMs: minMs, maxBackoffMs: maxMs } = this.timings;
    this.backoff = new Backoff({ minMs, maxMs, random: this.random });
  }

  get isUp(): boolean {
    return this.state === 'up';
  }

  /** Connects in the background. @throws Error when the URL is none */
  start(): void {
    if (this.state !== 'stopped') return;
    this.connect(this.url());
  }

  /** Closes politely; resolves when the connection is gone. */
  async stop(): Promise<void> {
    if (this.state === 'stopped') return;
    const { connection } = this;
    const wasUp = this.isUp;
    this.state = 'stopped';
    this.clearTimers();
    this.connection = null;
    if (wasUp) this.events.down(CLOSED_NORMALLY);
    await connection?.close();
  }

  /** Sends a frame; false, and nothing happens, unless the link is up. */
  send(type: string, data: object): boolean {
    if (!this.isUp) return false;
    this.connection?.send(frameText(type, data));
    return true;
  }

  /** Sends a frame, now or when the link is up again; the last few wait. */
  report(type: string, data: object): void {
    if (this.send(type, data)) return;
    this.unsentReports.push(frameText(type, data));
    if (this.unsentReports.length > MAX_UNSENT_REPORTS) this.unsentReports.shift();
  }

  /** Gives the connection up; another one follows. */
  giveUp(reason: string): void {
    this.connection?.giveUp(reason);
  }

  private readonly random = (): number => (this.options.random ?? Math.random)();

  private url(): URL {
    const { url, agentId, location } = this.options;
    const { provider, region, zone } = location;
    return connectUrl(url, { agentId: agentId(), provider, region, zone });
  }

  private connect(url: URL): void {
    const { token, version, logger } = this.options;
    this.state = 'connecting';
    this.connection = new Connection(
      { url, token, version, timings: this.timings, logger },
      {
        opened: () => {
          this.state = 'registering';
          this.register();
        },
        frame: (frame) => this.handle(frame),
        ended: (end) => this.ended(end),
      },
    );
    this.connection.open();
  }

  private register(): void {
    this.sendRegistration(this.nextLoss());
    this.setTimer(this.timings.registrationMs, () => this.giveUp('the registration was not answered'));
  }

  private sendRegistration(dropped: Dropped | null): void {
    const { agentId, version, capabilities, location } = this.options;
    this.toldLoss = dropped;
    this.connection?.send(frameText('registration', registrationData({ agentId: agentId(), version, capabilities, location, dropped })));
  }

  private nextLoss(): Dropped | null {
    const loss = this.events.tellDropped();
    return loss === this.knownLoss ? null : loss;
  }

  /** Servers take a registration at any time, and the loss with it. */
  private tellLoss(): void {
    // Which report an acknowledgement is about is clear only while there is one.
    if (this.toldLoss !== null) return;
    const loss = this.nextLoss();
    if (loss !== null) this.sendRegistration(loss);
  }

  private registered(): void {
    if (this.toldLoss !== null) {
      this.knownLoss = this.toldLoss;
      this.toldLoss = null;
      this.events.droppedTold();
    }
    if (this.state === 'registering') this.becomeUp();
  }

  private handle(frame: ServerFrame): void {
    const { events, options } = this;
    switch (frame.type) {
      case 'welcome':
        return options.logger.debug('welcome', { serverVersion: frame.serverVersion });
      case 'registration_ack':
        return this.registered();
      case 'metrics_ack':
        return events.acknowledged(frame);
      case 'ping':
        this.connection?.send(frameText('pong', { timestamp: new Date().toISOString() }));
        return;
      case 'config_update':
        return events.configUpdate(frame.version, frame.config);
      case 'command':
        return events.command(frame);
      case 'error':
        return this.refused(frame);
      case 'unknown':
        return options.logger.debug('a frame of an unknown type is ignored', { type: frame.name });
    }
  }

  private refused(refusal: Refusal): void {
    const { batchId, code, message, isRetryable, retryAfterMs } = refusal;
    if (batchId !== null) return this.events.refused({ ...refusal, batchId });
    this.options.logger.warn('the server answered with an error', { code, message });
    // It may have been about the registration: what was dropped is reported again next time.
    this.toldLoss = null;
    if (this.state !== 'registering') return;
    // Not all of a fleet at the same moment.
    if (isRetryable && retryAfterMs !== null) this.setTimer(retryAfterMs * (1 + this.random() / 4), () => this.register());
    // The registration alone is wrong: what was measured matters more.
    else this.becomeUp();
  }

  private becomeUp(): void {
    this.clearTimer();
    this.state = 'up';
    this.lastProblem = '';
    this.lossTimer = setInterval(() => this.tellLoss(), this.timings.lossReportMs);
    for (const text of this.unsentReports.splice(0)) this.connection?.send(text);
    this.events.up();
  }

  private ended({ code, reason, refusal, lastedMs }: ConnectionEnd): void {
    const wasUp = this.isUp;
    if (lastedMs >= this.timings.stableMs) this.backoff.reset();
    this.clearTimers();
    this.connection = null;
    this.state = 'waiting';
    if (wasUp) this.events.down(code);
    const waitMs = this.waitMs(refusal);
    const { logger } = this.options;
    const details = { code, reason, waitMs };
    // The same failure again and again is told once.
    if (wasUp || reason !== this.lastProblem) logger.warn('not connected', details);
    else logger.debug('still not connected', details);
    this.lastProblem = reason;
    this.setTimer(waitMs, () => this.reconnect());
  }

  private waitMs(refusal: UpgradeRefusal | null): number {
    const backoffMs = this.backoff.next();
    if (refusal === null) return backoffMs;
    // Somebody has to change something first: there is no hurry.
    if (refusal.isLasting) return Math.round((this.timings.maxBackoffMs * (1 + this.random())) / 2);
    return (refusal.retryAfterMs ?? 0) + backoffMs;
  }

  private reconnect(): void {
    try {
      this.connect(this.url());
    } catch (error) {
      this.options.logger.error('cannot connect', { reason: reasonOf(error) });
      this.setTimer(this.timings.maxBackoffMs, () => this.reconnect());
    }
  }

  private setTimer(delayMs: number, action: () => void): void {
    this.clearTimer();
    this.timer = setTimeout(action, delayMs);
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private clearTimers(): void {
    this.clearTimer();
    if (this.lossTimer !== null) clearInterval(this.lossTimer);
    this.lossTimer = null;
  }
}
