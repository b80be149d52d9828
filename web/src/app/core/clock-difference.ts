/** How far the server's clock is ahead of the browser's, from what answers say. Pure. */

/** The moment is in whole seconds, and how long the question and the answer took is not known apart: less than this is not told from nothing. */
const TOLERATED_MS = 2_000;

/** What is heard of the server's clock, with the browser's clock before and after. */
export interface ClockReading {
  /** Of the answer's `Date` header: whole seconds. */
  readonly serverMs: number;
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** The difference that is known after a reading; as before, unless the reading clearly speaks against it. */
export function differenceAfter(knownMs: number, { serverMs, askedMs, answeredMs }: ClockReading): number {
  const blurMs = TOLERATED_MS + (answeredMs - askedMs) / 2;
  // On average half of the second that is not said has passed.
  const aheadMs = serverMs + 500 - (askedMs + answeredMs) / 2;
  if (Number.isNaN(aheadMs) || Math.abs(aheadMs - knownMs) <= blurMs) return knownMs;
  return Math.abs(aheadMs) <= blurMs ? 0 : Math.round(aheadMs);
}
