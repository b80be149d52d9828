import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Dropped } from '../../../agent/src/model.js';
import { DroppedLedger } from '../../../agent/src/spool/dropped.js';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 22);
const loss = (fromH: number, toH: number, count = 10): Dropped => ({
  count,
  fromMs: START_MS + fromH * HOUR_MS,
  toMs: START_MS + toH * HOUR_MS,
});

/** Everything it has to tell, acknowledged one by one. */
function tellAll(ledger: DroppedLedger): Dropped[] {
  const told: Dropped[] = [];
  for (let next = ledger.tell(); next !== null; next = ledger.tell()) {
    told.push(next);
    ledger.forgetTold();
  }
  return told;
}

describe('DroppedLedger', () => {
  test('losses within an hour of each other are one', () => {
    const ledger = new DroppedLedger();
    for (const one of [loss(0, 1), loss(2, 3, 5), loss(1.2, 1.4, 1)]) ledger.add(one);
    expect(tellAll(ledger)).toEqual([loss(0, 3, 16)]);
  });

  test('losses farther apart are told one by one, the oldest first, and one between two joins them', () => {
    const ledger = new DroppedLedger();
    for (const one of [loss(2_000, 2_001), loss(0, 1), loss(2.5, 3)]) ledger.add(one);
    expect(ledger.total).toEqual(loss(0, 2_001, 30));
    ledger.add(loss(1.8, 1.9));
    expect(tellAll(ledger)).toEqual([loss(0, 3, 30), loss(2_000, 2_001)]);
    expect(ledger.total).toBeNull();
  });

  test('beyond eight the closest become one', () => {
    const ledger = new DroppedLedger();
    for (const hour of [0, 10, 20, 30, 35, 45, 55, 65, 75]) ledger.add(loss(hour, hour + 1));
    expect(tellAll(ledger)).toEqual([
      ...[0, 10, 20].map((hour) => loss(hour, hour + 1)),
      loss(30, 36, 20),
      ...[45, 55, 65, 75].map((hour) => loss(hour, hour + 1)),
    ]);
  });

  test('what is being told stays the same report until it is acknowledged', () => {
    const ledger = new DroppedLedger(loss(0, 1));
    expect(ledger.tell()).toEqual(loss(0, 1));
    ledger.add(loss(1, 2, 7));
    expect(ledger.tell()).toEqual(loss(0, 1));
    expect(ledger.total).toEqual(loss(0, 2, 17));
    expect(ledger.forgetTold()).toBe(true);
    expect(ledger.tell()).toEqual(loss(1, 2, 7));
    expect(ledger.forgetTold()).toBe(true);
    expect(ledger.forgetTold()).toBe(false);
  });

  test('nothing is no loss', () => {
    const ledger = new DroppedLedger();
    ledger.add(loss(0, 1, 0));
    expect(ledger.tell()).toBeNull();
  });

  test('whatever is lost, every sample is told once, within the times told, in at most eight reports an hour apart', () => {
    const losses = fc.array(
      fc.record({ count: fc.integer({ min: 1, max: 9 }), at: fc.integer({ min: 0, max: 500 }), long: fc.integer({ min: 0, max: 4 }) }),
    );
    fc.assert(
      fc.property(losses, (list) => {
        const ledger = new DroppedLedger();
        const added = list.map(({ count, at, long }) => loss(at / 4, (at + long) / 4, count));
        for (const one of added) ledger.add(one);
        const told = tellAll(ledger);
        expect(told.length).toBeLessThanOrEqual(8);
        expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(added.reduce((sum, { count }) => sum + count, 0));
        for (const { fromMs, toMs } of added) expect(told.some((one) => one.fromMs <= fromMs && one.toMs >= toMs)).toBe(true);
        for (const [i, { fromMs }] of told.entries()) if (i > 0) expect(fromMs - (told[i - 1] as Dropped).toMs).toBeGreaterThan(HOUR_MS);
      }),
    );
  });
});
