import { beforeEach, describe, expect, test } from '@jest/globals';
import { Scheduler } from '../../../../agent/src/collect/scheduler.js';
import type { Collector, Metric } from '../../../../agent/src/model.js';
import { MemoryLogger } from '../../../helpers/memory-logger.js';

const WALL_START_MS = 1_795_400_000_000;

/** Time that passes when the test says so; timers fire late by as much as it likes. */
class FakeTime {
  private monotonicMs = 77;
  private waiting: { atMs: number; work: () => void }[] = [];

  nowMs(): number {
    return this.monotonicMs;
  }

  readonly wall = { nowMs: (): number => WALL_START_MS + this.monotonicMs - 77 };

  after(ms: number, work: () => void): () => void {
    const timer = { atMs: this.monotonicMs + ms, work };
    this.waiting.push(timer);
    return () => {
      this.waiting = this.waiting.filter((other) => other !== timer);
    };
  }

  get timers(): number {
    return this.waiting.length;
  }

  /** Fires everything that falls due, in its order, `lateMs` after its time. */
  async pass(ms: number, lateMs = 0): Promise<void> {
    await settled();
    const endMs = this.monotonicMs + ms;
    for (;;) {
      const due = this.waiting.filter(({ atMs }) => atMs + lateMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.waiting = this.waiting.filter((other) => other !== due);
      this.monotonicMs = due.atMs + lateMs;
      due.work();
      await settled();
    }
    this.monotonicMs = endMs;
  }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** A collector that is done when the test says so. */
class SlowCollector implements Collector {
  private finishers: (() => void)[] = [];
  signal: AbortSignal | null = null;

  constructor(
    readonly name: string,
    private readonly immediate = false,
  ) {}

  async collect(nowMs: number, signal: AbortSignal): Promise<Metric[]> {
    this.signal = signal;
    if (!this.immediate) await new Promise<void>((resolve) => this.finishers.push(resolve));
    return [{ name: this.name, type: 'gauge', value: 1, unit: '', tags: {}, timestampMs: nowMs }];
  }

  async finish(): Promise<void> {
    this.finishers.shift()?.();
    await settled();
  }
}

let time: FakeTime;
let logger: MemoryLogger;
let seen: string[];

beforeEach(() => {
  time = new FakeTime();
  logger = new MemoryLogger();
  seen = [];
});

/** With phase 0 a grid of 10 s has a point at the start. */
function scheduler(collectors: readonly Collector[], intervalMs = 30_000, phase = 0): Scheduler {
  return new Scheduler({
    collectors,
    intervalMs,
    phase: () => phase,
    onMetrics: (metrics, collector) => {
      seen.push(...metrics.map(({ timestampMs }) => `${collector} ${(timestampMs - WALL_START_MS) / 1_000}`));
    },
    clock: time.wall,
    logger,
    timers: time,
  });
}

describe('the grid', () => {
  test('at once, and then at every interval; late timers do not add up', async () => {
    const running = scheduler([new SlowCollector('a', true), new SlowCollector('b', true)], 10_000);
    running.start();
    await settled();
    await time.pass(9_999);
    expect(seen).toEqual(['a 0', 'b 0']);
    await time.pass(20_201, 200);
    expect(seen.slice(2)).toEqual(['a 10.2', 'b 10.2', 'a 20.2', 'b 20.2', 'a 30.2', 'b 30.2']);
    expect(running.state()).toEqual([
      { name: 'a', runs: 4, failures: 0, skipped: 0, lastError: null },
      { name: 'b', runs: 4, failures: 0, skipped: 0, lastError: null },
    ]);
    await running.stop();
  });

  test('points that went by while the machine slept are left out, and the grid stays', async () => {
    const running = scheduler([new SlowCollector('a', true)], 10_000);
    running.start();
    await time.pass(36_000, 25_000);
    await time.pass(4_000);
    expect(seen).toEqual(['a 0', 'a 35', 'a 40']);
    expect(running.state()[0]?.skipped).toBe(2);
    await running.stop();
  });

  test('a second start changes nothing', async () => {
    const running = scheduler([new SlowCollector('a', true)]);
    running.start();
    running.start();
    await settled();
    expect(seen).toEqual(['a 0']);
    expect(time.timers).toBe(1);
    await running.stop();
  });

  test.each([
    [0, [10, 20, 30]],
    [0.25, [12.5, 22.5, 32.5]],
    [0.49, [14.9, 24.9, 34.9]],
    // Half an interval behind the first collection at the soonest.
    [0.5, [5, 15, 25]],
    [0.99, [9.9, 19.9, 29.9]],
  ])('at the phase %d of each interval, but the first at once', async (phase, expected) => {
    const running = scheduler([new SlowCollector('a', true)], 10_000, phase);
    running.start();
    await time.pass(34_950);
    expect(seen.slice(0, 4)).toEqual(['a 0', ...expected.map((at) => `a ${at}`)]);
    await running.stop();
  });

  test('a start at another time goes on in the same grid', async () => {
    await time.pass(3_100);
    const running = scheduler([new SlowCollector('a', true)], 10_000, 0.7);
    running.start();
    await time.pass(24_000);
    expect(seen).toEqual(['a 3.1', 'a 17', 'a 27']);
    await running.stop();
  });

  test('another interval is another grid, from half of it behind the last collection on', async () => {
    const running = scheduler([new SlowCollector('a', true)], 100_000, 0.3);
    running.start();
    await time.pass(4_000);
    running.setIntervalMs(10_000);
    await time.pass(20_000);
    running.setIntervalMs(10_000);
    running.setIntervalMs(25_000);
    await time.pass(35_000);
    expect(seen).toEqual(['a 0', 'a 13', 'a 23', 'a 57.5']);
    expect(time.timers).toBe(1);
    await running.stop();
  });

  test('a shorter interval does not make all who are given it collect at once', async () => {
    const running = scheduler([new SlowCollector('a', true)], 100_000, 0.3);
    running.start();
    await time.pass(47_000);
    running.setIntervalMs(10_000);
    await time.pass(16_000);
    expect(seen).toEqual(['a 0', 'a 53', 'a 63']);
    expect(running.state()[0]?.skipped).toBe(0);
    await running.stop();
  });

  test('before the start another interval is taken as it is', async () => {
    const running = scheduler([new SlowCollector('a', true)], 60_000);
    running.setIntervalMs(10_000);
    expect(time.timers).toBe(0);
    running.start();
    await time.pass(10_000);
    expect(seen).toEqual(['a 0', 'a 10']);
    await running.stop();
  });
});

describe('a run that takes longer than the interval', () => {
  test('is left out and counted, and does not hold up the others; that is said once until one is in time', async () => {
    const slow = new SlowCollector('slow');
    const running = scheduler([slow, new SlowCollector('quick', true)], 10_000);
    running.start();
    await time.pass(25_000);
    expect(seen).toEqual(['quick 0', 'quick 10', 'quick 20']);
    await slow.finish();
    await time.pass(20_000);
    expect(seen.slice(3)).toEqual(['slow 0', 'quick 30', 'quick 40']);
    expect(running.state()[0]).toMatchObject({ runs: 1, skipped: 3 });
    expect(logger.of('warn')).toHaveLength(1);

    await slow.finish();
    await time.pass(5_000);
    await slow.finish();
    await time.pass(20_000);
    expect(logger.of('warn')).toHaveLength(2);
    await running.stop();
  });
});

describe('failures', () => {
  test('what stays the same is logged once; what works again, too', async () => {
    let problem: string | null = 'no such file';
    const failing: Collector = {
      name: 'a',
      collect: async () => {
        if (problem !== null) throw new Error(problem);
        return [];
      },
    };
    const running = scheduler([failing, new SlowCollector('b', true)], 10_000);
    running.start();
    await time.pass(10_000);
    problem = 'another';
    await time.pass(10_000);
    expect(running.state()[0]).toEqual({ name: 'a', runs: 3, failures: 3, skipped: 0, lastError: 'another' });
    problem = null;
    await time.pass(20_000);
    expect(logger.entries.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn a collector failed',
      'warn a collector failed',
      'info a collector works again',
    ]);
    expect(running.state()[0]).toEqual({ name: 'a', runs: 5, failures: 3, skipped: 0, lastError: null });
    expect(seen).toHaveLength(5);
    await running.stop();
  });
});

describe('the end', () => {
  test('a stop ends what runs, also what does not listen, and gives up its metrics', async () => {
    const slow = new SlowCollector('slow');
    const running = scheduler([slow]);
    running.start();
    await settled();
    await running.stop();
    await running.stop();
    await time.pass(100_000);
    expect(slow.signal?.aborted).toBe(true);
    expect(time.timers).toBe(0);
    await slow.finish();
    expect(seen).toEqual([]);
    expect(running.state()[0]).toMatchObject({ failures: 0, lastError: null });
  });

  test('other collectors take over at the next point; the old ones are ended', async () => {
    const old = new SlowCollector('old');
    const running = scheduler([old], 10_000);
    running.start();
    await time.pass(3_000);
    running.setCollectors([new SlowCollector('new', true)]);
    await old.finish();
    await time.pass(7_000);
    expect(seen).toEqual(['new 10']);
    await running.stop();
  });

  test('before the start, too', async () => {
    const running = scheduler([new SlowCollector('old', true)]);
    running.setCollectors([new SlowCollector('new', true)]);
    running.start();
    await settled();
    expect(seen).toEqual(['new 0']);
    await running.stop();
  });
});

test('with Node’s own timers it runs in real time', async () => {
  await new Promise<void>((resolve) => {
    const running = new Scheduler({
      collectors: [new SlowCollector('a', true)],
      intervalMs: 5,
      phase: () => 0.5,
      onMetrics: (_, collector) => {
        seen.push(collector);
        if (seen.length === 3) void running.stop().then(resolve);
      },
      clock: { nowMs: () => Date.now() },
      logger,
    });
    running.start();
  });
  expect(seen).toEqual(['a', 'a', 'a']);
});
