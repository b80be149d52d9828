/**
 * What the console's dashboard shows: the fleet at a glance, charts, health and the activity feed. Agents come from
 * memory, all else from storage. Nothing here holds state.
 */
import type { Agent, AgentDirectory } from '../model/agent.js';
import { isoTime } from '../model/iso-time.js';
import type { Clock } from '../runtime/clock.js';
import type { ActivityStore, AggregateGroup, MetricReader, StorageHealth } from '../storage/ports.js';
import type { LabelledRange } from './agent-queries.js';
import { networkCharts, networkSummary } from './dashboard-charts.js';
import { agentMatches, type MetricFilter } from './filter.js';
import { RECENT_WINDOW_MS } from './metric-queries.js';
import { presentActivity, presentPeriod, presentRows } from './present.js';
import { compareText } from './statistics.js';

const RECENT_METRICS = 20;
const RECENT_ACTIVITIES = 10;
/** Looked through for activities of the agents asked for. */
const ACTIVITIES_SEARCHED = 500;
const RECENT_ERRORS = 10;
const HOUR_MS = 3_600_000;
const ACTIVITY_WINDOW_MS = 24 * HOUR_MS;

/** How many alerts there are now: firing and pending ones, and the firing ones by severity. */
export interface AlertCounter {
  counts(): { firing: number; pending: number; critical: number; warning: number; info: number };
}

export class DashboardQueries {
  constructor(
    private readonly reader: MetricReader,
    private readonly agents: AgentDirectory,
    private readonly activities: ActivityStore,
    private readonly storageHealth: Pick<StorageHealth, 'batchErrors'>,
    private readonly clock: Clock,
    private readonly alerts: AlertCounter,
  ) {}

  /**
   * The fleet at a glance, in both shapes clients know. Conditions on agents (id, provider, region) hold for
   * everything; those on metrics (name, type, tag) for counts and recent metrics, not for `metricsSummary`, which
   * has its own metrics. `systemHealth`: error when less than half of the agents are connected, warning below
   * 90 %, otherwise healthy.
   */
  async overview(filter: MetricFilter, range: LabelledRange) {
    const agents = this.agents.all().filter((agent) => agentMatches(agent, filter));
    const ofAgents = agentConditions(filter);
    const [counts, recent, recentActivity, metricsSummary] = await Promise.all([
      this.reader.aggregate({ filter, range, stepMs: null, groupBy: ['provider', 'name'], wants: { countsOnly: true } }),
      this.reader.samples({ filter, range, order: 'newest', limit: RECENT_METRICS, offset: 0 }),
      this.recentActivity(filter),
      networkSummary(this.reader, ofAgents, range),
    ]);
    const totalMetrics = counts.reduce((total, group) => total + (group.count[0] ?? 0), 0);
    const activeAgents = agents.filter((agent) => agent.status === 'connected').length;
    return {
      summary: {
        total_agents: agents.length,
        total_metrics: totalMetrics,
        unique_metrics: new Set(counts.map(({ labels }) => labels[1])).size,
        providers: distinct(agents, (agent) => agent.provider),
        regions: distinct(agents, (agent) => agent.region),
      },
      providerStats: providerStats(agents, counts),
      recentMetrics: presentRows(recent),
      timeRange: presentPeriod(range),
      totalAgents: agents.length,
      activeAgents,
      totalMetrics,
      systemHealth: systemHealth(activeAgents, agents.length),
      recentActivity,
      metricsSummary,
      alerts: this.alerts.counts(),
    };
  }

  /** Charts, ready to plot; see networkCharts. */
  metrics(filter: MetricFilter, range: LabelledRange) {
    return networkCharts(this.reader, filter, range);
  }

