import { describe, expect, test } from '@jest/globals';
import { ChannelQueue } from '../../../../src/alerting/notify/channel-queue.js';
import type { WaitingDelivery } from '../../../../src/model/alert.js';
import { channelOf } from '../../../helpers/alerts.js';

/** What is given up when too many wait. */

const ON = channelOf();
const OFF = channelOf({ enabled: false });
const ANY = 1_000_000;

let made = 0;
function add(queue: ChannelQueue, id: string, fields: Partial<WaitingDelivery> = {}): void {
  made += 1;
  const none = { status: 'waiting', attempts: 0, nextAttemptAtMs: 0, finishedAtMs: null, lastError: null } as const;
  queue.add({ ...none, id, channelId: ON.id, groupKey: id, createdAtMs: made, tellsResolved: false, ...fields }, 0);
}

/** So many deliveries, each of its own group and the last word of it, that something is over: nothing else is missed more. */
function addNeeded(queue: ChannelQueue, count: number): void {
  for (let i = 0; i < count; i++) add(queue, `needed-${i}`, { tellsResolved: true });
}

function surplus(queue: ChannelQueue, channel = OFF, maxWaiting = ANY): string[] {
  return queue.surplus(channel, maxWaiting).map(({ delivery }) => delivery.id);
}

describe('what is given up', () => {
  test('is nothing while the channel is well, up to a limit for everything', () => {
    const queue = new ChannelQueue();
    for (let i = 0; i < 800; i++) add(queue, `d${i}`);
    expect(surplus(queue, ON)).toEqual([]);
    expect(surplus(queue, ON, 798)).toEqual(['d0', 'd1']);
    expect(surplus(queue, OFF)).toHaveLength(300);
  });

  test('is what is held up, when three groups failed and none got through', () => {
    const queue = new ChannelQueue();
    for (let i = 0; i < 501; i++) add(queue, `d${i}`);
    for (const group of ['d0', 'd1']) queue.failed(group, 0, 0);
    expect(surplus(queue, ON)).toEqual([]);
    queue.failed('d2', 0, 0);
    expect(surplus(queue, ON)).toEqual(['d0']);
    queue.answered();
    expect(surplus(queue, ON)).toEqual([]);
  });

  test('is not what waits because the other side wants a moment for itself', () => {
    const queue = new ChannelQueue();
    for (let i = 0; i < 600; i++) add(queue, `d${i}`);
    queue.failed('d0', 1_000, 0);
    expect(queue.next(ON, 999)).toBeNull();
    expect(surplus(queue, ON)).toEqual([]);
  });

  test('is of the group that fails, and of no other', () => {
    const queue = new ChannelQueue();
    add(queue, 'bad', { groupKey: 'bad', attempts: 3 });
    for (let i = 0; i < 600; i++) add(queue, `other-${i}`);
    for (let i = 0; i < 501; i++) add(queue, `bad-${i}`, { groupKey: 'bad' });
    expect(surplus(queue, ON)).toEqual(['bad-0', 'bad-1']);
  });

  test('is first what is told again, then what fires, then what was not tried', () => {
    const kinds: Pick<WaitingDelivery, 'groupKey' | 'tellsResolved' | 'attempts'>[] = [];
    for (const groupKey of ['later', 'last'])
      for (const tellsResolved of [false, true]) for (const attempts of [0, 1]) kinds.push({ groupKey, tellsResolved, attempts });
    const names = kinds.map(({ groupKey, tellsResolved, attempts }) => `${groupKey} ${tellsResolved ? 'over' : 'fires'} ${attempts}`);
    const queue = new ChannelQueue();
    // The other way round: it is not their order that decides. Pieces of one notification tell different things.
    for (const [i, fields] of [...kinds.entries()].toReversed()) add(queue, names[i]!, { ...fields, createdAtMs: 7 });
    addNeeded(queue, 492);
    add(queue, 'told now', { groupKey: 'later', tellsResolved: true, attempts: 1 });
    for (let i = 0; i < 6; i++) add(queue, `more-${i}`, { tellsResolved: true, attempts: 1 });
    expect(surplus(queue)).toEqual([...names.slice(0, 6), 'last over 0']);
  });

  test('is the oldest of those that are missed as much', () => {
    const queue = new ChannelQueue();
    for (let i = 0; i < 503; i++) add(queue, `d${i}`, { groupKey: 'same' });
    expect(surplus(queue)).toEqual(['d0', 'd1', 'd2']);
  });

  test('is never what is on its way, or is given up already', () => {
    const queue = new ChannelQueue();
    for (let i = 0; i < 502; i++) add(queue, `d${i}`, { groupKey: 'same' });
    expect(queue.next(ON, 0)!.delivery.id).toBe('d0');
    const givenUp = queue.surplus(OFF, ANY);
    expect(givenUp.map(({ delivery }) => delivery.id)).toEqual(['d1', 'd2']);
    for (const entry of givenUp) entry.unrecorded = { ...entry.delivery, status: 'failed' };
    expect(surplus(queue)).toEqual([]);
    // It is recorded before anything else is sent.
    expect(queue.next(ON, 0)!.delivery.id).toBe('d1');
  });
});
