/**
 * The agent's connection to its server: connects, registers, answers pings, hands on what the server says, and connects again for
 * ever, with full jitter, when the connection ends. It is up between the acknowledged registration and the end of the connection;
 * only then batches go out.
 *
 * A connection is given up when nothing came over it for `silenceMs` (the server pings every 30 s), when the registration is not
 * answered, or when the outbox says so. Refused upgrades are tried again too: tokens and servers are put right without the agent.
 */
import { WebSocket } from 'ws';
import type { Dropped, Logger } from '../model.js';
import { reasonOf } from '../reason-of.js';
import { Backoff } from './backoff.js';
import { connectUrl, shownUrl } from './connect-url.js';
import {
  type Ack,
  type CommandFrame,
  frameText,
  type Location,
  type Refusal,
  readFrame,
  registrationData,
  type ServerFrame,
} from './frames.js';
import { readUpgradeRefusal, type UpgradeRefusal } from './upgrade-refusal.js';

export interface LinkTimings {
  /** Bounds of the wait before a reconnect. */
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Servers let fleets in at a pace: an upgrade may take its time. */
  readonly handshakeMs: number;
  readonly registrationMs: number;
  /** A connection over which nothing came for so long is dead. */
  readonly silenceMs: number;
  /** A connection that lasted so long was a good one: the next wait is short again. */
  readonly stableMs: number;
  /** How long a stop waits for the server's close frame. */
  readonly closeMs: number;
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
  /** What the registration is to report as lost. */
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
};
const MAX_FRAME_BYTES = 8 * 1_048_576;
/** What could not be told while the connection was down. The server asks again for what matters. */
const MAX_UNSENT_REPORTS = 32;
const CLOSED_NORMALLY = 1_000;

type State = 'stopped' | 'waiting' | 'connecting' | 'registering' | 'up';

