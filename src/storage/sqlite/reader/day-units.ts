import { addToList } from '../../../model/lists.js';
import type { Db } from '../open.js';
import type { DayRollups } from '../units/day-tiers.js';
import { TIER, type Tier, UNIT_DAY_MS, type UnitRow, UnitRows } from '../units/unit-rows.js';

/** The units of one day: of each agent its raw ones, ascending in time, and its rollups. */
export interface UnitsOfDay {
  readonly raw: ReadonlyMap<number, readonly UnitRow[]>;
  readonly rollups: ReadonlyMap<number, DayRollups>;
}

/** Rows of all days together that are kept, 100 bytes each. */
const MAX_ROWS = 100_000;

interface Known {
  readonly units: UnitsOfDay;
  readonly rows: number;
  /** How many rows there were of each tier, and their newest id. */
  readonly state: string;
}

/**
 * Which units there are, day by day, kept from one query to the next: a fleet's day is thousands of rows. Ids are never
 * used again, so that rows of a day are the same ones as long as their count and their newest id are. Must be used
 * within one read transaction.
 */
export class DayUnits {
  private readonly units;
  private readonly selectState;
  private readonly days = new Map<number, Known>();
  private rows = 0;

  constructor(db: Db) {
    this.units = new UnitRows(db);
    this.selectState = db
      .prepare<[Tier, number, number], [number, number | null]>(
        'SELECT count(*), max(id) FROM units WHERE tier = ? AND start_ms >= ? AND start_ms < ?',
      )
      .raw();
  }

  /** All agents' units, or (with nothing kept) those of one agent. */
  ofDay(dayMs: number, agentKey: number | null): UnitsOfDay {
    const known = this.days.get(dayMs);
    if (known === undefined && agentKey !== null) return this.read(dayMs, agentKey);
    const counts = Object.values(TIER).map((tier) => this.selectState.get(tier, dayMs, dayMs + UNIT_DAY_MS) as [number, number | null]);
    const state = counts.join();
    if (known !== undefined) {
      this.days.delete(dayMs);
      if (known.state === state) {
        this.days.set(dayMs, known);
        return known.units;
      }
      this.rows -= known.rows;
      if (agentKey !== null) return this.read(dayMs, agentKey);
    }
    const units = this.read(dayMs, null);
    const rows = counts.reduce((sum, [count]) => sum + count, 0);
    this.days.set(dayMs, { units, rows, state });
    this.rows += rows;
    for (const [oldest, { rows: freed }] of this.days) {
      if (this.rows <= MAX_ROWS) break;
      this.days.delete(oldest);
      this.rows -= freed;
    }
    return units;
  }

  private read(dayMs: number, agentKey: number | null): UnitsOfDay {
    const of = (tier: Tier): UnitRow[] => this.units.starting(tier, dayMs, dayMs + UNIT_DAY_MS, agentKey);
    const raw = new Map<number, UnitRow[]>();
    for (const row of of(TIER.raw)) addToList(raw, row.agentKey, row);
    const rollups = new Map<number, DayRollups>();
    for (const fiveMinutes of of(TIER.fiveMinutes)) rollups.set(fiveMinutes.agentKey, { fiveMinutes, oneHour: null });
    for (const oneHour of of(TIER.oneHour)) {
      rollups.set(oneHour.agentKey, { fiveMinutes: rollups.get(oneHour.agentKey)?.fiveMinutes ?? null, oneHour });
    }
    return { raw, rollups };
  }
}
