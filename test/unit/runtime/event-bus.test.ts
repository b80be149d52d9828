import { describe, expect, test } from '@jest/globals';
import { EventBus } from '../../../src/runtime/event-bus.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';

interface Events {
  happened: { readonly id: number };
  other: string;
}

describe('EventBus', () => {
  test('delivers at once, in the order of subscription, only to listeners of that event', () => {
    const bus = new EventBus<Events>(new MemoryLogger());
    const seen: string[] = [];
    bus.on('happened', ({ id }) => seen.push(`first ${id}`));
    bus.on('happened', ({ id }) => seen.push(`second ${id}`));
    bus.on('other', (text) => seen.push(text));

    bus.emit('happened', { id: 7 });

    expect(seen).toEqual(['first 7', 'second 7']);
  });

  test('the answer of `on` unsubscribes, once and for all', () => {
    const bus = new EventBus<Events>(new MemoryLogger());
    const seen: number[] = [];
    const off = bus.on('happened', ({ id }) => seen.push(id));

    bus.emit('happened', { id: 1 });
    off();
    off();
    bus.emit('happened', { id: 2 });

    expect(seen).toEqual([1]);
  });

  test('a listener that throws is logged and keeps nobody from hearing', () => {
    const logger = new MemoryLogger();
    const bus = new EventBus<Events>(logger);
    const seen: number[] = [];
    bus.on('happened', () => {
      throw new Error('listener broke');
    });
    bus.on('happened', ({ id }) => seen.push(id));

    expect(() => bus.emit('happened', { id: 3 })).not.toThrow();

    expect(seen).toEqual([3]);
    expect(logger.entries).toEqual([
      { level: 'error', message: 'event listener failed', meta: { event: 'happened', error: new Error('listener broke') } },
    ]);
  });

  test('hasListeners tells whether an announcement would be heard', () => {
    const bus = new EventBus<Events>(new MemoryLogger());
    expect(bus.hasListeners('happened')).toBe(false);
    const off = bus.on('happened', () => undefined);
    expect(bus.hasListeners('happened')).toBe(true);
    expect(bus.hasListeners('other')).toBe(false);
    off();
    expect(bus.hasListeners('happened')).toBe(false);
  });

  test('an event nobody listens to is no error', () => {
    expect(() => new EventBus<Events>(new MemoryLogger()).emit('other', 'x')).not.toThrow();
  });
});
