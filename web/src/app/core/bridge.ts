/** Lines over a grid that is finer than what was measured. Pure. */

type Values = readonly (number | null | undefined)[];

/** So many times the usual distance between two values may be between two: what is longer is a gap. */
const MAX_DISTANCES = 2.5;

/**
 * A line that is drawn through: where the grid has more places than there were measurements, most of it is empty without
 * anything being missing. `undefined` instead of `null` in runs that are about as long as is usual in this line, so that what
 * remains `null` is a gap. The line itself when there is nothing to change.
 */
export function bridged(values: Values): Values {
  const usual = usualDistance(values);
  if (usual === 0) return values;
  let result: (number | null | undefined)[] | null = null;
  let last = -1;
  for (let i = 0; i < values.length; i += 1) {
    if (values[i] == null) continue;
    if (last >= 0 && i - last > 1 && i - last <= usual * MAX_DISTANCES) {
      result ??= [...values];
      result.fill(undefined, last + 1, i);
    }
    last = i;
  }
  return result ?? values;
}

/** The median of how far a value is from the one before it; 0 when there are fewer than two. */
function usualDistance(values: Values): number {
  const counts: number[] = [];
  let total = 0;
  let last = -1;
  for (let i = 0; i < values.length; i += 1) {
    if (values[i] == null) continue;
    if (last >= 0) {
      counts[i - last] = (counts[i - last] ?? 0) + 1;
      total += 1;
    }
    last = i;
  }
  let seen = 0;
  for (let distance = 1; distance < counts.length; distance += 1) {
    seen += counts[distance] ?? 0;
    if (seen * 2 >= total) return distance;
  }
  return 0;
}
