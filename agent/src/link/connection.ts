/**
 * One attempt to reach the server and, when it succeeds, the connection: frames in and out. Its end is told once, whatever brought it
 * about; after `close` nothing is told any more.
 *
 * A connection over which nothing came for `silenceMs` is given up: the server pings every 30 s.
 */
import { WebSocket } from 'ws';
import type { Logger } from '../model.js';
import { shownUrl } from './connect-url.js';
import { readFrame, type ServerFrame } from './frames.js';
import { readUpgradeRefusal, type UpgradeRefusal } from './upgrade-refusal.js';

export interface ConnectionTimings {
  /** Servers let fleets in at a pace: an upgrade may take its time. */
  readonly handshakeMs: number;
  /** A connection over which nothing came for so long is dead. */
  readonly silenceMs: number;
  /** How long a close waits for the server's close frame. */
  readonly closeMs: number;
}

export interface ConnectionOptions {
  readonly url: URL;
  readonly token: string | null;
  /** The agent's. */
  readonly version: string;
  readonly timings: ConnectionTimings;
  readonly logger: Logger;
}

export interface ConnectionEnd {
  /** WebSocket's close code. */
  readonly code: number;
  /** For people; '' when nobody gave one. */
  readonly reason: string;
  /** The server did not let the agent in. */
  readonly refusal: UpgradeRefusal | null;
  /** From the opening on; 0 for a connection that never opened. */
  readonly lastedMs: number;
}

/** None of these may throw. */
export interface ConnectionEvents {
  opened(): void;
  frame(frame: ServerFrame): void;
  ended(end: ConnectionEnd): void;
}

const MAX_FRAME_BYTES = 8 * 1_048_576;
const CLOSED_NORMALLY = 1_000;

export class Connection {
  private socket: WebSocket | null = null;
  private silenceTimer: NodeJS.Timeout | null = null;
  private lastHeardMs = 0;
  private openedMs: number | null = null;
  private refusal: UpgradeRefusal | null = null;
  private problem = '';
  private isForsaken = false;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly events: ConnectionEvents,
  ) {}

  /** Connects in the background. Once only. */
  open(): void {
    const { url, token, version, timings } = this.options;
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: timings.handshakeMs,
      maxPayload: MAX_FRAME_BYTES,
      headers: {
        'User-Agent': `cloudconsolevibe-agent/${version}`,
        // In a header, because proxies write URLs into their logs.
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      },
    });
    this.socket = socket;
    socket.on('open', () => this.opened());
    socket.on('message', (raw, isBinary) => this.received(raw as Buffer, isBinary));
    socket.on('ping', () => this.heard());
    socket.on('pong', () => this.heard());
    socket.on('unexpected-response', (request, response) => {
      void readUpgradeRefusal(response).then((refusal) => {
        this.refusal = refusal;
        this.problem = refusal.text;
        request.destroy();
        socket.terminate();
      });
    });
    socket.on('error', (error) => (this.problem ||= error.message));
    socket.on('close', (code, reason) => this.closed(code, reason.toString()));
  }

  send(text: string): void {
    this.socket?.send(text);
  }

  /** Ends it without a word to the server. */
  giveUp(reason: string): void {
    if (this.socket === null || this.socket.readyState >= WebSocket.CLOSING) return;
    this.options.logger.warn('the connection is given up', { reason });
    this.socket.terminate();
  }

  /** Ends it politely; resolves when it is gone. */
  async close(): Promise<void> {
    this.isForsaken = true;
    this.stopWatching();
    const { socket } = this;
    if (socket === null || socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => socket.terminate(), this.options.timings.closeMs);
      socket.once('close', () => {
        clearTimeout(force);
        resolve();
      });
      socket.close(CLOSED_NORMALLY);
    });
  }

  private opened(): void {
    if (this.isForsaken) return;
    const { url, timings, logger } = this.options;
    logger.info('connected', { url: shownUrl(url) });
    this.openedMs = performance.now();
    this.heard();
    this.silenceTimer = setInterval(() => {
      const silentMs = performance.now() - this.lastHeardMs;
      if (silentMs > timings.silenceMs) this.giveUp(`nothing came for ${Math.round(silentMs / 1_000)} s`);
    }, timings.silenceMs / 4);
    this.events.opened();
  }

  private heard(): void {
    this.lastHeardMs = performance.now();
  }

  private received(raw: Buffer, isBinary: boolean): void {
    if (this.isForsaken) return;
    this.heard();
    const frame = isBinary ? null : readFrame(raw.toString());
    if (frame === null) this.options.logger.warn('the server sent something that is no frame', { bytes: raw.length });
    else this.events.frame(frame);
  }

  private closed(code: number, reason: string): void {
    this.stopWatching();
    if (this.isForsaken) return;
    const lastedMs = this.openedMs === null ? 0 : performance.now() - this.openedMs;
    this.events.ended({ code, reason: this.problem || reason, refusal: this.refusal, lastedMs });
  }

  private stopWatching(): void {
    if (this.silenceTimer !== null) clearInterval(this.silenceTimer);
    this.silenceTimer = null;
  }
}
