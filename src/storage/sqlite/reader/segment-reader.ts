import { AppError } from '../../../model/errors.js';
import type { TimeRange } from '../../../model/metric.js';
import type { ObjectValue } from '../../engine/codec/batch-payload.js';
import type { RollupRow } from '../../engine/sample-fold.js';
import { SeriesColumns } from '../../engine/series-columns.js';
import type { UnitReader } from '../../engine/unit-reader.js';
import { damaged } from '../damaged.js';
import type { Db } from '../open.js';
import { type UnitRow, UnitRows } from '../units/unit-rows.js';
import { LogRows } from './log-rows.js';
import type { Segment } from './segments.js';
import type { AgentSlots } from './series-lookup.js';
import { UnitCache } from './unit-cache.js';

/** A look-up by bisection costs about as much as so many steps. */
const FEW = 8;

/** How a sample came in, as far as that is still known. */
export interface Arrival {
  /** NaN: not known any more. */
  readonly receivedAtMs: number;
  readonly objectJson: string | null;
}

/** Samples of one series in a segment: rows `from` to `to` (exclusive), ascending, each millisecond once. */
export interface ColumnSlice {
  /** Place of the series in the lookup. */
  readonly slot: number;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
  readonly arrival: (row: number) => Arrival;
}

export interface SegmentVisitor {
  slice(slice: ColumnSlice): void;
  /** In place of `slice`, for columns of which a unit's directory says enough; `row` is only valid until it returns. */
  totals?: ((slot: number, row: RollupRow) => void) | undefined;
  /** The values of slices are not looked at, and need not be there. */
  readonly timesOnly?: boolean;
}

/**
 * Reads samples wherever they are: the one place that knows of both units and log. Where the log has newer rows of a
 * unit's time the two are merged, the last write wins. Must be used within one read transaction. A query that goes on past
 * its deadline is ended, so that its snapshot does not keep the write-ahead log from being cleared.
 */
export class SegmentReader {
  private readonly cache;
  private readonly log;
  private readonly logColumns = new SeriesColumns();
  private readonly mergedColumns = new SeriesColumns();
  private scratch = new Float64Array(1_024);
  private readonly totals = { count: 0, sum: 0, min: 0, max: 0, first: 0, last: 0, firstMs: 0, lastMs: 0, increase: 0 };
  private deadline = Number.POSITIVE_INFINITY;

  constructor(
    db: Db,
    private readonly timeoutMs: number,
  ) {
    const units = new UnitRows(db);
    this.cache = new UnitCache((row) => units.parts(row));
    this.log = new LogRows(db);
  }

  /** To be called when a query begins. */
  startTimer(): void {
    this.deadline = performance.now() + this.timeoutMs;
  }

  /**
   * Reads a segment: calls back for every series that has samples in the range, for some of them more than once, with later
   * samples. A slice is valid until the callback returns.
   * @throws AppError `query_timeout`; Error naming the unit or row whose bytes are damaged
   */
  read(segment: Segment, range: TimeRange, visitor: SegmentVisitor): void {
    this.checkTime();
    const { unit, batchIds, slots } = segment;
    if (batchIds.length === 0) {
      if (unit !== null) this.readUnit(unit, slots, range, null, visitor);
      return;
    }
    const arrivals = this.readLog(batchIds, slots, range);
    if (unit === null) this.visitColumns(this.logColumns, slots, arrivals, visitor);
    else this.readBoth(unit, slots, range, arrivals, visitor);
  }

