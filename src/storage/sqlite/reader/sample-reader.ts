import type { SeriesInfo, TimeRange } from '../../../model/metric.js';
import type { SampleQuery, SampleRows, SeriesFilter } from '../../ports.js';
import type { Arrival, SegmentReader } from './segment-reader.js';
import type { Segment, Segments } from './segments.js';
import type { SeriesFinder, SeriesLookup } from './series-lookup.js';
import type { StoredDays } from './stored-days.js';

/** A series' samples are about so far apart: how long the first slice of time is that a page looks at; it doubles while too little is found. */
const USUAL_INTERVAL_MS = 60_000;
const MIN_SLICE_MS = 1_000;
const MAX_SLICE_MS = 3_600_000;
/** Of fewer series than this, slices are longer: looking for what there is takes longer than reading it. */
const MANY_SERIES = 1_000;
/** So many rows more than a page takes are collected before the surplus is thrown away. */
const MANY_ROWS = 2_000;

interface Row {
  readonly slot: number;
  readonly timestampMs: number;
  readonly value: number;
  readonly arrival: Arrival;
}

/** Answers queries for samples as they are. Each method must run within one read transaction. */
export class SampleReader {
  constructor(
    private readonly series: SeriesFinder,
    private readonly days: StoredDays,
    private readonly segments: Segments,
    private readonly reader: SegmentReader,
  ) {}

  /** A page of samples. Goes through time in growing slices from the page's end and stops when the page is full. */
  samples(query: SampleQuery): SampleRows {
    this.reader.startTimer();
    const lookup = this.series.lookUp(query.filter);
    if (lookup.infos.length === 0) return toSampleRows(lookup, [], false);
    const newest = query.order === 'newest';
    const wanted = query.offset + query.limit + 1;
    const found: Row[] = [];
    const compare = (a: Row, b: Row): number =>
      (newest ? -1 : 1) *
      (a.timestampMs - b.timestampMs || (lookup.infos[a.slot] as SeriesInfo).id - (lookup.infos[b.slot] as SeriesInfo).id);
    for (const { slice, segments } of this.slices(continued(query), newest, lookup, wanted, () => found.length < wanted)) {
      let rows: Row[] = [];
      // Of the slice, not more than the page takes is kept: what lies beyond this time (behind it, in the page's order) is not.
      let lastMs = newest ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      for (const segment of segments) {
        this.reader.read(segment, slice, {
          slice: ({ slot, timestampsMs, values, from, to, arrival }) => {
            // A page is never filled by more rows of one series than it has, and one that is before the cursor.
            const first = newest ? Math.max(from, to - wanted - 1) : from;
            const end = newest ? to : Math.min(to, from + wanted + 1);
            for (let i = first; i < end; i += 1) {
              const timestampMs = timestampsMs[i] as number;
              if (newest ? timestampMs < lastMs : timestampMs > lastMs) continue;
              const row = { slot, timestampMs, value: values[i] as number, arrival: arrival(i) };
              if (query.after === undefined || isBehind(row, query.after, newest, lookup)) rows.push(row);
            }
            if (rows.length < 2 * wanted + MANY_ROWS) return;
            rows = rows.sort(compare).slice(0, wanted);
            lastMs = (rows[wanted - 1] as Row).timestampMs;
          },
        });
      }
      for (const row of rows.sort(compare)) found.push(row);
    }
    return toSampleRows(lookup, found.slice(query.offset, query.offset + query.limit), found.length > query.offset + query.limit);
  }

  /** The newest sample of every series. */
  latest(query: { filter: SeriesFilter; range: TimeRange }): SampleRows {
    this.reader.startTimer();
    const lookup = this.series.lookUp(query.filter);
    const newest = new Map<number, Row>();
    for (const day of this.days.within(query.range, 'descending')) {
      for (const segment of [...this.segments.within(day, lookup).values()].flat()) {
        this.reader.read(segment, day, {
          slice: ({ slot, timestampsMs, values, to, arrival }) => {
            const timestampMs = timestampsMs[to - 1] as number;
            if (timestampMs <= (newest.get(slot)?.timestampMs ?? Number.NEGATIVE_INFINITY)) return;
            newest.set(slot, { slot, timestampMs, value: values[to - 1] as number, arrival: arrival(to - 1) });
          },
        });
      }
      if (newest.size === lookup.infos.length) break;
    }
    const idOf = (row: Row): number => (lookup.infos[row.slot] as SeriesInfo).id;
    const rows = [...newest.values()].sort((a, b) => idOf(a) - idOf(b));
    return toSampleRows(lookup, rows, false);
  }

  /** Slices of time with what they hold, from the page's end on, growing while `more` holds. No slice crosses a day. */
  private *slices(
    range: Partial<TimeRange>,
    newest: boolean,
    lookup: SeriesLookup,
    wanted: number,
    more: () => boolean,
  ): Generator<{ slice: TimeRange; segments: Segment[] }> {
    const series = lookup.infos.length;
    const maxMs = MAX_SLICE_MS * Math.max(1, Math.floor(MANY_SERIES / series));
    let sizeMs = Math.min(maxMs, Math.max(MIN_SLICE_MS, Math.ceil((USUAL_INTERVAL_MS * wanted) / series)));
    for (const day of this.days.within(range, newest ? 'descending' : 'ascending')) {
      let { startMs, endMs } = day;
      while (startMs < endMs) {
        if (!more()) return;
        const slice = newest
          ? { startMs: Math.max(startMs, endMs - sizeMs), endMs }
          : { startMs, endMs: Math.min(endMs, startMs + sizeMs) };
        yield { slice, segments: [...this.segments.within(slice, lookup).values()].flat() };
        if (newest) endMs = slice.startMs;
        else startMs = slice.endMs;
        sizeMs = Math.min(sizeMs * 2, maxMs);
      }
    }
  }
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
