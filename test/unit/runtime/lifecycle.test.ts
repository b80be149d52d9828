import { describe, expect, test } from '@jest/globals';
import { Lifecycle, type Part } from '../../../src/runtime/lifecycle.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';

/** A part that writes down what happens to it; `failing` says which of its two moments goes wrong. */
function recorded(name: string, record: string[], failing: { start?: boolean; stop?: boolean } = {}): { name: string; part: Part } {
  return {
    name,
    part: {
      async start() {
        await Promise.resolve();
        record.push(`start ${name}`);
        if (failing.start === true) throw new Error(`${name} does not start`);
      },
      async stop() {
        await Promise.resolve();
        record.push(`stop ${name}`);
        if (failing.stop === true) throw new Error(`${name} does not stop`);
      },
    },
  };
}

describe('Lifecycle', () => {
  test('starts in order, each after the one before, and stops in reverse', async () => {
    const record: string[] = [];
    const logger = new MemoryLogger();
    const lifecycle = new Lifecycle([recorded('a', record), recorded('b', record), recorded('c', record)], logger, 1_000);

    await lifecycle.start();
    expect(await lifecycle.stop()).toBe(true);

    expect(record).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
    expect(logger.entries).toEqual([]);
  });

  test('parts with only a start, only a stop, or nothing to wait for are parts too', async () => {
    const record: string[] = [];
    const lifecycle = new Lifecycle(
      [
        { name: 'starter', part: { start: () => void record.push('start') } },
        { name: 'stopper', part: { stop: () => void record.push('stop') } },
        { name: 'neither', part: {} },
      ],
      new MemoryLogger(),
      1_000,
    );

    await lifecycle.start();
    expect(await lifecycle.stop()).toBe(true);

    expect(record).toEqual(['start', 'stop']);
  });

  test('a part that fails to start stops those before it, and itself; its failure is thrown', async () => {
    const record: string[] = [];
    const lifecycle = new Lifecycle(
      [recorded('a', record), recorded('b', record, { start: true }), recorded('c', record)],
      new MemoryLogger(),
      1_000,
    );

    await expect(lifecycle.start()).rejects.toThrow('b does not start');

    expect(record).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  test('a part that fails to stop is logged and the rest is stopped all the same', async () => {
    const record: string[] = [];
    const logger = new MemoryLogger();
    const lifecycle = new Lifecycle([recorded('a', record), recorded('b', record, { stop: true }), recorded('c', record)], logger, 1_000);
    await lifecycle.start();

    expect(await lifecycle.stop()).toBe(false);

    expect(record.slice(3)).toEqual(['stop c', 'stop b', 'stop a']);
    expect(logger.entries).toMatchObject([
      { level: 'error', message: 'a part did not stop cleanly', meta: { part: 'b', error: { message: 'b does not stop' } } },
    ]);
  });

  test('a part that throws at once instead of rejecting is treated alike', async () => {
    const record: string[] = [];
    const rude: Part = {
      stop() {
        throw new Error('no');
      },
    };
    const lifecycle = new Lifecycle([recorded('a', record), { name: 'rude', part: rude }], new MemoryLogger(), 1_000);
    await lifecycle.start();

    expect(await lifecycle.stop()).toBe(false);

    expect(record).toEqual(['start a', 'stop a']);
  });

  test('a part that does not stop in time is passed by, and those after it still get their chance', async () => {
    const record: string[] = [];
    const logger = new MemoryLogger();
    const hanging: Part = { stop: () => new Promise(() => undefined) };
    const lifecycle = new Lifecycle([recorded('a', record), { name: 'hanging', part: hanging }], logger, 150);
    await lifecycle.start();

    const started = performance.now();
    expect(await lifecycle.stop()).toBe(false);

    expect(performance.now() - started).toBeGreaterThanOrEqual(140);
    expect(record).toEqual(['start a', 'stop a']);
    expect(logger.of('error')).toMatchObject([
      { meta: { part: 'hanging', error: { message: expect.stringMatching(/not stopped after/) } } },
    ]);
  });

  test('a stop during the start lets the part that is starting get there, and starts no other', async () => {
    const record: string[] = [];
    let ready = (): void => undefined;
    const slow: Part = {
      start: () => new Promise<void>((resolve) => (ready = resolve)).then(() => void record.push('start slow')),
      stop: () => void record.push('stop slow'),
    };
    const lifecycle = new Lifecycle(
      [recorded('a', record), { name: 'slow', part: slow }, recorded('c', record)],
      new MemoryLogger(),
      1_000,
    );
    const starting = expect(lifecycle.start()).rejects.toThrow('stopped while it was starting');
    await new Promise((resolve) => setImmediate(resolve));
    const stopping = lifecycle.stop();
    ready();

    expect(await stopping).toBe(true);
    await starting;
    expect(record).toEqual(['start a', 'start slow', 'stop slow', 'stop a']);
  });

  test('a part that never gets there does not keep the others from being stopped', async () => {
    const record: string[] = [];
    const logger = new MemoryLogger();
    const stuck: Part = { start: () => new Promise(() => undefined) };
    const lifecycle = new Lifecycle([recorded('a', record), { name: 'stuck', part: stuck }], logger, 50);
    void lifecycle.start();
    await new Promise((resolve) => setImmediate(resolve));

    expect(await lifecycle.stop()).toBe(false);

    expect(record).toEqual(['start a', 'stop a']);
    expect(logger.of('error')).toMatchObject([{ meta: { part: 'stuck' } }]);
  });

  test('stopping twice, or without a start, does nothing', async () => {
    const record: string[] = [];
    const lifecycle = new Lifecycle([recorded('a', record)], new MemoryLogger(), 1_000);
    expect(await lifecycle.stop()).toBe(true);

    await lifecycle.start();
    await lifecycle.stop();
    expect(await lifecycle.stop()).toBe(true);

    expect(record).toEqual(['start a', 'stop a']);
  });
});
