import { AppError } from '../../../model/errors.js';
import type { TimeRange } from '../../../model/metric.js';
import { DecodedBatch, decodeBatch, type ObjectValue } from '../../engine/codec/batch-payload.js';
import type { ColumnStats } from '../../engine/column.js';
import { SeriesColumns } from '../../engine/series-columns.js';
import type { RollupRow } from '../../engine/aggregate.js';
import type { UnitReader } from '../../engine/unit-reader.js';
import { WINDOW_MS, windowOf } from '../../engine/window.js';
import { damaged } from '../damaged.js';
import type { Db } from '../open.js';
import { type DayRollups, DayTiers } from '../units/day-tiers.js';
import { TIER, type Tier, type UnitRow, UnitRows } from '../units/unit-rows.js';
import type { AgentSlots, SeriesLookup } from './series-lookup.js';
import { UnitCache } from './unit-cache.js';

export const DAY_MS = 86_400_000;
/** The largest time JavaScript can name (ECMA-262, time values). */
const MAX_TIME_MS = 8.64e15;

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

/** A stretch of time of one agent, and where its samples are: at most one unit, and newer rows of the log. */
export interface Segment {
  readonly agentKey: number;
  readonly slots: AgentSlots;
  readonly startMs: number;
  readonly unit: UnitRow | null;
  readonly batchIds: number[];
}

/**
 * Reads samples wherever they are: the one place that knows of both units and log. A segment whose unit has newer
 * rows in the log is merged, the last write wins; all others are read as they lie. Must be used within one read
 * transaction. A query that goes on past its deadline is ended, so that its snapshot does not keep the write-ahead
 * log from being cleared.
 */
export class SegmentScan {
  private readonly units;
  private readonly tiers;
  private readonly cache;
  private readonly nextWindow;
  private readonly previousWindow;
  private readonly nextUnit;
  private readonly previousUnit;
  private readonly selectIds;
  private readonly selectPayload;
  private readonly decoded = new DecodedBatch();
  private readonly columns = new SeriesColumns();
  private deadline = Number.POSITIVE_INFINITY;

  constructor(
    db: Db,
    private readonly timeoutMs: number,
  ) {
    this.units = new UnitRows(db);
    this.tiers = new DayTiers(db);
    this.cache = new UnitCache((row) => this.units.parts(row));
    const window = (sql: string) => db.prepare<[number], number | null>(sql).pluck();
    this.nextWindow = window('SELECT min(window_ms) FROM metric_batches WHERE window_ms >= ?');
    this.previousWindow = window('SELECT max(window_ms) FROM metric_batches WHERE window_ms <= ?');
    const unit = (sql: string) => db.prepare<[Tier, number], number | null>(sql).pluck();
    this.nextUnit = unit('SELECT min(start_ms) FROM units WHERE tier = ? AND start_ms >= ?');
    this.previousUnit = unit('SELECT max(start_ms) FROM units WHERE tier = ? AND start_ms <= ?');
    this.selectIds = db
      .prepare<[number, number, number], [number, number]>(
        'SELECT agent_key, id FROM metric_batches WHERE window_ms = ? AND max_ts_ms >= ? AND min_ts_ms < ? ORDER BY agent_key, id',
      )
      .raw();
    this.selectPayload = db
      .prepare<[number], [Buffer, number, number]>('SELECT payload, window_ms, received_at_ms FROM metric_batches WHERE id = ?')
      .raw();
  }

  /** To be called when a query begins. */
  startTimer(): void {
    this.deadline = performance.now() + this.timeoutMs;
  }

  /** Days (UTC) that hold samples, or also such that only hold rollups, and overlap the range, cut to it. */
  *days(range: Partial<TimeRange>, order: 'ascending' | 'descending', tiers: readonly Tier[] = [TIER.raw]): Generator<TimeRange> {
    const startMs = Math.max(range.startMs ?? Number.NEGATIVE_INFINITY, -MAX_TIME_MS);
    const endMs = Math.min(range.endMs ?? Number.POSITIVE_INFINITY, MAX_TIME_MS);
    if (order === 'ascending') {
      for (let day = this.dayFrom(dayOf(startMs), tiers); day !== null && day < endMs; day = this.dayFrom(day + DAY_MS, tiers)) {
        yield { startMs: Math.max(day, startMs), endMs: Math.min(day + DAY_MS, endMs) };
      }
    } else {
      for (let day = this.dayUpTo(endMs - 1, tiers); day !== null && day + DAY_MS > startMs; day = this.dayUpTo(day - 1, tiers)) {
        yield { startMs: Math.max(day, startMs), endMs: Math.min(day + DAY_MS, endMs) };
      }
    }
  }

