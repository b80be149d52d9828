import { AppError } from '../../../model/errors.js';
import type { SeriesInfo, TimeRange } from '../../../model/metric.js';
import { AggregateLimitError, Aggregator } from '../../engine/aggregate.js';
import type { AggregateGroup, AggregateQuery, SampleQuery, SampleRows, SeriesFilter } from '../../ports.js';
import { type DayRollups, isRawGone } from '../units/day-tiers.js';
import { TIER, type UnitRow } from '../units/unit-rows.js';
import { rollupFor } from './rollup-choice.js';
import { type Arrival, DAY_MS, type Segment, type SegmentScan } from './segment-scan.js';
import type { AgentSlots, SeriesFinder, SeriesLookup } from './series-lookup.js';

/** The first slice of time that a page of samples looks at; it doubles while too little is found. */
const FIRST_SLICE_MS = 60_000;
const MAX_SLICE_MS = 3_600_000;
const HOUR_MS = 3_600_000;
const ALL_TIERS = Object.values(TIER);

interface Row {
  readonly slot: number;
  readonly timestampMs: number;
  readonly value: number;
  readonly arrival: Arrival;
}

/** Answers queries over samples. Each method must run within one read transaction. */
export class SampleReader {
  constructor(
    private readonly series: SeriesFinder,
    private readonly scan: SegmentScan,
  ) {}

  /** A page of samples. Goes through time in growing slices from the page's end and stops when the page is full. */
  samples(query: SampleQuery): SampleRows {
    this.scan.startTimer();
    const lookup = this.series.lookUp(query.filter);
    if (lookup.infos.length === 0) return toSampleRows(lookup, [], false);
    const newest = query.order === 'newest';
    const wanted = query.offset + query.limit + 1;
    const found: Row[] = [];
    const compare = (a: Row, b: Row): number =>
      (newest ? -1 : 1) *
      (a.timestampMs - b.timestampMs || (lookup.infos[a.slot] as SeriesInfo).id - (lookup.infos[b.slot] as SeriesInfo).id);
    for (const { slice, segments } of this.slices(continued(query), newest, lookup, () => found.length < wanted)) {
      const rows: Row[] = [];
      for (const segment of segments) {
        this.scan.read(segment, slice, ({ slot, timestampsMs, values, from, to, arrival }) => {
          for (let i = from; i < to; i += 1) {
            rows.push({ slot, timestampMs: timestampsMs[i] as number, value: values[i] as number, arrival: arrival(i) });
          }
        });
      }
      rows.sort(compare);
      for (const row of rows) {
        if (query.after === undefined || isBehind(row, query.after, newest, lookup)) found.push(row);
      }
    }
    return toSampleRows(lookup, found.slice(query.offset, query.offset + query.limit), found.length > query.offset + query.limit);
  }

  aggregate(query: AggregateQuery): AggregateGroup[] {
    this.scan.startTimer();
    const lookup = this.series.lookUp(query.filter);
    const aggregator = new Aggregator(lookup.infos, query.range, query.stepMs, query.groupBy, query.wants);
    try {
      for (const day of this.scan.days(query.range, 'ascending', ALL_TIERS)) this.foldDay(day, lookup, query, aggregator);
    } catch (error) {
      if (!(error instanceof AggregateLimitError)) throw error;
      throw new AppError('validation_failed', error.message);
    }
    return aggregator.result();
  }

  /** The newest sample of every series. */
  latest(query: { filter: SeriesFilter; range: TimeRange }): SampleRows {
    this.scan.startTimer();
    const lookup = this.series.lookUp(query.filter);
    const newest = new Map<number, Row>();
    for (const day of this.scan.days(query.range, 'descending')) {
      for (const segment of this.scan.segments(day, lookup).toReversed()) {
        this.scan.read(segment, day, ({ slot, timestampsMs, values, to, arrival }) => {
          if (newest.has(slot)) return;
          newest.set(slot, {
            slot,
            timestampMs: timestampsMs[to - 1] as number,
            value: values[to - 1] as number,
            arrival: arrival(to - 1),
          });
        });
      }
      if (newest.size === lookup.infos.length) break;
    }
    const idOf = (row: Row): number => (lookup.infos[row.slot] as SeriesInfo).id;
    const rows = [...newest.values()].sort((a, b) => idOf(a) - idOf(b));
    return toSampleRows(lookup, rows, false);
  }

  /**
   * Each agent's day is told by its raw samples, or by a rollup: where the samples had their time, or where a rollup says the
   * same of a whole day with less to decode. Never by both. (Late samples of a day whose rollups are all there is
   * count once they are folded into those.)
   */
  private foldDay(day: TimeRange, lookup: SeriesLookup, query: AggregateQuery, aggregator: Aggregator): void {
    const rollups = this.scan.rollups(day, lookup);
    const segments = new Map<number, Segment[]>();
    for (const segment of this.scan.segments(day, lookup)) {
      const own = segments.get(segment.agentKey);
      if (own === undefined) segments.set(segment.agentKey, [segment]);
      else own.push(segment);
    }
    for (const [agentKey, slots] of lookup.agents) {
      const own = segments.get(agentKey) ?? [];
      const known = rollups.get(agentKey);
      const units = own.map(({ unit }) => unit);
      if (known !== undefined && isRawGone(known, units)) this.foldRollup(known, slots, day, query, aggregator);
      else if (known?.oneHour && saysTheSame(own, day, query)) this.addRows(known.oneHour, slots, day, aggregator);
      else for (const segment of own) this.fold(segment, day, query, aggregator);
    }
  }

