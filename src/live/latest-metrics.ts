import type { AgentDirectory } from '../model/agent.js';
import type { MetricType, TimeRange } from '../model/metric.js';
import { type MetricAnswer, presentRows } from '../query/present.js';
import type { Clock } from '../runtime/clock.js';

/** What the channel needs of the metric reader: the newest sample of every matching series. */
export interface LatestReader {
  latest(query: {
    filter: { agentIds?: readonly string[]; types?: readonly MetricType[] };
    range: TimeRange;
  }): Promise<Parameters<typeof presentRows>[0]>;
}

export interface LatestRequest {
  /** null: all agents. */
  readonly agentIds: readonly string[] | null;
  readonly metricType: MetricType | null;
}

const WINDOW_MS = 5 * 60_000;
/** Clocks of agents may be ahead of ours by as much as ingest lets pass. */
const AHEAD_MS = 60 * 60_000;
const AGENTS_PER_QUERY = 50;

/**
 * The newest metric of every series of the last five minutes, at most `limit` of them. Agents are asked for in
 * groups and not beyond the limit, so that a large fleet's answer is never made just to be thrown away.
 */
export class LatestMetrics {
  constructor(
    private readonly reader: LatestReader,
    private readonly agents: AgentDirectory,
    private readonly clock: Clock,
  ) {}

  /** The metrics, and how many more the last group had. @throws AppError of storage */
  async read({ agentIds, metricType }: LatestRequest, limit: number): Promise<{ metrics: MetricAnswer[]; left: number }> {
    const nowMs = this.clock.nowMs();
    const range = { startMs: nowMs - WINDOW_MS, endMs: nowMs + AHEAD_MS };
    const asked = agentIds ?? this.agents.all().flatMap((agent) => (agent.lastSeenMs >= range.startMs ? [agent.id] : []));
    const metrics: MetricAnswer[] = [];
    let left = 0;
    for (let from = 0; from < asked.length && metrics.length < limit; from += AGENTS_PER_QUERY) {
      const filter = {
        agentIds: asked.slice(from, from + AGENTS_PER_QUERY),
        ...(metricType === null ? {} : { types: [metricType] }),
      };
      const rows = await this.reader.latest({ filter, range });
      const seriesIndex = rows.seriesIndex.subarray(0, limit - metrics.length);
      left += rows.seriesIndex.length - seriesIndex.length;
      for (const metric of presentRows({ ...rows, seriesIndex })) metrics.push(metric);
    }
    return { metrics, left };
  }
}
