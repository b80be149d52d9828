import { randomUUID } from 'node:crypto';
import type { Channel, Delivery, WaitingDelivery } from '../../model/alert.js';
import { type Clock, monotonicMs } from '../../runtime/clock.js';
import type { Part } from '../../runtime/lifecycle.js';
import type { Logger } from '../../runtime/logger.js';
import type { DeliveryStore } from '../../storage/ports/alerts.js';
import { afterAttempt, askedPauseMs, remainingPauseMs } from './after-attempt.js';
import { ChannelQueue, MAX_HELD_UP, MAX_WAITING, type Waiting } from './channel-queue.js';
import type { SendContext } from './channels/channel-kind.js';
import { FailureLog } from './failure-log.js';
import type { Notification } from './notification.js';
import { DELIVERED, type SendResult } from './send-result.js';
import { sendThrough } from './send-through.js';
import type { SsrfGuard } from './ssrf-guard.js';
import { testNotifications } from './test-notification.js';

export interface SenderDeps {
  readonly deliveries: Pick<DeliveryStore, 'waiting' | 'payload' | 'record'>;
  /** As they are now; a channel is the same object until it is changed. */
  readonly channels: () => readonly Channel[];
  readonly guard: SsrfGuard;
  readonly mail: SendContext['mail'];
  readonly externalUrl: string | null;
  readonly clock: Clock;
  readonly monotonic?: () => number;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Of one attempt; 10 s. */
  readonly timeoutMs?: number;
  /** For attempts under way when the server stops; 2 s. */
  readonly stopGraceMs?: number;
  /** Hears of every attempt, and of what is given up without one. */
  readonly onAttempt?: (type: Channel['type'], outcome: SendResult['outcome']) => void;
}

const TICK_MS = 1_000;
const CONCURRENT_CHANNELS = 8;
/** For all channels there may be; when more wait, no channel keeps more than if it were failing. */
const MAX_WAITING_ALTOGETHER = 200 * MAX_HELD_UP;
/** Until storage that failed is asked again. */
const STORAGE_REST_MS = 5_000;
const TIMEOUT_MS = 10_000;
const STOP_GRACE_MS = 2_000;

/**
 * Sends what waits: the deliveries of a channel one after the other (channel-queue.ts says which), several channels beside
 * each other. A failed attempt is repeated later (after-attempt.ts). Deliveries are stored before they come here and stay
 * `waiting` until an attempt is recorded, so that a restart goes on with them: the other side may get one twice, under the
 * same idempotency key, but none is lost. What waits for a channel that is switched off waits on; with a channel that is
 * deleted its deliveries go.
 */
export class Sender implements Part {
  private readonly queues = new Map<string, ChannelQueue>();
  private readonly working = new Map<string, Promise<void>>();
  private readonly testing = new Set<Promise<SendResult>>();
  private abort = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private loading: Promise<boolean> | null = null;
  /** How often storage came to hold what may not be known here, and how many of those times were read since. */
  private changes = 1;
  private changesRead = 0;
  private readAgainAtMs = -Infinity;
  private readonly reading: FailureLog;
  private readonly recording: FailureLog;
  private stopped = false;

  constructor(private readonly deps: SenderDeps) {
    this.reading = new FailureLog(deps.logger, {
      fails: 'waiting notifications could not be read; it is tried again',
      works: 'waiting notifications are read again',
    });
    this.recording = new FailureLog(deps.logger, {
      fails: 'a notification could not be read, or what came of it not recorded; it is tried again',
      works: 'what comes of notifications is recorded again',
    });
  }

  start(): void {
    this.stopped = false;
    this.abort = new AbortController();
    this.readAgainAtMs = -Infinity;
    this.timer = setInterval(() => void this.round(), TICK_MS);
    this.timer.unref();
  }

