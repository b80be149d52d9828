/** The newest samples of an agent: those that were read and those that came since, in one list that does not grow. Pure. */
import type { Metric } from '../../core/api-types';

/** `fresh` in front of `known`, newest first, each once (the newer word counts), at most `limit`. */
export function merged(known: readonly Metric[], fresh: readonly Metric[], limit: number): Metric[] {
  const byId = new Map<string, Metric>();
  for (const metric of known) byId.set(metric.id, metric);
  for (const metric of fresh) byId.set(metric.id, metric);
  return [...byId.values()]
    .sort((a, b) => (a.timestamp === b.timestamp ? compare(a, b) : a.timestamp < b.timestamp ? 1 : -1))
    .slice(0, limit);
}

/** Samples of one moment stand by name, and do not change places. */
function compare(a: Metric, b: Metric): number {
  return a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1;
}
