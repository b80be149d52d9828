import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Ack } from '../../../agent/src/link/frames.js';
import type { Batch } from '../../../agent/src/model.js';
import { Outbox, type OutboxOptions } from '../../../agent/src/outbox/outbox.js';
import { MemorySpool } from '../../../agent/src/spool/memory-spool.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { metricsAt, SettableClock } from '../helpers/metrics.js';

const NOW_MS = Date.UTC(2026, 10, 22);

/** The outbox over a spool in memory, with a link that notes what it is given. Time is jest's. */
class Bench {
  readonly spool = new MemorySpool({ agentId: 'a', maxBytes: 1e9, maxAgeMs: 1e9, clock: new SettableClock(NOW_MS) });
  readonly sent: Batch[] = [];
  readonly gaveUp: string[] = [];
  /** Answers at once. */
  onSent: (batch: Batch) => void = () => undefined;
  readonly logger = new MemoryLogger();
  readonly outbox: Outbox;

  constructor(options: Partial<OutboxOptions> = {}) {
    this.outbox = new Outbox(
      this.spool,
      { sendBatch: (batch) => this.send(batch), giveUp: (reason) => void this.gaveUp.push(reason) },
      { retry: () => ({ retryAttempts: 2, retryDelayMs: 5_000 }), random: () => 0, logger: this.logger, ...options },
    );
  }

  get seqs(): number[] {
    return this.sent.map(({ seq }) => seq);
  }

  async spoolBatches(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const entry = await this.spool.add(metricsAt(NOW_MS));
      this.outbox.spooled(entry!);
    }
  }

  async ack(seq: number, more: Partial<Ack> = {}): Promise<void> {
    this.outbox.acknowledged({ batchId: this.idOf(seq), processed: 1, errors: 0, duplicate: false, firstError: null, ...more });
    await settled();
  }

  async refuse(seq: number, isRetryable: boolean, retryAfterMs: number | null = null, code = 'storage_full'): Promise<void> {
    this.outbox.refused({ batchId: this.idOf(seq), code, message: 'no', isRetryable, retryAfterMs });
    await settled();
  }

  private send(batch: Batch): void {
    this.sent.push(batch);
    this.onSent(batch);
  }

  private idOf(seq: number): string {
    return this.sent.find((batch) => batch.seq === seq)?.batchId ?? 'not sent';
  }
}

/** Lets everything that waits for a promise alone go on. */
async function settled(): Promise<void> {
  await jest.advanceTimersByTimeAsync(0);
}

