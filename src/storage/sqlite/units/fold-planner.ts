import { WINDOW_MS } from '../../engine/window.js';
import type { Db } from '../open.js';
import { type FoldJob, jobKey } from './folder.js';
import { type DayRollups, DayTiers, idsOf, isRawGone, tiersOf } from './day-tiers.js';
import { TIER, UNIT_DAY_MS as DAY_MS, UnitRows, type UnitRow } from './unit-rows.js';

/** An hour is folded when it has been over for so long: batches straddle hours, and clocks differ a little. */
const HOUR_GRACE_MS = 5 * 60_000;
/**
 * Of an hour that goes on, what an agent sent is folded when the oldest of it is so old: every query reads what is in the
 * log anew, and there it takes ten times the bytes. The hour's samples are folded three times on average.
 */
const LOG_AGE_MS = 10 * 60_000;
/** Hourly units are merged into daily ones when the day has been over for so long: questions about "the last 24 hours" read single hours. */
const DAY_GRACE_MS = 26 * WINDOW_MS;
/** Log rows one plan looks at: bounds the memory and the time of a plan. */
const PLAN_ROWS = 50_000;
const PLAN_DAYS = 64;

export interface FoldPlanOptions {
  readonly nowMs: number;
  /** Fold everything there is, however young: for a database nobody writes to. */
  readonly everything: boolean;
  /** Keys of jobs that cannot be done: they must not stand in the way of others. */
  readonly without: ReadonlySet<string>;
}

/**
 * Finds what there is to fold, hours before days and of these the newest first: most queries are about the last hours, and
 * those in the log are slow. Must be used within one read transaction.
 */
export class FoldPlanner {
  private readonly units;
  private readonly tiers;
  private readonly lastWindow;
  private readonly selectRows;
  private readonly selectDays;

  constructor(db: Db) {
    this.units = new UnitRows(db);
    this.tiers = new DayTiers(db);
    this.lastWindow = db.prepare<[number], number | null>('SELECT max(window_ms) FROM metric_batches WHERE window_ms < ?').pluck();
    this.selectRows = db
      .prepare<[{ windowMs: number; oldestMs: number }], [number, number]>(
        `SELECT b.agent_key, b.id FROM metric_batches b JOIN agents a ON a.agent_key = b.agent_key
         WHERE b.window_ms = @windowMs AND b.agent_key IN (
           SELECT agent_key FROM metric_batches WHERE window_ms = @windowMs AND min_ts_ms < @oldestMs)
         ORDER BY b.agent_key, b.id`,
      )
      .raw();
    this.selectDays = db
      .prepare<[number, number, number], [number, number]>(
        `SELECT u.agent_key, u.start_ms / ${DAY_MS} * ${DAY_MS} AS day FROM units u JOIN agents a ON a.agent_key = u.agent_key
         WHERE u.tier = ? AND u.span_ms = ${WINDOW_MS} AND u.start_ms < ? GROUP BY day, u.agent_key ORDER BY day LIMIT ?`,
      )
      .raw();
  }

  /** A bounded list of jobs; empty when nothing is due. Jobs of one plan do not touch each other's sources. */
  plan(options: FoldPlanOptions): FoldJob[] {
    const hours = this.hours(options);
    return hours.length > 0 ? hours : this.days(options);
  }

  private hours({ nowMs, everything, without }: FoldPlanOptions): FoldJob[] {
    /** Of which agents an hour's log is folded: of such as have a sample before this time there. */
    const dueBefore = (windowMs: number): number =>
      everything || windowMs + WINDOW_MS <= nowMs - HOUR_GRACE_MS ? Number.MAX_SAFE_INTEGER : nowMs - LOG_AGE_MS;
    const jobs = new Map<string, FoldJob & { batchIds: number[] }>();
    const rollups = new Map<number, Map<number, DayRollups>>();
    let rows = 0;
    for (
      let windowMs = this.lastWindow.get(everything ? Number.MAX_SAFE_INTEGER : nowMs - LOG_AGE_MS) ?? null;
      windowMs !== null && rows < PLAN_ROWS;
      windowMs = this.lastWindow.get(windowMs) ?? null
    ) {
      const dayMs = dayOf(windowMs);
      const covering = new Map(
        this.units
          .starting(TIER.raw, dayMs, windowMs + 1)
          .filter(({ startMs, spanMs }) => startMs + spanMs > windowMs)
          .map((unit) => [unit.agentKey, unit]),
      );
      let ofDay = rollups.get(dayMs);
      if (ofDay === undefined) rollups.set(dayMs, (ofDay = this.tiers.ofDay(dayMs)));
      for (const [agentKey, id] of this.selectRows.all({ windowMs, oldestMs: dueBefore(windowMs) })) {
        const unit = covering.get(agentKey);
        const known = ofDay.get(agentKey) ?? null;
        const isLate = known !== null && isRawGone(known, [unit ?? null]);
        const startMs = isLate ? dayMs : (unit?.startMs ?? windowMs);
        const spanMs = isLate ? DAY_MS : (unit?.spanMs ?? WINDOW_MS);
        const key = jobKey({ agentKey, startMs, spanMs });
        if (without.has(key)) continue;
        rows += 1;
        let job = jobs.get(key);
        if (job === undefined) {
          job = { agentKey, startMs, spanMs, ...sourcesOf(unit ?? null, known, isLate), batchIds: [] };
          jobs.set(key, job);
        }
        job.batchIds.push(id);
      }
    }
    return [...jobs.values()];
  }

  /** Hourly units of days that are over; a daily one that is there already takes part. */
  private days({ nowMs, everything, without }: FoldPlanOptions): FoldJob[] {
    const beforeMs = everything ? Number.MAX_SAFE_INTEGER : dayOf(nowMs - DAY_GRACE_MS);
    return this.selectDays
      .all(TIER.raw, beforeMs, PLAN_DAYS + without.size)
      .map(([agentKey, startMs]) => ({ agentKey, startMs, spanMs: DAY_MS }))
      .filter((day) => !without.has(jobKey(day)))
      .map((day) => ({
        ...day,
        unitIds: this.units.starting(TIER.raw, day.startMs, day.startMs + DAY_MS, day.agentKey).map(({ id }) => id),
        batchIds: [],
        keepsRaw: true,
        tiers: [TIER.oneHour],
        rollupIds: idsOf(this.tiers.ofDay(day.startMs, day.agentKey).get(day.agentKey) ?? { fiveMinutes: null, oneHour: null }),
        addsToRollups: false,
      }));
  }
}

/** What an hour of the log is folded into: its unit, with the rollup when that is a day; or rollups whose samples are gone. */
function sourcesOf(
  unit: UnitRow | null,
  known: DayRollups | null,
  isLate: boolean,
): Omit<FoldJob, 'agentKey' | 'startMs' | 'spanMs' | 'batchIds'> {
  const unitIds = unit === null ? [] : [unit.id];
  const rollupIds = known === null ? [] : idsOf(known);
  if (isLate && known !== null) return { unitIds, keepsRaw: false, tiers: tiersOf(known), rollupIds, addsToRollups: true };
  return { unitIds, keepsRaw: true, tiers: unit?.spanMs === DAY_MS ? [TIER.oneHour] : [], rollupIds, addsToRollups: false };
}

function dayOf(timestampMs: number): number {
  return Math.floor(timestampMs / DAY_MS) * DAY_MS;
}
