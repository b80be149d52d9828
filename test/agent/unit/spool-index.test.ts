import { describe, expect, test } from '@jest/globals';
import type { SpoolEntry } from '../../../agent/src/spool/spool.js';
import { SpoolIndex } from '../../../agent/src/spool/spool-index.js';

const LIMITS = { maxBytes: 1_000, maxAgeMs: 100, maxBatches: 5 };

function entry(seq: number, toMs: number, bytes = 1): SpoolEntry {
  return { batchId: `b${seq}`, seq, count: 1, fromMs: toMs, toMs, bytes };
}

const seqs = (entries: readonly SpoolEntry[]): number[] => entries.map(({ seq }) => seq);

describe('SpoolIndex', () => {
  test('makes room for one more: in bytes, and in batches', () => {
    const index = new SpoolIndex(
      LIMITS,
      [1, 2, 3].map((seq) => entry(seq, 0, 300)),
    );
    expect(seqs(index.surplusFor(0, 100))).toEqual([]);
    expect(seqs(index.surplusFor(0, 101))).toEqual([1]);
    expect(seqs(index.surplusFor(0, 701))).toEqual([1, 2, 3]);
    const many = new SpoolIndex(
      LIMITS,
      [3, 1, 5, 2, 4].map((seq) => entry(seq, 0)),
    );
    expect(seqs(many.surplus(0))).toEqual([]);
    expect(seqs(many.surplusFor(0, 1))).toEqual([1]);
  });

  test('looks no further than it must for one more', () => {
    let looks = 0;
    const watched = (seq: number): SpoolEntry => ({
      ...entry(seq, seq),
      get toMs() {
        looks += 1;
        return seq;
      },
    });
    const index = new SpoolIndex({ ...LIMITS, maxBytes: 10_000, maxBatches: 10_000 });
    for (let seq = 1; seq <= 5_000; seq++) index.add(watched(seq));
    looks = 0;
    expect(seqs(index.surplusFor(103, 1))).toEqual([1, 2]);
    expect(looks).toBe(3);
  });

  test('what is too old behind one that is not waits for it, or for the start', () => {
    const index = new SpoolIndex(LIMITS, [entry(1, 1_000), entry(2, 0), entry(3, 500)]);
    expect(seqs(index.surplusFor(550, 1))).toEqual([]);
    expect(seqs(index.surplus(550))).toEqual([2]);
  });
});
