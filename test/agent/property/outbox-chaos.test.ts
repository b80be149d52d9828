import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { Batch } from '../../../agent/src/model.js';
import { Outbox } from '../../../agent/src/outbox/outbox.js';
import { MemorySpool } from '../../../agent/src/spool/memory-spool.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { SeededRandom } from '../../helpers/seeded-random.js';
import { metricsAt, SettableClock } from '../helpers/metrics.js';

const WINDOW = 4;
const STEP_MS = 250;
const CHAOS_STEPS = 200;
const CALM_MS = 60_000;

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
afterEach(() => void jest.useRealTimers());

/** A server that stores or does not, answers late, wrongly or never, over a link that comes and goes; until it calms down. */
class ChaoticServer {
  readonly stored = new Set<string>();
  readonly spool = new MemorySpool({ agentId: 'a', maxBytes: 1e9, maxAgeMs: 1e9, clock: new SettableClock(0) });
  readonly outbox: Outbox;
  isCalm = false;
  isUp = false;
  private connection = 0;

  constructor(private readonly random: SeededRandom) {
    this.outbox = new Outbox(
      this.spool,
      { sendBatch: (batch) => this.receive(batch), giveUp: () => this.cut() },
      {
        window: WINDOW,
        retry: () => ({ retryAttempts: 2, retryDelayMs: 1_000 }),
        patience: { minTimeoutMs: 1_000, giveUpMs: 5_000 },
        random: () => random.next(),
        backlogPerSecond: 50,
        logger: silentLogger,
      },
    );
  }

  connect(): void {
    this.connection += 1;
    this.isUp = true;
    this.outbox.up();
  }

  cut(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.outbox.down(1_006);
    if (this.isCalm) setTimeout(() => this.connect(), 500);
  }

  private receive({ batchId, metrics }: Batch): void {
    expect(this.isUp).toBe(true);
    expect(this.outbox.stats.underWay).toBeLessThanOrEqual(WINDOW);
    const fate = this.isCalm ? 0 : this.random.between(0, 9);
    const isStored = fate <= 6;
    const duplicate = this.stored.has(batchId);
    if (isStored) this.stored.add(batchId);
    // Lost on the way, there or back.
    if (fate === 6 || fate === 7) return;
    const { connection } = this;
    setTimeout(
      () => {
        if (!this.isUp || connection !== this.connection) return;
        if (isStored) this.outbox.acknowledged({ batchId, processed: metrics.length, errors: 0, duplicate, firstError: null });
        else this.outbox.refused({ batchId, code: 'overloaded', message: '', isRetryable: true, retryAfterMs: fate === 8 ? 700 : null });
      },
      this.random.between(0, this.isCalm ? 20 : 3_000),
    );
  }
}

test('whatever answers get lost and whenever the link is cut, every batch arrives, and leaves the spool only then', async () => {
  const property = fc.asyncProperty(fc.integer(), async (seed) => {
    const random = new SeededRandom(seed);
    const server = new ChaoticServer(random);
    const { spool, outbox } = server;
    const made = new Set<string>();
    for (let step = 0; step < CHAOS_STEPS; step++) {
      if (random.next() < 0.3) {
        const entry = await spool.add(metricsAt(step));
        made.add(entry!.batchId);
        outbox.spooled(entry!);
      }
      if (random.next() < 0.3) outbox.release();
      if (random.next() < 0.05) server.cut();
      else if (!server.isUp && random.next() < 0.2) server.connect();
      await jest.advanceTimersByTimeAsync(STEP_MS);
      const waiting = new Set(spool.entries.map(({ batchId }) => batchId));
      expect([...made].filter((batchId) => !server.stored.has(batchId) && !waiting.has(batchId))).toEqual([]);
    }
    server.isCalm = true;
    if (!server.isUp) server.connect();
    outbox.release();
    await jest.advanceTimersByTimeAsync(CALM_MS);
    expect(spool.entries).toEqual([]);
    expect([...server.stored].sort()).toEqual([...made].sort());
    expect(spool.dropped).toBeNull();
    server.cut();
    jest.clearAllTimers();
  });
  await fc.assert(property, { numRuns: 20 });
}, 60_000);
