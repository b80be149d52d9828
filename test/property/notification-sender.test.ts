import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Sender } from '../../src/alerting/notify/sender.js';
import { SsrfGuard } from '../../src/alerting/notify/ssrf-guard.js';
import type { Channel, Delivery, WaitingDelivery } from '../../src/model/alert.js';
import { silentLogger } from '../../src/runtime/logger.js';
import { deliveryOf } from '../helpers/alert-fixtures.js';
import { channelOf } from '../helpers/alerts.js';
import { MemoryDeliveryStore } from '../helpers/memory-alert-stores.js';
import { type Receiver, startReceiver } from '../helpers/receiver.js';

/**
 * The sender through random lives of a receiver, of storage, of the channel and of the server itself: whatever happens, in the end
 * everything was taken once, and what is of one group in the order in which it was made.
 */

const MINUTE = 60_000;
const HOUR = 3_600_000;
const GROUPS = ['a', 'b', 'c', 'd', 'e'];

type Step =
  | { readonly what: 'make'; readonly group: string; readonly isAnswerLost: boolean }
  | { readonly what: 'wait'; readonly ms: number }
  | { readonly what: 'refuse'; readonly groups: readonly string[]; readonly status: number }
  | { readonly what: 'fail'; readonly call: 'waiting' | 'payload' | 'record' | null }
  | { readonly what: 'clock'; readonly jumpMs: number }
  | { readonly what: 'restart' | 'reload' | 'switch' | 'change' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('make'), group: fc.constantFrom(...GROUPS), isAnswerLost: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('wait'), ms: fc.constantFrom(1_000, 5_000, 20_000, MINUTE, 10 * MINUTE) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('refuse'),
      groups: fc.subarray(GROUPS),
      status: fc.constantFrom(500, 429, 401, 302),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('fail'), call: fc.constantFrom('waiting', 'payload', 'record', null) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('clock'), jumpMs: fc.constantFrom(-3 * HOUR, 0, 3 * HOUR) }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constantFrom('restart', 'reload', 'switch', 'change') }) },
);

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

class FailingStore extends MemoryDeliveryStore {
  failing: 'waiting' | 'payload' | 'record' | null = null;
  /** Deliveries of which only the sender knows what came of them. */
  readonly unrecorded = new Set<string>();

  override waiting(limit: number): Promise<WaitingDelivery[]> {
    return this.failing === 'waiting' ? Promise.reject(new Error('too many questions')) : super.waiting(limit);
  }

  override payload(id: string): Promise<string | null> {
    return this.failing === 'payload' ? Promise.reject(new Error('too many questions')) : super.payload(id);
  }

  override record(delivery: Delivery): Promise<void> {
    const fails = this.failing === 'record';
    if (fails) this.unrecorded.add(delivery.id);
    else this.unrecorded.delete(delivery.id);
    return fails ? Promise.reject(new Error('storage is full')) : super.record(delivery);
  }
}

class World {
  readonly store = new FailingStore();
  channel: Channel = channelOf({ settings: { url: receiver.url } });
  uptimeMs = 0;
  clockMs = 1_000 * HOUR;
  refused: readonly string[] = [];
  refusal = 500;
  /** What the receiver took; it may get some of it again, because nobody could write down that it had it. */
  readonly taken: string[] = [];
  mayRepeat = false;
  sender = this.newSender();

  constructor() {
    receiver.answer = (res, { body }) => {
      const { alertname, group } = body.commonLabels;
      if (this.refused.includes(group)) {
        res.writeHead(this.refusal, { 'retry-after': '30' }).end();
        return;
      }
      this.taken.push(alertname);
      res.end();
    };
  }

  newSender(): Sender {
    return new Sender({
      deliveries: this.store,
      channels: () => [this.channel],
      guard: new SsrfGuard(true),
      mail: { smtpUrl: 'smtp://localhost', from: null },
      externalUrl: null,
      clock: { nowMs: () => this.clockMs },
      monotonic: () => this.uptimeMs,
      logger: silentLogger,
    });
  }

  async take(next: Step, made: string[]): Promise<void> {
    if (next.what === 'make') await this.make(next.group, next.isAnswerLost, made);
    if (next.what === 'wait') this.wait(next.ms);
    if (next.what === 'refuse') [this.refused, this.refusal] = [next.groups, next.status];
    if (next.what === 'fail') this.store.failing = next.call;
    if (next.what === 'clock') this.clockMs = 1_000 * HOUR + this.uptimeMs + next.jumpMs;
    if (next.what === 'switch') this.channel = { ...this.channel, enabled: !this.channel.enabled };
    if (next.what === 'change') this.channel = { ...this.channel };
    if (next.what === 'reload') this.sender.reload();
    const running = this.sender.run();
    if (next.what === 'restart') {
      await this.sender.stop();
      // What was taken, and that could not be recorded, is not known to the next process.
      if (this.store.unrecorded.size > 0) this.mayRepeat = true;
      this.store.unrecorded.clear();
      this.sender = this.newSender();
    }
    await running;
  }

  wait(ms: number): void {
    this.uptimeMs += ms;
    this.clockMs += ms;
  }

  private async make(group: string, isAnswerLost: boolean, made: string[]): Promise<void> {
    const id = `${group}${made.length}`;
    made.push(id);
    const alert = { id, status: 'firing', labels: { alertname: id, group }, annotations: {}, startsAtMs: 0, endsAtMs: null, value: 1 };
    const payloadJson = JSON.stringify({ groupKey: '{}', groupLabels: {}, alerts: [alert], omittedAlerts: 0, stillFiring: 1 });
    const times = { createdAtMs: this.clockMs, nextAttemptAtMs: this.clockMs };
    const delivery = deliveryOf(this.channel.id, { id, groupKey: `{"group":"${group}"}`, payloadJson, ...times });
    await this.store.enqueue([], [delivery]);
    if (isAnswerLost) this.sender.reload();
    else this.sender.take([delivery]);
  }
}

async function run(steps: readonly Step[]): Promise<void> {
  const world = new World();
  const made: string[] = [];
  for (const next of steps) await world.take(next, made);
  await world.take({ what: 'fail', call: null }, made);
  await world.take({ what: 'refuse', groups: [], status: 500 }, made);
  if (!world.channel.enabled) await world.take({ what: 'switch' }, made);
  // No pause is longer.
  for (let i = 0; i < 3; i++) await world.take({ what: 'wait', ms: HOUR }, made);
  await world.sender.stop();
  expect([...world.store.deliveries.values()].map(({ id, status }) => [id, status])).toEqual(made.map((id) => [id, 'delivered']));
  const inOrder = [...new Set(world.taken)];
  for (const group of GROUPS) {
    expect(inOrder.filter((id) => id.startsWith(group))).toEqual(made.filter((id) => id.startsWith(group)));
  }
  if (!world.mayRepeat) expect(world.taken).toEqual(inOrder);
}

test('everything is taken once, groups in their order, whatever happens', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 50, size: 'max' }), run), { numRuns: 60 });
}, 60_000);
