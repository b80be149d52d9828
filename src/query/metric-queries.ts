/**
 * Answers about metrics: samples as they came, histories, names, counts. Ranges are half-open. Nothing here holds
 * state; storage's failures (`query_timeout`, `overloaded`) pass through.
 */
import { type AgentDirectory, requireAgent } from '../model/agent.js';
import { AppError } from '../model/errors.js';
import { isoTime, isoTimeOrNull } from '../model/iso-time.js';
import type { TimeRange } from '../model/metric.js';
import type { Clock } from '../runtime/clock.js';
import type { MetricReader, SampleRows, StorageHealth, TierName } from '../storage/ports.js';
import type { LabelledRange } from './agent-queries.js';
import { aggregatedMetrics, type AggregatedRequest } from './aggregated.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { describeFilter, type MetricFilter } from './filter.js';
import type { GapQueries } from './gaps.js';
import { type MetricAnswer, presentPeriod, presentRows } from './present.js';
import { seriesList, type SeriesRequest } from './series-list.js';
import { compareText, metricStatistics } from './statistics.js';

/** Which page: `limit` samples behind `cursor` when there is one, otherwise behind the first `offset`. */
export interface PageRequest {
  readonly limit: number;
  readonly offset: number;
  readonly cursor: string | null;
}

export interface MetricQuerySettings {
  /** How far back samples are kept, and rollups of five minutes and of an hour. */
  readonly retentionMs: number;
  readonly fiveMinuteRetentionMs: number;
  readonly oneHourRetentionMs: number;
}

/** The window of "now": realtime answers and health. */
export const RECENT_WINDOW_MS = 5 * 60_000;

const REALTIME_LIMIT = 1_000;

const DAY_MS = 86_400_000;

/** Agents' clocks may be ahead by up to this much, and their samples are stored so. */
const MAX_CLOCK_LEAD_MS = 3_600_000;

export class MetricQueries {
  constructor(
    private readonly reader: MetricReader,
    private readonly agents: AgentDirectory,
    private readonly clock: Clock,
    private readonly settings: MetricQuerySettings,
    private readonly storage: Pick<StorageHealth, 'usage' | 'status'>,
    private readonly gaps: Pick<GapQueries, 'within'>,
  ) {}

  /** Samples as they came, newest first. An open range goes from the newest back to the oldest. */
  async list(filter: MetricFilter, range: Partial<TimeRange>, page: PageRequest) {
    const { metrics, pagination } = await this.page(filter, range, page);
    const startTime = range.startMs === undefined ? null : isoTime(range.startMs);
    const endTime = range.endMs === undefined ? null : isoTime(range.endMs);
    const { limit, offset } = page;
    return { metrics, query: { ...describeFilter(filter), startTime, endTime, limit, offset }, pagination };
  }

  /** With what is missing of the filter's agents within the range. */
  async aggregated(request: AggregatedRequest) {
    const [answer, gaps] = await Promise.all([aggregatedMetrics(this.reader, request), this.gaps.within(request.filter, request.range)]);
    return { ...answer, ...gaps };
  }

  /**
   * One metric over time, oldest first. When the range holds more than `limit` samples it is the newest `limit` of
   * them, and `hasMore` says so. A name nobody ever sent has an empty history. With what is missing of the filter's
   * agents within the range.
   */
  async history(name: string, filter: MetricFilter, range: LabelledRange, limit: number) {
    const [rows, gaps] = await Promise.all([
      this.reader.samples({ filter: { ...filter, names: [name] }, range, order: 'newest', limit, offset: 0 }),
      this.gaps.within(filter, range),
    ]);
    const history = presentRows(rows).reverse().map(toHistoryEntry);
    return { metricName: name, timeRange: range.label, period: presentPeriod(range), history, hasMore: rows.hasMore, ...gaps };
  }

  /**
   * An agent's samples of the range, newest first, and what is missing of it within the range.
   * @throws AppError `agent_not_found`
   */
  async ofAgent(agentId: string, filter: MetricFilter, range: LabelledRange, page: PageRequest) {
    const agent = requireAgent(this.agents, agentId);
    const own = { ...filter, agentIds: [agent.id] };
    const [{ metrics, pagination }, gaps] = await Promise.all([this.page(own, range, page), this.gaps.within(own, range)]);
    return { agentId, timeRange: range.label, period: presentPeriod(range), metrics, pagination, ...gaps };
  }

  /** The metrics there are or were, by name; also such that have no samples left. */
  async names(filter: MetricFilter) {
    const found = await this.reader.names(filter);
    const metricNames = found
      .map(({ name, type }) => ({ name, type }))
      .sort((a, b) => compareText(a.name, b.name) || compareText(a.type, b.type));
    return { metricNames, filters: describeFilter(filter) };
  }

  /** The series there are or were, one page of them; see seriesList. */
  series(request: SeriesRequest) {
    return seriesList(this.reader, request, this.clock.nowMs());
  }

