/** When a value is bad, and for how long a group's newest sample says how it is now. Pure. */
import type { AlertRuleFields, Condition, MetricSubject } from '../model/alert.js';

/** A sample is news for so long at least, however often its rule is evaluated. */
const LEAST_FRESH_MS = 90_000;
const FRESH_INTERVALS = 3;
const LEAST_MAX_STEP_MS = 300_000;
const MAX_STEP_INTERVALS = 2;

const COMPARE: Readonly<Record<Condition, (value: number, threshold: number) => boolean>> = {
  gt: (value, threshold) => value > threshold,
  gte: (value, threshold) => value >= threshold,
  lt: (value, threshold) => value < threshold,
  lte: (value, threshold) => value <= threshold,
  eq: (value, threshold) => value === threshold,
  ne: (value, threshold) => value !== threshold,
};

export function holds(condition: Condition, value: number, threshold: number): boolean {
  return COMPARE[condition](value, threshold);
}

/**
 * Whether a value is bad. Of a firing group that is asked with the recovery threshold as well, so that a value which goes up and down
 * around the threshold is one alert; a recovery threshold on the wrong side of the threshold changes nothing.
 */
export function isBad(
  subject: Pick<MetricSubject, 'condition' | 'threshold' | 'recoveryThreshold'>,
  value: number,
  isFiring: boolean,
): boolean {
  const { condition, threshold, recoveryThreshold } = subject;
  if (holds(condition, value, threshold)) return true;
  if (!isFiring || recoveryThreshold === null || condition === 'eq' || condition === 'ne') return false;
  return holds(condition, value, recoveryThreshold);
}

/** How old a group's newest sample may be for the group to become bad, or well again: what is older says only how it was. */
export function freshForMs(intervalMs: number): number {
  return Math.max(LEAST_FRESH_MS, FRESH_INTERVALS * intervalMs);
}

/** The most that counts as having gone by between two evaluations: more is a clock that was set, or a server that was off. */
export function maxStepMs({ intervalMs }: Pick<AlertRuleFields, 'intervalMs'>): number {
  return Math.max(LEAST_MAX_STEP_MS, MAX_STEP_INTERVALS * intervalMs);
}