  private addRows(unit: UnitRow, slots: AgentSlots, day: TimeRange, aggregator: Aggregator): void {
    this.scan.readRollup(unit, slots, day, (slot, startMs, row) => aggregator.addRollup(slot, startMs, row));
  }

  /** @throws AppError `validation_failed` when the rollups cannot tell what is asked of the series that are in them */
  private foldRollup(known: DayRollups, slots: AgentSlots, day: TimeRange, query: AggregateQuery, aggregator: Aggregator): void {
    const { unit, reason } = rollupFor(known, day, query);
    if (unit !== null) return this.addRows(unit, slots, day, aggregator);
    let concerned = false;
    const left = known.fiveMinutes ?? known.oneHour;
    if (left !== null) this.scan.readRollup(left, slots, day, () => (concerned = true));
    if (!concerned) return;
    const oldest = this.scan.oldestRawDay();
    const since = oldest === null ? 'and there are none' : `which are there from ${new Date(oldest).toISOString()} on`;
    throw new AppError('validation_failed', `of ${new Date(day.startMs).toISOString().slice(0, 10)} ${reason} need the samples, ${since}`);
  }

  /** A segment that lies in one bucket as a whole is told by what its unit's directory says of it; others are read. */
  private fold(segment: Segment, day: TimeRange, { stepMs, wants, range }: AggregateQuery, aggregator: Aggregator): void {
    const { unit } = segment;
    const inOneBucket =
      unit !== null && (stepMs === null || Math.floor(unit.startMs / stepMs) === Math.floor((unit.startMs + unit.spanMs - 1) / stepMs));
    if (inOneBucket && wants?.percentiles === undefined) {
      const startMs = Math.max(unit.startMs, range.startMs);
      const told = this.scan.stats(segment, day, (slot, stats, firstMs, lastMs) =>
        aggregator.addRollup(slot, startMs, { ...stats, firstMs, lastMs }),
      );
      if (told) return;
    }
    this.scan.read(segment, day, ({ slot, timestampsMs, values, from, to }) => aggregator.add(slot, timestampsMs, values, from, to));
  }

  /** Slices of time with what they hold, from the page's end on, growing while `more` holds. No slice crosses a day. */
  private *slices(
    range: Partial<TimeRange>,
    newest: boolean,
    lookup: SeriesLookup,
    more: () => boolean,
  ): Generator<{ slice: TimeRange; segments: Segment[] }> {
    let sizeMs = FIRST_SLICE_MS;
    for (const day of this.scan.days(range, newest ? 'descending' : 'ascending')) {
      let { startMs, endMs } = day;
      while (startMs < endMs) {
        if (!more()) return;
        const slice = newest
          ? { startMs: Math.max(startMs, endMs - sizeMs), endMs }
          : { startMs, endMs: Math.min(endMs, startMs + sizeMs) };
        const segments = this.scan.segments(slice, lookup);
        yield { slice, segments };
        if (newest) endMs = slice.startMs;
        else startMs = slice.endMs;
        sizeMs = Math.min(sizeMs * 2, MAX_SLICE_MS);
      }
    }
  }
}

/**
 * Whether the hourly rollup has all that is asked for: of a whole day, with nothing newer than its unit, and for steps of
 * hours that are shorter than it. Longer ones are told by the unit's directory.
 */
function saysTheSame(segments: readonly Segment[], day: TimeRange, { stepMs, wants }: AggregateQuery): boolean {
  const [segment] = segments;
  if (stepMs === null || stepMs % HOUR_MS !== 0 || stepMs % DAY_MS === 0 || wants?.percentiles !== undefined) return false;
  return segments.length === 1 && segment?.unit?.spanMs === DAY_MS && segment.batchIds.length === 0 && day.endMs - day.startMs === DAY_MS;
}

/** The query's range, cut where the cursor stands. */
function continued(query: SampleQuery): Partial<TimeRange> {
  const { range, after } = query;
  if (after === undefined) return range;
  return query.order === 'newest'
    ? { ...range, endMs: Math.min(range.endMs ?? Number.POSITIVE_INFINITY, after.timestampMs + 1) }
    : { ...range, startMs: Math.max(range.startMs ?? Number.NEGATIVE_INFINITY, after.timestampMs) };
}

function isBehind(row: Row, after: { timestampMs: number; seriesId: number }, newest: boolean, lookup: SeriesLookup): boolean {
  if (row.timestampMs !== after.timestampMs) return newest ? row.timestampMs < after.timestampMs : row.timestampMs > after.timestampMs;
  const { id } = lookup.infos[row.slot] as SeriesInfo;
  return newest ? id < after.seriesId : id > after.seriesId;
}

function toSampleRows(lookup: SeriesLookup, rows: readonly Row[], hasMore: boolean): SampleRows {
  const series: SeriesInfo[] = [];
  const indexOf = new Map<number, number>();
  const seriesIndex = Uint32Array.from(rows, ({ slot }) => {
    let index = indexOf.get(slot);
    if (index === undefined) {
      index = series.push(lookup.infos[slot] as SeriesInfo) - 1;
      indexOf.set(slot, index);
    }
    return index;
  });
  return {
    series,
    seriesIndex,
    timestampsMs: Float64Array.from(rows, (row) => row.timestampMs),
    values: Float64Array.from(rows, (row) => row.value),
    receivedAtMs: Float64Array.from(rows, (row) => row.arrival.receivedAtMs),
    objectValues: rows.flatMap(({ arrival }, row) => (arrival.objectJson === null ? [] : [{ row, json: arrival.objectJson }])),
    hasMore,
  };
}
