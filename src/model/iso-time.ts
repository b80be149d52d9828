/** ISO 8601 UTC with milliseconds, as times stand in every answer and frame. */
export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** The same, for a time that may not be known (null or NaN). */
export function isoTimeOrNull(timeMs: number | null): string | null {
  return timeMs === null || Number.isNaN(timeMs) ? null : isoTime(timeMs);
}
