/**
 * MetricReader over a plain array: slow, small and obviously right. Unit tests of query/ run on it, and the real
 * reader is compared with it. Every answer is computed from scratch, from the list of samples, by the words of the
 * port; where the port leaves something open, this model decides:
 * - one series and millisecond is one sample, the one added last wins (its `receivedAtMs` too);
 * - `newest` is the exact reverse of `oldest`: later times first, within one millisecond the higher series id first;
 * - `offset` counts from behind the cursor when there are both;
 * - without a step the one bucket is named by the range's start; with one, by `floor(t / step) * step`, which may
 *   lie before the range's start;
 * - an empty list in a filter matches nothing; `nameContains` compares lower-cased text;
 * - groups that hold no samples in the range do not appear, and groups come ordered by their labels (null first).
 */
import { canonicalTags, type MetricType, type SeriesInfo, type Tags, type TimeRange } from '../../src/model/metric.js';
import type {
  AggregateGroup,
  AggregateQuery,
  GroupKey,
  MetricReader,
  SampleQuery,
  SampleRows,
  SeriesFilter,
  SeriesTotals,
  TotalsQuery,
} from '../../src/storage/ports.js';

/** One sample as a test writes it down. The place is its agent's (see NaiveReader's `places`), never the sample's. */
export interface PlainSample {
  readonly agentId: string;
  readonly name: string;
  readonly type?: MetricType;
  readonly unit?: string | null;
  readonly tags?: Tags;
  readonly timestampMs: number;
  /** A number, or an object with a numeric `value`. */
  readonly value: number | ({ readonly value: number } & Readonly<Record<string, unknown>>);
  readonly receivedAtMs?: number | null;
}

export interface Place {
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
}

interface Row {
  readonly series: SeriesInfo;
  readonly timestampMs: number;
  readonly number: number;
  readonly json: string | null;
  readonly receivedAtMs: number;
}

const NOWHERE: Place = { provider: '', region: '', zone: '' };

export class NaiveReader implements MetricReader {
  private readonly dictionary = new Map<string, SeriesInfo>();
  private readonly rows = new Map<string, Row>();

  /** @param places where each agent is; an agent that is not listed is nowhere (empty strings). */
  constructor(
    samples: readonly PlainSample[] = [],
    private readonly places: Readonly<Record<string, Place>> = {},
  ) {
    for (const sample of samples) this.add(sample);
  }

  /** Adds one sample; series ids count up from 1 in the order in which series first appear. Answers the id. */
  add(sample: PlainSample): number {
    const series = this.seriesOf(sample);
    const isObject = typeof sample.value === 'object';
    this.rows.set(`${series.id} ${sample.timestampMs}`, {
      series,
      timestampMs: sample.timestampMs,
      number: typeof sample.value === 'object' ? sample.value.value : sample.value,
      json: isObject ? JSON.stringify(sample.value) : null,
      receivedAtMs: sample.receivedAtMs ?? NaN,
    });
    return series.id;
  }

  samples(query: SampleQuery): Promise<SampleRows> {
    const { filter, range, order, limit, offset, after } = query;
    const sign = order === 'newest' ? -1 : 1;
    const matching = this.matching(filter, range)
      .sort((a, b) => sign * (a.timestampMs - b.timestampMs || a.series.id - b.series.id))
      .filter((row) => after === undefined || sign * (row.timestampMs - after.timestampMs || row.series.id - after.seriesId) > 0);
    return Promise.resolve(toColumns(matching.slice(offset, offset + limit), matching.length > offset + limit));
  }

  aggregate(query: AggregateQuery): Promise<AggregateGroup[]> {
    const byLabels = new Map<string, Row[]>();
    for (const row of this.matching(query.filter, query.range)) {
      const key = JSON.stringify(query.groupBy.map((by) => labelOf(row.series, by)));
      addTo(byLabels, key, row);
    }
    const groups = [...byLabels].map(([key, rows]) => toGroup(JSON.parse(key) as (string | null)[], rows, query));
    return Promise.resolve(groups.sort((a, b) => compareLabels(a.labels, b.labels)));
  }

