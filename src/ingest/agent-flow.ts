/**
 * When one agent's socket is read, and when a frame's turn comes.
 *
 * Frames are handled in the order they came. What needs storage first (`holdBack`) makes those behind it wait; batches do
 * not wait for each other. Whatever is full — the queue for the disk, the agent's own, frames held back, answers owed or not
 * read — pauses the socket, and TCP pushes back on the agent. A paused socket goes on when nothing speaks against it any
 * more; whoever makes room calls `resumeIfRoom`.
 *
 * As of connections, there are ten thousand of these: no timers and no closures of its own, only fields.
 */
import type { WebSocket } from 'ws';
import { monotonicMs } from '../runtime/clock.js';
import type { SelfMetrics } from '../runtime/self-metrics.js';
import type { AgentRecord } from './agent-record.js';
import type { BatchProcessor } from './batch-processor.js';
import type { OrderedAnswers } from './ordered-answers.js';

/** What all flows share. */
export interface FlowContext {
  readonly processor: BatchProcessor;
  readonly metrics: SelfMetrics;
  /** Those whose socket is not being read. */
  readonly paused: Set<AgentFlow>;
}

/** The connection a flow belongs to. */
export interface FlowOwner {
  /** null until the agent is known. */
  readonly record: AgentRecord | null;
  /** We have closed it: nothing that still comes counts. */
  readonly closing: boolean;
  /** The socket is closed; what came before that is still handled. */
  readonly ended: boolean;
  /** Handles a frame whose turn it is. */
  handle(data: Buffer, arrivedMs: number): void;
}

/** Answers behind one that is not known yet, before the socket is paused. */
const MAX_OWED_ANSWERS = 256;
/** Frames held back behind a slow one, and their bytes, before the socket is paused. */
const MAX_WAITING_FRAMES = 16;
const MAX_WAITING_BYTES = 262_144;
/** Unsent bytes at which an agent that does not read its answers is not read either. */
const MAX_UNSENT_BYTES = 1_048_576;

export class AgentFlow {
  /** When there was the last sign of life, or when the socket is read again: a silence of ours does not count. Monotonic. */
  lastHeardMs = monotonicMs();
  private paused = false;
  /** How many things that later frames must wait for are under way. */
  private busy = 0;
  private waiting: { data: Buffer; arrivedMs: number }[] = NOTHING;
  private waitingBytes = 0;
  private onIdle: (() => void) | null = null;

  constructor(
    private readonly owner: FlowOwner,
    private readonly socket: WebSocket,
    private readonly answers: OrderedAnswers,
    private readonly context: FlowContext,
  ) {}

  get isPaused(): boolean {
    return this.paused;
  }

  /** True while the agent does not read what it is answered. */
  get isUnread(): boolean {
    return this.socket.bufferedAmount > MAX_UNSENT_BYTES;
  }

  /** A frame arrived: it is handled now, or when those before it are through. */
  receive(data: Buffer, arrivedMs: number): void {
    if (this.busy === 0 && this.waiting.length === 0) {
      this.owner.handle(data, arrivedMs);
      return;
    }
    if (this.waiting === NOTHING) this.waiting = [];
    this.waiting.push({ data, arrivedMs });
    this.waitingBytes += data.length;
    if (this.waiting.length >= MAX_WAITING_FRAMES || this.waitingBytes >= MAX_WAITING_BYTES) this.pause();
  }

  /** Runs something that the frames behind must wait for. It must not throw. */
  async holdBack(work: () => Promise<void>): Promise<void> {
    const { owner } = this;
    this.busy++;
    await work();
    this.busy--;
    while (this.busy === 0 && this.waiting.length > 0 && !owner.closing) {
      const { data, arrivedMs } = this.waiting.shift() as { data: Buffer; arrivedMs: number };
      this.waitingBytes -= data.length;
      owner.handle(data, arrivedMs);
    }
    // Also when one of them was the frame too many.
    if (owner.closing) this.waiting = NOTHING;
    this.madeProgress();
  }

  /** Something that was under way is through. */
  madeProgress(): void {
    this.resumeIfRoom();
    this.reportIdle();
  }

  pauseIfFull(record: AgentRecord): void {
    const { processor } = this.context;
    if (processor.saturated || processor.agentSaturated(record) || this.isUnread) this.pause();
  }

  pauseIfUnread(): void {
    if (this.isUnread) this.pause();
  }

  pauseIfOwing(): void {
    if (this.answers.owed >= MAX_OWED_ANSWERS) this.pause();
  }

  /** Reads on when nothing speaks against it any more. */
  resumeIfRoom(): void {
    if (!this.paused || this.busy > 0 || this.waiting.length > 0 || this.onIdle !== null) return;
    const { processor, paused } = this.context;
    const { record } = this.owner;
    if (this.answers.owed > MAX_OWED_ANSWERS / 2) return;
    if (processor.saturated || this.isUnread) return;
    if (record !== null && !processor.agentRelieved(record)) return;
    this.paused = false;
    paused.delete(this);
    this.lastHeardMs = monotonicMs();
    this.socket.resume();
  }

  /** Stops reading; resolves when all that was read is answered. */
  drain(): Promise<void> {
    this.pause();
    if (this.isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      this.onIdle = resolve;
    });
  }

  /** The socket is closed: there is nothing more to resume. */
  ended(): void {
    this.context.paused.delete(this);
  }

  private pause(): void {
    if (this.paused || this.owner.closing || this.owner.ended) return;
    this.paused = true;
    this.context.paused.add(this);
    this.context.metrics.socketPauses.inc();
    this.socket.pause();
  }

  private isIdle(): boolean {
    return this.busy === 0 && this.answers.owed === 0 && this.waiting.length === 0;
  }

  private reportIdle(): void {
    if (this.onIdle === null || !this.isIdle()) return;
    const resolve = this.onIdle;
    this.onIdle = null;
    resolve();
  }
}

/** Shared by all that hold nothing back, instead of an array each. Never pushed to. */
const NOTHING: never[] = [];
