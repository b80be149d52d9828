import { AppError } from '../model/errors.js';
import type { TimeRange } from '../model/metric.js';

/**
 * What parameters have in common: both spellings of every name, times, durations and ranges. All of these throw
 * `validation_failed` with the field and the value; none of them knows a route.
 */

const SECOND_MS = 1_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: SECOND_MS, m: 60 * SECOND_MS, h: 3_600 * SECOND_MS, d: 86_400 * SECOND_MS };
const MAX_DURATION_MS = 3_650 * 86_400 * SECOND_MS;

/** Numbers below this are Unix seconds (up to the year 5138), above it milliseconds (from 1973). */
const SECONDS_BELOW = 1e11;
const MAX_TIME_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * The same values under camelCase names: `agent_id` and `agentId` are one parameter. Only the top level is
 * renamed. A repeated parameter stays the list it is: whether it may be one is for the schema to say.
 * @throws AppError `validation_failed` when the input is no object, or both spellings disagree.
 */
export function camelKeys(query: unknown): Record<string, unknown> {
  if (query === undefined) return {};
  if (typeof query !== 'object' || query === null || Array.isArray(query)) {
    throw new AppError('validation_failed', 'the body must be a JSON object');
  }
  const renamed = new Map<string, { spelling: string; value: unknown }>();
  for (const [spelling, value] of Object.entries(query)) {
    const name = camelCase(spelling);
    const other = renamed.get(name);
    if (other === undefined) renamed.set(name, { spelling, value });
    else if (!sameValue(other.value, value)) {
      throw new AppError('validation_failed', `"${other.spelling}" and "${spelling}" are the same parameter, given with two values`, [
        { field: name, message: `given as "${other.spelling}" and as "${spelling}", with different values` },
      ]);
    }
  }
  return Object.fromEntries([...renamed].map(([name, { value }]) => [name, value]));
}

function camelCase(name: string): string {
  return name.replace(/(?<=[A-Za-z0-9])_+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function sameValue(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

// A blank before the offset is a "+" that nobody percent-encoded.
const ISO_TIME = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:([Zz])|([+ -])(\d{2}):?(\d{2}))?)?$/;

/**
 * Unix milliseconds of ISO 8601 text (date alone, or with a time; without a zone it is UTC) or of Unix seconds
 * or milliseconds.
 * @throws AppError `validation_failed`
 */
export function parseTime(text: string, field: string): number {
  const timeMs = /^\d{1,15}(\.\d{1,9})?$/.test(text) ? unixTime(Number(text)) : isoTime(text);
  if (timeMs === null || timeMs > MAX_TIME_MS || timeMs < 0) {
    throw invalid(field, text, 'must be an ISO 8601 time such as 2026-01-31T12:00:00Z, or Unix seconds or milliseconds');
  }
  return timeMs;
}

function unixTime(value: number): number {
  return Math.floor(value < SECONDS_BELOW ? value * SECOND_MS : value);
}

function isoTime(text: string): number | null {
  const match = ISO_TIME.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  if (hour > 23 || minute > 59 || second > 59) return null;
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return null;
  let offsetMinutes = 0;
  if (match[9] !== undefined) {
    const [hours, minutes] = [Number(match[10]), Number(match[11])];
    if (hours > 23 || minutes > 59) return null;
    offsetMinutes = (match[9] === '-' ? -1 : 1) * (hours * 60 + minutes);
  }
  return midnight.getTime() + ((hour * 60 + minute - offsetMinutes) * 60 + second) * SECOND_MS + milliseconds;
}

/**
 * Milliseconds of `<n>(s|m|h|d)`, e.g. `90s`, `24h`, `7d`; at least one second, at most ten years.
 * @throws AppError `validation_failed`
 */
export function parseDuration(text: string, field: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  const durationMs = match === null ? 0 : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0);
  if (durationMs <= 0 || durationMs > MAX_DURATION_MS) {
    throw invalid(field, text, 'must be a number with s, m, h or d, such as 1h, 24h or 7d (at most 3650d)');
  }
  return durationMs;
}

/** The names of a range in a request, after camelKeys. */
export interface GivenRange {
  readonly timeRange?: string | undefined;
  readonly startTime?: string | undefined;
  readonly endTime?: string | undefined;
}

/**
 * The half-open range a request asks for. `startTime` and `endTime` bound it; with only one of them, or none,
 * `timeRange` (or the default) says how long it is, and a start alone without a `timeRange` reaches to now. The
 * label is the length as text, or `custom` once a start or an end was given.
 * @throws AppError `validation_failed` also when all three are given, or the range is empty.
 */
export function resolveRange(given: GivenRange, nowMs: number, defaultRange = '24h'): TimeRange & { label: string } {
  const lengthMs = parseDuration(given.timeRange ?? defaultRange, 'timeRange');
  const startMs = given.startTime === undefined ? null : parseTime(given.startTime, 'startTime');
  const endMs = given.endTime === undefined ? null : parseTime(given.endTime, 'endTime');
  if (startMs === null && endMs === null) {
    return { startMs: Math.max(0, nowMs - lengthMs), endMs: nowMs, label: given.timeRange ?? defaultRange };
  }
  if (startMs !== null && endMs !== null && given.timeRange !== undefined) {
    throw invalid('timeRange', given.timeRange, 'must not be given together with both startTime and endTime');
  }
  const openEnd = startMs !== null && given.timeRange !== undefined ? startMs + lengthMs : nowMs;
  const end = endMs ?? openEnd;
  const start = startMs ?? Math.max(0, end - lengthMs);
  if (start >= end) {
    throw invalid('startTime', given.startTime ?? '', `must be before the end of the range, ${new Date(end).toISOString()}`);
  }
  return { startMs: start, endMs: end, label: 'custom' };
}

function invalid(field: string, value: string, reason: string): AppError {
  const shown = value.length > 100 ? `${value.slice(0, 100)}…` : value;
  return new AppError('validation_failed', `"${field}" ${reason} (it is "${shown}")`, [
    { field, message: `"${field}" ${reason}`, value: shown },
  ]);
}
