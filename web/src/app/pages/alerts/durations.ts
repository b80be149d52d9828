/** Durations as they are typed: `90s`, `5m`, `2h`, `1d`, or seconds. Pure. */
import { durationText } from '../../core/time-range';

const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** For a field: `5m`; nothing at all is `0s`. */
export function durationField(seconds: number): string {
  return seconds <= 0 ? '0s' : Number.isInteger(seconds) ? durationText(seconds * 1_000) : `${seconds}s`;
}

/** Seconds; null when it is no duration. The server takes what this takes. */
export function parseSeconds(text: string): number | null {
  const [, amount, unit = 's'] = /^(\d{1,9}(?:\.\d{1,3})?)\s*([smhd])?$/.exec(text.trim()) ?? [];
  return amount === undefined ? null : Number(amount) * (UNIT_S[unit] ?? 1);
}

/** For the browser's field for local times, to the minute. */
export function localField(ms: number): string {
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** ISO 8601 of what stands in such a field; null: it is empty, or none. */
export function isoOfLocal(text: string): string | null {
  const ms = Date.parse(text);
  return text === '' || Number.isNaN(ms) ? null : new Date(ms).toISOString();
}