  /** Reads the rows of a rollup whose start is in the range: calls back for each, ascending within a series. */
  readRollup(unit: UnitRow, slots: AgentSlots, range: TimeRange, visit: (slot: number, startMs: number, row: RollupRow) => void): void {
    this.checkTime();
    const { totals } = this;
    try {
      const reader = this.cache.rollup(unit);
      for (const [index, { seriesId }] of reader.directory.series.entries()) {
        const slot = slots.slotOf.get(seriesId);
        if (slot === -1) continue;
        const { bucketsMs, count, sum, min, max, first, last, firstMs, lastMs, increase } = reader.readColumn(index);
        const to = firstAt(bucketsMs, range.endMs);
        for (let i = firstAt(bucketsMs, range.startMs); i < to; i += 1) {
          totals.count = count[i] as number;
          totals.sum = sum[i] as number;
          totals.min = min[i] as number;
          totals.max = max[i] as number;
          totals.first = first[i] as number;
          totals.last = last[i] as number;
          totals.firstMs = firstMs[i] as number;
          totals.lastMs = lastMs[i] as number;
          totals.increase = increase[i] as number;
          visit(slots.first + slot, bucketsMs[i] as number, totals);
        }
      }
    } catch (error) {
      throw damaged(error, `unit ${unit.id}`);
    }
  }

  /** `overlapping`: of each slot, the first time the log has; columns that reach it are added there, to be merged. Null: the log has nothing. */
  private readUnit(
    unit: UnitRow,
    slots: AgentSlots,
    range: TimeRange,
    overlapping: { logFirstMs(slot: number): number; add(slot: number, slice: ColumnSlice): void } | null,
    visitor: SegmentVisitor,
  ): void {
    const inRange = unit.startMs >= range.startMs && unit.startMs + unit.spanMs <= range.endMs;
    try {
      const reader = this.cache.reader(unit);
      // Of an hour that goes on there is nothing yet at its end, which is asked for all the time. (To know that, all times are decoded.)
      if (!inRange && reader.newestMs() < range.startMs) return;
      const { directory } = reader;
      eachColumn(reader, slots, (index, slot) => {
        const timestampsMs = reader.readTimes(directory.timeIndex(index));
        const rows = timestampsMs.length;
        const from = inRange ? 0 : firstAt(timestampsMs, range.startMs);
        const to = inRange ? rows : firstAt(timestampsMs, range.endMs);
        if (from >= to) return;
        const isApart = overlapping === null || (timestampsMs[to - 1] as number) < overlapping.logFirstMs(slot);
        if (visitor.totals !== undefined && isApart && from === 0 && to === rows) {
          visitor.totals(slots.first + slot, this.totalsOf(reader, index, timestampsMs));
          return;
        }
        if (this.scratch.length < rows) this.scratch = new Float64Array(2 * rows);
        if (visitor.timesOnly !== true) reader.decodeInto(index, this.scratch);
        const jsonOf = directory.hasObjects(index) ? byRow(reader.readObjects(index)) : null;
        const arrival = (row: number): Arrival => ({ receivedAtMs: Number.NaN, objectJson: jsonOf?.get(row) ?? null });
        const slice = { slot: slots.first + slot, timestampsMs, values: this.scratch, from, to, arrival };
        if (isApart) visitor.slice(slice);
        else overlapping.add(slot, slice);
      });
    } catch (error) {
      throw damaged(error, `unit ${unit.id}`);
    }
  }

  /** A unit and newer rows of its time. Series whose newer samples are all behind the unit's, nearly all of them, need no merging. */
  private readBoth(unit: UnitRow, slots: AgentSlots, range: TimeRange, arrivals: Arrival[], visitor: SegmentVisitor): void {
    const { logColumns: log, mergedColumns: merged } = this;
    merged.reset(slots.count);
    const isMerged = new Uint8Array(slots.count);
    const overlapping = {
      logFirstMs: (slot: number): number =>
        log.starts[slot] === log.ends[slot] ? Number.POSITIVE_INFINITY : (log.timestampsMs[log.starts[slot] as number] as number),
      add: (slot: number, { timestampsMs, values, from, to, arrival }: ColumnSlice): void => {
        isMerged[slot] = 1;
        for (let i = from; i < to; i += 1) {
          merged.add(slot, timestampsMs[i] as number, values[i] as number, arrivals.push(arrival(i)) - 1);
        }
      },
    };
    this.readUnit(unit, slots, range, overlapping, visitor);
    for (let slot = 0; slot < slots.count; slot += 1) {
      if (isMerged[slot] === 0) continue;
      for (let i = log.starts[slot] as number; i < (log.ends[slot] as number); i += 1) {
        merged.add(slot, log.timestampsMs[i] as number, log.values[i] as number, log.origins[i] as number);
      }
      log.ends[slot] = log.starts[slot] as number;
    }
    merged.finish();
    this.visitColumns(merged, slots, arrivals, visitor);
    this.visitColumns(log, slots, arrivals, visitor);
  }

