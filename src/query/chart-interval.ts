/** Widths of a chart's buckets: which one is chosen when none was asked for, and how it is written. Pure. */
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const UNITS = [
  ['d', DAY_MS],
  ['h', HOUR_MS],
  ['m', MINUTE_MS],
] as const;

/** What is chosen from, up to a day; beyond that whole days. From 5 minutes and from 1 hour on, multiples of what rollups are of. */
const STEPS_MS = [
  SECOND_MS,
  5 * SECOND_MS,
  10 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  6 * HOUR_MS,
  DAY_MS,
];
/** The narrowest there are in days whose samples had their time. */
const ROLLUP_STEPS_MS = [5 * MINUTE_MS, HOUR_MS];

/** The narrowest width of which `points` cover this length of time. */
export function narrowestStep(lengthMs: number, points: number): number {
  const leastMs = lengthMs / points;
  return STEPS_MS.find((stepMs) => stepMs >= leastMs) ?? Math.ceil(leastMs / DAY_MS) * DAY_MS;
}

/** What to try when storage cannot tell a width. */
export function widerSteps(stepMs: number): number[] {
  return ROLLUP_STEPS_MS.filter((wider) => wider > stepMs);
}

/** `90s`, `5m`, `1d`: of whole seconds, in the largest unit that divides them. */
export function intervalText(stepMs: number): string {
  for (const [unit, unitMs] of UNITS) if (stepMs % unitMs === 0) return `${stepMs / unitMs}${unit}`;
  return `${stepMs / SECOND_MS}s`;
}
