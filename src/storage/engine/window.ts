/** Windows: the hours, aligned to the Unix epoch, by which samples are laid down and read. */

export const WINDOW_MS = 3_600_000;

/** Start of the window that holds this time. */
export function windowOf(timestampMs: number): number {
  return Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS;
}

/**
 * Splits rows by window. The usual batch lies in one window: then `rows` is null and nothing is copied.
 * `skip` marks rows that are not to be stored.
 */
export function splitByWindow(
  timestampsMs: ArrayLike<number>,
  skip: ((row: number) => boolean) | null,
): { windowMs: number; rows: number[] | null; minMs: number; maxMs: number }[] {
  const count = timestampsMs.length;
  if (skip === null && count > 0) {
    let minMs = timestampsMs[0] as number;
    let maxMs = minMs;
    for (let i = 1; i < count; i += 1) {
      const time = timestampsMs[i] as number;
      if (time < minMs) minMs = time;
      else if (time > maxMs) maxMs = time;
    }
    const windowMs = windowOf(minMs);
    if (maxMs < windowMs + WINDOW_MS) return [{ windowMs, rows: null, minMs, maxMs }];
  }
  const parts = new Map<number, { windowMs: number; rows: number[]; minMs: number; maxMs: number }>();
  for (let row = 0; row < count; row += 1) {
    if (skip?.(row) === true) continue;
    const time = timestampsMs[row] as number;
    const windowMs = windowOf(time);
    const part = parts.get(windowMs);
    if (part === undefined) {
      parts.set(windowMs, { windowMs, rows: [row], minMs: time, maxMs: time });
    } else {
      part.rows.push(row);
      part.minMs = Math.min(part.minMs, time);
      part.maxMs = Math.max(part.maxMs, time);
    }
  }
  return [...parts.values()];
}
