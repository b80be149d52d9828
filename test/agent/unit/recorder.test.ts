import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Metric } from '../../../agent/src/model.js';
import { Recorder } from '../../../agent/src/recorder.js';
import { MemorySpool } from '../../../agent/src/spool/memory-spool.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { metricsAt, SettableClock } from '../helpers/metrics.js';

const NOW_MS = Date.UTC(2026, 10, 22);

/** One turn of the event loop, and a bit. */
async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('Recorder', () => {
  let spool: MemorySpool;
  let recorder: Recorder;
  let logger: MemoryLogger;
  let spooled: number[];
  let released: number[];

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    spool = new MemorySpool({ agentId: 'a', maxBytes: 1e9, maxAgeMs: 1e9, clock: new SettableClock(NOW_MS) });
    logger = new MemoryLogger();
    spooled = [];
    released = [];
  });

  afterEach(async () => {
    await recorder.stop();
    jest.useRealTimers();
  });

  function start(batchSize: number, transmissionIntervalS = 1, gatherMs = 0): void {
    const outbox = { spooled: ({ seq }: { seq: number }) => void spooled.push(seq), release: () => void released.push(spooled.length) };
    recorder = new Recorder({ spool, outbox, logger, gatherMs }, { batchSize, collectionIntervalS: 1, transmissionIntervalS });
    recorder.start();
  }

  const values = async (): Promise<number[][]> =>
    Promise.all(spool.entries.map(async ({ batchId }) => (await spool.read(batchId))!.metrics.map(({ value }: Metric) => value)));

  test('what comes in together is spooled together, in batches of the size that is wanted, and sent at once', async () => {
    start(4);
    await Promise.all([recorder.record(metricsAt(NOW_MS, 3, 0)), recorder.record(metricsAt(NOW_MS, 3, 3))]);
    expect(await values()).toEqual([
      [0, 1, 2, 3],
      [4, 5],
    ]);
    expect(spooled).toEqual([1, 2]);
    expect(released).toEqual([2]);
  });

  test('what others measured at the same time is waited for, a moment', async () => {
    start(100, 1, 500);
    const first = recorder.record(metricsAt(NOW_MS, 2, 0));
    await jest.advanceTimersByTimeAsync(499);
    const second = recorder.record(metricsAt(NOW_MS, 1, 2));
    await turn();
    expect(await values()).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    await Promise.all([first, second]);
    expect(await values()).toEqual([[0, 1, 2]]);
    expect(released).toEqual([1]);
  });

  test.each([
    [1, 100],
    [30, 1_000],
  ])('at an interval of %d s the moment is %d ms', async (collectionIntervalS, ms) => {
    const outbox = { spooled: ({ seq }: { seq: number }) => void spooled.push(seq), release: () => undefined };
    recorder = new Recorder({ spool, outbox, logger }, { batchSize: 100, collectionIntervalS, transmissionIntervalS: collectionIntervalS });
    recorder.start();
    const done = recorder.record(metricsAt(NOW_MS));
    await turn();
    await jest.advanceTimersByTimeAsync(ms - 1);
    expect(spooled).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    await done;
    expect(spooled).toEqual([1]);
  });

  test('a batch that is full does not wait, what is left over does', async () => {
    start(3, 1, 1_000);
    const first = recorder.record(metricsAt(NOW_MS, 2, 0));
    await turn();
    const second = recorder.record(metricsAt(NOW_MS, 2, 2));
    await turn();
    expect(await values()).toEqual([[0, 1, 2]]);
    await jest.advanceTimersByTimeAsync(1_000);
    await Promise.all([first, second]);
    expect(await values()).toEqual([[0, 1, 2], [3]]);
    await recorder.record(metricsAt(NOW_MS, 3, 4));
    expect(released).toEqual([2, 3]);
  });

  test.each(['flush', 'stop'] as const)('%s waits for nothing more', async (end) => {
    start(100, 1, 1_000);
    const first = recorder.record(metricsAt(NOW_MS));
    await turn();
    await recorder[end]();
    await first;
    expect(spooled).toEqual([1]);
    if (end === 'stop') await recorder.record(metricsAt(NOW_MS));
    expect(spooled).toEqual(end === 'stop' ? [1, 2] : [1]);
  });

  test('is spooled when record resolves, also what came while it was busy', async () => {
    start(100);
    const first = recorder.record(metricsAt(NOW_MS, 1, 0));
    await turn();
    await recorder.record(metricsAt(NOW_MS, 1, 1));
    await first;
    expect((await values()).flat()).toEqual([0, 1]);
    await recorder.record(metricsAt(NOW_MS, 1, 2));
    expect((await values()).flat()).toEqual([0, 1, 2]);
  });

  test('a longer transmission interval spools at once and sends later', async () => {
    start(100, 10);
    await recorder.record(metricsAt(NOW_MS));
    expect(spooled).toEqual([1]);
    await jest.advanceTimersByTimeAsync(9_999);
    expect(released).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(released).toEqual([1]);
    await recorder.record(metricsAt(NOW_MS));
    await recorder.flush();
    expect(released).toEqual([1, 2]);
  });

  test('another pace counts from now on, and sends what waited for the old one', async () => {
    start(100, 1_000);
    await recorder.record(metricsAt(NOW_MS, 2));
    recorder.setPace({ batchSize: 1, collectionIntervalS: 1, transmissionIntervalS: 1 });
    expect(released).toEqual([1]);
    await recorder.record(metricsAt(NOW_MS, 2));
    expect(spooled).toEqual([1, 2, 3]);
    expect(released).toEqual([1, 3]);
  });

  test('a spool that fails costs what it was given, and says so', async () => {
    start(1);
    jest.spyOn(spool, 'add').mockRejectedValueOnce(new Error('a bug'));
    await recorder.record(metricsAt(NOW_MS, 2));
    expect(spooled).toEqual([1]);
    expect(logger.of('error')[0]?.meta).toEqual({ metrics: 1, reason: 'a bug' });
  });
});
