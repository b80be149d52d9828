import { DecodedBatch, decodeBatch, type ObjectValue } from '../../engine/codec/batch-payload.js';
import { damaged } from '../damaged.js';
import type { Db } from '../open.js';

/** One row of the log: samples of one agent's batch, in the order they came. */
export interface LogRow {
  readonly receivedAtMs: number;
  readonly seriesIds: Uint32Array;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  readonly objectValues: readonly ObjectValue[];
}

/** Samples that one reader thread keeps decoded, 20 bytes each. */
const MAX_SAMPLES = 400_000;
/** What a row takes besides its samples, in samples: agents may send them one by one. */
const ROW_COST = 40;

/**
 * Reads rows of the log, and keeps those it has read lately: a row never changes, its id is never used again, and whoever
 * looks at the last minutes every few seconds reads the same ones nearly always. The oldest leave first.
 */
export class LogRows {
  private readonly select;
  private readonly decoded = new DecodedBatch();
  private readonly known = new Map<number, LogRow>();
  private samples = 0;

  constructor(db: Db) {
    this.select = db
      .prepare<[number], [Buffer, number, number]>('SELECT payload, window_ms, received_at_ms FROM metric_batches WHERE id = ?')
      .raw();
  }

  /** Of a row that is there in this read transaction. @throws Error naming the row when its bytes are damaged */
  read(id: number): LogRow {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const [payload, windowMs, receivedAtMs] = this.select.get(id) as [Buffer, number, number];
    const { decoded } = this;
    try {
      decodeBatch(payload, windowMs, decoded);
    } catch (error) {
      throw damaged(error, `metric_batches row ${id}`);
    }
    const { count, objectValues } = decoded;
    const row = {
      receivedAtMs,
      seriesIds: decoded.seriesIds.slice(0, count),
      timestampsMs: decoded.timestampsMs.slice(0, count),
      values: decoded.values.slice(0, count),
      objectValues: [...objectValues],
    };
    // JSON of object values may be of any size: such rows are not kept.
    if (objectValues.length === 0) this.keep(id, row);
    return row;
  }

  private keep(id: number, row: LogRow): void {
    this.known.set(id, row);
    this.samples += row.seriesIds.length + ROW_COST;
    for (const [oldest, { seriesIds }] of this.known) {
      if (this.samples <= MAX_SAMPLES) return;
      this.known.delete(oldest);
      this.samples -= seriesIds.length + ROW_COST;
    }
  }
}
