import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { NewDelivery } from '../../../../src/model/alert.js';
import { channelOf } from '../../../helpers/alerts.js';
import { status } from '../../../helpers/receiver.js';
import { HOUR, SenderWorld } from '../../../helpers/sender-world.js';

/** What becomes of many notifications at once; channel-queue.test.ts says which are given up. */

let world: SenderWorld;
beforeEach(async () => {
  world = await SenderWorld.start();
});
afterEach(() => world.stop());

/** Each of its own group. */
function burst(count: number, fields: Partial<NewDelivery> = {}): NewDelivery[] {
  const from = world.store.deliveries.size;
  return Array.from({ length: count }, (_, i) => world.delivery(`d${from + i}`, { groupKey: `g${from + i}`, ...fields }));
}

function countOf(wanted: NewDelivery['status']): number {
  return [...world.store.deliveries.values()].filter((row) => row.status === wanted).length;
}

describe('a burst', () => {
  test.each(['webhook', 'alertmanager'] as const)('is delivered whole to a receiver that is well: %s', async (type) => {
    world.channels = [channelOf({ type, settings: { url: world.receiver.url } })];
    await world.sender.run();
    await world.enqueue(...burst(800));
    await world.sender.run();
    expect(world.receiver.received).toHaveLength(800);
    expect([countOf('delivered'), countOf('failed')]).toEqual([800, 0]);
    expect(world.logger.of('warn')).toEqual([]);
  });

  test('is delivered also while one group fails', async () => {
    world.receiver.answer = (res, { body }) => res.writeHead(body.commonLabels.alertname === 'bad' ? 500 : 200).end();
    await world.enqueue(world.delivery('bad'));
    await world.sender.run();
    await world.enqueue(...burst(600));
    await world.sender.run();
    expect([countOf('delivered'), countOf('waiting'), countOf('failed')]).toEqual([600, 1, 0]);
  });

  test('is given up beyond a limit while the channel fails; the log and the counters say so, once for all', async () => {
    world.receiver.answer = status(503);
    await world.enqueue(...burst(3));
    await world.sender.run();
    world.outcomes.length = 0;
    await world.enqueue(...burst(800));
    await world.sender.run();
    expect([countOf('waiting'), countOf('failed')]).toEqual([500, 303]);
    expect(world.row('d3')).toMatchObject({ status: 'failed', attempts: 0, finishedAtMs: world.nowMs });
    expect(world.row('d3')!.lastError).toContain('too many notifications were waiting');
    expect(world.outcomes).toEqual(Array.from({ length: 303 }, () => 'webhook failed'));
    expect(world.logger.of('warn')).toMatchObject([
      { message: 'notifications could not be delivered', meta: { channel: 'people', type: 'webhook', count: 303 } },
    ]);
    // What was tried keeps its place.
    expect(['d0', 'd1', 'd2'].map((id) => world.row(id)!.status)).toEqual(['waiting', 'waiting', 'waiting']);
    world.receiver.answer = (res) => res.end();
    world.nowMs += HOUR;
    await world.sender.run();
    expect([countOf('delivered'), countOf('failed')]).toEqual([500, 303]);
  });

  test('is given up beyond a limit while the channel is switched off', async () => {
    world.channels = [channelOf({ ...world.channels[0], enabled: false })];
    await world.store.enqueue([], burst(503));
    await world.sender.run();
    await world.sender.run();
    expect([countOf('waiting'), countOf('failed')]).toEqual([500, 3]);
  });

  test('has its limit also where all is well', async () => {
    world.startSender({ stopGraceMs: 10 });
    world.receiver.answer = () => undefined;
    await world.store.enqueue([], burst(10_007));
    world.sender.take([]);
    expect(JSON.parse((await world.receiver.next()).text).commonLabels).toEqual({ alertname: 'd7' });
    expect(world.outcomes).toEqual(Array.from({ length: 7 }, () => 'webhook failed'));
  });

  test('has a limit for all channels together, and then none keeps more than if it failed', async () => {
    world.channels = Array.from({ length: 11 }, (_, i) => channelOf({ ...world.channels[0], id: `c${i}` }));
    await world.sender.run();
    const many = world.channels.flatMap(({ id }) => burst(9_100).map((one) => ({ ...one, id: `${id} ${one.id}`, channelId: id })));
    world.sender.take(many);
    expect(world.outcomes).toHaveLength(11 * 8_600);
  });
});
