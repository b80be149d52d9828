/**
 * Decides which spooled batch goes out when. Knows no socket: it is told when the link is up, and hands batches to it.
 *
 * Live data goes before what was kept from before (lanes.ts). At most `window` batches are under way. A batch leaves the spool when it is acknowledged, never before; one that is not answered is
 * sent again under the same id, and after a few times the connection is given up. A refusal that may pass holds everything back for
 * as long as the server asks; one that will not pass sets the batch aside.
 * When the link goes down all this is forgotten: the spool knows what is left.
 */
import type { Ack, Refusal } from '../link/frames.js';
import type { Batch, Logger } from '../model.js';
import { reasonOf } from '../reason-of.js';
import type { Spool, SpoolEntry } from '../spool/spool.js';
import { type Departure, Lanes } from './lanes.js';
import { answerTimeoutMs, DEFAULT_PATIENCE, type Patience, type RetryConfig } from './patience.js';

export interface OutboxOptions {
  /** Batches under way at once. Default: 8. */
  readonly window?: number;
  /** Default: 20. */
  readonly backlogPerSecond?: number;
  /** How often an unanswered batch is sent again, and how long after. Asked anew for each batch. */
  readonly retry: () => RetryConfig;
  /** Bounds of what `retry` asks for. */
  readonly patience?: Partial<Patience>;
  /** Told of every acknowledgement, with the time since the batch was sent (last). */
  readonly onAcknowledged?: (entry: SpoolEntry, ack: Ack, latencyMs: number) => void;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random?: () => number;
}

/** Where batches go. */
export interface BatchSender {
  sendBatch(batch: Batch): void;
  /** The connection is of no use. */
  giveUp(reason: string): void;
}

export interface OutboxStats {
  /** Batches, and samples in them, that the server has acknowledged since the start. */
  readonly ackedBatches: number;
  readonly ackedSamples: number;
  /** Samples in acknowledged batches that the server rejected. */
  readonly rejectedSamples: number;
  readonly resentBatches: number;
  readonly refusedBatches: number;
  readonly underWay: number;
}

interface Flight extends Departure {
  resends: number;
  firstSentMs: number | null;
  sentMs: number;
  /** When it counts as unanswered; never while it is being read. */
  dueMs: number;
  /** The spool is being told what became of it. */
  isAnswered: boolean;
}

const DEFAULT_WINDOW = 8;
const DEFAULT_BACKLOG_PER_SECOND = 20;
/** A wait the server asks for is stretched by up to this share, so that a fleet does not come back at once. */
const RETRY_AFTER_JITTER = 0.25;
const NEVER = Number.POSITIVE_INFINITY;
const MESSAGE_TOO_BIG = 1_009;

export class Outbox {
  private readonly lanes: Lanes;
  private readonly patience: Patience;
  private isUp = false;
  private flights = new Map<string, Flight>();
  private isNarrow = false;
  private timer: NodeJS.Timeout | null = null;
  private idleWaiters: (() => void)[] = [];
  private readonly counts = { ackedBatches: 0, ackedSamples: 0, rejectedSamples: 0, resentBatches: 0, refusedBatches: 0 };

  constructor(
    private readonly spool: Spool,
    private readonly sender: BatchSender,
    private readonly options: OutboxOptions,
  ) {
    this.patience = { ...DEFAULT_PATIENCE, ...options.patience };
    this.lanes = new Lanes(1_000 / (options.backlogPerSecond ?? DEFAULT_BACKLOG_PER_SECOND));
  }

  get stats(): OutboxStats {
    return { ...this.counts, underWay: this.flights.size };
  }

  /** A batch was spooled. It goes out with the next `release`, or as backlog when the link comes up. */
  spooled(entry: SpoolEntry): void {
    this.lanes.add(entry);
  }

  /** Sends what was spooled. */
  release(): void {
    this.lanes.release();
    this.pump();
  }

  /** The link is up. */
  up(): void {
    this.isUp = true;
    const { entries } = this.spool;
    this.lanes.open(entries);
    if (entries.length > 0) this.options.logger.info('sending what was kept meanwhile', { batches: entries.length });
    this.pump();
  }

  /** The link is down, with this close code. */
  down(code: number): void {
    this.isUp = false;
    if (code === MESSAGE_TOO_BIG) this.wasTooBig();
    this.lanes.close();
    this.flights = new Map();
    this.clearTimer();
    this.notifyIdle();
  }

  /** Resolves when nothing but backlog is left to be sent and answered, or the link is down. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.idleWaiters.push(resolve);
      this.notifyIdle();
    });
  }

  /** A batch is on the server's disk. */
  acknowledged(ack: Ack): void {
    const flight = this.flights.get(ack.batchId);
    if (flight !== undefined) {
      this.answered(flight);
      this.counts.ackedBatches += 1;
      this.counts.ackedSamples += flight.entry.count;
      this.counts.rejectedSamples += ack.errors;
      this.options.onAcknowledged?.(flight.entry, ack, performance.now() - flight.sentMs);
    }
    if (ack.errors > 0) {
      this.options.logger.warn('the server rejected some metrics', { metrics: ack.errors, batchId: ack.batchId, first: ack.firstError });
    }
    // Also when it is not under way (any more): on disk is on disk.
    this.settle(ack.batchId, flight, this.spool.remove(ack.batchId, Math.max(Math.trunc(ack.errors), 0)));
  }

