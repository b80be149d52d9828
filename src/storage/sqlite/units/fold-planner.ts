import { WINDOW_MS } from '../../engine/window.js';
import type { Db } from '../open.js';
import { type FoldJob, jobKey } from './folder.js';
import { TIER, UnitRows } from './unit-rows.js';

const DAY_MS = 86_400_000;
/** An hour is folded when it has been over for so long: batches straddle hours, and clocks differ a little. */
const HOUR_GRACE_MS = 5 * 60_000;
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

/** Finds what there is to fold, the oldest first. Must be used within one read transaction. */
export class FoldPlanner {
  private readonly units;
  private readonly nextWindow;
  private readonly selectRows;
  private readonly selectDays;

  constructor(db: Db) {
    this.units = new UnitRows(db);
    this.nextWindow = db.prepare<[number], number | null>('SELECT min(window_ms) FROM metric_batches WHERE window_ms >= ?').pluck();
    this.selectRows = db
      .prepare<[number], [number, number]>(
        `SELECT b.agent_key, b.id FROM metric_batches b JOIN agents a ON a.agent_key = b.agent_key
         WHERE b.window_ms = ? ORDER BY b.agent_key, b.id`,
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
    const lastEnd = everything ? Number.POSITIVE_INFINITY : nowMs - HOUR_GRACE_MS;
    const jobs = new Map<string, { agentKey: number; startMs: number; spanMs: number; unitIds: number[]; batchIds: number[] }>();
    let rows = 0;
    for (
      let windowMs = this.nextWindow.get(Number.MIN_SAFE_INTEGER) ?? null;
      windowMs !== null && windowMs + WINDOW_MS <= lastEnd && rows < PLAN_ROWS;
      windowMs = this.nextWindow.get(windowMs + 1) ?? null
    ) {
      const dayMs = dayOf(windowMs);
      const covering = new Map(
        this.units
          .starting(TIER.raw, dayMs, windowMs + 1)
          .filter(({ startMs, spanMs }) => startMs + spanMs > windowMs)
          .map((unit) => [unit.agentKey, unit]),
      );
      for (const [agentKey, id] of this.selectRows.all(windowMs)) {
        const unit = covering.get(agentKey);
        const startMs = unit?.startMs ?? windowMs;
        const spanMs = unit?.spanMs ?? WINDOW_MS;
        const key = jobKey({ agentKey, startMs, spanMs });
        if (without.has(key)) continue;
        rows += 1;
        let job = jobs.get(key);
        if (job === undefined) {
          job = { agentKey, startMs, spanMs, unitIds: unit === undefined ? [] : [unit.id], batchIds: [] };
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
      }));
  }
}

function dayOf(timestampMs: number): number {
  return Math.floor(timestampMs / DAY_MS) * DAY_MS;
}
