import type { StorageUsage } from '../../ports.js';
import type { Db } from '../open.js';
import { TIER, TIER_NAME, type Tier } from '../units/unit-rows.js';

/** Rows of the log whose size is looked at: reading all of them would be reading the log. */
const SAMPLED_ROWS = 1_000;

const TIERS: readonly Tier[] = [TIER.raw, TIER.fiveMinutes, TIER.oneHour];

interface TierRow {
  units: number;
  samples: number;
  bytes: number;
  oldestMs: number | null;
  newestMs: number | null;
}

/** Sums over what is stored. They walk through the small rows of `units` and an index of the log: for once a minute. */
export class UsageRows {
  private readonly selectTier;
  private readonly countBatches;
  private readonly averageBytes;
  private readonly countSeries;

  constructor(db: Db) {
    this.selectTier = db.prepare<[number], TierRow>(
      `SELECT count(*) AS units, coalesce(sum(sample_count), 0) AS samples, coalesce(sum(byte_count), 0) AS bytes,
         min(start_ms) AS oldestMs, max(start_ms + span_ms) AS newestMs FROM units WHERE tier = ?`,
    );
    this.countBatches = db.prepare<[], number>('SELECT count(*) FROM metric_batches').pluck();
    this.averageBytes = db
      .prepare<[number], number>(
        'SELECT coalesce(avg(length(payload)), 0) FROM (SELECT payload FROM metric_batches ORDER BY id DESC LIMIT ?)',
      )
      .pluck();
    this.countSeries = db.prepare<[], number>('SELECT coalesce(sum(series), 0) FROM agent_totals').pluck();
  }

  read(): StorageUsage {
    const batches = this.countBatches.get() as number;
    return {
      tiers: TIERS.map((tier) => ({ tier: TIER_NAME[tier], ...(this.selectTier.get(tier) as TierRow) })),
      log: { batches, bytes: Math.round(batches * (this.averageBytes.get(SAMPLED_ROWS) as number)) },
      series: this.countSeries.get() as number,
    };
  }
}