  async totals({ filter, range, percentiles }: TotalsQuery): Promise<SeriesTotals> {
    const wants = { increase: true, percentiles: percentiles ?? [] };
    const groups = await this.aggregate({ filter, range, stepMs: null, groupBy: ['series'], wants });
    const newest = await this.latest({ filter, range });
    const inOrder = groups.sort((a, b) => Number(a.labels[0]) - Number(b.labels[0]));
    const column = (of: (group: AggregateGroup) => number | undefined): Float64Array =>
      Float64Array.from(inOrder, (group) => of(group) ?? NaN);
    return {
      seriesIds: column(({ labels }) => Number(labels[0])),
      count: column(({ count }) => count[0]),
      sum: column(({ sum }) => sum[0]),
      min: column(({ min }) => min[0]),
      max: column(({ max }) => max[0]),
      last: newest.values,
      increase: column(({ increase }) => increase?.[0]),
      firstMs: column(({ firstMs }) => firstMs),
      lastMs: column(({ lastMs }) => lastMs),
      percentiles: (percentiles ?? []).map((_, i) => column(({ percentiles: columns }) => columns?.[i]?.[0])),
    };
  }

  latest(query: { filter: SeriesFilter; range: TimeRange }): Promise<SampleRows> {
    const newest = new Map<number, Row>();
    for (const row of this.matching(query.filter, query.range)) {
      const known = newest.get(row.series.id);
      if (known === undefined || known.timestampMs < row.timestampMs) newest.set(row.series.id, row);
    }
    return Promise.resolve(
      toColumns(
        [...newest.values()].sort((a, b) => a.series.id - b.series.id),
        false,
      ),
    );
  }

  series({ filter, limit, offset }: { filter: SeriesFilter; limit: number; offset: number }) {
    const found = [...this.dictionary.values()].filter((series) => matches(series, filter));
    const byId = found.sort((a, b) => a.id - b.id);
    const inOrder = byId.sort((a, b) => compareLabels([a.name, a.agentId, a.tagsJson], [b.name, b.agentId, b.tagsJson]));
    return Promise.resolve({ series: inOrder.slice(offset, offset + limit), total: found.length });
  }

  names(filter: SeriesFilter): Promise<{ name: string; type: MetricType }[]> {
    const pairs = new Map<string, { name: string; type: MetricType }>();
    for (const series of this.dictionary.values()) {
      if (matches(series, filter)) pairs.set(JSON.stringify([series.name, series.type]), { name: series.name, type: series.type });
    }
    return Promise.resolve([...pairs.values()].sort((a, b) => compareText(a.name, b.name) || compareText(a.type, b.type)));
  }

  private seriesOf(sample: PlainSample): SeriesInfo {
    const { agentId, name, type = 'gauge', unit = null } = sample;
    const tagsJson = canonicalTags(sample.tags);
    const key = JSON.stringify([agentId, name, type, unit, tagsJson]);
    const known = this.dictionary.get(key);
    if (known !== undefined) return known;
    const place = this.places[agentId] ?? NOWHERE;
    const series: SeriesInfo = { id: this.dictionary.size + 1, agentId, name, type, unit, tagsJson, ...place };
    this.dictionary.set(key, series);
    return series;
  }

  private matching(filter: SeriesFilter, range: Partial<TimeRange>): Row[] {
    return [...this.rows.values()].filter(
      (row) =>
        matches(row.series, filter) &&
        (range.startMs === undefined || row.timestampMs >= range.startMs) &&
        (range.endMs === undefined || row.timestampMs < range.endMs),
    );
  }
}

function matches(series: SeriesInfo, filter: SeriesFilter): boolean {
  const tags = tagMap(series);
  return (
    (filter.agentIds?.includes(series.agentId) ?? true) &&
    (filter.providers?.includes(series.provider) ?? true) &&
    (filter.regions?.includes(series.region) ?? true) &&
    (filter.names?.includes(series.name) ?? true) &&
    (filter.types?.includes(series.type) ?? true) &&
    (filter.tags?.every((tag) => tags.get(tag.key) === tag.value) ?? true) &&
    (filter.nameContains === undefined || series.name.toLowerCase().includes(filter.nameContains.toLowerCase()))
  );
}

function tagMap(series: SeriesInfo): Map<string, string> {
  return new Map(Object.entries(JSON.parse(series.tagsJson) as Record<string, string>));
}

function labelOf(series: SeriesInfo, by: GroupKey): string | null {
  switch (by) {
    case 'series':
      return String(series.id);
    case 'agent':
      return series.agentId;
    case 'name':
    case 'type':
    case 'unit':
    case 'provider':
    case 'region':
      return series[by];
    default:
      return tagMap(series).get(by.slice('tag:'.length)) ?? null;
  }
}

