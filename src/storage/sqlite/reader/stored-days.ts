import type { TimeRange } from '../../../model/metric.js';
import type { Db } from '../open.js';
import { TIER, type Tier } from '../units/unit-rows.js';

export const DAY_MS = 86_400_000;
/** The largest time JavaScript can name (ECMA-262, time values). */
const MAX_TIME_MS = 8.64e15;

/** Finds the days that hold something. Must be used within one read transaction. */
export class StoredDays {
  private readonly nextWindow;
  private readonly previousWindow;
  private readonly nextUnit;
  private readonly previousUnit;

  constructor(db: Db) {
    const window = (sql: string) => db.prepare<[number], number | null>(sql).pluck();
    this.nextWindow = window('SELECT min(window_ms) FROM metric_batches WHERE window_ms >= ?');
    this.previousWindow = window('SELECT max(window_ms) FROM metric_batches WHERE window_ms <= ?');
    const unit = (sql: string) => db.prepare<[Tier, number], number | null>(sql).pluck();
    this.nextUnit = unit('SELECT min(start_ms) FROM units WHERE tier = ? AND start_ms >= ?');
    this.previousUnit = unit('SELECT max(start_ms) FROM units WHERE tier = ? AND start_ms <= ?');
  }

  /** Days (UTC) that hold samples, or also such that only hold rollups, and overlap the range, cut to it. */
  *within(range: Partial<TimeRange>, order: 'ascending' | 'descending', tiers: readonly Tier[] = [TIER.raw]): Generator<TimeRange> {
    const startMs = Math.max(range.startMs ?? Number.NEGATIVE_INFINITY, -MAX_TIME_MS);
    const endMs = Math.min(range.endMs ?? Number.POSITIVE_INFINITY, MAX_TIME_MS);
    if (order === 'ascending') {
      for (let day = this.from(dayOf(startMs), tiers); day !== null && day < endMs; day = this.from(day + DAY_MS, tiers)) {
        yield { startMs: Math.max(day, startMs), endMs: Math.min(day + DAY_MS, endMs) };
      }
    } else {
      for (let day = this.upTo(endMs - 1, tiers); day !== null && day + DAY_MS > startMs; day = this.upTo(day - 1, tiers)) {
        yield { startMs: Math.max(day, startMs), endMs: Math.min(day + DAY_MS, endMs) };
      }
    }
  }

  /** Start of the first day that has samples, of anybody; null when there are none. */
  oldest(): number | null {
    return this.from(-MAX_TIME_MS, [TIER.raw]);
  }

  private from(fromMs: number, tiers: readonly Tier[]): number | null {
    const candidates = [this.nextWindow.get(fromMs), ...tiers.map((tier) => this.nextUnit.get(tier, fromMs))].filter(
      (ms) => typeof ms === 'number',
    );
    return candidates.length === 0 ? null : dayOf(Math.min(...candidates));
  }

  private upTo(toMs: number, tiers: readonly Tier[]): number | null {
    const candidates = [this.previousWindow.get(toMs), ...tiers.map((tier) => this.previousUnit.get(tier, toMs))].filter(
      (ms) => typeof ms === 'number',
    );
    return candidates.length === 0 ? null : dayOf(Math.max(...candidates));
  }
}

/** Start of the day (UTC) that holds this time. */
export function dayOf(timestampMs: number): number {
  return Math.floor(timestampMs / DAY_MS) * DAY_MS;
}
