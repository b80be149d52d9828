/**
 * What is known to be missing of agents' data, as periods: so that a chart shows a gap as a gap, and nobody takes it for
 * calm. Whose fleet has no gaps does not wait for storage to hear that.
 */
import { type Agent, type AgentDirectory, requireAgent } from '../model/agent.js';
import { isoTime } from '../model/iso-time.js';
import type { TimeRange } from '../model/metric.js';
import type { AgentGap, GapReader } from '../storage/ports.js';
import type { LabelledRange } from './agent-queries.js';
import { agentMatches, type MetricFilter } from './filter.js';
import { presentPeriod } from './present.js';
import { compareText } from './statistics.js';

/** Of what an agent measured between `from` and `to`, some is missing: see the reason. */
export interface GapAnswer {
  readonly agent_id: string;
  readonly from: string;
  readonly to: string;
  /** `dropped`: the agent said that it had to throw samples away. `missing`: batches of its count have not come (yet). */
  readonly reason: AgentGap['reason'];
  /** Batches that are missing of its count; left out when none is. */
  readonly batches?: number;
  /** Samples that it dropped; left out when it did not say so. */
  readonly samples?: number;
}

export interface GapsAnswer {
  /** Ascending in time. Gaps that begin before the range or end behind it are told whole. */
  readonly gaps: readonly GapAnswer[];
  /** There are more, older ones. */
  readonly gapsTruncated?: true;
}

type Where = Pick<MetricFilter, 'agentIds' | 'providers' | 'regions'>;

/** One agent's gaps that overlap. */
interface Period {
  readonly agentId: string;
  readonly fromMs: number;
  toMs: number;
  batches: number;
  samples: number;
}

const MAX_GAPS = 1_000;
/** Rows that are read for them: several may be one period. */
const MAX_ROWS = 5_000;
const NO_GAPS: GapsAnswer = Object.freeze({ gaps: Object.freeze([]) });

export class GapQueries {
  constructor(
    private readonly agents: AgentDirectory,
    private readonly reader: GapReader,
  ) {}

  /** Gaps of the agents of a filter, the newest thousand. */
  async within(where: Where, range: TimeRange): Promise<GapsAnswer> {
    const known = this.reader.agents;
    if (known.size === 0) return NO_GAPS;
    const ids = new Map<number, string>();
    for (const agent of this.candidates(where)) {
      if (known.has(agent.agentKey) && agentMatches(agent, where)) ids.set(agent.agentKey, agent.id);
    }
    if (ids.size === 0) return NO_GAPS;
    const { agentIds, providers, regions } = where;
    const isEverybody = agentIds === undefined && providers === undefined && regions === undefined;
    const rows = await this.reader.within({ agentKeys: isEverybody ? null : [...ids.keys()], range, limit: MAX_ROWS + 1 });
    const periods = periodsOf(rows.slice(0, MAX_ROWS), ids).sort((a, b) => b.toMs - a.toMs);
    const newest = periods.slice(0, MAX_GAPS).sort((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs || compareText(a.agentId, b.agentId));
    const isTruncated = rows.length > MAX_ROWS || periods.length > MAX_GAPS;
    return { gaps: newest.map(present), ...(isTruncated && { gapsTruncated: true }) };
  }

  /** @throws AppError `agent_not_found` */
  async ofAgent(agentId: string, range: LabelledRange) {
    const agent = requireAgent(this.agents, agentId);
    const gaps = await this.within({ agentIds: [agent.id] }, range);
    return { agentId, timeRange: range.label, period: presentPeriod(range), ...gaps };
  }

  private candidates({ agentIds }: Where): readonly Agent[] {
    if (agentIds === undefined) return this.agents.all();
    return agentIds.flatMap((id) => this.agents.find(id) ?? []);
  }
}

/** Gaps of one agent that overlap are one period: batches that will not come because their samples were dropped are told once. */
function periodsOf(gaps: readonly AgentGap[], ids: ReadonlyMap<number, string>): Period[] {
  const sorted = gaps.toSorted((a, b) => a.fromMs - b.fromMs || b.toMs - a.toMs);
  const open = new Map<number, Period>();
  const periods: Period[] = [];
  for (const { agentKey, reason, fromMs, toMs, lost } of sorted) {
    const agentId = ids.get(agentKey);
    if (agentId === undefined) continue;
    let period = open.get(agentKey);
    // Where one ends and the next begins there is a sample; but one within another is part of it, also at its end.
    if (period === undefined || (fromMs >= period.toMs && toMs > period.toMs)) {
      period = { agentId, fromMs, toMs, batches: 0, samples: 0 };
      open.set(agentKey, period);
      periods.push(period);
    }
    period.toMs = Math.max(period.toMs, toMs);
    if (reason === 'missing') period.batches += lost;
    else period.samples += lost;
  }
  return periods;
}

function present({ agentId, fromMs, toMs, batches, samples }: Period): GapAnswer {
  return {
    agent_id: agentId,
    from: isoTime(fromMs),
    to: isoTime(toMs),
    reason: samples > 0 ? 'dropped' : 'missing',
    ...(batches > 0 && { batches }),
    ...(samples > 0 && { samples }),
  };
}
