/** Times for people: in their own time zone, and in UTC for those who compare with a log. Pure. */
import { formatDuration } from './units';

const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** In local time, with seconds. */
export function localTime(ms: number): string {
  return LOCAL.format(ms);
}

/** `2026-11-23 02:24:21 UTC`. */
export function utcTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `just now`, `12 s ago`, `3 min ago`, `in 5 s`: one unit is enough. */
export function relativeTime(ms: number, nowMs: number): string {
  const ageMs = nowMs - ms;
  const size = Math.abs(ageMs);
  if (size < 2_000) return 'just now';
  const span = formatDuration(size < 60_000 ? Math.round(size / 1_000) * 1_000 : size)
    .split(' ')
    .slice(0, 2)
    .join(' ');
  return ageMs >= 0 ? `${span} ago` : `in ${span}`;
}
