/** The stretch of time that a page looks at, and how it is written into an address. Pure. */

/** Up to now, or between two moments. */
export type TimeRange =
  | { readonly kind: 'last'; readonly durationMs: number }
  | { readonly kind: 'between'; readonly startMs: number; readonly endMs: number };

export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** Offered for choice. */
export const USUAL_RANGES: readonly { readonly label: string; readonly durationMs: number }[] = [
  { label: '5 minutes', durationMs: 300_000 },
  { label: '15 minutes', durationMs: 900_000 },
  { label: 'hour', durationMs: 3_600_000 },
  { label: '6 hours', durationMs: 21_600_000 },
  { label: '24 hours', durationMs: 86_400_000 },
  { label: '7 days', durationMs: 604_800_000 },
  { label: '30 days', durationMs: 2_592_000_000 },
];

export const LAST_HOUR: TimeRange = { kind: 'last', durationMs: 3_600_000 };

export function lasting(durationMs: number): TimeRange {
  return { kind: 'last', durationMs };
}

export function spanOf(range: TimeRange, nowMs: number): Span {
  return range.kind === 'last' ? { startMs: nowMs - range.durationMs, endMs: nowMs } : { startMs: range.startMs, endMs: range.endMs };
}

/** `1h`, `90s`, `7d`: as the API spells durations. */
export function durationText(durationMs: number): string {
  const [unit, size] = UNITS.find(([, unitMs]) => durationMs % unitMs === 0) ?? ['s', 1_000];
  return `${Math.max(1, Math.round(durationMs / size))}${unit}`;
}

/** Of `<n>(s|m|h|d)`; null when it is something else, or nothing. */
export function parseDuration(text: string): number | null {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const size = UNITS.find(([name]) => name === unit)?.[1];
  return amount === undefined || size === undefined || Number(amount) === 0 ? null : Number(amount) * size;
}

/** Parameters of an address. `{range: '1h'}`, or `{from, to}` in ISO 8601. */
export function rangeParams(range: TimeRange): { range: string | null; from: string | null; to: string | null } {
  if (range.kind === 'last') return { range: durationText(range.durationMs), from: null, to: null };
  return { range: null, from: new Date(range.startMs).toISOString(), to: new Date(range.endMs).toISOString() };
}

/** Of an address; what makes no sense there becomes `fallback`. */
export function parseRange(params: { range?: string | null; from?: string | null; to?: string | null }, fallback: TimeRange): TimeRange {
  const startMs = Date.parse(params.from ?? '');
  const endMs = Date.parse(params.to ?? '');
  if (startMs < endMs) return { kind: 'between', startMs, endMs };
  const durationMs = parseDuration(params.range ?? '');
  return durationMs === null ? fallback : { kind: 'last', durationMs };
}

/** The API's parameters. */
export function rangeQuery(range: TimeRange): Record<string, string> {
  if (range.kind === 'last') return { timeRange: durationText(range.durationMs) };
  return { startTime: new Date(range.startMs).toISOString(), endTime: new Date(range.endMs).toISOString() };
}