  /**
   * Segments that may hold samples of the lookup's series in the range, which must lie within one day: by agent, and
   * ascending in time within each. No two segments of an agent overlap.
   */
  segments(range: TimeRange, lookup: SeriesLookup): Segment[] {
    const byAgent = new Map<number, Segment[]>();
    const only = lookup.agents.size === 1 ? (lookup.agents.keys().next().value ?? null) : null;
    const add = (agentKey: number, startMs: number, unit: UnitRow | null): Segment | null => {
      const slots = lookup.agents.get(agentKey);
      if (slots === undefined) return null;
      const segment = { agentKey, slots, startMs, unit, batchIds: [] };
      const list = byAgent.get(agentKey);
      if (list === undefined) byAgent.set(agentKey, [segment]);
      else list.push(segment);
      return segment;
    };
    for (const unit of this.units.starting(TIER.raw, dayOf(range.startMs), range.endMs, only)) {
      // A unit that ends before the range still says where the log's rows of its time belong: none of them is asked for.
      if (unit.startMs + unit.spanMs > range.startMs) add(unit.agentKey, unit.startMs, unit);
    }
    for (let windowMs = windowOf(range.startMs); windowMs < range.endMs; windowMs += WINDOW_MS) {
      for (const [agentKey, id] of this.selectIds.all(windowMs, range.startMs, range.endMs)) {
        const covering = byAgent.get(agentKey)?.find((segment) => covers(segment, windowMs));
        (covering ?? add(agentKey, windowMs, null))?.batchIds.push(id);
      }
    }
    return [...byAgent.values()].flatMap((segments) => segments.sort((a, b) => a.startMs - b.startMs));
  }

  /**
   * Reads a segment: calls back for every series of the lookup that has samples in the range. A slice is valid until
   * the callback returns.
   * @throws AppError `query_timeout`; Error naming the unit or row whose bytes are damaged
   */
  read(segment: Segment, range: TimeRange, visit: (slice: ColumnSlice) => void): void {
    this.checkTime();
    if (segment.unit !== null && segment.batchIds.length === 0) this.readUnit(segment.unit, segment.slots, range, visit);
    else this.readMerged(segment, range, visit);
  }

  /**
   * What the columns of a segment amount to, without reading their values; null when that is not known of the segment
   * as a whole (it has rows in the log) or when the range cuts it.
   */
  stats(segment: Segment, range: TimeRange, visit: (slot: number, stats: ColumnStats, firstMs: number, lastMs: number) => void): boolean {
    const { unit, slots, batchIds } = segment;
    if (unit === null || batchIds.length > 0 || unit.startMs < range.startMs || unit.startMs + unit.spanMs > range.endMs) return false;
    this.checkTime();
    this.inUnit(unit, (reader) => {
      eachColumn(reader, slots, (index, slot) => {
        const { timeIndex, stats } = reader.directory.entry(index);
        const times = reader.readTimes(timeIndex);
        visit(slots.first + slot, stats, times[0] as number, times[times.length - 1] as number);
      });
    });
    return true;
  }

  /** The rollups of the day that holds this range, by agent. */
  rollups(range: TimeRange, lookup: SeriesLookup): Map<number, DayRollups> {
    const only = lookup.agents.size === 1 ? (lookup.agents.keys().next().value ?? null) : null;
    return this.tiers.ofDay(dayOf(range.startMs), only);
  }

  /** Reads the rows of a rollup whose start is in the range: calls back for each, ascending within a series. */
  readRollup(unit: UnitRow, slots: AgentSlots, range: TimeRange, visit: (slot: number, startMs: number, row: RollupRow) => void): void {
    this.checkTime();
    try {
      const reader = this.cache.rollup(unit);
      for (const [index, { seriesId }] of reader.directory.series.entries()) {
        const slot = slots.slotOf.get(seriesId);
        if (slot === undefined) continue;
        const { bucketsMs, count, sum, min, max, first, last, firstMs, lastMs, increase } = reader.readColumn(index);
        const to = firstAt(bucketsMs, range.endMs);
        for (let i = firstAt(bucketsMs, range.startMs); i < to; i += 1) {
          visit(slots.first + slot, bucketsMs[i] as number, {
            count: count[i] as number,
            sum: sum[i] as number,
            min: min[i] as number,
            max: max[i] as number,
            first: first[i] as number,
            last: last[i] as number,
            firstMs: firstMs[i] as number,
            lastMs: lastMs[i] as number,
            increase: increase[i] as number,
          });
        }
      }
    } catch (error) {
      throw damaged(error, `unit ${unit.id}`);
    }
  }

  /** Start of the first day that has samples, of anybody; null when there are none. */
  oldestRawDay(): number | null {
    return this.dayFrom(-MAX_TIME_MS, [TIER.raw]);
  }

  private readUnit(unit: UnitRow, slots: AgentSlots, range: TimeRange, visit: (slice: ColumnSlice) => void): void {
    this.inUnit(unit, (reader) => {
      eachColumn(reader, slots, (index, slot) => {
        const timestampsMs = reader.readTimes(reader.directory.timeIndex(index));
        const from = firstAt(timestampsMs, range.startMs);
        const to = firstAt(timestampsMs, range.endMs);
        if (from >= to) return;
        const jsonOf = reader.directory.hasObjects(index) ? byRow(reader.readObjects(index)) : null;
        const arrival = (row: number): Arrival => ({ receivedAtMs: Number.NaN, objectJson: jsonOf?.get(row) ?? null });
        visit({ slot: slots.first + slot, timestampsMs, values: reader.readValues(index), from, to, arrival });
      });
    });
  }