  /** What was measured in the range, by whom: an agent's stats over all agents, and by provider; and what storage holds of all time. */
  async stats(filter: MetricFilter, range: LabelledRange) {
    const [statistics, providers, storage] = await Promise.all([
      metricStatistics(this.reader, filter, range),
      this.reader.aggregate({ filter, range, stepMs: null, groupBy: ['provider'], wants: { countsOnly: true } }),
      this.stored(),
    ]);
    const byProvider = providers
      .map((group) => ({
        provider: group.labels[0] ?? '',
        count: group.count[0] ?? 0,
        unique_names: group.uniqueNames,
        agent_count: group.agentCount,
      }))
      .sort((a, b) => b.count - a.count || compareText(a.provider, b.provider));
    // An agent is with one provider only, so that the providers' agents add up.
    const activeAgents = byProvider.reduce((total, { agent_count }) => total + agent_count, 0);
    return {
      timeRange: range.label,
      period: presentPeriod(range),
      overview: { ...statistics.overview, active_agents: activeAgents },
      breakdown: { byType: statistics.byType, byProvider, topMetrics: statistics.topMetrics },
      storage,
    };
  }

  private async stored() {
    const { tiers, log, series } = await this.storage.usage();
    const { retentionMs, fiveMinuteRetentionMs, oneHourRetentionMs } = this.settings;
    const retention: Record<TierName, number> = { raw: retentionMs, '5m': fiveMinuteRetentionMs, '1h': oneHourRetentionMs };
    return {
      tiers: tiers.map(({ tier, units, samples, bytes, oldestMs, newestMs }) => ({
        tier,
        retention_days: retention[tier] / DAY_MS,
        units,
        samples,
        bytes,
        oldest: isoTimeOrNull(oldestMs),
        newest: isoTimeOrNull(newestMs),
      })),
      log,
      series,
      database_bytes: this.storage.status().databaseBytes,
    };
  }

  /**
   * The samples of the last five minutes, newest first within each agent, agents by id: at most 1,000 in all, the
   * newest. `totalMetrics` is how many there are in the window.
   */
  async realtime(filter: MetricFilter) {
    const nowMs = this.clock.nowMs();
    const range = { startMs: nowMs - RECENT_WINDOW_MS, endMs: nowMs };
    const [rows, totals] = await Promise.all([
      this.reader.samples({ filter, range, order: 'newest', limit: REALTIME_LIMIT, offset: 0 }),
      this.reader.aggregate({ filter, range, stepMs: null, groupBy: [], wants: { countsOnly: true } }),
    ]);
    const agents = new Map<string, { agentId: string; provider: string; region: string; metrics: MetricAnswer[] }>();
    for (const metric of presentRows(rows)) {
      const known = agents.get(metric.agent_id);
      if (known !== undefined) known.metrics.push(metric);
      else agents.set(metric.agent_id, { agentId: metric.agent_id, provider: metric.provider, region: metric.region, metrics: [metric] });
    }
    return {
      timeWindow: presentPeriod(range),
      totalMetrics: totals[0]?.count[0] ?? 0,
      agents: [...agents.values()].sort((a, b) => compareText(a.agentId, b.agentId)),
    };
  }

  /**
   * Metrics whose name contains `text`, in any case and literally, with the samples that are still kept: most
   * samples first, then by name. A name without samples is not found.
   */
  async search(text: string, filter: MetricFilter, limit: number) {
    const nowMs = this.clock.nowMs();
    const groups = await this.reader.aggregate({
      filter: { ...filter, nameContains: text },
      range: { startMs: nowMs - this.settings.retentionMs, endMs: nowMs + MAX_CLOCK_LEAD_MS + 1 },
      stepMs: null,
      groupBy: ['name', 'type'],
      wants: { countsOnly: true },
    });
    const results = groups
      .map((group) => ({
        name: group.labels[0] ?? '',
        type: group.labels[1] ?? '',
        occurrence_count: group.count[0] ?? 0,
        agent_count: group.agentCount,
        last_seen: isoTime(group.lastMs),
      }))
      .sort((a, b) => b.occurrence_count - a.occurrence_count || compareText(a.name, b.name) || compareText(a.type, b.type));
    return { query: text, results: results.slice(0, limit) };
  }

  private async page(filter: MetricFilter, range: Partial<TimeRange>, { limit, offset, cursor }: PageRequest) {
    if (cursor !== null && offset > 0) {
      const reason = '"cursor" and "offset" exclude each other: the cursor already says where the page begins';
      throw new AppError('validation_failed', reason, [{ field: 'offset', message: reason, value: offset }]);
    }
    const place = cursor === null ? {} : { after: decodeCursor(cursor) };
    const rows = await this.reader.samples({ filter, range, order: 'newest', limit, offset, ...place });
    return { metrics: presentRows(rows), pagination: { limit, offset, hasMore: rows.hasMore, cursor: cursorBehind(rows) } };
  }
}

/** Where the next page begins; null when there is none. */
function cursorBehind(rows: SampleRows): string | null {
  const last = rows.timestampsMs.length - 1;
  const timestampMs = rows.timestampsMs[last];
  const series = rows.series[rows.seriesIndex[last] ?? -1];
  if (!rows.hasMore || timestampMs === undefined || series === undefined) return null;
  return encodeCursor({ timestampMs, seriesId: series.id });
}

function toHistoryEntry(metric: MetricAnswer) {
  const { agent_id, provider, region, type, unit, tags, timestamp, value } = metric;
  return { agent_id, provider, region, type, unit, tags, timestamp, value };
}
