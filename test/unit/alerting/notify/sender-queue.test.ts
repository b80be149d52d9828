import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { channelOf } from '../../../helpers/alerts.js';
import { startReceiver, status } from '../../../helpers/receiver.js';
import { HOUR, MINUTE, SECOND, SenderWorld } from '../../../helpers/sender-world.js';

/** Who waits for whom: groups of a channel, channels, and what is changed meanwhile. */

let world: SenderWorld;
beforeEach(async () => {
  world = await SenderWorld.start();
});
afterEach(() => world.stop());

describe('what waits', () => {
  test('a channel that is down does not hold up the others', async () => {
    const other = await startReceiver();
    world.channels.push(channelOf({ id: 'channel-2', settings: { url: other.url } }));
    let answer = (): void => undefined;
    world.receiver.answer = (res) => {
      answer = () => res.end();
    };
    await world.enqueue(world.delivery('one'));
    await world.receiver.next();
    await world.enqueue(world.delivery('two', { channelId: 'channel-2' }));
    await other.next();
    expect(world.row('one')).toMatchObject({ status: 'waiting', attempts: 0 });
    answer();
    await world.sender.run();
    expect([world.row('one')!.status, world.row('two')!.status]).toEqual(['delivered', 'delivered']);
    other.stop();
  });

  test('what a receiver never takes holds up its own group, and no other', async () => {
    const refused = (id: string): boolean => id.startsWith('bad');
    world.receiver.answer = (res, { body }) => res.writeHead(refused(body.commonLabels.alertname) ? 500 : 200).end();
    await world.enqueue(
      world.delivery('bad'),
      world.delivery('later'),
      world.delivery('other', { groupKey: 'b' }),
      world.delivery('third', { groupKey: 'c' }),
    );
    await world.sender.run();
    expect(world.names()).toEqual(['bad', 'other', 'third']);
    world.nowMs += 5 * SECOND;
    await world.enqueue(world.delivery('fourth', { groupKey: 'd' }));
    await world.sender.run();
    // What was tried least comes first.
    expect(world.names().slice(3)).toEqual(['fourth', 'bad']);
    await world.sender.stop();
    world.startSender();
    await world.sender.run();
    expect(world.names()).toHaveLength(5);
    world.nowMs = world.row('bad')!.nextAttemptAtMs;
    world.receiver.answer = (res) => res.end();
    await world.sender.run();
    expect(world.names().slice(5)).toEqual(['bad', 'later']);
  });

  test('a channel that fails for every group is tried once a minute, not for all of them', async () => {
    const groups = Array.from({ length: 9 }, (_, i) => world.delivery(`d${i}`, { groupKey: `g${i}` }));
    world.receiver.answer = status(503);
    await world.enqueue(...groups);
    await world.sender.run();
    expect(world.names()).toEqual(['d0', 'd1', 'd2']);
    world.nowMs += MINUTE - 1;
    await world.sender.run();
    expect(world.names()).toHaveLength(3);
    world.nowMs += 1;
    await world.sender.run();
    expect(world.names().slice(3)).toEqual(['d3']);
    world.nowMs += MINUTE;
    world.receiver.answer = (res) => res.end();
    await world.sender.run();
    expect(world.names().slice(4).toSorted()).toEqual(groups.map(({ id }) => id));
  });

  test('all wait when the other side wants to be left alone', async () => {
    world.receiver.answer = status(429, { 'retry-after': '120' });
    await world.enqueue(world.delivery('one'), world.delivery('two', { groupKey: 'b' }));
    await world.sender.run();
    world.receiver.answer = (res) => res.end();
    world.nowMs += 2 * MINUTE - 1;
    await world.sender.run();
    expect(world.names()).toEqual(['one']);
    world.nowMs += 1;
    await world.sender.run();
    expect(world.names()).toEqual(['one', 'two', 'one']);
  });

  test('what is for a channel that is switched off waits, and is due when it is switched on', async () => {
    world.channels = [channelOf({ ...world.channels[0], enabled: false })];
    await world.enqueue(world.delivery('one'));
    world.nowMs += 30 * HOUR;
    await world.sender.run();
    expect([world.row('one')!.status, world.names()]).toEqual(['waiting', []]);
    world.channels = [channelOf({ ...world.channels[0], enabled: true })];
    await world.sender.run();
    expect([world.row('one')!.status, world.names()]).toEqual(['delivered', ['one']]);
  });

  test('what waits is due when its channel has changed, also while it is being tried', async () => {
    world.receiver.answer = status(401);
    await world.enqueue(world.delivery('one'), world.delivery('two', { groupKey: 'b' }), world.delivery('three', { groupKey: 'c' }));
    await world.sender.run();
    expect(world.names()).toEqual(['one', 'two', 'three']);
    world.receiver.answer = (res) => {
      world.channels = [channelOf({ ...world.channels[0], updatedAtMs: 2 })];
      world.receiver.answer = (other) => other.end();
      res.writeHead(401).end();
    };
    world.channels = [channelOf({ ...world.channels[0], updatedAtMs: 1 })];
    await world.sender.run();
    expect(world.names().slice(3)).toEqual(['one', 'two', 'three', 'one']);
    expect(['one', 'two', 'three'].map((id) => world.row(id)!.status)).toEqual(['delivered', 'delivered', 'delivered']);
  });

  test('what was for a channel that is gone is forgotten, also when another one gets its number', async () => {
    world.receiver.answer = status(503);
    await world.enqueue(world.delivery('one'), world.delivery('two', { groupKey: 'b' }));
    await world.sender.run();
    world.store.forget('channel-1');
    world.channels = [channelOf({ ...world.channels[0], updatedAtMs: 1 })];
    await world.sender.run();
    expect(world.names()).toEqual(['one', 'two']);
    world.channels = [];
    await world.enqueue(world.delivery('three'));
    await world.sender.run();
    world.channels = [channelOf({ settings: { url: world.receiver.url } })];
    await world.sender.run();
    expect(world.names()).toEqual(['one', 'two']);
  });

  test('does not wait for a clock that was put back', async () => {
    world.receiver.answer = status(503);
    await world.enqueue(world.delivery('one'));
    await world.sender.run();
    world.clockJumpMs = -6 * HOUR;
    world.nowMs += 5 * SECOND;
    await world.sender.run();
    expect(world.names()).toEqual(['one', 'one']);
    // Stored by a process whose clock was ahead: what was tried waits for the longest pause, what was not does not wait.
    world.clockJumpMs = 0;
    await world.sender.stop();
    await world.store.enqueue([], [world.delivery('two', { groupKey: 'b' })]);
    await world.store.record({ ...world.row('one')!, nextAttemptAtMs: world.nowMs });
    world.clockJumpMs = -6 * HOUR;
    world.startSender();
    world.receiver.answer = (res) => res.end();
    await world.sender.run();
    expect(world.names().slice(2)).toEqual(['two']);
    world.nowMs += HOUR;
    await world.sender.run();
    expect(world.names().slice(2)).toEqual(['two', 'one']);
  });

  test('what cannot be read, or makes a channel stumble, is for nobody else to wait for', async () => {
    await world.enqueue(
      world.delivery('one', { payloadJson: '{"al' }),
      world.delivery('two', { groupKey: 'b', payloadJson: '{}' }),
      world.delivery('three'),
    );
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ status: 'failed', lastError: 'what it should tell cannot be read' });
    expect(world.row('two')).toMatchObject({ status: 'waiting', attempts: 1 });
    expect(world.names()).toEqual(['three']);
  });
});
