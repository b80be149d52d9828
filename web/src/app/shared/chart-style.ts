/** Colours and dashes of a chart's lines by their place, also for legends outside of it. Pure. */

const COLORS = 8;
/** Lines beyond the eighth have the colours again, in another dash. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [10, 3, 2, 3]];

/** The name of the CSS variable. */
export function lineColor(place: number): string {
  return `--ccv-line-${(place % COLORS) + 1}`;
}

export function lineDash(place: number): readonly number[] {
  return DASHES[Math.floor(place / COLORS) % DASHES.length] ?? [];
}
