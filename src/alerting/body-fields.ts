import Joi from 'joi';
import type { Matcher } from '../model/alert.js';
import { AppError } from '../model/errors.js';
import { patternProblem } from './matchers.js';

/** Fields that several of alerting's bodies have. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const MAX_LABEL_LENGTH = 255;
const MAX_VALUE_LENGTH = 1_024;
const MAX_MATCHERS = 50;
/** Unix times below it are seconds (as milliseconds they would be before 1973). */
const FIRST_MILLISECONDS = 100_000_000_000;

/** A number of seconds, or a text such as `90s`, `5m`, `2h`, `1d`; comes out as milliseconds. */
export function durationMs(leastMs: number, mostMs: number): Joi.Schema<number> {
  return Joi.any().custom((value: unknown, helpers) => {
    const ms = readDuration(value);
    if (ms === null) return helpers.message({ custom: '{{#label}} must be seconds, or a duration such as "90s", "5m", "2h" or "1d"' });
    if (ms < leastMs || ms > mostMs) {
      return helpers.message({ custom: `{{#label}} must be between ${leastMs / 1_000} and ${mostMs / 1_000} seconds` });
    }
    return ms;
  });
}

function readDuration(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.round(value * 1_000) : null;
  if (typeof value !== 'string') return null;
  const [, number = '', unit = 's'] = /^\s*(\d{1,12}(?:\.\d{1,6})?)\s*(ms|[smhdw])?\s*$/.exec(value) ?? [];
  return number === '' ? null : Math.round(Number(number) * (UNIT_MS[unit] ?? 1_000));
}

/** ISO 8601, or Unix seconds or milliseconds; comes out as milliseconds. */
export function instantMs(): Joi.Schema<number> {
  return Joi.any().custom((value: unknown, helpers) => {
    const ms = readInstant(value);
    return (
      ms ?? helpers.message({ custom: '{{#label}} must be a time: ISO 8601 such as 2030-01-31T22:00:00Z, or Unix seconds or milliseconds' })
    );
  });
}

function readInstant(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number') {
    const ms = Math.round(number < FIRST_MILLISECONDS ? number * 1_000 : number);
    return ms >= 0 && ms <= 8_640_000_000_000_000 ? ms : null;
  }
  if (typeof number !== 'string' || !/^\d{4}-\d{2}-\d{2}([T ]|$)/.test(number)) return null;
  const ms = Date.parse(number);
  return Number.isNaN(ms) ? null : ms;
}

export interface GivenMatcher {
  readonly label: string;
  readonly value: string;
  readonly is_regex: boolean;
  readonly is_equal: boolean;
}

const matcher = Joi.object<GivenMatcher>({
  label: Joi.string().min(1).max(MAX_LABEL_LENGTH).required(),
  value: Joi.string().allow('').max(MAX_VALUE_LENGTH).required(),
  is_regex: Joi.boolean().default(false),
  is_equal: Joi.boolean().default(true),
})
  .rename('name', 'label')
  .rename('isRegex', 'is_regex')
  .rename('isEqual', 'is_equal')
  .custom((given: GivenMatcher, helpers) => {
    const problem = given.is_regex ? patternProblem(given.value) : null;
    if (problem === null) return given;
    return helpers.message({
      custom: `{{#label}}.value is no regular expression that can be used here: ${problem.replaceAll(/[{}]/g, ' ')}`,
    });
  });

/** `[{label, value, is_regex, is_equal}]`, as Alertmanager's too (`name`, `isRegex`, `isEqual`). */
export function matcherList(): Joi.ArraySchema {
  return Joi.array().items(matcher).max(MAX_MATCHERS);
}

export function toMatchers(given: readonly GivenMatcher[]): Matcher[] {
  return given.map(({ label, value, is_regex: isRegex, is_equal: isEqual }) => ({ label, value, isRegex, isEqual }));
}

/** One field of a body is wrong. */
export function invalidField(what: string, field: string, reason: string): AppError {
  const message = `"${field}" ${reason}`;
  return new AppError('validation_failed', `invalid ${what}: ${message}`, [{ field, message }]);
}
