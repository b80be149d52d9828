import { addToList } from '../../../model/lists.js';
import type { TimeRange } from '../../../model/metric.js';
import { WINDOW_MS, windowOf } from '../../engine/window.js';
import type { Db } from '../open.js';
import type { DayRollups } from '../units/day-tiers.js';
import type { UnitRow } from '../units/unit-rows.js';
import { DayUnits } from './day-units.js';
import type { AgentSlots, SeriesLookup } from './series-lookup.js';
import { dayOf } from './stored-days.js';

/** A stretch of time of one agent, and where its samples are: at most one unit, and newer rows of the log. */
export interface Segment {
  readonly agentKey: number;
  readonly slots: AgentSlots;
  readonly startMs: number;
  readonly unit: UnitRow | null;
  readonly batchIds: readonly number[];
}

/** Finds where samples and rollups are: units, and the log's rows. Must be used within one read transaction. */
export class Segments {
  private readonly units;
  private readonly selectIds;

  constructor(db: Db) {
    this.units = new DayUnits(db);
    this.selectIds = db
      .prepare<[number, number, number], [number, number]>(
        'SELECT agent_key, id FROM metric_batches WHERE window_ms = ? AND max_ts_ms >= ? AND min_ts_ms < ? ORDER BY agent_key, id',
      )
      .raw();
  }

  /**
   * By agent, the segments that may hold samples of the lookup's series in the range, which must lie within one day:
   * ascending in time, no two overlap.
   */
  within(range: TimeRange, lookup: SeriesLookup): Map<number, Segment[]> {
    const byAgent = new Map<number, (Segment & { batchIds: number[] })[]>();
    const { raw } = this.units.ofDay(dayOf(range.startMs), onlyAgent(lookup));
    for (const [agentKey, slots] of lookup.agents) {
      for (const unit of raw.get(agentKey) ?? []) {
        // A unit that ends before the range still says where the log's rows of its time belong: none of them is asked for.
        if (unit.startMs + unit.spanMs <= range.startMs || unit.startMs >= range.endMs) continue;
        addToList(byAgent, agentKey, { agentKey, slots, startMs: unit.startMs, unit, batchIds: [] });
      }
    }
    for (let windowMs = windowOf(range.startMs); windowMs < range.endMs; windowMs += WINDOW_MS) {
      let current: { agentKey: number; batchIds: number[] | null } = { agentKey: Number.NaN, batchIds: null };
      for (const [agentKey, id] of this.selectIds.all(windowMs, range.startMs, range.endMs)) {
        if (agentKey !== current.agentKey) current = { agentKey, batchIds: batchesOf(byAgent, agentKey, windowMs, lookup) };
        current.batchIds?.push(id);
      }
    }
    for (const own of byAgent.values()) own.sort((a, b) => a.startMs - b.startMs);
    return byAgent;
  }

  /** The rollups of the day that holds this range, by agent; maybe also of agents that the lookup does not have. */
  rollups(range: TimeRange, lookup: SeriesLookup): ReadonlyMap<number, DayRollups> {
    return this.units.ofDay(dayOf(range.startMs), onlyAgent(lookup)).rollups;
  }
}

/** Where the ids of the log's rows of this agent and window belong; null when the lookup does not have the agent. */
function batchesOf(
  byAgent: Map<number, (Segment & { batchIds: number[] })[]>,
  agentKey: number,
  windowMs: number,
  { agents }: SeriesLookup,
): number[] | null {
  const slots = agents.get(agentKey);
  if (slots === undefined) return null;
  let own = byAgent.get(agentKey);
  if (own === undefined) byAgent.set(agentKey, (own = []));
  let segment = own.find(({ startMs, unit }) => startMs <= windowMs && windowMs < startMs + (unit?.spanMs ?? WINDOW_MS));
  if (segment === undefined) own.push((segment = { agentKey, slots, startMs: windowMs, unit: null, batchIds: [] }));
  return segment.batchIds;
}

function onlyAgent({ agents }: SeriesLookup): number | null {
  return agents.size === 1 ? (agents.keys().next().value ?? null) : null;
}