  /** A batch was not taken. */
  refused(refusal: Refusal & { readonly batchId: string }): void {
    const { batchId, code, message, isRetryable, retryAfterMs } = refusal;
    const flight = this.flights.get(batchId);
    if (flight === undefined) return;
    if (!isRetryable) {
      this.options.logger.error('the server will never take a batch: it is set aside', { batchId, code, message });
      this.giveUpOn(flight);
      return;
    }
    const waitMs = (retryAfterMs ?? this.timeoutMs(0)) * (1 + RETRY_AFTER_JITTER * this.random());
    this.options.logger.warn('the server asks to wait', { code, message, waitMs: Math.round(waitMs) });
    this.hold(waitMs);
    this.putBack(flight);
    this.pump();
  }

  private get window(): number {
    return this.isNarrow ? 1 : (this.options.window ?? DEFAULT_WINDOW);
  }

  private readonly random = (): number => (this.options.random ?? Math.random)();

  /** Sends what may go now, and sees to it that somebody looks again when more may. */
  private pump(): void {
    if (!this.isUp) return;
    while (this.flights.size < this.window) {
      const departure = this.lanes.next(performance.now(), this.isBacklogUnderWay());
      if (departure === null) break;
      const flight: Flight = { ...departure, resends: 0, firstSentMs: null, sentMs: 0, dueMs: NEVER, isAnswered: false };
      this.flights.set(flight.entry.batchId, flight);
      void this.send(flight);
    }
    this.wakeUpInTime();
    this.notifyIdle();
  }

  private isBacklogUnderWay(): boolean {
    return [...this.flights.values()].some(({ isBacklog }) => isBacklog);
  }

  private async send(flight: Flight): Promise<void> {
    const { batchId } = flight.entry;
    let batch: Batch | null;
    try {
      batch = await this.spool.read(batchId);
    } catch (error) {
      this.options.logger.warn('a spooled batch cannot be read at the moment', { batchId, reason: reasonOf(error) });
      if (!this.isFlying(flight)) return;
      this.hold(this.timeoutMs(0));
      this.putBack(flight);
      return this.pump();
    }
    // Meanwhile the link may have gone down, or an answer to an earlier attempt have come.
    if (!this.isFlying(flight) || flight.isAnswered) return;
    if (batch === null) {
      this.flights.delete(batchId);
      return this.pump();
    }
    flight.sentMs = performance.now();
    flight.firstSentMs ??= flight.sentMs;
    flight.dueMs = flight.sentMs + this.timeoutMs(flight.resends);
    this.sender.sendBatch(batch);
    this.wakeUpInTime();
  }

  private resendOverdue(): void {
    for (const flight of this.flights.values()) {
      const nowMs = performance.now();
      if (flight.dueMs > nowMs) continue;
      if (flight.resends >= this.options.retry().retryAttempts) {
        flight.dueMs = (flight.firstSentMs ?? nowMs) + this.patience.giveUpMs;
        if (flight.dueMs > nowMs) continue;
        this.sender.giveUp(`a batch was sent ${flight.resends + 1} times and is not answered`);
        return;
      }
      flight.resends += 1;
      this.counts.resentBatches += 1;
      flight.dueMs = NEVER;
      void this.send(flight);
    }
  }

  private timeoutMs(resends: number): number {
    return answerTimeoutMs(this.options.retry(), resends, this.patience);
  }

  private settle(batchId: string, flight: Flight | undefined, done: Promise<void>): void {
    done
      .catch((error: unknown) => this.options.logger.error('the spool failed', { batchId, reason: reasonOf(error) }))
      .finally(() => {
        if (flight === undefined || !this.isFlying(flight)) return;
        this.flights.delete(batchId);
        this.pump();
      });
  }

  private giveUpOn(flight: Flight): void {
    this.answered(flight);
    this.counts.refusedBatches += 1;
    this.settle(flight.entry.batchId, flight, this.spool.setAside(flight.entry.batchId));
  }

  private answered(flight: Flight): void {
    flight.isAnswered = true;
    flight.dueMs = NEVER;
  }

  /**
   * The server closed the connection over a message's length. Which one it was is clear only when it was alone: from here on they
   * go one by one, until it is found.
   */
  private wasTooBig(): void {
    const [flight, ...others] = [...this.flights.values()].filter(({ isAnswered }) => !isAnswered);
    const wasNarrow = this.isNarrow;
    this.isNarrow = true;
    if (flight === undefined || others.length > 0 || !wasNarrow) return;
    this.isNarrow = false;
    this.options.logger.error('a batch is too long for the server: it is set aside', { batchId: flight.entry.batchId });
    this.giveUpOn(flight);
  }

  private putBack(flight: Flight): void {
    this.flights.delete(flight.entry.batchId);
    this.lanes.putBack(flight);
  }

  private hold(waitMs: number): void {
    this.lanes.holdUntil(performance.now() + waitMs);
  }

  private isFlying(flight: Flight): boolean {
    return this.flights.get(flight.entry.batchId) === flight;
  }

  private wakeUpInTime(): void {
    this.clearTimer();
    if (!this.isUp) return;
    let atMs = NEVER;
    for (const { dueMs } of this.flights.values()) atMs = Math.min(atMs, dueMs);
    // When the window is full, an answer wakes us.
    if (this.flights.size < this.window) atMs = Math.min(atMs, this.lanes.dueMs(this.isBacklogUnderWay()));
    if (atMs === NEVER) return;
    this.timer = setTimeout(
      () => {
        this.resendOverdue();
        this.pump();
      },
      Math.max(Math.ceil(atMs - performance.now()), 1),
    );
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private notifyIdle(): void {
    if (this.isUp && (this.lanes.hasLive || [...this.flights.values()].some(({ isBacklog }) => !isBacklog))) return;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}
