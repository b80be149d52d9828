import { computed, effect, inject, Injectable, signal, untracked } from '@angular/core';
import type { Agent, Metric } from './api-types';
import { ApiKey } from './api-key';
import { Silence } from './silence';

export type LiveState = 'connecting' | 'live' | 'offline';

export interface SystemAlert {
  readonly message: string;
  readonly severity: string;
}

export interface LiveMessages {
  agent_connected: Agent;
  agent_disconnected: Agent;
  agent_updated: Agent;
  metric_received: Metric;
  system_alert: SystemAlert;
}

type Handler<T> = (data: T) => void;

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 15_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Whether the server is still there is looked at this often. */
const LOOK_MS = 5_000;

/**
 * The live channel at `/ws`: connects by itself and again after every end, with pauses that grow from 1 s to 15 s and a
 * random part, so that not all consoles come back at the same moment. While a key is asked for it waits for that. A connection on which
 * nothing comes any more, not even when the server is asked, is given up.
 */
@Injectable({ providedIn: 'root' })
export class LiveChannel {
  private readonly key = inject(ApiKey);
  private readonly current = signal<LiveState>('connecting');
  private readonly returns = signal(0);
  readonly state = this.current.asReadonly();
  readonly isLive = computed(() => this.current() === 'live');
  /** Grows each time the channel opens again: whatever was shown before may be old. The page's first connection does not count. */
  readonly comebacks = this.returns.asReadonly();
  private readonly handlers = new Map<keyof LiveMessages, Set<Handler<never>>>();
  private readonly followed = new Map<string, number>();
  private socket: WebSocket | null = null;
  private retryMs = FIRST_RETRY_MS;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private attempts = 0;
  private readonly silence = new Silence();

  constructor() {
    // A new key means a new connection; the first one as well.
    effect(() => {
      this.key.value();
      const isWaiting = this.key.isNeeded();
      untracked(() => (isWaiting ? this.disconnect() : this.reconnect()));
    });
    addEventListener('online', () => this.reconnect());
    setInterval(() => this.look(), LOOK_MS);
    // Timers of a page out of sight, or of a machine that slept, are late.
    document.addEventListener('visibilitychange', () => this.look());
  }

  /** Calls back for each message of the type; answers how to stop it. */
  on<T extends keyof LiveMessages>(type: T, handler: Handler<LiveMessages[T]>): () => void {
    const handlers = this.handlers.get(type) ?? new Set<Handler<never>>();
    this.handlers.set(type, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  /** Hears of this agent's metrics only, until the answer is called. Several may be followed at once. */
  follow(agentId: string): () => void {
    const followers = this.followed.get(agentId) ?? 0;
    this.followed.set(agentId, followers + 1);
    if (followers === 0) this.send('subscribe_agent', { agent_id: agentId });
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.followed.get(agentId) ?? 1) - 1;
      if (left > 0) {
        this.followed.set(agentId, left);
        return;
      }
      this.followed.delete(agentId);
      this.send('unsubscribe_agent', { agent_id: agentId });
    };
  }

  private look(): void {
    if (!this.isLive()) return;
    const verdict = this.silence.look(performance.now());
    if (verdict === 'ask') this.send('ping', {});
    else if (verdict === 'gone') this.reconnect();
  }

  private reconnect(): void {
    this.disconnect();
    if (!this.key.isNeeded()) this.connect();
  }

  private disconnect(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
    const old = this.socket;
    this.socket = null;
    old?.close();
    if (this.key.isNeeded()) this.current.set('offline');
  }

  private connect(): void {
    const key = this.key.value();
    const url = new URL('/ws', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    if (key !== null) url.searchParams.set('api_key', key);
    const socket = new WebSocket(url);
    this.socket = socket;
    this.attempts += 1;
    const isFirst = this.attempts === 1;
    if (this.current() === 'live') this.current.set('connecting');
    const timeout = setTimeout(() => socket.close(), CONNECT_TIMEOUT_MS);
    socket.addEventListener('open', () => {
      clearTimeout(timeout);
      if (this.socket !== socket) return;
      this.retryMs = FIRST_RETRY_MS;
      for (const agentId of this.followed.keys()) this.send('subscribe_agent', { agent_id: agentId });
      this.silence.heard(performance.now());
      this.current.set('live');
      if (!isFirst) this.returns.update((count) => count + 1);
    });
    socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
      if (this.socket === socket) this.receive(data);
    });
    socket.addEventListener('close', () => {
      clearTimeout(timeout);
      if (this.socket !== socket) return;
      this.socket = null;
      this.current.set('offline');
      const pauseMs = this.retryMs * (0.5 + Math.random() / 2);
      this.retryMs = Math.min(MAX_RETRY_MS, this.retryMs * 2);
      this.retry = setTimeout(() => this.connect(), pauseMs);
    });
  }

  private receive(text: string): void {
    this.silence.heard(performance.now());
    let message: { readonly type: keyof LiveMessages; readonly data: never };
    try {
      message = JSON.parse(text) as typeof message;
    } catch {
      // What cannot be understood is no news; everything is read over REST as well.
      return;
    }
    for (const handler of this.handlers.get(message.type) ?? []) handler(message.data);
  }

  private send(type: string, data: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type, data }));
  }
}