  private visitColumns(columns: SeriesColumns, slots: AgentSlots, arrivals: readonly Arrival[], visitor: SegmentVisitor): void {
    const { timestampsMs, values, starts, ends, origins } = columns;
    const arrival = (row: number): Arrival => arrivals[origins[row] as number] as Arrival;
    for (let slot = 0; slot < slots.count; slot += 1) {
      const from = starts[slot] as number;
      const to = ends[slot] as number;
      if (from < to) visitor.slice({ slot: slots.first + slot, timestampsMs, values, from, to, arrival });
    }
  }

  /** Reads rows of the log into `logColumns`; answers the arrivals that its origins name. */
  private readLog(batchIds: readonly number[], slots: AgentSlots, range: TimeRange): Arrival[] {
    const { logColumns: columns } = this;
    const arrivals: Arrival[] = [];
    columns.reset(slots.count);
    for (const id of batchIds) {
      this.checkTime();
      const { receivedAtMs, seriesIds, timestampsMs, values, objectValues } = this.log.read(id);
      const plain = arrivals.push({ receivedAtMs, objectJson: null }) - 1;
      const jsonOf = objectValues.length === 0 ? null : byRow(objectValues);
      for (let row = 0; row < seriesIds.length; row += 1) {
        const time = timestampsMs[row] as number;
        if (time < range.startMs || time >= range.endMs) continue;
        const slot = slots.slotOf.get(seriesIds[row] as number);
        if (slot === -1) continue;
        const objectJson = jsonOf?.get(row) ?? null;
        const origin = objectJson === null ? plain : arrivals.push({ receivedAtMs, objectJson }) - 1;
        columns.add(slot, time, values[row] as number, origin);
      }
    }
    columns.finish();
    return arrivals;
  }

  private totalsOf({ directory }: UnitReader, index: number, timestampsMs: Float64Array): RollupRow {
    const { totals } = this;
    totals.count = timestampsMs.length;
    totals.sum = directory.sum(index);
    totals.min = directory.min(index);
    totals.max = directory.max(index);
    totals.first = directory.first(index);
    totals.last = directory.last(index);
    totals.firstMs = timestampsMs[0] as number;
    totals.lastMs = timestampsMs[timestampsMs.length - 1] as number;
    totals.increase = directory.increase(index);
    return totals;
  }

  private checkTime(): void {
    if (performance.now() <= this.deadline) return;
    throw new AppError('query_timeout', `the query took longer than ${this.timeoutMs} ms; ask for a shorter range or fewer series`);
  }
}

function byRow(objectValues: readonly ObjectValue[] | null): ReadonlyMap<number, string> {
  return new Map((objectValues ?? []).map(({ row, json }) => [row, json]));
}

/** Where the series of an agent that are asked for stand in a unit: calls back for each. Few of many are looked up, many are walked through. */
function eachColumn({ directory }: UnitReader, slots: AgentSlots, visit: (index: number, slot: number) => void): void {
  const { columnCount } = directory;
  if (slots.count * FEW < columnCount) {
    for (const [slot, seriesId] of slots.slotOf.ids.entries()) {
      const index = directory.indexOf(seriesId);
      if (index !== null) visit(index, slot);
    }
    return;
  }
  for (let index = 0; index < columnCount; index += 1) {
    const slot = slots.slotOf.get(directory.seriesId(index));
    if (slot !== -1) visit(index, slot);
  }
}

/** Index of the first time that is not before `ms`; the length when there is none. */
function firstAt(timestampsMs: Float64Array, ms: number): number {
  let low = 0;
  let high = timestampsMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((timestampsMs[middle] as number) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