  private readMerged({ unit, batchIds, slots }: Segment, range: TimeRange, visit: (slice: ColumnSlice) => void): void {
    const { columns, decoded } = this;
    const arrivals: Arrival[] = [];
    columns.reset(slots.count);
    if (unit !== null) {
      this.readUnit(unit, slots, range, ({ slot, timestampsMs, values, from, to, arrival }) => {
        for (let i = from; i < to; i += 1) {
          columns.add(slot - slots.first, timestampsMs[i] as number, values[i] as number, arrivals.push(arrival(i)) - 1);
        }
      });
    }
    for (const id of batchIds) {
      this.checkTime();
      const receivedAtMs = this.decode(id);
      const plain = arrivals.push({ receivedAtMs, objectJson: null }) - 1;
      const jsonOf = decoded.objectValues.length === 0 ? null : byRow(decoded.objectValues);
      for (let row = 0; row < decoded.count; row += 1) {
        const slot = slots.slotOf.get(decoded.seriesIds[row] as number);
        if (slot === undefined) continue;
        const time = decoded.timestampsMs[row] as number;
        if (time < range.startMs || time >= range.endMs) continue;
        const objectJson = jsonOf?.get(row) ?? null;
        columns.add(
          slot,
          time,
          decoded.values[row] as number,
          objectJson === null ? plain : arrivals.push({ receivedAtMs, objectJson }) - 1,
        );
      }
    }
    columns.finish();
    const { timestampsMs, values, starts, ends, origins } = columns;
    const arrival = (row: number): Arrival => arrivals[origins[row] as number] as Arrival;
    for (let slot = 0; slot < slots.count; slot += 1) {
      const from = starts[slot] as number;
      const to = ends[slot] as number;
      if (from < to) visit({ slot: slots.first + slot, timestampsMs, values, from, to, arrival });
    }
  }

  private inUnit(unit: UnitRow, use: (reader: UnitReader) => void): void {
    try {
      use(this.cache.reader(unit));
    } catch (error) {
      throw damaged(error, `unit ${unit.id}`);
    }
  }

  /** Decodes a row of the log into `decoded`; answers when it was received. */
  private decode(id: number): number {
    const [payload, windowMs, receivedAtMs] = this.selectPayload.get(id) as [Buffer, number, number];
    try {
      decodeBatch(payload, windowMs, this.decoded);
    } catch (error) {
      throw damaged(error, `metric_batches row ${id}`);
    }
    return receivedAtMs;
  }

  private dayFrom(fromMs: number, tiers: readonly Tier[]): number | null {
    const candidates = [this.nextWindow.get(fromMs), ...tiers.map((tier) => this.nextUnit.get(tier, fromMs))].filter(
      (ms) => typeof ms === 'number',
    );
    return candidates.length === 0 ? null : dayOf(Math.min(...candidates));
  }

  private dayUpTo(toMs: number, tiers: readonly Tier[]): number | null {
    const candidates = [this.previousWindow.get(toMs), ...tiers.map((tier) => this.previousUnit.get(tier, toMs))].filter(
      (ms) => typeof ms === 'number',
    );
    return candidates.length === 0 ? null : dayOf(Math.max(...candidates));
  }

  private checkTime(): void {
    if (performance.now() <= this.deadline) return;
    throw new AppError('query_timeout', `the query took longer than ${this.timeoutMs} ms; ask for a shorter range or fewer series`);
  }
}

/** Start of the day (UTC) that holds this time. */
export function dayOf(timestampMs: number): number {
  return Math.floor(timestampMs / DAY_MS) * DAY_MS;
}

function covers({ startMs, unit }: Segment, windowMs: number): boolean {
  return startMs <= windowMs && windowMs < startMs + (unit?.spanMs ?? WINDOW_MS);
}

function byRow(objectValues: readonly ObjectValue[] | null): ReadonlyMap<number, string> {
  return new Map((objectValues ?? []).map(({ row, json }) => [row, json]));
}

/** Where the series of an agent that are asked for stand in a unit: calls back for each. Few of many are looked up, many are walked through. */
function eachColumn({ directory }: UnitReader, slots: AgentSlots, visit: (index: number, slot: number) => void): void {
  const { columnCount } = directory;
  if (slots.count * FEW < columnCount) {
    for (const [seriesId, slot] of slots.slotOf) {
      const index = directory.indexOf(seriesId);
      if (index !== null) visit(index, slot);
    }
    return;
  }
  for (let index = 0; index < columnCount; index += 1) {
    const slot = slots.slotOf.get(directory.seriesId(index));
    if (slot !== undefined) visit(index, slot);
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
