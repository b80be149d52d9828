/** Which range a chart shows after somebody dragged over it, and how often it is worth reading again. Pure. */
import type { Span, TimeRange } from '../../core/time-range';

/** The charts have a point a minute: less than a few of them is no line. */
export const MIN_SPAN_MS = 5 * 60_000;

/** The stretch that was chosen, in whole seconds; one that is too short grows to both sides. */
export function zoomTo({ startMs, endMs }: Span): TimeRange {
  const missingMs = Math.max(0, MIN_SPAN_MS - (endMs - startMs));
  return {
    kind: 'between',
    startMs: Math.floor((startMs - missingMs / 2) / 1_000) * 1_000,
    endMs: Math.ceil((endMs + missingMs / 2) / 1_000) * 1_000,
  };
}

/** The longer the range, the less a moment changes: every 5 s for an hour, once a minute from twelve hours on. */
export function refreshIntervalMs(range: TimeRange): number {
  const durationMs = range.kind === 'last' ? range.durationMs : range.endMs - range.startMs;
  return Math.min(60_000, Math.max(5_000, durationMs / 720));
}
