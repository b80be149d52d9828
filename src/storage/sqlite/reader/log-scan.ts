import { AppError } from '../../../model/errors.js';
import type { TimeRange } from '../../../model/metric.js';
import { DecodedBatch, decodeBatch } from '../../engine/codec/batch-payload.js';
import { CorruptDataError } from '../../engine/codec/varint.js';
import { SeriesColumns } from '../../engine/series-columns.js';
import { WINDOW_MS, windowOf } from '../../engine/window.js';
import type { Db } from '../open.js';
import type { AgentSlots, SeriesLookup } from './series-lookup.js';

/** How a sample came in: `columns.origins` refers to these. */
export interface Arrival {
  readonly receivedAtMs: number;
  readonly objectJson: string | null;
}

/** One agent's samples of one window (or a part of it), ready to be read: per slot ascending, each millisecond once. */
export interface AgentWindow {
  readonly slots: AgentSlots;
  /** Valid until the next visit. */
  readonly columns: SeriesColumns;
  readonly arrivals: readonly Arrival[];
}

/**
 * Reads the batch log by (window, agent): the one place that decodes payloads. Must be used within one read
 * transaction. A query that goes on past its deadline is ended, so that its snapshot does not keep the write-ahead
 * log from being cleared.
 */
export class LogScan {
  private readonly nextWindow;
  private readonly previousWindow;
  private readonly selectIds;
  private readonly selectPayload;
  private readonly decoded = new DecodedBatch();
  private readonly columns = new SeriesColumns();
  private deadline = Number.POSITIVE_INFINITY;

  constructor(
    db: Db,
    private readonly timeoutMs: number,
  ) {
    this.nextWindow = db.prepare<[number], number | null>('SELECT min(window_ms) FROM metric_batches WHERE window_ms >= ?').pluck();
    this.previousWindow = db.prepare<[number], number | null>('SELECT max(window_ms) FROM metric_batches WHERE window_ms <= ?').pluck();
    this.selectIds = db
      .prepare<[number, number, number], [number, number]>(
        `SELECT agent_key, id FROM metric_batches WHERE window_ms = ? AND max_ts_ms >= ? AND min_ts_ms < ? ORDER BY agent_key, id`,
      )
      .raw();
    this.selectPayload = db.prepare<[number], [Buffer, number]>('SELECT payload, received_at_ms FROM metric_batches WHERE id = ?').raw();
  }

  /** To be called when a query begins. */
  startTimer(): void {
    this.deadline = performance.now() + this.timeoutMs;
  }

  /** Windows that hold batches and overlap the range, ascending or descending. */
  *windows(range: Partial<TimeRange>, order: 'ascending' | 'descending'): Generator<number> {
    const { startMs = Number.NEGATIVE_INFINITY, endMs = Number.POSITIVE_INFINITY } = range;
    const first = windowOf(Math.max(startMs, -MAX_TIME_MS));
    const last = Math.min(endMs, MAX_TIME_MS) - 1;
    let window = order === 'ascending' ? this.nextWindow.get(first) : this.previousWindow.get(last);
    while (typeof window === 'number' && window >= first && window <= last) {
      yield window;
      window = order === 'ascending' ? this.nextWindow.get(window + WINDOW_MS) : this.previousWindow.get(window - 1);
    }
  }

  /**
   * Visits every agent of the lookup that has batches in this window with samples in [startMs, endMs). Samples
   * outside that range are left out. Arrivals are only gathered when asked for.
   * @throws AppError `query_timeout`; Error naming the row when its payload is damaged.
   */
  visit(windowMs: number, range: TimeRange, lookup: SeriesLookup, withArrivals: boolean, visit: (window: AgentWindow) => void): void {
    const rows = this.selectIds.all(windowMs, range.startMs, range.endMs);
    for (let i = 0; i < rows.length; ) {
      const agentKey = (rows[i] as [number, number])[0];
      let end = i + 1;
      while (end < rows.length && (rows[end] as [number, number])[0] === agentKey) end += 1;
      const slots = lookup.agents.get(agentKey);
      if (slots !== undefined) visit(this.gather(rows.slice(i, end), windowMs, range, slots, withArrivals));
      i = end;
    }
  }

  private gather(
    rows: readonly [number, number][],
    windowMs: number,
    range: TimeRange,
    slots: AgentSlots,
    withArrivals: boolean,
  ): AgentWindow {
    const { columns, decoded } = this;
    const arrivals: Arrival[] = [];
    columns.reset(slots.count);
    for (const [, id] of rows) {
      if (performance.now() > this.deadline) {
        throw new AppError('query_timeout', `the query took longer than ${this.timeoutMs} ms; ask for a shorter range or fewer series`);
      }
      const receivedAtMs = this.decode(id, windowMs);
      if (withArrivals) arrivals.push({ receivedAtMs, objectJson: null });
      const plainArrival = arrivals.length - 1;
      const objects =
        withArrivals && decoded.objectValues.length > 0 ? new Map(decoded.objectValues.map(({ row, json }) => [row, json])) : null;
      for (let row = 0; row < decoded.count; row += 1) {
        const slot = slots.slotOf.get(decoded.seriesIds[row] as number);
        if (slot === undefined) continue;
        const time = decoded.timestampsMs[row] as number;
        if (time < range.startMs || time >= range.endMs) continue;
        const objectJson = objects?.get(row);
        if (objectJson !== undefined) arrivals.push({ receivedAtMs, objectJson });
        columns.add(slot, time, decoded.values[row] as number, objectJson === undefined ? plainArrival : arrivals.length - 1);
      }
    }
    columns.finish();
    return { slots, columns, arrivals };
  }

  private decode(id: number, windowMs: number): number {
    const [payload, receivedAtMs] = this.selectPayload.get(id) as [Buffer, number];
    try {
      decodeBatch(payload, windowMs, this.decoded);
    } catch (error) {
      if (!(error instanceof CorruptDataError)) throw error;
      throw new Error(`metric_batches row ${id} is damaged: ${error.message}`, { cause: error });
    }
    return receivedAtMs;
  }
}

/** The largest time JavaScript can name (ECMA-262, time values). */
const MAX_TIME_MS = 8.64e15;
