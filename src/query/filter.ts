/** Which series a question is about, as the routes hand it in and as answers repeat it. Pure. */
import type { Agent } from '../model/agent.js';
import type { SeriesFilter } from '../storage/ports.js';

/** Conditions on series: all must hold; within one list any value does. A list that is there is never empty. */
export type MetricFilter = SeriesFilter;

/** The filter as an answer repeats it: null where nothing was asked, a text for one value, a list for several. */
export function describeFilter(filter: MetricFilter) {
  return {
    agentId: oneOrMany(filter.agentIds),
    provider: oneOrMany(filter.providers),
    region: oneOrMany(filter.regions),
    metricName: oneOrMany(filter.names),
    metricType: oneOrMany(filter.types),
    tag: oneOrMany(filter.tags?.map(({ key, value }) => `${key}:${value}`)),
  };
}

function oneOrMany(values: readonly string[] | undefined): string | readonly string[] | null {
  if (values === undefined) return null;
  return values.length === 1 ? (values[0] ?? null) : values;
}

/** True when the agent itself meets the filter's conditions on agents; conditions on series are not its matter. */
export function agentMatches(agent: Agent, filter: Pick<MetricFilter, 'agentIds' | 'providers' | 'regions'>): boolean {
  return (
    (filter.agentIds?.includes(agent.id) ?? true) &&
    (filter.providers?.includes(agent.provider) ?? true) &&
    (filter.regions?.includes(agent.region) ?? true)
  );
}
