import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DiskSpool } from '../../../agent/src/spool/disk-spool.js';
import { MemorySpool } from '../../../agent/src/spool/memory-spool.js';
import type { Spool } from '../../../agent/src/spool/spool.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { metricsAt, SettableClock } from '../helpers/metrics.js';

/** Anything that can happen to a spool, in any order. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      metrics: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 60, max: 250 })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), which: fc.nat(20), rejected: fc.constantFrom(0, 0, 2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('tell' as const, 'forget' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: -5_000, max: 5_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'die' as const) }) },
);

const MAX_BYTES = 24_000;
const MAX_BATCHES = 4;
const MAX_AGE_MS = 20_000;

/** Runs the steps and checks after each that every metric is in exactly one place: waiting, delivered, dropped, or reported as dropped. */
async function check(
  steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
  open: () => Promise<Spool>,
  reopens: boolean,
) {
  let spool = await open();
  let [added, delivered, reported, lastSeq, told] = [0, 0, 0, 0, 0];
  for (const one of steps) {
    const pick = 'which' in one ? spool.entries[one.which] : undefined;
    if (one.do === 'add') {
      const entry = await spool.add(metricsAt(clock.ms, one.metrics));
      added += one.metrics;
      lastSeq += 1;
      if (entry !== null) expect(entry.seq).toBe(lastSeq);
    } else if (one.do === 'remove' && pick !== undefined) {
      delivered += pick.count - Math.min(one.rejected, pick.count);
      await spool.remove(pick.batchId, one.rejected);
    } else if (one.do === 'refuse' && pick !== undefined) {
      await spool.setAside(pick.batchId, 'refused');
    } else if (one.do === 'tell') {
      told = spool.tellDropped()?.count ?? 0;
    } else if (one.do === 'forget') {
      reported += told;
      told = 0;
      await spool.forgetDropped();
    } else if (one.do === 'wait') {
      clock.ms += one.ms;
    } else if ((one.do === 'restart' || one.do === 'die') && reopens) {
      if (one.do === 'restart') await spool.stop();
      spool = await open();
      told = 0;
    }
    const waiting = spool.entries.reduce((sum, { count }) => sum + count, 0);
    expect(waiting + delivered + reported + (spool.dropped?.count ?? 0)).toBe(added);
    expect(spool.bytes).toBeLessThanOrEqual(MAX_BYTES);
    expect(spool.entries.length).toBeLessThanOrEqual(MAX_BATCHES);
    expect(spool.bytes).toBe(spool.entries.reduce((sum, { bytes }) => sum + bytes, 0));
    const seqs = spool.entries.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  }
  for (const { batchId, count, seq } of spool.entries) {
    expect(await spool.read(batchId)).toMatchObject({ batchId, seq, metrics: { length: count } });
  }
  await spool.stop();
}

const clock = new SettableClock(0);
const limits = { maxBytes: MAX_BYTES, maxBatches: MAX_BATCHES, maxAgeMs: MAX_AGE_MS, agentId: 'a', clock };

test('a spool on disk loses and doubles nothing, whatever happens to it', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const dir = await mkdtemp(join(tmpdir(), 'ccv-spool-'));
    clock.ms = Date.UTC(2026, 10, 22);
    const open = async (): Promise<Spool> => {
      const spool = new DiskSpool({ ...limits, dir, logger: silentLogger });
      await spool.start();
      return spool;
    };
    try {
      await check(steps, open, true);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
  await fc.assert(property, { numRuns: 60 });
}, 60_000);

test('nor does one in memory', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    clock.ms = Date.UTC(2026, 10, 22);
    await check(steps, () => Promise.resolve(new MemorySpool(limits)), false);
  });
  await fc.assert(property, { numRuns: 200 });
});
