/** Durations in requests: seconds, or a number with a unit. Pure. */
import Joi from 'joi';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const TEXT = /^(\d{1,9}(?:\.\d{1,3})?)\s*([smhd])?$/;

export interface DurationLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Milliseconds: of `90`, `"90"` (seconds), `"90s"`, `"5m"`, `"2h"`, `"1d"`, `"1.5h"`; null when it is none of them. */
export function parseDurationMs(given: unknown): number | null {
  if (typeof given === 'number') return Number.isFinite(given) && given >= 0 ? Math.round(given * 1_000) : null;
  if (typeof given !== 'string') return null;
  const [, amount, unit] = TEXT.exec(given.trim()) ?? [];
  return amount === undefined ? null : Math.round(Number(amount) * (UNIT_MS[unit ?? 's'] as number));
}

/** A field that becomes milliseconds. */
export function durationField({ minMs, maxMs }: DurationLimits): Joi.Schema {
  return Joi.any().custom((given: unknown, helpers) => {
    const ms = parseDurationMs(given);
    if (ms !== null && ms >= minMs && ms <= maxMs) return ms;
    return helpers.message({
      custom: `{{#label}} must be a duration from ${minMs / 1_000} s to ${maxMs / 1_000} s: seconds, or a number with s, m, h or d`,
    });
  });
}
