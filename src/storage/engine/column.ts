/** A series' samples in one window, as the compactor and the units handle them. */
import type { ObjectValue } from './codec/batch-payload.js';

export interface Column {
  /** Strictly ascending integer milliseconds. Columns sampled together may share one array. */
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  /** JSON of the rows that were sent as objects, ascending by row; null when there are none. */
  readonly objectValues: readonly ObjectValue[] | null;
}

/** What a directory says of a column without reading it. NaN values count, and make the sum NaN, but are no extremes. */
export interface ColumnStats {
  readonly count: number;
  /** Summed with compensation: as close to the exact sum as a double gets, nearly always. */
  readonly sum: number;
  /** +Infinity and −Infinity when every value is NaN. */
  readonly min: number;
  readonly max: number;
  readonly first: number;
  readonly last: number;
  /**
   * What a counter grew by: the sum of its steps, where a step down is a reset and counts as the new value, if that is above
   * 0; steps from and to NaN count as 0. 0 for others than counters.
   */
  readonly increase: number;
}

/** Looks at rows `from` to `to` (exclusive, at least one). */
export function statsOf(values: Float64Array, from: number, to: number, isCounter: boolean): ColumnStats {
  const first = values[from] as number;
  let sum = 0;
  let lost = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i += 1) {
    const value = values[i] as number;
    // Neumaier's summation.
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return {
    count: to - from,
    sum: Number.isFinite(sum) ? sum + lost : sum,
    min,
    max,
    first,
    last: values[to - 1] as number,
    increase: isCounter ? increaseOf(values, from, to) : 0,
  };
}

function increaseOf(values: Float64Array, from: number, to: number): number {
  let increase = 0;
  for (let i = from + 1; i < to; i += 1) {
    increase += stepBetween(values[i - 1] as number, values[i] as number);
  }
  return increase;
}

/** How much a counter went up between two values; 0 when one of them is NaN. */
export function stepBetween(previous: number, value: number): number {
  if (value >= previous) return value - previous;
  return value < previous && value > 0 ? value : 0;
}