function toGroup(labels: (string | null)[], rows: Row[], query: AggregateQuery): AggregateGroup {
  const { stepMs, range } = query;
  const buckets = new Map<number, Row[]>();
  for (const row of rows) {
    const bucket = stepMs === null ? range.startMs : Math.floor(row.timestampMs / stepMs) * stepMs;
    addTo(buckets, bucket, row);
  }
  const ordered = [...buckets].sort(([a], [b]) => a - b);
  const column = (fold: (rows: Row[]) => number): Float64Array => Float64Array.from(ordered, ([, inBucket]) => fold(inBucket));
  const series = [...new Set(rows.map((row) => row.series))];
  const units = new Set(series.map((one) => one.unit));
  const times = rows.map((row) => row.timestampMs);
  return {
    labels,
    seriesCount: series.length,
    agentCount: new Set(series.map((one) => one.agentId)).size,
    unit: units.size === 1 ? (series[0]?.unit ?? null) : null,
    commonTagsJson: commonTags(series),
    uniqueNames: new Set(series.map((one) => one.name)).size,
    bucketsMs: Float64Array.from(ordered, ([bucket]) => bucket),
    count: column((inBucket) => inBucket.length),
    sum: column(sumOf),
    min: column((inBucket) => lowest(inBucket.map((row) => row.number))),
    max: column((inBucket) => highest(inBucket.map((row) => row.number))),
    ...(query.wants?.sumOfMeans === true && {
      sumOfMeans: column((inBucket) => bySeries(inBucket).reduce((total, ofOne) => total + sumOf(ofOne) / ofOne.length, 0)),
    }),
    ...(query.wants?.increase === true && { increase: increaseOf(rows, ordered) }),
    ...(query.wants?.percentiles !== undefined && {
      percentiles: query.wants.percentiles.map((p) =>
        column((inBucket) =>
          percentile(
            inBucket.map((row) => row.number),
            p,
          ),
        ),
      ),
    }),
    firstMs: lowest(times),
    lastMs: highest(times),
  };
}

/** Each sample of a counter brings what it is above the one before; below it, the counter began again at zero. */
function increaseOf(rows: Row[], ordered: readonly [number, Row[]][]): Float64Array {
  const steps = new Map<Row, number>();
  for (const ofOne of bySeries(rows.filter((row) => row.series.type === 'counter'))) {
    ofOne.sort((a, b) => a.timestampMs - b.timestampMs);
    for (const [i, row] of ofOne.entries()) {
      const before = ofOne[i - 1];
      const step = before === undefined ? 0 : row.number - before.number;
      steps.set(row, step >= 0 ? step : Math.max(row.number, 0));
    }
  }
  return Float64Array.from(ordered, ([, inBucket]) => {
    const counted = inBucket.filter((row) => steps.has(row));
    return counted.length === 0 ? NaN : counted.reduce((total, row) => total + (steps.get(row) ?? 0), 0);
  });
}

/** Where p percent of the way from the lowest to the highest value is, in a straight line between neighbours. */
function percentile(values: number[], p: number): number {
  const sorted = values.sort((a, b) => a - b);
  const place = ((sorted.length - 1) * p) / 100;
  const [below, above] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN];
  return below + (above - below) * (place - Math.floor(place));
}

function bySeries(rows: readonly Row[]): Row[][] {
  const lists = new Map<number, Row[]>();
  for (const row of rows) addTo(lists, row.series.id, row);
  return [...lists.values()];
}

function lowest(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value));
}

function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value));
}

function addTo<K>(lists: Map<K, Row[]>, key: K, row: Row): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [row]);
  else list.push(row);
}

function sumOf(rows: readonly Row[]): number {
  return rows.reduce((total, row) => total + row.number, 0);
}

function commonTags(series: readonly SeriesInfo[]): string {
  const maps = series.map(tagMap);
  const shared = [...(maps[0] ?? [])].filter(([key, value]) => maps.every((map) => map.get(key) === value));
  return canonicalTags(Object.fromEntries(shared));
}

function toColumns(rows: readonly Row[], hasMore: boolean): SampleRows {
  const series = [...new Set(rows.map((row) => row.series))];
  return {
    series,
    seriesIndex: Uint32Array.from(rows, (row) => series.indexOf(row.series)),
    timestampsMs: Float64Array.from(rows, (row) => row.timestampMs),
    values: Float64Array.from(rows, (row) => row.number),
    receivedAtMs: Float64Array.from(rows, (row) => row.receivedAtMs),
    objectValues: rows.flatMap(({ json }, row) => (json === null ? [] : [{ row, json }])),
    hasMore,
  };
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function compareLabels(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? null;
    if (left === right) continue;
    if (left === null) return -1;
    if (right === null) return 1;
    return compareText(left, right);
  }
  return 0;
}