export class Link {
  private readonly timings: LinkTimings;
  private readonly backoff: Backoff;
  private state: State = 'stopped';
  private socket: WebSocket | null = null;
  private timer: NodeJS.Timeout | null = null;
  private silenceTimer: NodeJS.Timeout | null = null;
  private lastHeardMs = 0;
  private openedMs = Number.POSITIVE_INFINITY;
  private refusal: UpgradeRefusal | null = null;
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
    const { socket } = this;
    const wasUp = this.isUp;
    this.state = 'stopped';
    this.clearTimers();
    this.socket = null;
    if (wasUp) this.events.down(CLOSED_NORMALLY);
    if (socket === null) return;
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => socket.terminate(), this.timings.closeMs);
      socket.once('close', () => {
        clearTimeout(force);
        resolve();
      });
      socket.close(CLOSED_NORMALLY);
    });
  }

  /** Sends a frame; false, and nothing happens, unless the link is up. */
  send(type: string, data: object): boolean {
    if (!this.isUp) return false;
    this.socket?.send(frameText(type, data));
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
    if (this.socket === null || this.socket.readyState >= WebSocket.CLOSING) return;
    this.options.logger.warn('the connection is given up', { reason });
    this.socket.terminate();
  }

  private readonly random = (): number => (this.options.random ?? Math.random)();

  private url(): URL {
    const { url, agentId, location } = this.options;
    const { provider, region, zone } = location;
    return connectUrl(url, { agentId: agentId(), provider, region, zone });
  }

  private connect(url: URL): void {
    const { token, version } = this.options;
    this.state = 'connecting';
    this.refusal = null;
    this.openedMs = Number.POSITIVE_INFINITY;
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: this.timings.handshakeMs,
      maxPayload: MAX_FRAME_BYTES,
      headers: {
        'User-Agent': `cloudconsolevibe-agent/${version}`,
        // In a header, because proxies write URLs into their logs.
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      },
    });
    this.socket = socket;
    let problem = '';
    socket.on('open', () => this.opened(socket, url));
    socket.on('message', (raw, isBinary) => this.received(socket, raw as Buffer, isBinary));
    socket.on('ping', () => this.heard(socket));
    socket.on('pong', () => this.heard(socket));
    socket.on('unexpected-response', (request, response) => {
      void readUpgradeRefusal(response).then((refusal) => {
        if (this.socket === socket) this.refusal = refusal;
        problem = refusal.text;
        request.destroy();
        socket.terminate();
      });
    });
    socket.on('error', (error) => (problem ||= error.message));
    socket.on('close', (code, reason) => this.closed(socket, code, problem || reason.toString()));
  }

  private opened(socket: WebSocket, url: URL): void {
    if (this.socket !== socket) return;
    this.options.logger.info('connected', { url: shownUrl(url) });
    this.state = 'registering';
    this.openedMs = performance.now();
    this.heard(socket);
    this.silenceTimer = setInterval(() => {
      const silentMs = performance.now() - this.lastHeardMs;
      if (silentMs > this.timings.silenceMs) this.giveUp(`nothing came for ${Math.round(silentMs / 1_000)} s`);
    }, this.timings.silenceMs / 4);
    this.register();
  }

  private register(): void {
    const { agentId, version, capabilities, location } = this.options;
    const data = registrationData({ agentId: agentId(), version, capabilities, location, dropped: this.events.tellDropped() });
    this.socket?.send(frameText('registration', data));
    this.setTimer(this.timings.registrationMs, () => this.giveUp('the registration was not answered'));
  }

  private heard(socket: WebSocket): void {
    if (this.socket === socket) this.lastHeardMs = performance.now();
  }

  private received(socket: WebSocket, raw: Buffer, isBinary: boolean): void {
    if (this.socket !== socket) return;
    this.heard(socket);
    const frame = isBinary ? null : readFrame(raw.toString());
    if (frame === null) this.options.logger.warn('the server sent something that is no frame', { bytes: raw.length });
    else this.handle(frame);
  }

  private handle(frame: ServerFrame): void {
    const { events, options } = this;
    switch (frame.type) {
      case 'welcome':
        return options.logger.debug('welcome', { serverVersion: frame.serverVersion });
      case 'registration_ack':
        if (this.state !== 'registering') return;
        events.droppedTold();
        return this.becomeUp();
      case 'metrics_ack':
        return events.acknowledged(frame);
      case 'ping':
        this.socket?.send(frameText('pong', { timestamp: new Date().toISOString() }));
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
    if (this.state !== 'registering') return;
    // Not all of a fleet at the same moment.
    if (isRetryable && retryAfterMs !== null) this.setTimer(retryAfterMs * (1 + this.random() / 4), () => this.register());
    // The registration alone is wrong: what was measured matters more. What was dropped is reported again next time.
    else this.becomeUp();
  }

  private becomeUp(): void {
    this.clearTimer();
    this.state = 'up';
    this.lastProblem = '';
    for (const text of this.unsentReports.splice(0)) this.socket?.send(text);
    this.events.up();
  }

  private closed(socket: WebSocket, code: number, problem: string): void {
    if (this.socket !== socket) return;
    const wasUp = this.isUp;
    if (performance.now() - this.openedMs >= this.timings.stableMs) this.backoff.reset();
    this.clearTimers();
    this.socket = null;
    this.state = 'waiting';
    if (wasUp) this.events.down(code);
    const waitMs = this.waitMs();
    const { logger } = this.options;
    const details = { code, reason: problem, waitMs };
    // The same failure again and again is told once.
    if (wasUp || problem !== this.lastProblem) logger.warn('not connected', details);
    else logger.debug('still not connected', details);
    this.lastProblem = problem;
    this.setTimer(waitMs, () => this.reconnect());
  }

  private waitMs(): number {
    const backoffMs = this.backoff.next();
    if (this.refusal === null) return backoffMs;
    const { isLasting, retryAfterMs } = this.refusal;
    // Somebody has to change something first: there is no hurry.
    if (isLasting) return Math.round((this.timings.maxBackoffMs * (1 + this.random())) / 2);
    return (retryAfterMs ?? 0) + backoffMs;
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
    if (this.silenceTimer !== null) clearInterval(this.silenceTimer);
    this.silenceTimer = null;
  }
}
