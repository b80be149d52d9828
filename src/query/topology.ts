/**
 * The fleet as a graph: where agents are, and what their checks of targets said lately. Agents come from memory, checks from
 * storage. Everything is sorted, so that a picture drawn twice is the same.
 */
import { addToList } from '../model/lists.js';
import type { Agent, AgentDirectory } from '../model/agent.js';
import { isoTime, isoTimeOrNull } from '../model/iso-time.js';
import type { Clock } from '../runtime/clock.js';
import type { MetricReader } from '../storage/ports.js';
import type { LabelledRange } from './agent-queries.js';
import { agentMatches, type MetricFilter } from './filter.js';
import { presentPeriod } from './present.js';
import { compareText } from './statistics.js';
import { targetChecks, type TargetEdge } from './target-checks.js';

/** What people call their targets: names by `kind:address`, the address as agents put it into the tag. */
export interface TargetNames {
  names(): ReadonlyMap<string, string>;
}

export interface TopologyLimits {
  readonly agents: number;
  readonly edges: number;
  /** Asked for at once: groups of so many do not keep the event loop from its sockets. */
  readonly agentsPerQuery: number;
}

const LIMITS: TopologyLimits = { agents: 10_000, edges: 20_000, agentsPerQuery: 100 };

export class TopologyQueries {
  constructor(
    private readonly reader: MetricReader,
    private readonly agents: AgentDirectory,
    private readonly targets: TargetNames,
    private readonly clock: Clock,
    private readonly limits: TopologyLimits = LIMITS,
  ) {}

  /**
   * The agents that meet the filter's conditions on agents, and what they checked in the range; a condition on tags
   * leaves fewer checks. Of too many agents those heard of last are told, of too many edges those of the first agents:
   * `truncated` then.
   */
  async topology(filter: MetricFilter, range: LabelledRange) {
    const matching = this.agents.all().filter((agent) => agentMatches(agent, filter));
    const agents = newest(matching, this.limits.agents).sort((a, b) => compareText(a.id, b.id));
    const { edges, isWhole } = await this.edges(agents, filter, range);
    return {
      timestamp: isoTime(this.clock.nowMs()),
      timeRange: range.label,
      period: presentPeriod(range),
      providers: placesOf(agents),
      agents: agents.map(presentNode),
      targets: this.targetsOf(edges),
      edges,
      truncated: agents.length < matching.length || !isWhole,
    };
  }

  private async edges(agents: readonly Agent[], { tags }: MetricFilter, range: LabelledRange) {
    const { edges: maxEdges, agentsPerQuery } = this.limits;
    const edges: TargetEdge[] = [];
    for (let from = 0; from < agents.length && edges.length <= maxEdges; from += agentsPerQuery) {
      const agentIds = agents.slice(from, from + agentsPerQuery).map(({ id }) => id);
      for (const edge of await targetChecks(this.reader, { agentIds, ...(tags && { tags }) }, range)) edges.push(edge);
    }
    return { edges: edges.slice(0, maxEdges), isWhole: edges.length <= maxEdges };
  }

  private targetsOf(edges: readonly TargetEdge[]) {
    const names = this.targets.names();
    const targets = new Map<string, { id: string; type: string; address: string; name: string }>();
    for (const { target: id, type } of edges) {
      const address = id.slice(type.length + 1);
      if (!targets.has(id)) targets.set(id, { id, type, address, name: names.get(id) ?? address });
    }
    return [...targets.values()].sort((a, b) => compareText(a.type, b.type) || compareText(a.address, b.address));
  }
}

/** At most so many: those heard of last. */
function newest(agents: Agent[], limit: number): Agent[] {
  if (agents.length <= limit) return agents;
  return agents.sort((a, b) => b.lastSeenMs - a.lastSeenMs || compareText(a.id, b.id)).slice(0, limit);
}

function presentNode({ id, status, health, provider, region, zone, network, lastSeenMs }: Agent) {
  return { id, status, health, provider, region, zone, network, last_seen: isoTimeOrNull(lastSeenMs) };
}

/** Providers, their regions, and these regions' networks with the agents in them. What is not known is called ''. */
function placesOf(agents: readonly Agent[]) {
  return groups(agents, ({ provider }) => provider).map(([provider, ofProvider]) => ({
    name: provider,
    regions: groups(ofProvider, ({ region }) => region).map(([region, ofRegion]) => ({
      name: region,
      networks: groups(ofRegion, ({ network }) => network).map(([network, members]) => ({
        name: network,
        agent_ids: members.map(({ id }) => id),
      })),
    })),
  }));
}

function groups(agents: readonly Agent[], keyOf: (agent: Agent) => string): [string, Agent[]][] {
  const found = new Map<string, Agent[]>();
  for (const agent of agents) addToList(found, keyOf(agent), agent);
  return [...found].sort(([a], [b]) => compareText(a, b));
}
