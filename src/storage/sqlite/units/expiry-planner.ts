import { WINDOW_MS } from '../../engine/window.js';
import type { PurgeLimits } from '../../ports.js';
import type { Db } from '../open.js';
import { DayTiers, idsOf, isRawGone } from './day-tiers.js';
import { type FoldJob, jobKey } from './folder.js';
import { type RollupTier, TIER, UNIT_DAY_MS, UnitRows } from './unit-rows.js';

/** Days of agents one plan holds: one slice of the housekeeper's. */
const PLAN_DAYS = 16;

export type TierLimits = Pick<PurgeLimits, 'samplesBeforeMs' | 'fiveMinutesBeforeMs' | 'oneHourBeforeMs'>;

/**
 * Finds days whose samples have had their time and are to live on as rollups, the oldest first. Days go as a whole, so
 * that a day is never half in one tier and half in another. Must be used within one read transaction.
 */
export class ExpiryPlanner {
  private readonly units;
  private readonly tiers;
  private readonly selectDays;
  private readonly selectBatches;

  constructor(db: Db) {
    this.units = new UnitRows(db);
    this.tiers = new DayTiers(db);
    const dayOf = (column: string): string => `${column} - (${column} % ${UNIT_DAY_MS} + ${UNIT_DAY_MS}) % ${UNIT_DAY_MS}`;
    const days = (column: string, from: string, where: string): string =>
      `SELECT DISTINCT s.agent_key AS agent, ${dayOf(column)} AS day FROM ${from} s JOIN agents a ON a.agent_key = s.agent_key WHERE ${where}`;
    const between = (column: string): string => `${column} >= @fromMs AND ${column} < @toMs`;
    this.selectDays = db
      .prepare<[{ fromMs: number; toMs: number; limit: number }], [number, number]>(
        `${days('s.start_ms', 'units', `s.tier = ${TIER.raw} AND ${between('s.start_ms')}`)}
         UNION ${days('s.window_ms', 'metric_batches', between('s.window_ms'))} ORDER BY day, agent LIMIT @limit`,
      )
      .raw();
    this.selectBatches = db
      .prepare<[number, number], number>('SELECT id FROM metric_batches WHERE window_ms = ? AND agent_key = ? ORDER BY id')
      .pluck();
  }

  /** Empty when all that has had its time is gone, but for the days whose keys are in `without`. */
  plan(limits: TierLimits, without: ReadonlySet<string>): FoldJob[] {
    const toMs = Math.floor(limits.samplesBeforeMs / UNIT_DAY_MS) * UNIT_DAY_MS;
    // What no tier wants any more is left to be deleted.
    const fromMs = Math.floor(Math.min(limits.fiveMinutesBeforeMs, limits.oneHourBeforeMs) / UNIT_DAY_MS) * UNIT_DAY_MS;
    return this.selectDays
      .all({ fromMs, toMs, limit: PLAN_DAYS + without.size })
      .filter(([agentKey, startMs]) => !without.has(expiryKey({ agentKey, startMs, spanMs: UNIT_DAY_MS })))
      .map(([agentKey, startMs]) => this.job(agentKey, startMs, limits));
  }

  private job(agentKey: number, startMs: number, limits: TierLimits): FoldJob {
    const endMs = startMs + UNIT_DAY_MS;
    const tiers: RollupTier[] = [];
    if (endMs > limits.fiveMinutesBeforeMs) tiers.push(TIER.fiveMinutes);
    if (endMs > limits.oneHourBeforeMs) tiers.push(TIER.oneHour);
    const raw = this.units.starting(TIER.raw, startMs, endMs, agentKey);
    const known = this.tiers.ofDay(startMs, agentKey).get(agentKey) ?? null;
    const batchIds: number[] = [];
    for (let windowMs = startMs; windowMs < endMs; windowMs += WINDOW_MS) batchIds.push(...this.selectBatches.all(windowMs, agentKey));
    return {
      agentKey,
      startMs,
      spanMs: UNIT_DAY_MS,
      unitIds: raw.map(({ id }) => id),
      batchIds,
      keepsRaw: false,
      tiers,
      rollupIds: known === null ? [] : idsOf(known),
      addsToRollups: known !== null && isRawGone(known, raw),
    };
  }
}

/** As jobKey; a day that could not be merged may well expire, and the other way round. */
export function expiryKey(job: Pick<FoldJob, 'agentKey' | 'startMs' | 'spanMs'>): string {
  return `expiry ${jobKey(job)}`;
}
