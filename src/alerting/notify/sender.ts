import type { Channel, Delivery } from '../../model/alert.js';
import type { Clock } from '../../runtime/clock.js';
import type { Part } from '../../runtime/lifecycle.js';
import type { Logger } from '../../runtime/logger.js';
import type { DeliveryStore } from '../../storage/ports/alerts.js';
import { afterAttempt } from './after-attempt.js';
import { secretsOf } from './channel-body.js';
import type { SendContext } from './channels/channel-kind.js';
import { CHANNEL_KINDS } from './channels/channel-kinds.js';
import type { Notification } from './notification.js';
import { DELIVERED, type SendResult, withoutSecrets } from './send-result.js';
import type { SsrfGuard } from './ssrf-guard.js';
import { testNotifications } from './test-notification.js';

export interface SenderDeps {
  readonly deliveries: Pick<DeliveryStore, 'waiting' | 'record'>;
  readonly channels: () => readonly Channel[] | Promise<readonly Channel[]>;
  readonly guard: SsrfGuard;
  readonly mail: SendContext['mail'];
  readonly externalUrl: string | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Of one attempt; 10 s. */
  readonly timeoutMs?: number;
  /** Hears of every attempt. */
  readonly onAttempt?: (type: Channel['type'], outcome: SendResult['outcome']) => void;
}

const TICK_MS = 1_000;
const CONCURRENT_CHANNELS = 8;
const MAX_WAITING = 20_000;
const MAX_WAITING_PER_CHANNEL = 500;
const TIMEOUT_MS = 10_000;
/** For attempts under way when the server stops. */
const STOP_GRACE_MS = 2_000;

interface Waiting {
  delivery: Delivery;
  /** What came of it, while it could not be recorded: it is not sent again for that. */
  unrecorded: Delivery | null;
}

/**
 * Sends what waits: the deliveries of a channel one after the other, in the order they were made; several channels beside
 * each other. A failed attempt is repeated later (see after-attempt.ts), and what comes behind it waits with it. Deliveries
 * are stored before they come here and stay `waiting` until an attempt is recorded, so that a restart goes on with them:
 * the other side may get one twice, under the same idempotency key, but none is lost.
 */
export class Sender implements Part {
  private readonly queues = new Map<string, Waiting[]>();
  private readonly working = new Map<string, Promise<void>>();
  private abort = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private isLoaded = false;
  private loading: Promise<void> | null = null;
  /** Something was stored while what waits was being read. */
  private isStale = false;
  /** Channels whose results could not be recorded: they are passed by until the next round. */
  private readonly resting = new Set<string>();
  private stopped = false;

  constructor(private readonly deps: SenderDeps) {}

  start(): void {
    this.stopped = false;
    this.abort = new AbortController();
    this.timer = setInterval(() => void this.run(), TICK_MS);
    this.timer.unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearInterval(this.timer);
    const grace = setTimeout(() => this.abort.abort(), STOP_GRACE_MS);
    await Promise.all(this.working.values());
    clearTimeout(grace);
    this.queues.clear();
    this.isLoaded = false;
  }

  /** New deliveries, which are stored. */
  take(deliveries: readonly Delivery[]): void {
    if (this.isLoaded) for (const delivery of deliveries) this.enqueue(delivery);
    else this.isStale = true;
    void this.run();
  }

  /** Storage may hold what this does not know: it is read again. */
  reload(): void {
    this.isLoaded = false;
  }

  /** Sends all that is due; resolves when nothing of it is left. */
  async run(): Promise<void> {
    this.resting.clear();
    if (this.stopped || !(await this.load())) return;
    this.begin();
    while (this.working.size > 0) await Promise.race(this.working.values());
  }

  /** Tells a channel something, at once and past what waits. What comes of it is not logged. */
  async test(channel: Channel): Promise<SendResult> {
    let result: SendResult = DELIVERED;
    for (const notification of testNotifications(channel.type, this.deps.clock.nowMs())) {
      result = await this.send(notification, channel, `test-${channel.id}-${this.deps.clock.nowMs()}`);
      if (result.outcome !== 'delivered') return result;
    }
    return result;
  }

  private load(): Promise<boolean> {
    if (this.isLoaded) return Promise.resolve(true);
    this.loading ??= this.read().finally(() => {
      this.loading = null;
    });
    return this.loading.then(
      () => true,
      (error: unknown) => {
        this.deps.logger.warn('waiting notifications could not be read; it is tried again', { error });
        return false;
      },
    );
  }

  private async read(): Promise<void> {
    let waiting: Delivery[];
    do {
      this.isStale = false;
      waiting = await this.deps.deliveries.waiting(MAX_WAITING);
    } while (this.isStale);
    const known = new Set([...this.queues.values()].flat().map((entry) => entry.delivery.id));
    this.isLoaded = true;
    // Of those made at the same time the one that was tried was in front.
    for (const delivery of waiting.toSorted((a, b) => a.createdAtMs - b.createdAtMs || b.attempts - a.attempts)) {
      if (!known.has(delivery.id)) this.enqueue(delivery);
    }
  }