describe('Outbox', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
  afterEach(() => void jest.useRealTimers());

  test('sends what is released, and only that, while the link is up', async () => {
    const bench = new Bench();
    await bench.spoolBatches(1);
    bench.outbox.release();
    await settled();
    expect(bench.sent).toEqual([]);
    bench.outbox.up();
    await settled();
    expect(bench.seqs).toEqual([1]);
    await bench.spoolBatches(2);
    await settled();
    expect(bench.seqs).toEqual([1]);
    bench.outbox.release();
    await settled();
    expect(bench.seqs).toEqual([1, 2, 3]);
  });

  test('a batch stays in the spool until it is acknowledged', async () => {
    const bench = new Bench();
    await bench.spoolBatches(2);
    bench.outbox.up();
    await settled();
    expect(bench.spool.entries).toHaveLength(2);
    await bench.ack(1);
    expect(bench.spool.entries.map(({ seq }) => seq)).toEqual([2]);
    expect(bench.outbox.stats).toMatchObject({ ackedBatches: 1, ackedSamples: 1 });
  });

  test('no more than the window is under way', async () => {
    const bench = new Bench({ window: 3 });
    bench.outbox.up();
    await bench.spoolBatches(5);
    bench.outbox.release();
    await settled();
    expect(bench.seqs).toEqual([1, 2, 3]);
    await bench.ack(2);
    expect(bench.seqs).toEqual([1, 2, 3, 4]);
  });

  test('live batches go before the backlog, which follows one by one and at its pace', async () => {
    const bench = new Bench({ backlogPerSecond: 10 });
    await bench.spoolBatches(4);
    bench.outbox.up();
    await settled();
    expect(bench.seqs).toEqual([1]);
    await bench.spoolBatches(2);
    bench.outbox.release();
    await settled();
    expect(bench.seqs).toEqual([1, 5, 6]);
    await jest.advanceTimersByTimeAsync(1_000);
    // Not acknowledged, so that the next one waits whatever the time.
    expect(bench.seqs).toEqual([1, 5, 6]);
    await bench.ack(1);
    expect(bench.seqs).toEqual([1, 5, 6, 2]);
    await bench.ack(2);
    // Acknowledged at once, so that the pace decides.
    expect(bench.seqs).toEqual([1, 5, 6, 2]);
    await jest.advanceTimersByTimeAsync(99);
    expect(bench.seqs).toEqual([1, 5, 6, 2]);
    await jest.advanceTimersByTimeAsync(1);
    expect(bench.seqs).toEqual([1, 5, 6, 2, 3]);
  });

  test('after a reconnect everything without an acknowledgement is backlog, oldest first', async () => {
    const bench = new Bench({ backlogPerSecond: 1_000 });
    bench.outbox.up();
    await bench.spoolBatches(3);
    bench.outbox.release();
    await settled();
    await bench.ack(2);
    bench.outbox.down(1_006);
    await bench.spoolBatches(1);
    bench.outbox.release();
    await settled();
    bench.sent.length = 0;
    bench.outbox.up();
    for (const seq of [1, 3, 4]) {
      await jest.advanceTimersByTimeAsync(10);
      expect(bench.seqs.at(-1)).toBe(seq);
      await bench.ack(seq);
    }
    expect(bench.spool.entries).toEqual([]);
    expect(bench.seqs).toEqual([1, 3, 4]);
  });

  test('a batch without an answer is sent again under its id, later each time, and then the connection is given up', async () => {
    const bench = new Bench();
    await bench.spoolBatches(1);
    bench.outbox.up();
    await settled();
    await jest.advanceTimersByTimeAsync(4_999);
    expect(bench.seqs).toEqual([1]);
    await jest.advanceTimersByTimeAsync(1);
    expect(bench.seqs).toEqual([1, 1]);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(bench.seqs).toEqual([1, 1, 1]);
    expect(new Set(bench.sent.map(({ batchId }) => batchId)).size).toBe(1);
    expect(bench.gaveUp).toEqual([]);
    await jest.advanceTimersByTimeAsync(44_999);
    expect(bench.gaveUp).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(bench.seqs).toEqual([1, 1, 1]);
    expect(bench.gaveUp).toEqual(['a batch was sent 3 times and is not answered']);
    bench.outbox.down(1_006);
    expect(bench.spool.entries).toHaveLength(1);
  });

  test('a server that asks for haste is not flooded with what it has not answered yet', async () => {
    const bench = new Bench({ retry: () => ({ retryAttempts: 10, retryDelayMs: 100 }) });
    await bench.spoolBatches(1);
    bench.outbox.up();
    const sentAtS: number[] = [];
    for (let second = 1; second <= 275; second++) {
      await jest.advanceTimersByTimeAsync(1_000);
      while (sentAtS.length + 1 < bench.sent.length) sentAtS.push(second);
    }
    expect(sentAtS).toEqual([5, 15, 35, 75, 135, 195, 255]);
    expect(bench.gaveUp).toEqual([]);
  });

  test('without another attempt, too, an answer may take a minute', async () => {
    const bench = new Bench({ retry: () => ({ retryAttempts: 0, retryDelayMs: 100 }) });
    await bench.spoolBatches(1);
    bench.outbox.up();
    await jest.advanceTimersByTimeAsync(59_999);
    expect(bench.gaveUp).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(bench.gaveUp).toEqual(['a batch was sent 1 times and is not answered']);
  });

  test('everything waits as long as the server asks, also over a reconnect', async () => {
    const bench = new Bench();
    bench.outbox.up();
    await bench.spoolBatches(2);
    bench.outbox.release();
    await settled();
    await bench.refuse(1, true, 30_000);
    await bench.spoolBatches(1);
    bench.outbox.release();
    await jest.advanceTimersByTimeAsync(2_000);
    expect(bench.seqs).toEqual([1, 2]);
    bench.outbox.down(1_001);
    bench.outbox.up();
    await jest.advanceTimersByTimeAsync(27_999);
    expect(bench.seqs).toEqual([1, 2]);
    await jest.advanceTimersByTimeAsync(1);
    expect(bench.seqs).toEqual([1, 2, 1]);
    expect(bench.spool.entries).toHaveLength(3);
  });

  test('the wait is stretched at random, so that a fleet does not come back at once', async () => {
    const bench = new Bench({ random: () => 0.8 });
    await bench.spoolBatches(1);
    bench.outbox.up();
    await settled();
    await bench.refuse(1, true, 10_000);
    await jest.advanceTimersByTimeAsync(11_999);
    expect(bench.seqs).toEqual([1]);
    await jest.advanceTimersByTimeAsync(1);
    expect(bench.seqs).toEqual([1, 1]);
  });

  test('a batch the server will never take is set aside and counted, and the others go on', async () => {
    const bench = new Bench({ backlogPerSecond: 1_000 });
    await bench.spoolBatches(2);
    bench.outbox.up();
    await settled();
    await bench.refuse(1, false);
    await jest.advanceTimersByTimeAsync(10);
    expect(bench.seqs).toEqual([1, 2]);
    expect(bench.spool.dropped?.count).toBe(1);
    expect(bench.outbox.stats.refusedBatches).toBe(1);
  });

  test('a batch that is too long for the server is found among others and set aside', async () => {
    const bench = new Bench({ window: 3, backlogPerSecond: 1_000 });
    bench.outbox.up();
    await bench.spoolBatches(3);
    bench.outbox.release();
    await settled();
    expect(bench.seqs).toEqual([1, 2, 3]);
    bench.outbox.down(1_009);
    expect(bench.spool.dropped).toBeNull();
    bench.outbox.up();
    await settled();
    await bench.ack(1);
    await jest.advanceTimersByTimeAsync(10);
    expect(bench.seqs).toEqual([1, 2, 3, 1, 2]);
    bench.outbox.down(1_009);
    await settled();
    expect(bench.spool.entries.map(({ seq }) => seq)).toEqual([3]);
    expect(bench.spool.dropped?.count).toBe(1);
  });

  test('one that is gone is left out; one that cannot be read now is tried again behind the others', async () => {
    const bench = new Bench({ backlogPerSecond: 1_000 });
    await bench.spoolBatches(3);
    const read = jest.spyOn(bench.spool, 'read');
    read.mockResolvedValueOnce(null).mockRejectedValueOnce(new Error('too many open files'));
    bench.outbox.up();
    await jest.advanceTimersByTimeAsync(4_990);
    expect(bench.seqs).toEqual([]);
    await jest.advanceTimersByTimeAsync(20);
    expect(bench.seqs).toEqual([3]);
    await bench.ack(3);
    await jest.advanceTimersByTimeAsync(10);
    expect(bench.seqs).toEqual([3, 2]);
    expect(bench.spool.dropped).toBeNull();
  });

  test('one that can never be read holds up nobody, and is set aside in the end', async () => {
    const bench = new Bench({ backlogPerSecond: 1_000 });
    await bench.spoolBatches(3);
    const [bad] = bench.spool.entries;
    const read = bench.spool.read.bind(bench.spool);
    jest
      .spyOn(bench.spool, 'read')
      .mockImplementation((id) =>
        id === bad!.batchId ? Promise.reject(Object.assign(new Error('bad sector'), { code: 'EIO' })) : read(id),
      );
    const setAside = jest.spyOn(bench.spool, 'setAside');
    bench.outbox.up();
    await jest.advanceTimersByTimeAsync(5_000);
    for (const seq of [2, 3]) {
      expect(bench.seqs.at(-1)).toBe(seq);
      await bench.ack(seq);
      await jest.advanceTimersByTimeAsync(10);
    }
    expect(bench.spool.entries).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(setAside.mock.calls).toEqual([[bad!.batchId, 'corrupt']]);
    expect(bench.spool.dropped?.count).toBe(1);
    expect(bench.logger.of('error')).toHaveLength(1);
    expect(bench.outbox.stats.refusedBatches).toBe(0);
  });

  test('a server that refuses one batch after the other is not believed: they are kept, and go when it is well again', async () => {
    const bench = new Bench({ backlogPerSecond: 1_000 });
    await bench.spoolBatches(12);
    const ids = bench.spool.entries.map(({ batchId }) => batchId);
    let isWell = false;
    bench.onSent = ({ seq }) => void (isWell ? bench.ack(seq) : bench.refuse(seq, false));
    bench.outbox.up();
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect(bench.spool.entries.map(({ batchId }) => batchId)).toEqual(ids.slice(5));
    // 5, 10, 20 … seconds apart, and then ten minutes.
    const attempts = bench.sent.length;
    expect(attempts).toBeGreaterThan(5 + 8);
    expect(attempts).toBeLessThan(5 + 14);
    // Another one each time: one that is really bad holds up no others.
    expect(new Set(bench.seqs).size).toBe(12);

    // Live data is tried as it comes; that it is taken says nothing of the others.
    isWell = true;
    await bench.spoolBatches(1);
    bench.outbox.release();
    await jest.advanceTimersByTimeAsync(100);
    expect(bench.sent.length).toBe(attempts + 1);
    isWell = false;
    await jest.advanceTimersByTimeAsync(600_000);
    expect(bench.spool.entries).toHaveLength(7);

    isWell = true;
    await jest.advanceTimersByTimeAsync(601_000);
    expect(bench.spool.entries).toEqual([]);
    expect(bench.spool.dropped?.count).toBe(5);
    expect(bench.outbox.stats).toMatchObject({ refusedBatches: 5, ackedBatches: 8 });
  });

  test('bad batches among good ones are set aside, however many', async () => {
    const bench = new Bench({ backlogPerSecond: 1_000 });
    await bench.spoolBatches(30);
    bench.onSent = ({ seq }) => void (seq % 5 === 0 ? bench.ack(seq) : bench.refuse(seq, false));
    bench.outbox.up();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(bench.spool.entries).toEqual([]);
    expect(bench.spool.dropped?.count).toBe(24);
  });

  test("a batch that meets the server's own error is tried a few times more before it is set aside", async () => {
    const bench = new Bench({ backlogPerSecond: 1_000 });
    await bench.spoolBatches(2);
    bench.onSent = ({ seq }) => void (seq === 1 ? bench.refuse(seq, false, null, 'internal') : bench.ack(seq));
    bench.outbox.up();
    await jest.advanceTimersByTimeAsync(120_000);
    expect(bench.seqs.filter((seq) => seq === 1)).toHaveLength(4);
    expect(bench.seqs.filter((seq) => seq === 2)).toHaveLength(1);
    expect(bench.spool.entries).toEqual([]);
    expect(bench.spool.dropped?.count).toBe(1);
  });

  test('an answer that comes twice counts once', async () => {
    const bench = new Bench();
    await bench.spoolBatches(1);
    bench.outbox.up();
    await settled();
    await Promise.all([bench.refuse(1, false), bench.refuse(1, false)]);
    expect(bench.outbox.stats.refusedBatches).toBe(1);
  });

  test('an acknowledgement of something else changes nothing', async () => {
    const bench = new Bench();
    await bench.spoolBatches(1);
    bench.outbox.up();
    await settled();
    await bench.ack(99);
    await bench.refuse(99, false);
    expect(bench.spool.entries).toHaveLength(1);
    expect(bench.outbox.stats.ackedBatches).toBe(0);
  });

  test('metrics the server rejected are logged and counted; the batch is done with', async () => {
    const bench = new Bench();
    await bench.spoolBatches(1);
    bench.outbox.up();
    await settled();
    await bench.ack(1, { errors: 1, firstError: 'test_value: timestamp_out_of_range' });
    expect(bench.spool.entries).toEqual([]);
    expect(bench.outbox.stats.rejectedSamples).toBe(1);
    expect(bench.spool.dropped).toEqual({ count: 1, fromMs: NOW_MS, toMs: NOW_MS });
    expect(bench.logger.of('warn')[0]?.meta).toMatchObject({ metrics: 1, first: 'test_value: timestamp_out_of_range' });
  });

  test('is idle when live batches are answered, whatever backlog there is', async () => {
    const bench = new Bench();
    await bench.spoolBatches(3);
    bench.outbox.up();
    await settled();
    await bench.ack(1);
    await bench.spoolBatches(1);
    bench.outbox.release();
    let idle = false;
    const waiting = bench.outbox.idle().then(() => (idle = true));
    await settled();
    expect(idle).toBe(false);
    await bench.ack(4);
    await waiting;
    await bench.outbox.idle();
    bench.outbox.down(1_006);
    await bench.outbox.idle();
  });
});
