import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { status } from '../../../helpers/receiver.js';
import { SECOND, SenderWorld } from '../../../helpers/sender-world.js';

/** The sender and storage: what is read and when, what is recorded, and what happens when that fails. */

let world: SenderWorld;
beforeEach(async () => {
  world = await SenderWorld.start();
});
afterEach(() => world.stop());

describe('Sender', () => {
  test('does not send again what could not be recorded', async () => {
    const record = world.store.record.bind(world.store);
    world.store.record = () => Promise.reject(new Error('disk full'));
    await world.enqueue(world.delivery('one'), world.delivery('two'));
    await world.sender.run();
    world.nowMs += 5 * SECOND;
    await world.sender.run();
    expect(world.names()).toEqual(['one']);
    world.store.record = record;
    world.nowMs += 5 * SECOND;
    await world.sender.run();
    expect(world.names()).toEqual(['one', 'two']);
    expect(world.row('one')).toMatchObject({ status: 'delivered' });
  });

  test('reads what is to be told when it is sent, and not before', async () => {
    const payload = world.store.payload.bind(world.store);
    const read: string[] = [];
    world.store.payload = (id) => {
      read.push(id);
      return payload(id);
    };
    world.receiver.answer = status(503);
    await world.enqueue(world.delivery('one'), world.delivery('two'));
    await world.sender.run();
    expect(read).toEqual(['one']);
    world.store.failWith = new Error('disk full');
    world.nowMs += 5 * SECOND;
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ attempts: 1 });
    world.store.failWith = null;
    world.receiver.answer = (res) => res.end();
    world.nowMs += 5 * SECOND;
    await world.sender.run();
    expect(read).toEqual(['one', 'one', 'one', 'two']);
  });

  test('does not send again what ended while it was reading what waits', async () => {
    let answer = (): void => undefined;
    world.receiver.answer = (res) => {
      answer = () => res.end();
    };
    await world.enqueue(world.delivery('one'), world.delivery('two'));
    await world.receiver.next();
    const waiting = world.store.waiting.bind(world.store);
    const read = new Promise<void>((resolve) => {
      world.store.waiting = async (limit) => {
        const found = await waiting(limit);
        // The first one ends now, and the second one begins.
        answer();
        await world.receiver.next();
        resolve();
        return found;
      };
    });
    world.sender.reload();
    const running = world.sender.run();
    await read;
    world.receiver.answer = (res) => res.end();
    answer();
    await running;
    expect(world.names()).toEqual(['one', 'two']);
    for (const id of ['one', 'two']) expect(world.row(id)).toMatchObject({ status: 'delivered', attempts: 1 });
  });

  test('takes what was stored before it was told to read again, also while it reads, and when that fails', async () => {
    const waiting = world.store.waiting.bind(world.store);
    let calls = 0;
    world.store.waiting = async (limit) => {
      calls += 1;
      const found = await waiting(limit);
      if (calls === 1) {
        await world.store.enqueue([], [world.delivery('late')]);
        world.sender.reload();
      }
      if (calls === 2) {
        await world.enqueue(world.delivery('later'));
        throw new Error('the thread ended');
      }
      return found;
    };
    await world.enqueue(world.delivery('early', { createdAtMs: world.nowMs - 1 }));
    await world.sender.run();
    world.nowMs += 5 * SECOND;
    await world.sender.run();
    expect(world.names()).toEqual(['early', 'late', 'later']);
  });

  test('takes what is stored while it reads what waits', async () => {
    const waiting = world.store.waiting.bind(world.store);
    let calls = 0;
    world.store.waiting = async (limit) => {
      calls += 1;
      const found = await waiting(limit);
      if (calls === 1) await world.enqueue(world.delivery('late'));
      return found;
    };
    await world.enqueue(world.delivery('early', { createdAtMs: world.nowMs - 1 }));
    await world.sender.run();
    expect(world.names()).toEqual(['early', 'late']);
  });

  /** Lets the timer's seconds pass, while this call of storage fails, and answers how often it was made. */
  async function callsWhileFailing(call: 'waiting' | 'payload' | 'record', seconds: number): Promise<number> {
    let calls = 0;
    const works = { [call]: world.store[call] };
    const fails = (): Promise<never> => {
      calls += 1;
      return Promise.reject(new Error('disk full'));
    };
    Object.assign(world.store, { [call]: fails });
    for (let i = 0; i < seconds; i++) {
      await world.sender.run();
      world.nowMs += SECOND;
    }
    Object.assign(world.store, works);
    return calls;
  }

  test.each(['waiting', 'payload', 'record'] as const)('rests when storage fails, and says so once: %s', async (call) => {
    await world.store.enqueue([], [world.delivery('one')]);
    expect(await callsWhileFailing(call, 20)).toBe(4);
    expect(world.logger.of('warn')).toHaveLength(1);
    expect(world.logger.of('info')).toHaveLength(0);
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ status: 'delivered', attempts: 1 });
    expect(world.logger.of('info')).toHaveLength(1);
    // Another time is worth another word.
    await world.store.enqueue([], [world.delivery('two')]);
    world.sender.reload();
    expect(await callsWhileFailing(call, 6)).toBe(2);
    expect(world.logger.of('warn')).toHaveLength(2);
  });

  test('a channel that storage fails for does not silence the others', async () => {
    world.channels.push({ ...world.channels[0]!, id: 'channel-2', name: 'others' });
    const record = world.store.record.bind(world.store);
    world.store.record = (delivery) => (delivery.id === 'one' ? Promise.reject(new Error('too big')) : record(delivery));
    await world.enqueue(world.delivery('one'), world.delivery('two', { channelId: 'channel-2' }));
    await world.sender.run();
    expect([world.row('one')!.status, world.row('two')!.status]).toEqual(['waiting', 'delivered']);
  });
});
