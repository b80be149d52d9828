/** A sender over a store in memory, a real receiver, and clocks that only move when they are told to. */
import { Sender } from '../../src/alerting/notify/sender.js';
import { SsrfGuard } from '../../src/alerting/notify/ssrf-guard.js';
import type { Channel, NewDelivery } from '../../src/model/alert.js';
import { channelOf } from './alerts.js';
import { MemoryDeliveryStore } from './memory-alert-stores.js';
import { MemoryLogger } from './memory-logger.js';
import { type Receiver, startReceiver } from './receiver.js';

export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

export class SenderWorld {
  readonly store = new MemoryDeliveryStore();
  readonly logger = new MemoryLogger();
  readonly outcomes: string[] = [];
  channels: Channel[];
  nowMs = 1_000 * HOUR;
  /** By how much the wall clock was set otherwise since the start. */
  clockJumpMs = 0;
  sender: Sender;

  private constructor(readonly receiver: Receiver) {
    this.channels = [channelOf({ settings: { url: `${receiver.url}/hook/s3cret-path-of-hook?key=s3cret` } })];
    this.sender = this.startSender();
  }

  static async start(): Promise<SenderWorld> {
    return new SenderWorld(await startReceiver());
  }

  async stop(): Promise<void> {
    this.receiver.stop();
    await this.sender.stop();
  }

  /** Another one, as after a restart: it knows what is stored. */
  startSender({ timeoutMs = 5_000, allowPrivate = true, stopGraceMs = 2_000 } = {}): Sender {
    this.sender = new Sender({
      deliveries: this.store,
      channels: () => this.channels,
      guard: new SsrfGuard(allowPrivate),
      mail: { smtpUrl: 'smtp://localhost:25', from: null },
      externalUrl: null,
      clock: { nowMs: () => this.nowMs + this.clockJumpMs },
      monotonic: () => this.nowMs,
      logger: this.logger,
      random: () => 0,
      timeoutMs,
      stopGraceMs,
      onAttempt: (type, outcome) => this.outcomes.push(`${type} ${outcome}`),
    });
    return this.sender;
  }

  /** It tells of one alert, whose name is the id. */
  delivery(id: string, fields: Partial<NewDelivery> = {}): NewDelivery {
    const alert = { id: 'a', status: 'firing', labels: { alertname: id }, annotations: {}, startsAtMs: 0, endsAtMs: null, value: 1 };
    const notification = { groupKey: '{}', groupLabels: {}, alerts: [alert], omittedAlerts: 0, stillFiring: 1 };
    return {
      id,
      channelId: 'channel-1',
      groupKey: '{}',
      status: 'waiting',
      payloadJson: JSON.stringify(notification),
      tellsResolved: false,
      attempts: 0,
      nextAttemptAtMs: this.nowMs,
      createdAtMs: this.nowMs,
      finishedAtMs: null,
      lastError: null,
      ...fields,
    };
  }

  async enqueue(...deliveries: NewDelivery[]): Promise<void> {
    await this.store.enqueue([], deliveries);
    this.sender.take(deliveries);
  }

  /** What was received. */
  names(): string[] {
    return this.receiver.received.map(({ body }) => body.commonLabels.alertname);
  }

  row(id: string): NewDelivery | undefined {
    return this.store.deliveries.get(id);
  }
}
