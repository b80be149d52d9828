/**
 * What is wrong with a metric, in words. These checks run when a series is seen for the first time or something
 * does not look right; the decoder's fast path (metric-frame.ts) skips what it has seen before. The same rules in
 * joi are in metric-schema.ts, and a property test holds the two together.
 */
import type { MetricType, Tags } from '../model/metric.js';

/** What one batch and one metric may bring. */
export interface MetricLimits {
  readonly maxMetricsPerBatch: number;
  readonly maxTagsPerMetric: number;
  readonly maxTagLength: number;
  readonly maxTagsLength: number;
  readonly maxNameLength: number;
  readonly maxObjectValueBytes: number;
}

/** Why a metric was rejected: the `reason` of the self metrics and the start of the text the agent reads. */
export type RejectReason =
  | 'invalid_metric'
  | 'invalid_name'
  | 'invalid_type'
  | 'invalid_value'
  | 'invalid_unit'
  | 'invalid_tags'
  | 'too_many_tags'
  | 'invalid_timestamp'
  | 'timestamp_out_of_range'
  | 'series_limit';

export interface Problem {
  readonly reason: RejectReason;
  readonly text: string;
}

/** A metric as JSON.parse leaves it: anything may be anything. */
export interface RawMetric {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly value?: unknown;
  readonly unit?: unknown;
  readonly tags?: unknown;
  readonly timestamp?: unknown;
}

const MAX_SHOWN_LENGTH = 64;
/** Levels of an object value, itself included: enough for buckets of buckets. */
export const MAX_OBJECT_VALUE_DEPTH = 8;
const OBJECT_VALUE_NUMBERS = ['min', 'max', 'avg', 'count'] as const;
// eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
export const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/;

export function problem(reason: RejectReason, text: string): Problem {
  return { reason, text: `${reason}: ${text}` };
}

/** A value for an error text: its JSON, cut to 64 characters; objects by their kind alone. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return JSON.stringify(shortened(value));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : 'an object';
}

/** At most 64 characters of a text. */
export function shortened(text: string): string {
  return text.length <= MAX_SHOWN_LENGTH ? text : `${text.slice(0, MAX_SHOWN_LENGTH - 1)}…`;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The type a metric is stored under, or null when it is none. */
export function metricType(type: unknown): MetricType | null {
  switch (type) {
    case 'gauge':
    case 'counter':
    case 'histogram':
    case 'timer':
      return type;
    case 'timing':
      return 'timer';
    default:
      return null;
  }
}

/** Checks name, type, unit and tags: all that makes the series. */
export function identityProblem(metric: RawMetric, limits: MetricLimits): Problem | null {
  return (
    nameProblem(metric.name, limits) ??
    (metricType(metric.type) === null
      ? problem('invalid_type', `type must be gauge, counter, histogram or timer (it is ${shown(metric.type)})`)
      : null) ??
    unitProblem(metric.unit, limits) ??
    tagsProblem(metric.tags, limits)
  );
}

function nameProblem(name: unknown, limits: MetricLimits): Problem | null {
  const bad = (what: string): Problem => problem('invalid_name', `name ${what} (it is ${shown(name)})`);
  if (typeof name !== 'string') return bad('must be a string');
  if (name === '') return bad('must not be empty');
  if (name.length > limits.maxNameLength) return bad(`is longer than ${limits.maxNameLength} characters`);
  if (CONTROL_CHARACTERS.test(name)) return bad('must not contain control characters');
  if (!name.isWellFormed()) return bad('is not well-formed Unicode');
  return null;
}

function unitProblem(unit: unknown, limits: MetricLimits): Problem | null {
  if (unit === undefined || unit === null || unit === '') return null;
  const bad = (what: string): Problem => problem('invalid_unit', `unit ${what} (it is ${shown(unit)})`);
  if (typeof unit !== 'string') return bad('must be a string');
  if (unit.length > limits.maxNameLength) return bad(`is longer than ${limits.maxNameLength} characters`);
  if (CONTROL_CHARACTERS.test(unit)) return bad('must not contain control characters');
  if (!unit.isWellFormed()) return bad('is not well-formed Unicode');
  return null;
}

function tagsProblem(tags: unknown, limits: MetricLimits): Problem | null {
  if (tags === undefined || tags === null) return null;
  if (!isPlainObject(tags)) return problem('invalid_tags', `tags must be an object (it is ${shown(tags)})`);
  const keys = Object.keys(tags);
  if (keys.length > limits.maxTagsPerMetric) {
    return problem('too_many_tags', `tags has ${keys.length} entries, more than ${limits.maxTagsPerMetric}`);
  }
  let length = 0;
  for (const key of keys) {
    const value = tags[key];
    if (typeof value !== 'string') return problem('invalid_tags', `tag ${shown(key)} must be a string (it is ${shown(value)})`);
    if (key.length > limits.maxTagLength || value.length > limits.maxTagLength) {
      return problem('invalid_tags', `tag ${shown(key)} is longer than ${limits.maxTagLength} characters (it is ${shown(value)})`);
    }
    if (!key.isWellFormed() || !value.isWellFormed()) {
      return problem('invalid_tags', `tag ${shown(key)} is not well-formed Unicode (it is ${shown(value)})`);
    }
    length += key.length + value.length;
  }
  if (length <= limits.maxTagsLength) return null;
  return problem('too_many_tags', `tags has ${length} characters in all, more than ${limits.maxTagsLength}`);
}

/** The unit as it is stored: none and empty are the same. Only for units that passed the check. */
export function storedUnit(unit: unknown): string | null {
  return typeof unit === 'string' && unit !== '' ? unit : null;
}

/** The tags as they are stored. Only for tags that passed the check. */
export function storedTags(tags: unknown): Tags | null {
  return isPlainObject(tags) ? (tags as Tags) : null;
}

/** An object value's number and JSON, or what is wrong with a value that is not a finite number. */
export function objectValue(value: unknown, type: MetricType, limits: MetricLimits): { number: number; json: string } | Problem {
  const bad = (text: string): Problem => problem('invalid_value', text);
  if (!isPlainObject(value)) return bad(`value must be a finite number (it is ${shown(value)})`);
  if (type !== 'histogram' && type !== 'timer') return bad(`value of a ${type} must be a finite number (it is an object)`);
  const number = value.value;
  if (!isFiniteNumber(number)) return bad(`value.value must be a finite number (it is ${shown(number)})`);
  for (const key of OBJECT_VALUE_NUMBERS) {
    const part = value[key];
    if (part !== undefined && !isFiniteNumber(part)) return bad(`value.${key} must be a finite number (it is ${shown(part)})`);
  }
  const json = boundedJson(value, limits.maxObjectValueBytes);
  if (json === null) {
    return bad(
      `value must be JSON of at most ${limits.maxObjectValueBytes} bytes, ${MAX_OBJECT_VALUE_DEPTH} levels and finite numbers (it is an object)`,
    );
  }
  return { number, json };
}

/**
 * The JSON text of an object, or null when it is too long, too deep, or would not come back as it came in
 * (a number too large for a double is read as infinite and written as null).
 */
export function boundedJson(value: object, maxBytes: number): string | null {
  if (!keepsItself(value, MAX_OBJECT_VALUE_DEPTH)) return null;
  const json = JSON.stringify(value);
  return Buffer.byteLength(json) <= maxBytes ? json : null;
}

function keepsItself(value: unknown, levels: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => keepsItself(inner, levels - 1));
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