  /** Attempts under way have a moment to end. What is cut short is sent again by the next process. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearInterval(this.timer);
    const grace = setTimeout(() => this.abort.abort(), this.deps.stopGraceMs ?? STOP_GRACE_MS);
    await Promise.all([this.loading, ...this.working.values(), ...this.testing]);
    clearTimeout(grace);
    this.abort.abort();
    this.queues.clear();
    this.reload();
  }

  /** New deliveries, which are stored. */
  take(deliveries: readonly WaitingDelivery[]): void {
    if (this.isLoaded) this.enqueue(deliveries);
    else this.reload();
    void this.round();
  }

  /** Storage may hold what this does not know: it is read (again). */
  reload(): void {
    this.changes += 1;
  }

  /** Sends all that is due; resolves when nothing of it is left. */
  async run(): Promise<void> {
    await this.round();
    while (this.working.size > 0) await Promise.all(this.working.values());
  }

  /** Tells a channel something, at once and past what waits. What comes of it is not logged. */
  test(channel: Channel): Promise<SendResult> {
    const testing = this.sendTest(channel).finally(() => this.testing.delete(testing));
    this.testing.add(testing);
    return testing;
  }

  private async sendTest(channel: Channel): Promise<SendResult> {
    let result: SendResult = DELIVERED;
    for (const notification of testNotifications(channel.type, this.deps.clock.nowMs())) {
      result = await this.send(notification, channel, `test-${randomUUID()}`);
      if (result.outcome !== 'delivered') return result;
    }
    return result;
  }

  private async round(): Promise<void> {
    if (!this.stopped && (this.isLoaded || (await this.load()))) this.begin();
  }

  private get isLoaded(): boolean {
    return this.changesRead === this.changes;
  }

  private async load(): Promise<boolean> {
    if (this.uptimeMs() < this.readAgainAtMs) return false;
    this.loading ??= this.read()
      .then(() => {
        this.reading.succeeded();
        return true;
      })
      .catch((error: unknown) => {
        this.readAgainAtMs = this.uptimeMs() + STORAGE_REST_MS;
        this.reading.failed({ error });
        return false;
      })
      .finally(() => {
        this.loading = null;
      });
    return this.loading;
  }

  private async read(): Promise<void> {
    while (!this.isLoaded && !this.stopped) {
      const { changes } = this;
      this.enqueue(await this.deps.deliveries.waiting(MAX_WAITING_ALTOGETHER));
      this.changesRead = changes;
    }
  }

  private enqueue(deliveries: readonly WaitingDelivery[]): void {
    const nowMs = this.deps.clock.nowMs();
    for (const delivery of deliveries) {
      const queue = this.queues.get(delivery.channelId) ?? new ChannelQueue();
      this.queues.set(delivery.channelId, queue);
      if (!queue.has(delivery.id)) queue.add(delivery, this.uptimeMs() + remainingPauseMs(delivery, nowMs));
    }
    const waiting = [...this.queues.values()].reduce((sum, { size }) => sum + size, 0);
    const maxWaiting = waiting > MAX_WAITING_ALTOGETHER ? MAX_HELD_UP : MAX_WAITING;
    for (const [channelId, queue] of this.queues) {
      const channel = this.channelOf(channelId);
      if (channel !== undefined) this.giveUp(queue.surplus(channel, maxWaiting), channel);
    }
  }

  private giveUp(entries: readonly Waiting[], channel: Channel): void {
    if (entries.length === 0) return;
    const { clock, logger, onAttempt } = this.deps;
    const lastError = 'given up: too many notifications were waiting';
    for (const entry of entries) {
      entry.unrecorded = { ...entry.delivery, status: 'failed', finishedAtMs: clock.nowMs(), lastError };
      onAttempt?.(channel.type, 'failed');
    }
    const { name, type } = channel;
    logger.warn('notifications could not be delivered', { channel: name, type, count: entries.length, reason: lastError });
  }

  private begin(): void {
    for (const [channelId, queue] of this.queues) {
      if (this.working.size >= CONCURRENT_CHANNELS) return;
      if (this.working.has(channelId)) continue;
      const first = this.next(channelId, queue);
      if (first === null) continue;
      const work = this.work(channelId, queue, first).finally(() => {
        this.working.delete(channelId);
        this.begin();
      });
      this.working.set(channelId, work);
    }
  }

