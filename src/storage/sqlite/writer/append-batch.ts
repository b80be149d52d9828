import { AppError } from '../../../model/errors.js';
import { encodeBatch } from '../../engine/codec/batch-payload.js';
import { ByteWriter } from '../../engine/codec/varint.js';
import { splitByWindow } from '../../engine/window.js';
import type { AppendResult, SampleBatch } from '../../ports.js';
import type { Db } from '../open.js';
import type { GapRecorder } from './gap-recorder.js';
import type { LogIds } from './log-ids.js';

const MAX_ERROR_LENGTH = 200;
const NO_TIMES = { oldestMs: null, newestMs: null };

/**
 * The one way samples get in: dictionary, receipt, totals, count and payload of one batch, within the writer's
 * transaction. A repeated `batch_id` changes nothing and answers what the first one did.
 */
export class BatchAppender {
  private readonly encoder = new ByteWriter();
  private readonly findReceipt;
  private readonly insertReceipt;
  private readonly countUp;
  private readonly seriesOf;
  private readonly findSeries;
  private readonly insertSeries;
  private readonly countSeries;
  private readonly insertBatch;
  private readonly insertErrors;

  constructor(
    db: Db,
    private readonly ids: LogIds,
    private readonly gaps: GapRecorder,
    private readonly maxSeriesPerAgent: number,
  ) {
    this.findReceipt = db
      .prepare<[number, string], [number, number]>('SELECT processed, errors FROM batch_receipts WHERE agent_key = ? AND batch_id = ?')
      .raw();
    this.insertReceipt = db.prepare(
      'INSERT INTO batch_receipts (agent_key, batch_id, processed, errors, received_at_ms) VALUES (?, ?, ?, ?, ?)',
    );
    this.countUp = db.prepare(
      `UPDATE agent_totals SET metrics = metrics + ?, errors = errors + ?, last_batch_ms = max(last_batch_ms, ?),
         newest_sample_ms = max(newest_sample_ms, ?), clock_skew_ms = coalesce(?, clock_skew_ms) WHERE agent_key = ?`,
    );
    this.seriesOf = db.prepare<[number], number>('SELECT series FROM agent_totals WHERE agent_key = ?').pluck();
    this.findSeries = db
      .prepare<[number, string, string, string, string], number>(
        'SELECT id FROM metric_series WHERE agent_key = ? AND name = ? AND type = ? AND unit = ? AND tags = ?',
      )
      .pluck();
    this.insertSeries = db.prepare('INSERT INTO metric_series (agent_key, name, type, unit, tags) VALUES (?, ?, ?, ?, ?)');
    this.countSeries = db.prepare('UPDATE agent_totals SET series = series + ? WHERE agent_key = ?');
    this.insertBatch = db.prepare(
      `INSERT INTO metric_batches (id, window_ms, agent_key, received_at_ms, min_ts_ms, max_ts_ms, sample_count, payload)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.insertErrors = db.prepare('INSERT INTO batch_errors (agent_key, at_ms, errors, last_error) VALUES (?, ?, ?, ?)');
  }

  /** @throws AppError `agent_deleted` when the agent was deleted meanwhile. */
  append(batch: SampleBatch): AppendResult {
    const { agentKey, batchId, seq, receivedAtMs } = batch;
    if (batchId !== null) {
      const receipt = this.findReceipt.get(agentKey, batchId);
      if (receipt !== undefined) return { duplicate: true, processed: receipt[0], errors: receipt[1], newSeriesIds: [] };
    }
    const newSeriesIds = batch.newSeries.length === 0 ? [] : this.resolveSeries(batch);
    const seriesIds = newSeriesIds.length === 0 ? batch.seriesIds : filledIn(batch.seriesIds, newSeriesIds);
    const overLimit = newSeriesIds.includes(0) ? seriesIds.reduce((count, id) => (id === 0 ? count + 1 : count), 0) : 0;
    const processed = seriesIds.length - overLimit;
    const errors = batch.rejected + overLimit;

    let newestMs = 0;
    let oldestMs = Number.POSITIVE_INFINITY;
    const skip = overLimit === 0 ? null : (row: number): boolean => seriesIds[row] === 0;
    const columns = { seriesIds, timestampsMs: batch.timestampsMs, values: batch.values };
    for (const part of processed === 0 ? [] : splitByWindow(batch.timestampsMs, skip)) {
      const payload = encodeBatch(columns, part.rows, part.windowMs, batch.objectValues, this.encoder);
      const sampleCount = part.rows?.length ?? processed;
      this.insertBatch.run(this.ids.next(), part.windowMs, agentKey, receivedAtMs, part.minMs, part.maxMs, sampleCount, payload);
      newestMs = Math.max(newestMs, part.maxMs);
      oldestMs = Math.min(oldestMs, part.minMs);
    }
    const counted = this.countUp.run(processed, errors, receivedAtMs, newestMs, batch.clockSkewMs, agentKey);
    if (counted.changes === 0) throw new AppError('agent_deleted', 'the agent was deleted');
    const hasGaps =
      seq === null ? null : this.gaps.arrived(agentKey, { seq, receivedAtMs, ...(processed > 0 ? { oldestMs, newestMs } : NO_TIMES) });
    if (errors > 0) {
      const reason = batch.lastError ?? `series_limit: the agent has ${this.maxSeriesPerAgent} series already`;
      this.insertErrors.run(agentKey, receivedAtMs, errors, reason.slice(0, MAX_ERROR_LENGTH));
    }
    if (batchId !== null) this.insertReceipt.run(agentKey, batchId, processed, errors, receivedAtMs);
    return { duplicate: false, processed, errors, newSeriesIds, ...(hasGaps !== null && { hasGaps }) };
  }

  /** Ids of the batch's new series: found, or created as long as the agent may have more; 0 beyond that. */
  private resolveSeries(batch: SampleBatch): number[] {
    const had = this.seriesOf.get(batch.agentKey);
    if (had === undefined) throw new AppError('agent_deleted', 'the agent was deleted');
    let created = 0;
    const ids = batch.newSeries.map(({ name, type, unit, tagsJson }) => {
      const known = this.findSeries.get(batch.agentKey, name, type, unit ?? '', tagsJson);
      if (known !== undefined) return known;
      if (had + created >= this.maxSeriesPerAgent) return 0;
      created += 1;
      return Number(this.insertSeries.run(batch.agentKey, name, type, unit ?? '', tagsJson).lastInsertRowid);
    });
    if (created > 0) this.countSeries.run(created, batch.agentKey);
    return ids;
  }
}

/** The ids with references to new series resolved. A copy: should the group be rolled back, the batch is appended again. */
function filledIn(seriesIds: Int32Array, newSeriesIds: readonly number[]): Int32Array {
  return seriesIds.map((id) => (id < 0 ? (newSeriesIds[-1 - id] as number) : id));
}