  private enqueue(delivery: Delivery): void {
    const queue = this.queues.get(delivery.channelId);
    if (queue === undefined) {
      this.queues.set(delivery.channelId, [{ delivery, unrecorded: null }]);
      return;
    }
    if (queue.some((entry) => entry.delivery.id === delivery.id)) return;
    queue.push({ delivery, unrecorded: null });
    // The one in front may be on its way.
    if (queue.length > MAX_WAITING_PER_CHANNEL) for (const entry of queue.splice(1, 1)) this.drop(entry.delivery);
  }

  private drop(delivery: Delivery): void {
    const { deliveries, clock, logger } = this.deps;
    const lastError = `more than ${MAX_WAITING_PER_CHANNEL} notifications were waiting`;
    deliveries.record({ ...delivery, status: 'failed', finishedAtMs: clock.nowMs(), lastError }).catch((error: unknown) => {
      logger.warn('a notification that is given up could not be recorded', { channelId: delivery.channelId, error });
    });
  }

  private begin(): void {
    for (const [channelId, queue] of this.queues) {
      if (this.working.size >= CONCURRENT_CHANNELS) return;
      if (this.working.has(channelId) || this.resting.has(channelId) || !this.isDue(queue[0])) continue;
      const work = this.work(channelId, queue).finally(() => {
        this.working.delete(channelId);
        if (queue.length === 0 && this.queues.get(channelId) === queue) this.queues.delete(channelId);
        if (!this.stopped) this.begin();
      });
      this.working.set(channelId, work);
    }
  }

  private isDue(entry: Waiting | undefined): boolean {
    return entry !== undefined && (entry.unrecorded !== null || entry.delivery.nextAttemptAtMs <= this.deps.clock.nowMs());
  }

  /** Sends a channel's deliveries from the front as long as they are due. */
  private async work(channelId: string, queue: Waiting[]): Promise<void> {
    for (let entry = queue[0]; entry !== undefined && this.isDue(entry) && !this.stopped; entry = queue[0]) {
      try {
        entry.unrecorded ??= await this.attempt(channelId, entry.delivery);
        if (entry.unrecorded !== null) {
          await this.deps.deliveries.record(entry.unrecorded);
          entry.delivery = entry.unrecorded;
          entry.unrecorded = null;
        }
      } catch (error) {
        this.resting.add(channelId);
        this.deps.logger.warn('what came of a notification could not be recorded; it is tried again', { channelId, error });
        return;
      }
      if (entry.delivery.status === 'waiting') return;
      queue.shift();
    }
  }

  /** The delivery after an attempt; null: it was cut short by the stop. @throws AppError of storage */
  private async attempt(channelId: string, delivery: Delivery): Promise<Delivery | null> {
    const { channels, clock, logger, random = Math.random, onAttempt } = this.deps;
    const channel = (await channels()).find(({ id }) => id === channelId);
    const result = await this.resultOf(channel, delivery);
    if (this.abort.signal.aborted && result.outcome === 'retry') return null;
    const after = afterAttempt(delivery, result, clock.nowMs(), random());
    if (channel !== undefined) onAttempt?.(channel.type, after.status === 'failed' ? 'failed' : result.outcome);
    if (after.status !== 'waiting' && after.lastError !== null) {
      logger.warn(after.status === 'failed' ? 'a notification could not be delivered' : 'a notification was not taken for everybody', {
        channel: channel?.name,
        type: channel?.type,
        attempts: after.attempts,
        reason: after.lastError,
      });
    }
    return after;
  }

  private async resultOf(channel: Channel | undefined, delivery: Delivery): Promise<SendResult> {
    if (channel === undefined) return { outcome: 'failed', error: 'the channel is gone' };
    if (!channel.enabled) return { outcome: 'failed', error: 'the channel is switched off' };
    return this.send(JSON.parse(delivery.payloadJson) as Notification, channel, delivery.id);
  }

  private async send(notification: Notification, channel: Channel, deliveryId: string): Promise<SendResult> {
    const { guard, mail, externalUrl, clock, timeoutMs = TIMEOUT_MS } = this.deps;
    const result = await CHANNEL_KINDS[channel.type].send(notification, channel.settings, {
      channelId: channel.id,
      channelName: channel.name,
      repeatIntervalMs: channel.repeatIntervalMs,
      deliveryId,
      nowMs: clock.nowMs(),
      externalUrl,
      guard,
      mail,
      timeoutMs,
      signal: this.abort.signal,
    });
    const secrets = [...secretsOf(channel), mail.smtpUrl];
    if (result.outcome !== 'delivered') return { ...result, error: withoutSecrets(result.error, secrets) };
    return result.warning === undefined ? result : { ...result, warning: withoutSecrets(result.warning, secrets) };
  }
}