  /**
   * How well the system does now. The score is 100 × share of agents heard of in the last five minutes (1 without
   * agents) × share of metrics accepted in that time (1 when none came), rounded to two digits. Accepted metrics
   * are samples of the last five minutes. Recent errors are those of the last hour, per agent, most first.
   */
  async health() {
    const nowMs = this.clock.nowMs();
    const recent = { startMs: nowMs - RECENT_WINDOW_MS, endMs: nowMs };
    const [totals, failed, recentErrors] = await Promise.all([
      this.reader.aggregate({ filter: {}, range: recent, stepMs: null, groupBy: [], wants: { countsOnly: true } }),
      this.storageHealth.batchErrors(recent.startMs),
      this.storageHealth.batchErrors(nowMs - HOUR_MS),
    ]);
    const agents = countByAge(this.agents.all(), nowMs);
    const healthyShare = agents.total_agents === 0 ? 1 : agents.healthy_agents / agents.total_agents;
    const accepted = totals[0]?.count[0] ?? 0;
    const rejected = failed.reduce((total, { errorCount }) => total + errorCount, 0);
    const successRate = accepted + rejected === 0 ? 1 : accepted / (accepted + rejected);
    const healthScore = twoDigits(100 * healthyShare * successRate);
    return {
      timestamp: isoTime(nowMs),
      healthScore,
      status: healthStatus(healthScore),
      agents: { ...agents, healthPercentage: twoDigits(100 * healthyShare) },
      metrics: {
        total_metrics_5m: accepted,
        active_agents_5m: totals[0]?.agentCount ?? 0,
        success_rate: successRate,
        successPercentage: twoDigits(100 * successRate),
      },
      issues: {
        recentErrors: recentErrors.slice(0, RECENT_ERRORS).map(({ agentId, errorCount, lastError }) => ({
          agent_id: agentId,
          error_count: errorCount,
          last_error: lastError,
        })),
      },
    };
  }

  /** What happened in the last 24 hours, newest first, at most `limit`. */
  async activity(limit: number) {
    const nowMs = this.clock.nowMs();
    const sinceMs = nowMs - ACTIVITY_WINDOW_MS;
    const activities = await this.activities.recent({ limit, sinceMs });
    return { activity: activities.map(presentActivity), timeWindow: presentPeriod({ startMs: sinceMs, endMs: nowMs }) };
  }

  /** The newest activities of the agents asked for; with conditions, among the last 500 of all. */
  private async recentActivity(filter: MetricFilter) {
    const conditions = agentConditions(filter);
    if (Object.keys(conditions).length === 0) return (await this.activities.recent({ limit: RECENT_ACTIVITIES })).map(presentActivity);
    const activities = await this.activities.recent({ limit: ACTIVITIES_SEARCHED });
    const ofAgents = activities.filter(({ agentId }) => {
      const agent = this.agents.find(agentId);
      return agent !== null && agentMatches(agent, conditions);
    });
    return ofAgents.slice(0, RECENT_ACTIVITIES).map(presentActivity);
  }
}

/** The filter's conditions on agents alone. */
function agentConditions({ agentIds, providers, regions }: MetricFilter): MetricFilter {
  return { ...(agentIds && { agentIds }), ...(providers && { providers }), ...(regions && { regions }) };
}

/** Samples (of groups whose first label is the provider) and agents per provider: most samples first; providers whose agents sent nothing are there too. */
function providerStats(agents: readonly Agent[], groups: readonly AggregateGroup[]) {
  const stats = new Map<string, { provider: string; metric_count: number; agent_count: number }>();
  const of = (provider: string): { provider: string; metric_count: number; agent_count: number } => {
    const entry = stats.get(provider) ?? { provider, metric_count: 0, agent_count: 0 };
    stats.set(provider, entry);
    return entry;
  };
  for (const agent of agents) of(agent.provider).agent_count += 1;
  for (const group of groups) of(group.labels[0] ?? '').metric_count += group.count[0] ?? 0;
  return [...stats.values()].sort((a, b) => b.metric_count - a.metric_count || compareText(a.provider, b.provider));
}

/** How many different values there are; "not known" is none. */
function distinct(agents: readonly Agent[], valueOf: (agent: Agent) => string): number {
  return new Set(agents.map(valueOf).filter((value) => value !== '')).size;
}

function systemHealth(active: number, total: number): 'healthy' | 'warning' | 'error' {
  if (active < total * 0.5) return 'error';
  return active < total * 0.9 ? 'warning' : 'healthy';
}

function healthStatus(score: number): 'excellent' | 'good' | 'warning' | 'critical' {
  if (score >= 90) return 'excellent';
  if (score >= 75) return 'good';
  return score >= 50 ? 'warning' : 'critical';
}

/** Agents by when they were heard of last: within five minutes, within the hour, longer ago. */
function countByAge(agents: readonly Agent[], nowMs: number) {
  const seenWithin = (ageMs: number): number => agents.filter((agent) => nowMs - agent.lastSeenMs <= ageMs).length;
  const healthy = seenWithin(RECENT_WINDOW_MS);
  const withinHour = seenWithin(HOUR_MS);
  return {
    total_agents: agents.length,
    healthy_agents: healthy,
    warning_agents: withinHour - healthy,
    stale_agents: agents.length - withinHour,
  };
}

function twoDigits(value: number): number {
  return Math.round(value * 100) / 100;
}
