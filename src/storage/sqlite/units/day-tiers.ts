import type { Db } from '../open.js';
import { type RollupTier, TIER, UNIT_DAY_MS, type UnitRow, UnitRows } from './unit-rows.js';

/** Rollups of one agent and day. */
export interface DayRollups {
  readonly fiveMinutes: UnitRow | null;
  readonly oneHour: UnitRow | null;
}

export const ROLLUP_TIERS: readonly RollupTier[] = [TIER.fiveMinutes, TIER.oneHour];

/** Finds the rollups of days. Must be used within one read transaction. */
export class DayTiers {
  private readonly units;

  constructor(db: Db) {
    this.units = new UnitRows(db);
  }

  /** By agent; who has none is not there. */
  ofDay(dayMs: number, agentKey: number | null = null): Map<number, DayRollups> {
    const rollups = new Map<number, DayRollups>();
    for (const row of this.units.starting(TIER.fiveMinutes, dayMs, dayMs + UNIT_DAY_MS, agentKey)) {
      rollups.set(row.agentKey, { fiveMinutes: row, oneHour: null });
    }
    for (const row of this.units.starting(TIER.oneHour, dayMs, dayMs + UNIT_DAY_MS, agentKey)) {
      rollups.set(row.agentKey, { fiveMinutes: rollups.get(row.agentKey)?.fiveMinutes ?? null, oneHour: row });
    }
    return rollups;
  }
}

/**
 * Whether the raw samples of an agent's day had their time, so that its rollups are all there is. While they are there the
 * only rollup is the hourly one, which came with the daily raw unit and goes when that is replaced.
 */
export function isRawGone({ fiveMinutes }: DayRollups, rawUnits: readonly (Pick<UnitRow, 'spanMs'> | null)[]): boolean {
  return fiveMinutes !== null || !rawUnits.some((unit) => unit?.spanMs === UNIT_DAY_MS);
}

export function idsOf({ fiveMinutes, oneHour }: DayRollups): number[] {
  return [fiveMinutes, oneHour].flatMap((row) => row?.id ?? []);
}

export function tiersOf({ fiveMinutes, oneHour }: DayRollups): RollupTier[] {
  return ROLLUP_TIERS.filter((tier) => (tier === TIER.fiveMinutes ? fiveMinutes : oneHour) !== null);
}
