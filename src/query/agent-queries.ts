/**
 * Answers about agents. The agents themselves come from memory (the directory); only their metrics and what happened to
 * them are read from storage. An agent nobody knows is `agent_not_found`.
 */
import { type Agent, type AgentDirectory, type AgentStatus, requireAgent } from '../model/agent.js';
import { isoTimeOrNull } from '../model/iso-time.js';
import type { TimeRange } from '../model/metric.js';
import type { ActivityStore, MetricReader } from '../storage/ports.js';
import { agentMatches } from './filter.js';
import { presentActivity, presentAgent, presentPeriod, presentRows } from './present.js';
import { compareText, metricStatistics } from './statistics.js';

/** What a list of agents may be sorted by. */
export const AGENT_SORT_KEYS = ['id', 'provider', 'region', 'status', 'last_seen', 'created_at', 'version'] as const;
export type AgentSortKey = (typeof AGENT_SORT_KEYS)[number];

export interface AgentListRequest {
  /** null: every status. */
  readonly status: AgentStatus | null;
  readonly providers?: readonly string[];
  readonly regions?: readonly string[];
  /** Part of the id, address, region or zone, in any case; null: no condition. */
  readonly search: string | null;
  readonly sort: { readonly key: AgentSortKey; readonly descending: boolean };
  readonly limit: number;
  readonly offset: number;
}

/** A range and the words it was asked for with. */
export type LabelledRange = TimeRange & { readonly label: string };

const RECENT_METRICS = 10;
const RECENT_ACTIVITY = 10;

export class AgentQueries {
  constructor(
    private readonly agents: AgentDirectory,
    private readonly reader: MetricReader,
    private readonly activities: Pick<ActivityStore, 'recent'>,
  ) {}

  /** One page of the agents that meet all conditions; agents equal under `sort` are ordered by id. */
  list(request: AgentListRequest) {
    const wanted = request.search?.toLowerCase() ?? null;
    const found = this.agents
      .all()
      .filter((agent) => request.status === null || agent.status === request.status)
      .filter((agent) => agentMatches(agent, request))
      .filter((agent) => wanted === null || mentions(agent, wanted));
    const direction = request.sort.descending ? -1 : 1;
    found.sort((a, b) => direction * COMPARE[request.sort.key](a, b) || compareText(a.id, b.id));
    const { limit, offset } = request;
    return {
      agents: found.slice(offset, offset + limit).map(presentAgent),
      pagination: { total: found.length, limit, offset, hasMore: offset + limit < found.length },
    };
  }

  /** The agent with its ten newest samples, of whatever age. */
  async one(id: string) {
    const agent = requireAgent(this.agents, id);
    const rows = await this.reader.samples({
      filter: { agentIds: [agent.id] },
      range: {},
      order: 'newest',
      limit: RECENT_METRICS,
      offset: 0,
    });
    return { ...presentAgent(agent), recentMetrics: presentRows(rows) };
  }

  /** What the agent measured in the range. */
  async stats(id: string, range: LabelledRange) {
    const agent = requireAgent(this.agents, id);
    const { overview, byType, topMetrics } = await metricStatistics(this.reader, { agentIds: [agent.id] }, range);
    return { timeRange: range.label, period: presentPeriod(range), overview, metricsByType: byType, topMetrics };
  }

  /** What happened to the agent, newest first, as far back as activities are kept: also what happened to earlier agents of its id. */
  async activity(id: string, limit: number) {
    const agent = requireAgent(this.agents, id);
    const activities = await this.activities.recent({ limit, agentId: agent.id });
    return { agentId: agent.id, activity: activities.map(presentActivity) };
  }

  /**
   * The fleet in numbers. Agents that did not say where they are count under an empty provider or region, which is
   * not counted as a provider or region. The recent activity is the ten agents heard of last.
   */
  summary() {
    const agents = this.agents.all();
    const byProvider = countBy(agents, (agent) => agent.provider);
    const byRegion = countBy(agents, (agent) => agent.region);
    return {
      overall: {
        total_agents: agents.length,
        connected_agents: agents.filter((agent) => agent.status === 'connected').length,
        total_providers: byProvider.filter(({ key }) => key !== '').length,
        total_regions: byRegion.filter(({ key }) => key !== '').length,
      },
      byProvider: byProvider.map(({ key, total, connected }) => ({ provider: key, total, connected })),
      byRegion: byRegion.map(({ key, total, connected }) => ({ region: key, total, connected })),
      recentActivity: [...agents]
        .sort((a, b) => b.lastSeenMs - a.lastSeenMs || compareText(a.id, b.id))
        .slice(0, RECENT_ACTIVITY)
        .map((agent) => ({
          id: agent.id,
          provider: agent.provider,
          region: agent.region,
          status: agent.status,
          last_seen: isoTimeOrNull(agent.lastSeenMs),
        })),
    };
  }
}

const COMPARE: Readonly<Record<AgentSortKey, (a: Agent, b: Agent) => number>> = {
  id: (a, b) => compareText(a.id, b.id),
  provider: (a, b) => compareText(a.provider, b.provider),
  region: (a, b) => compareText(a.region, b.region),
  status: (a, b) => compareText(a.status, b.status),
  version: (a, b) => compareText(a.version, b.version),
  last_seen: (a, b) => a.lastSeenMs - b.lastSeenMs,
  created_at: (a, b) => a.createdAtMs - b.createdAtMs,
};

function mentions(agent: Agent, lowerCased: string): boolean {
  return [agent.id, agent.ipAddress, agent.region, agent.zone].some((text) => text.toLowerCase().includes(lowerCased));
}

/** How many agents, and how many of them connected, per key: most first, then by key. */
function countBy(agents: readonly Agent[], keyOf: (agent: Agent) => string): { key: string; total: number; connected: number }[] {
  const counts = new Map<string, { key: string; total: number; connected: number }>();
  for (const agent of agents) {
    const key = keyOf(agent);
    const { total, connected } = counts.get(key) ?? { total: 0, connected: 0 };
    counts.set(key, { key, total: total + 1, connected: connected + (agent.status === 'connected' ? 1 : 0) });
  }
  return [...counts.values()].sort((a, b) => b.total - a.total || compareText(a.key, b.key));
}
