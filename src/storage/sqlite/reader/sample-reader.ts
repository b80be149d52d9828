import { AppError } from '../../../model/errors.js';
import type { SeriesInfo, TimeRange } from '../../../model/metric.js';
import { AggregateLimitError, Aggregator } from '../../engine/aggregate.js';
import { WINDOW_MS } from '../../engine/window.js';
import type { AggregateGroup, AggregateQuery, SampleQuery, SampleRows, SeriesFilter } from '../../ports.js';
import type { Arrival, LogScan } from './log-scan.js';
import type { SeriesFinder, SeriesLookup } from './series-lookup.js';

/** The first slice of a window that a page of samples looks at; it doubles while too little is found. */
const FIRST_SLICE_MS = 60_000;

interface Row {
  readonly slot: number;
  readonly timestampMs: number;
  readonly value: number;
  readonly arrival: Arrival | null;
}

/** Answers queries over samples. Each method must run within one read transaction. */
export class SampleReader {
  constructor(
    private readonly series: SeriesFinder,
    private readonly scan: LogScan,
  ) {}

  /** A page of samples. Goes through time in growing slices from the page's end and stops when the page is full. */
  samples(query: SampleQuery): SampleRows {
    this.scan.startTimer();
    const lookup = this.series.lookUp(query.filter);
    if (lookup.infos.length === 0) return toSampleRows(lookup, [], false);
    const newest = query.order === 'newest';
    const wanted = query.offset + query.limit + 1;
    const found: Row[] = [];
    const range = continued(query);
    const compare = (a: Row, b: Row): number =>
      (newest ? -1 : 1) *
      (a.timestampMs - b.timestampMs || (lookup.infos[a.slot] as SeriesInfo).id - (lookup.infos[b.slot] as SeriesInfo).id);
    for (const slice of this.slices(range, newest, () => found.length < wanted)) {
      const rows: Row[] = [];
      this.scan.visit(slice.windowMs, slice, lookup, true, ({ slots, columns, arrivals }) => {
        for (let slot = 0; slot < slots.count; slot += 1) {
          const end = columns.ends[slot] as number;
          for (let i = columns.starts[slot] as number; i < end; i += 1) {
            rows.push({
              slot: slots.first + slot,
              timestampMs: columns.timestampsMs[i] as number,
              value: columns.values[i] as number,
              arrival: arrivals[columns.origins[i] as number] ?? null,
            });
          }
        }
      });
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
      for (const windowMs of this.scan.windows(query.range, 'ascending')) {
        this.scan.visit(windowMs, query.range, lookup, false, ({ slots, columns }) => {
          for (let slot = 0; slot < slots.count; slot += 1) {
            aggregator.add(
              slots.first + slot,
              columns.timestampsMs,
              columns.values,
              columns.starts[slot] as number,
              columns.ends[slot] as number,
            );
          }
        });
      }
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
    for (const windowMs of this.scan.windows(query.range, 'descending')) {
      this.scan.visit(windowMs, query.range, lookup, true, ({ slots, columns, arrivals }) => {
        for (let local = 0; local < slots.count; local += 1) {
          const slot = slots.first + local;
          const last = (columns.ends[local] as number) - 1;
          if (last < (columns.starts[local] as number) || newest.has(slot)) continue;
          newest.set(slot, {
            slot,
            timestampMs: columns.timestampsMs[last] as number,
            value: columns.values[last] as number,
            arrival: arrivals[columns.origins[last] as number] ?? null,
          });
        }
      });
      if (newest.size === lookup.infos.length) break;
    }
    const idOf = (row: Row): number => (lookup.infos[row.slot] as SeriesInfo).id;
    const rows = [...newest.values()].sort((a, b) => idOf(a) - idOf(b));
    return toSampleRows(lookup, rows, false);
  }

  /** Parts of windows, from the page's end on, growing while `more` holds. */
  private *slices(range: Partial<TimeRange>, newest: boolean, more: () => boolean): Generator<TimeRange & { windowMs: number }> {
    let sizeMs = FIRST_SLICE_MS;
    for (const windowMs of this.scan.windows(range, newest ? 'descending' : 'ascending')) {
      let startMs = Math.max(windowMs, range.startMs ?? windowMs);
      let endMs = Math.min(windowMs + WINDOW_MS, range.endMs ?? windowMs + WINDOW_MS);
      while (startMs < endMs) {
        if (!more()) return;
        if (newest) {
          const from = Math.max(startMs, endMs - sizeMs);
          yield { windowMs, startMs: from, endMs };
          endMs = from;
        } else {
          const to = Math.min(endMs, startMs + sizeMs);
          yield { windowMs, startMs, endMs: to };
          startMs = to;
        }
        sizeMs = Math.min(sizeMs * 2, WINDOW_MS);
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
    receivedAtMs: Float64Array.from(rows, (row) => row.arrival?.receivedAtMs ?? Number.NaN),
    objectValues: rows.flatMap(({ arrival }, row) => (arrival?.objectJson == null ? [] : [{ row, json: arrival.objectJson }])),
    hasMore,
  };
}
