import { describe, expect, test } from '@jest/globals';
import { differenceAfter } from '../../../web/src/app/core/clock-difference.js';

const T = Date.UTC(2026, 10, 23, 4, 0, 0);

/** What is read of a server whose clock is ahead by this much, asked at `T` and half of the way there in between. */
function reading(aheadMs: number, wayMs = 20, askedMs = T) {
  const serverMs = Math.floor((askedMs + wayMs / 2 + aheadMs) / 1_000) * 1_000;
  return { serverMs, askedMs, answeredMs: askedMs + wayMs };
}

describe('the difference between the clocks', () => {
  test('is none for clocks that agree, whatever part of the second it is', () => {
    for (let part = 0; part < 1_000; part += 50) expect(differenceAfter(0, reading(0, 20, T + part))).toBe(0);
  });

  test.each([-86_400_000, -60_000, -4_000, 4_000, 300_000])('of %d ms is known to the second', (aheadMs) => {
    for (let part = 0; part < 1_000; part += 50) {
      const known = differenceAfter(0, reading(aheadMs, 20, T + part));
      expect(Math.abs(known - aheadMs)).toBeLessThanOrEqual(510);
      // The next answers say the same within their second: nothing changes.
      expect(differenceAfter(known, reading(aheadMs, 20, T + 333))).toBe(known);
    }
  });

  test('goes when the clock was set right', () => {
    expect(differenceAfter(60_000, reading(0))).toBe(0);
  });

  test('is not made of answers that took long', () => {
    expect(differenceAfter(0, { serverMs: T + 8_000, askedMs: T, answeredMs: T + 9_000 })).toBe(0);
  });

  test('stays as it is when an answer says no time', () => {
    expect(differenceAfter(60_000, { serverMs: NaN, askedMs: T, answeredMs: T })).toBe(60_000);
  });
});
