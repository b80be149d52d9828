import { WebSocket } from 'ws';
import { monotonicMs } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import { AgentNews, type AgentNewsItem } from './agent-news.js';
import type { SharedFrame } from './frame.js';

/** What one send brings; the frames are shared between consoles. */
export interface Delivery {
  readonly alerts: readonly SharedFrame[];
  readonly agents: readonly { readonly item: AgentNewsItem; readonly frame: SharedFrame }[];
  readonly metrics: readonly SharedFrame[];
}

const FRAMES_PER_TURN = 256;
const MAX_MISSED_ALERTS = 20;
const MESSAGES_PER_SECOND = 20;
const MESSAGE_BURST = 50;
const MAX_MISSED_PONGS = 2;

/**
 * One console: what it follows, and what is on its way to it. Frames leave in slices, as fast as the console
 * reads: past `maxBufferedBytes` of unsent bytes the rest waits. While something waits the console counts as slow:
 * metrics of that time are dropped (newer ones will come), news of agents is kept as the latest state per agent.
 */
export class LiveClient {
  /** The agents whose metrics it asked for; empty: all. */
  readonly subscriptions = new Set<string>();
  /** Answers to `request_agents` that have not left yet. */
  waitingAgentLists = 0;
  /** Answers to `request_metrics` that have not left yet, and the end of the last of them. */
  waitingMetrics = 0;
  lastMetrics: Promise<void> = Promise.resolve();
  private readonly outbox: { readonly frames: Iterator<SharedFrame>; readonly done: (() => void) | undefined }[] = [];
  private readonly missedAgents = new AgentNews();
  private missedAlerts: SharedFrame[] = [];
  private turnScheduled = false;
  private missedPongs = 0;
  private tokens = MESSAGE_BURST;
  private tokensAtMs = monotonicMs();

  constructor(
    readonly socket: WebSocket,
    private readonly maxBufferedBytes: number,
    private readonly toFrame: (item: AgentNewsItem) => SharedFrame,
    private readonly logger: Logger,
  ) {
    socket.on('pong', () => {
      this.missedPongs = 0;
    });
    socket.once('close', () => this.sendSlice());
  }

  /** False when the console says more than 20 things a second (50 at once are fine). */
  allowMessage(): boolean {
    const nowMs = monotonicMs();
    this.tokens = Math.min(MESSAGE_BURST, this.tokens + ((nowMs - this.tokensAtMs) / 1_000) * MESSAGES_PER_SECOND);
    this.tokensAtMs = nowMs;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  /** Sends what happened; answers how many frames it dropped instead. */
  deliver(delivery: Delivery): number {
    if (this.isSlow) return this.keepForLater(delivery);
    const { alerts, agents, metrics } = delivery;
    const late = this.missedAgents.take().map(this.toFrame);
    const missed = this.missedAlerts;
    this.missedAlerts = [];
    for (const frames of [missed, alerts, late, agents.map(({ frame }) => frame), metrics]) {
      if (frames.length > 0) this.outbox.push({ frames: frames.values(), done: undefined });
    }
    this.sendSlice();
    return 0;
  }

  /** Sends these frames behind what is on its way already; `done` is called when they left or the console is gone. */
  answer(frames: Iterator<SharedFrame>, done?: () => void): void {
    this.outbox.push({ frames, done });
    if (!this.turnScheduled) this.sendSlice();
  }

  /** WebSocket ping; ends the connection of a console that has not answered the last two. */
  ping(): void {
    if (this.missedPongs >= MAX_MISSED_PONGS) {
      this.socket.terminate();
      return;
    }
    this.missedPongs += 1;
    this.socket.ping();
  }

  private get isSlow(): boolean {
    return this.outbox.length > 0 || this.socket.bufferedAmount > this.maxBufferedBytes;
  }

  private keepForLater({ alerts, agents, metrics }: Delivery): number {
    for (const { item } of agents) this.missedAgents.add(item.type, item.agent);
    this.missedAlerts.push(...alerts);
    const droppedAlerts = this.missedAlerts.splice(0, Math.max(0, this.missedAlerts.length - MAX_MISSED_ALERTS)).length;
    this.sendSlice();
    return droppedAlerts + metrics.length;
  }

  private sendSlice(): void {
    if (this.socket.readyState !== WebSocket.OPEN) {
      for (const { done } of this.outbox.splice(0)) done?.();
      return;
    }
    for (let sent = 0; sent < FRAMES_PER_TURN && this.socket.bufferedAmount <= this.maxBufferedBytes; ) {
      const first = this.outbox[0];
      if (first === undefined) return;
      const next = first.frames.next();
      if (next.done === true) {
        this.outbox.shift();
        first.done?.();
      } else {
        this.send(next.value);
        sent += 1;
      }
    }
    if (this.socket.bufferedAmount <= this.maxBufferedBytes) this.scheduleTurn();
  }

  private send(frame: SharedFrame): void {
    try {
      this.socket.send(frame.bytes, { binary: false }, this.afterSend);
    } catch (error) {
      // A frame that cannot be written is a bug of ours; it must not take the others, or the server, with it.
      this.logger.error('a frame to a console could not be written', { error });
    }
  }

  /** Called when a frame left for the network: goes on with what had to wait for that. */
  private readonly afterSend = (): void => {
    if (this.outbox.length > 0 && this.socket.bufferedAmount <= this.maxBufferedBytes / 2) this.scheduleTurn();
  };

  private scheduleTurn(): void {
    if (this.turnScheduled) return;
    this.turnScheduled = true;
    setImmediate(() => {
      this.turnScheduled = false;
      this.sendSlice();
    });
  }
}
