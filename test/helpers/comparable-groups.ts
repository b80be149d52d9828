import type { AggregateGroup } from '../../src/storage/ports.js';

/**
 * Groups of an aggregation as two ways of computing them must agree: in the order of their labels, and what is added up
 * only to so many digits, because the order of additions is nobody's promise. The sign of a zero that was added up is not
 * either.
 */
export function comparableGroups(groups: readonly AggregateGroup[], digits = 9) {
  const rounded = (column: Float64Array) => Array.from(column, (value) => Number(value.toPrecision(digits)) + 0);
  return groups
    .map((group) => ({
      ...group,
      bucketsMs: [...group.bucketsMs],
      count: [...group.count],
      sum: rounded(group.sum),
      min: [...group.min],
      max: [...group.max],
      sumOfMeans: group.sumOfMeans && rounded(group.sumOfMeans),
      increase: group.increase && rounded(group.increase),
      percentiles: group.percentiles?.map(rounded),
    }))
    .sort((a, b) => (JSON.stringify(a.labels) < JSON.stringify(b.labels) ? -1 : 1));
}
