/** How many agents there are of what kind. Pure. */
import type { Agent } from '../../core/api-types';

/** Agents that have something in common. */
export interface FleetGroup {
  /** The provider's or region's name; empty: the agents did not say. */
  readonly name: string;
  readonly total: number;
  readonly connected: number;
}

export interface StatusCounts {
  readonly connected: number;
  readonly disconnected: number;
  readonly error: number;
}

export function countByStatus(agents: readonly Agent[]): StatusCounts {
  const counts = { connected: 0, disconnected: 0, error: 0 };
  for (const { status } of agents) counts[status] += 1;
  return counts;
}

/**
 * The agents' providers or regions, largest first and names in order among equals: agents that come and go as they are
 * connected do not move the rows. Those that did not say come last.
 */
export function countBy(agents: readonly Agent[], key: 'provider' | 'region'): FleetGroup[] {
  const groups = new Map<string, { name: string; total: number; connected: number }>();
  for (const agent of agents) {
    const name = agent[key];
    const group = groups.get(name) ?? { name, total: 0, connected: 0 };
    group.total += 1;
    if (agent.status === 'connected') group.connected += 1;
    groups.set(name, group);
  }
  return [...groups.values()].sort(
    (a, b) => Number(a.name === '') - Number(b.name === '') || b.total - a.total || (a.name < b.name ? -1 : 1),
  );
}
