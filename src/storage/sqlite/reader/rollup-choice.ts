import type { TimeRange } from '../../../model/metric.js';
import type { AggregateQuery } from '../../ports.js';
import type { DayRollups } from '../units/day-tiers.js';
import { ROLLUP_STEP_MS, TIER, type UnitRow } from '../units/unit-rows.js';

const HOUR_MS = ROLLUP_STEP_MS[TIER.oneHour];
const FIVE_MINUTES_MS = ROLLUP_STEP_MS[TIER.fiveMinutes];

/**
 * The rollup that answers a query about (a part of) a day whose samples are gone: hours where they do, because there are
 * fewer of them; five minutes where the buckets are shorter or the range begins or ends within an hour. Else why none can
 * answer: what it was that was asked for.
 */
export function rollupFor(
  { fiveMinutes, oneHour }: DayRollups,
  day: TimeRange,
  { stepMs, wants }: Pick<AggregateQuery, 'stepMs' | 'wants'>,
): { readonly unit: UnitRow; readonly reason: null } | { readonly unit: null; readonly reason: string } {
  if (wants?.percentiles !== undefined) return { unit: null, reason: 'percentiles' };
  const serves = (rowMs: number): boolean => stepMs === null || stepMs % rowMs === 0;
  const cutsHours = day.startMs % HOUR_MS !== 0 || day.endMs % HOUR_MS !== 0;
  if (oneHour !== null && serves(HOUR_MS) && (fiveMinutes === null || !cutsHours)) return { unit: oneHour, reason: null };
  if (fiveMinutes !== null && serves(FIVE_MINUTES_MS)) return { unit: fiveMinutes, reason: null };
  const left = fiveMinutes === null ? 'an hour' : 'five minutes';
  return { unit: null, reason: `intervals that are no multiple of ${left}` };
}