  private next(channelId: string, queue: ChannelQueue): { readonly channel: Channel; readonly entry: Waiting } | null {
    if (this.stopped) return null;
    const channel = this.channelOf(channelId);
    const entry = channel === undefined ? null : queue.next(channel, this.uptimeMs());
    if (channel === undefined || queue.size === 0) this.queues.delete(channelId);
    return channel === undefined || entry === null ? null : { channel, entry };
  }

  /** Sends a channel's deliveries, beginning with this one, as long as one is due. */
  private async work(channelId: string, queue: ChannelQueue, first: { channel: Channel; entry: Waiting }): Promise<void> {
    for (let next: typeof first | null = first; next !== null; next = this.next(channelId, queue)) {
      try {
        await this.attempt(queue, next.entry, next.channel);
      } catch (error) {
        queue.rest(this.uptimeMs() + STORAGE_REST_MS);
        this.recording.failed({ channelId, error });
        return;
      }
    }
  }

  /** Sends one, unless what came of it is known already, and records what came of it. @throws AppError of storage */
  private async attempt(queue: ChannelQueue, entry: Waiting, channel: Channel): Promise<void> {
    const { deliveries, clock } = this.deps;
    if (entry.unrecorded === null) {
      const payloadJson = await deliveries.payload(entry.delivery.id);
      // It ended while the list of what waits was being read, or went with its channel (there may be another one of that id).
      if (payloadJson === null) return queue.remove(entry);
      const result = await this.sendPayload(payloadJson, channel, entry.delivery.id);
      if (this.abort.signal.aborted && result.outcome === 'retry') return;
      entry.unrecorded = this.judge(entry.delivery, result, channel);
      if (result.outcome === 'retry') queue.failed(entry.delivery.groupKey, askedPauseMs(result), this.uptimeMs());
      else queue.answered();
    }
    const after = entry.unrecorded;
    await deliveries.record(after);
    this.recording.succeeded();
    entry.unrecorded = null;
    entry.delivery = { ...entry.delivery, ...after };
    entry.dueAtMs = this.uptimeMs() + remainingPauseMs(after, clock.nowMs());
    if (after.status !== 'waiting') queue.remove(entry);
  }

  private judge(delivery: Delivery, result: SendResult, channel: Channel): Delivery {
    const { clock, logger, random = Math.random, onAttempt } = this.deps;
    const after = afterAttempt(delivery, result, clock.nowMs(), random());
    onAttempt?.(channel.type, after.status === 'failed' ? 'failed' : result.outcome);
    if (after.status !== 'waiting' && after.lastError !== null) {
      logger.warn(after.status === 'failed' ? 'a notification could not be delivered' : 'a notification was not taken for everybody', {
        channel: channel.name,
        type: channel.type,
        attempts: after.attempts,
        reason: after.lastError,
      });
    }
    return after;
  }

  private sendPayload(payloadJson: string, channel: Channel, deliveryId: string): Promise<SendResult> {
    let notification: Notification;
    try {
      notification = JSON.parse(payloadJson) as Notification;
    } catch {
      return Promise.resolve({ outcome: 'failed', error: 'what it should tell cannot be read' });
    }
    return this.send(notification, channel, deliveryId);
  }

  private send(notification: Notification, channel: Channel, deliveryId: string): Promise<SendResult> {
    const { guard, mail, externalUrl, clock, timeoutMs = TIMEOUT_MS } = this.deps;
    const { signal } = this.abort;
    return sendThrough(channel, notification, { deliveryId, nowMs: clock.nowMs(), externalUrl, guard, mail, timeoutMs, signal });
  }

  private channelOf(channelId: string): Channel | undefined {
    return this.deps.channels().find(({ id }) => id === channelId);
  }

  private uptimeMs(): number {
    return (this.deps.monotonic ?? monotonicMs)();
  }
}
