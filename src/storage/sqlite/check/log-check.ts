/** Checks the rows of the batch log: checksum, structure, what the row says of its payload, and whose series they are. */
import { DecodedBatch, decodeBatch } from '../../engine/codec/batch-payload.js';
import { windowOf } from '../../engine/window.js';
import type { Db } from '../open.js';
import type { KnownSeries } from './known-series.js';
import { failureOf } from './unit-check.js';

interface Row {
  readonly id: number;
  readonly windowMs: number;
  readonly agentKey: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly sampleCount: number;
  readonly payload: Buffer;
}

/** Rows of one transaction: a few milliseconds each. */
const SLICE_ROWS = 64;

export interface CheckedRows {
  readonly lastId: number;
  readonly rows: number;
  readonly sampleCount: number;
  /** Each names its row. */
  readonly problems: readonly string[];
}

export class LogCheck {
  private readonly check;
  private readonly decoded = new DecodedBatch();

  constructor(
    db: Db,
    private readonly series: KnownSeries,
  ) {
    const select = db.prepare<[number], Row>(
      `SELECT id, window_ms AS windowMs, agent_key AS agentKey, min_ts_ms AS minMs, max_ts_ms AS maxMs,
         sample_count AS sampleCount, payload FROM metric_batches WHERE id > ? ORDER BY id LIMIT ${SLICE_ROWS}`,
    );
    this.check = db.transaction((afterId: number): CheckedRows | null => {
      const rows = select.all(afterId);
      const last = rows.at(-1);
      if (last === undefined) return null;
      return {
        lastId: last.id,
        rows: rows.length,
        sampleCount: rows.reduce((sum, row) => sum + row.sampleCount, 0),
        problems: rows.flatMap((row) => this.problems(row).map((problem) => `metric_batches row ${row.id}: ${problem}`)),
      };
    });
  }

  /** Checks the rows that follow this id, a slice of them; null when there are none. */
  next(afterId: number): CheckedRows | null {
    return this.check(afterId);
  }

  private problems(row: Row): string[] {
    const { decoded } = this;
    const damage = failureOf(() => decodeBatch(row.payload, row.windowMs, decoded));
    if (damage.length > 0) return damage;
    const problems: string[] = [];
    if (this.series.agent(row.agentKey) === null) problems.push(`there is no agent with key ${row.agentKey}`);
    if (decoded.count !== row.sampleCount) problems.push(`${decoded.count} samples, not ${row.sampleCount}`);
    const times = decoded.timestampsMs.subarray(0, decoded.count);
    const minMs = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
    const maxMs = times.reduce((most, time) => Math.max(most, time), Number.NEGATIVE_INFINITY);
    if (minMs !== row.minMs || maxMs !== row.maxMs) problems.push('its samples are not of the time the row says');
    if (windowOf(minMs) !== row.windowMs || windowOf(maxMs) !== row.windowMs) problems.push('samples of another hour');
    problems.push(...this.series.problems(new Set(decoded.seriesIds.subarray(0, decoded.count)), row.agentKey));
    for (const { row: at, json } of decoded.objectValues) {
      problems.push(...failureOf(() => void JSON.parse(json)).map((why) => `sample ${at}: ${why}`));
    }
    return problems;
  }
}
