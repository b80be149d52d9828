/**
 * Decides which spooled batch goes out when. Knows no socket: it is told when the link is up, and hands batches to it.
 *
 * Live data goes before what was kept from before (lanes.ts). At most `window` batches are under way. A batch leaves the spool when it is acknowledged, never before; one that is not answered is
 * sent again under the same id, and after a few times the connection is given up. A refusal that may pass holds everything back for
 * as long as the server asks; one that will not pass sets the batch aside, as far as that is believed (verdicts.ts).
 * When the link goes down all this is forgotten: the spool knows what is left.
 */
import type { Ack, Refusal } from '../link/frames.js';
import type { Batch, Logger } from '../model.js';
import { reasonOf } from '../reason-of.js';
import type { Spool, SpoolEntry } from '../spool/spool.js';
import { type Flight, Flights, NEVER } from './flights.js';
import { Lanes } from './lanes.js';
import { answerTimeoutMs, DEFAULT_PATIENCE, type Patience, type RetryConfig } from './patience.js';
import { Verdicts } from './verdicts.js';

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

interface Failure {
  readonly why: 'corrupt' | 'refused';
  /** It is tried again a few times. */
  readonly mayPass: boolean;
  readonly details: object;
}

const DEFAULT_WINDOW = 8;
const DEFAULT_BACKLOG_PER_SECOND = 20;
/** A wait the server asks for is stretched by up to this share, so that a fleet does not come back at once. */
const RETRY_AFTER_JITTER = 0.25;
const MESSAGE_TOO_BIG = 1_009;

export class Outbox {
  private readonly lanes: Lanes;
  private readonly patience: Patience;
  private isUp = false;
  private readonly flights = new Flights();
  private readonly verdicts: Verdicts;
  private isNarrow = false;
  private timer: NodeJS.Timeout | null = null;
  private idleWaiters: (() => void)[] = [];
  private readonly counts = { ackedBatches: 0, ackedSamples: 0, rejectedSamples: 0, resentBatches: 0, refusedBatches: 0 };

  constructor(
    private readonly spool: Spool,
    private readonly sender: BatchSender,
    private readonly options: OutboxOptions,
  ) {
    this.verdicts = new Verdicts(options.logger, this.random);
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
    this.flights.clear();
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
      this.verdicts.taken(ack.batchId, flight.isBacklog, this.lanes.hasBacklog);
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
    if (flight === undefined || flight.isAnswered) return;
    if (!isRetryable) {
      // Errors of the server's own are its bugs, or trouble that passes.
      this.fail(flight, { why: 'refused', mayPass: code === 'internal', details: { code, reason: message } });
      return;
    }
    const waitMs = (retryAfterMs ?? this.timeoutMs(0)) * (1 + RETRY_AFTER_JITTER * this.random());
    this.options.logger.warn('the server asks to wait', { code, message, waitMs: Math.round(waitMs) });
    this.lanes.holdUntil(performance.now() + waitMs);
    this.flights.remove(flight);
    this.lanes.putBack(flight);
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
      const departure = this.lanes.next(performance.now(), this.flights.hasBacklog);
      if (departure === null) break;
      void this.send(this.flights.add(departure));
    }
    this.wakeUpInTime();
    this.notifyIdle();
  }

  private async send(flight: Flight): Promise<void> {
    const { batchId } = flight.entry;
    let batch: Batch | null;
    try {
      batch = await this.spool.read(batchId);
    } catch (error) {
      if (!this.flights.has(flight) || flight.isAnswered) return;
      return this.fail(flight, { why: 'corrupt', mayPass: true, details: { reason: reasonOf(error) } });
    }
    // Meanwhile the link may have gone down, or an answer to an earlier attempt have come.
    if (!this.flights.has(flight) || flight.isAnswered) return;
    if (batch === null) {
      this.flights.remove(flight);
      return this.pump();
    }
    flight.sentMs = performance.now();
    flight.firstSentMs ??= flight.sentMs;
    flight.dueMs = flight.sentMs + this.timeoutMs(flight.resends);
    this.sender.sendBatch(batch);
    this.wakeUpInTime();
  }

  private resendOverdue(): void {
    const nowMs = performance.now();
    for (const flight of this.flights.overdue(nowMs)) {
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
        if (flight === undefined || !this.flights.has(flight)) return;
        this.flights.remove(flight);
        this.pump();
      });
  }

  /** A batch could not be delivered, and the server did not ask for another attempt: it is set aside or, if that is not believed, put off. */
  private fail(flight: Flight, { why, mayPass, details }: Failure): void {
    const { batchId } = flight.entry;
    if (this.verdicts.isFinal(batchId, mayPass)) {
      this.options.logger.error('a batch cannot be delivered: it is set aside', { batchId, why, ...details });
      this.answered(flight);
      if (why === 'refused') this.counts.refusedBatches += 1;
      this.settle(batchId, flight, this.spool.setAside(batchId, why));
      return;
    }
    this.flights.remove(flight);
    this.lanes.putLast(flight);
    const nowMs = performance.now();
    if (!this.lanes.isPutOff(nowMs)) {
      const waitMs = this.verdicts.nextPauseMs();
      this.lanes.putOffUntil(nowMs + waitMs);
      this.options.logger.warn('a batch could not be delivered: it is put off', { batchId, why, ...details, waitMs: Math.round(waitMs) });
    }
    this.pump();
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
    const [flight, ...others] = this.flights.unanswered();
    const wasNarrow = this.isNarrow;
    this.isNarrow = true;
    if (flight === undefined || others.length > 0 || !wasNarrow) return;
    this.isNarrow = false;
    this.fail(flight, { why: 'refused', mayPass: false, details: { reason: 'it is too long for the server' } });
  }

  private wakeUpInTime(): void {
    this.clearTimer();
    if (!this.isUp) return;
    let atMs = this.flights.dueMs;
    // When the window is full, an answer wakes us.
    if (this.flights.size < this.window) atMs = Math.min(atMs, this.lanes.dueMs(this.flights.hasBacklog));
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
    if (this.isUp && (this.lanes.hasLive || this.flights.hasLive)) return;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}
