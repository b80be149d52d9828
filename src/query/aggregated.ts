/**
 * Samples folded into time buckets: one row per bucket and group, newest bucket first. Only as many rows are made as
 * the page shows: a month of a large fleet has millions of them.
 */
import { AppError } from '../model/errors.js';
import { isoTime } from '../model/iso-time.js';
import type { Tags, TimeRange } from '../model/metric.js';
import type { AggregateGroup, AggregateWants, GroupKey, MetricReader } from '../storage/ports.js';
import { describeFilter, type MetricFilter } from './filter.js';
import { finiteOrNull, parseTags } from './present.js';
import { compareText } from './statistics.js';

/** `rate` (per second) and `increase` are of counters, see AggregateGroup.increase; of other series they are null. */
export const AGGREGATIONS = ['avg', 'sum', 'min', 'max', 'count', 'rate', 'increase'] as const;
/** Besides those, `p1` to `p99`: exact percentiles. */
export type Aggregation = (typeof AGGREGATIONS)[number] | `p${number}`;

/** Bucket widths in milliseconds. Buckets are aligned to the Unix epoch: 1d is a day in UTC. */
export const INTERVALS = { '1m': 60_000, '5m': 300_000, '15m': 900_000, '1h': 3_600_000, '6h': 21_600_000, '1d': 86_400_000 } as const;
export type Interval = keyof typeof INTERVALS;

/** More buckets than this in one range are refused: no chart shows them and every one costs memory. */
export const MAX_BUCKETS = 50_000;

export interface AggregatedRequest {
  readonly filter: MetricFilter;
  readonly range: TimeRange;
  /** At least one. */
  readonly aggregations: readonly Aggregation[];
  readonly interval: Interval;
  /** Empty: everything is one group. null: not said, by name, type, provider and region. */
  readonly groupBy: readonly GroupKey[] | null;
  readonly limit: number;
  readonly offset: number;
}

const USUAL_GROUP_BY: readonly GroupKey[] = ['name', 'type', 'provider', 'region'];

/** What there is to know of a single series: its rows say it all. */
const OF_SERIES: readonly GroupKey[] = ['agent', ...USUAL_GROUP_BY, 'series'];

/**
 * The page of rows. Of object values the `.value` counts; a value that overflowed is null. A row names its group by what
 * was grouped by; `unit` and `tags` are what all series of the group have in common within the range, a tag that was
 * grouped by among them. With one aggregation a row has `value`, with several also `values`, by their names. The first
 * bucket begins on its grid, which may be before the range's start; only samples of the range are in it. Where only
 * rates and increases are asked for, only counters are looked at.
 * @throws AppError `validation_failed` when the range holds too many buckets for the interval.
 */
export async function aggregatedMetrics(reader: MetricReader, request: AggregatedRequest) {
  const { filter, range, aggregations, interval, limit, offset } = request;
  const stepMs = INTERVALS[interval];
  const buckets = Math.ceil((range.endMs - range.startMs) / stepMs);
  if (buckets > MAX_BUCKETS) {
    const reason = `the range holds ${buckets} buckets of ${interval}, and at most ${MAX_BUCKETS} are answered: choose a wider interval or a shorter range`;
    throw new AppError('validation_failed', reason, [{ field: 'interval', message: reason, value: interval }]);
  }
  const groupBy = keysOf(request.groupBy);
  const percentiles = aggregations.flatMap((aggregation) => percentileOf(aggregation) ?? []);
  const wants: AggregateWants = {
    ...(percentiles.length > 0 && { percentiles }),
    ...(aggregations.some(isOfCounters) && { increase: true }),
  };
  const looked = aggregations.every(isOfCounters) ? onlyCounters(filter) : filter;
  const groups = looked === null ? [] : await reader.aggregate({ filter: looked, range, stepMs, groupBy, wants });
  groups.sort((a, b) => compareGroups(a, b, groupBy));
  const found = newestRows(groups, stepMs, offset, limit + 1);
  const columns = aggregations.map((aggregation) => columnOf(aggregation, percentiles, range, stepMs));
  return {
    metrics: presentPage(found.slice(0, limit), groupBy, aggregations, columns),
    query: { ...describeFilter(filter), startTime: isoTime(range.startMs), endTime: isoTime(range.endMs), limit, offset },
    aggregation: {
      type: aggregations[0],
      ...(aggregations.length > 1 && { types: aggregations }),
      interval,
      ...(request.groupBy !== null && { groupBy: request.groupBy }),
    },
    pagination: { limit, offset, hasMore: found.length > limit },
  };
}

/** The rows in their order. What all rows of a group or of a bucket share is made once: a page has up to 10,000 of them. */
function presentPage(
  found: readonly { readonly group: AggregateGroup; readonly row: number }[],
  groupBy: readonly GroupKey[],
  aggregations: readonly Aggregation[],
  columns: readonly Column[],
) {
  const shared = new Map<AggregateGroup, { labels: Record<string, string>; tags: Tags }>();
  const valueOf = (i: number, group: AggregateGroup, row: number): number | null => finiteOrNull(columns[i]?.(group, row));
  let bucketMs = NaN;
  let timeBucket = '';
  return found.map(({ group, row }) => {
    let own = shared.get(group);
    if (own === undefined) shared.set(group, (own = { labels: presentLabels(group, groupBy), tags: parseTags(group.commonTagsJson) }));
    const startMs = group.bucketsMs[row] ?? NaN;
    if (startMs !== bucketMs) {
      bucketMs = startMs;
      timeBucket = isoTime(startMs);
    }
    // Assigned rather than spread, which takes thirty times as long.
    const answer = Object.assign({}, own.labels, { time_bucket: timeBucket, value: valueOf(0, group, row) });
    if (columns.length > 1) {
      const values = Object.fromEntries(aggregations.map((aggregation, i) => [aggregation, valueOf(i, group, row)]));
      Object.assign(answer, { values });
    }
    return Object.assign(answer, { count: group.count[row] ?? 0, unit: group.unit, tags: own.tags });
  });
}

function keysOf(asked: readonly GroupKey[] | null): readonly GroupKey[] {
  if (asked === null) return USUAL_GROUP_BY;
  return asked.includes('series') ? OF_SERIES : asked;
}

function isOfCounters(aggregation: Aggregation): boolean {
  return aggregation === 'rate' || aggregation === 'increase';
}

/** null: the filter leaves no counters. */
function onlyCounters(filter: MetricFilter): MetricFilter | null {
  return filter.types?.includes('counter') === false ? null : { ...filter, types: ['counter'] };
}

function percentileOf(aggregation: Aggregation): number | null {
  return /^p\d+$/.test(aggregation) ? Number(aggregation.slice(1)) : null;
}

type Column = (group: AggregateGroup, row: number) => number | undefined;

function columnOf(aggregation: Aggregation, percentiles: readonly number[], range: TimeRange, stepMs: number): Column {
  switch (aggregation) {
    case 'sum':
    case 'min':
    case 'max':
    case 'count':
    case 'increase':
      return (group, row) => group[aggregation]?.[row];
    case 'avg':
      return (group, row) => (group.sum[row] ?? NaN) / (group.count[row] ?? NaN);
    case 'rate':
      // Of a bucket that the range cuts, only the part within has samples here.
      return (group, row) => {
        const bucketMs = group.bucketsMs[row] ?? NaN;
        const coveredMs = Math.min(bucketMs + stepMs, range.endMs) - Math.max(bucketMs, range.startMs);
        return (group.increase?.[row] ?? NaN) / (coveredMs / 1_000);
      };
    default: {
      const index = percentiles.indexOf(percentileOf(aggregation) ?? NaN);
      return (group, row) => group.percentiles?.[index]?.[row];
    }
  }
}

/** The group's name in answers. Unit and tags are shown by every row anyway. */
function presentLabels(group: AggregateGroup, groupBy: readonly GroupKey[]): Record<string, string> {
  const named = groupBy.flatMap((key, i) => {
    if (key === 'unit' || key.startsWith('tag:')) return [];
    return [[key === 'agent' ? 'agent_id' : key, group.labels[i] ?? '']];
  });
  return Object.fromEntries(named) as Record<string, string>;
}

/**
 * Walks the groups' buckets together from the newest back, and answers rows `offset` to `offset + count`. Every group waits
 * under the bucket that is next in it: a step costs what it yields, however many groups there are.
 */
function newestRows(
  groups: readonly AggregateGroup[],
  stepMs: number,
  offset: number,
  count: number,
): { group: AggregateGroup; row: number }[] {
  const waiting = new Map<number, { index: number; row: number }[]>();
  let bucketMs = -Infinity;
  let oldestMs = Infinity;
  const wait = (index: number, row: number): void => {
    const next = groups[index]?.bucketsMs[row];
    if (next === undefined) return;
    const others = waiting.get(next);
    if (others === undefined) waiting.set(next, [{ index, row }]);
    else others.push({ index, row });
  };
  for (const [index, { bucketsMs }] of groups.entries()) {
    wait(index, bucketsMs.length - 1);
    bucketMs = Math.max(bucketMs, bucketsMs.at(-1) ?? -Infinity);
    oldestMs = Math.min(oldestMs, bucketsMs[0] ?? Infinity);
  }
  const rows: { group: AggregateGroup; row: number }[] = [];
  let skipped = 0;
  for (; bucketMs >= oldestMs; bucketMs -= stepMs) {
    const here = waiting.get(bucketMs) ?? [];
    waiting.delete(bucketMs);
    here.sort((a, b) => a.index - b.index);
    for (const { index, row } of here) {
      wait(index, row - 1);
      const group = groups[index];
      if (group === undefined) continue;
      if (skipped < offset) skipped += 1;
      else if (rows.push({ group, row }) === count) return rows;
    }
  }
  return rows;
}

/** By their labels in order, ids as numbers; what lacks a label comes first. */
function compareGroups(a: AggregateGroup, b: AggregateGroup, groupBy: readonly GroupKey[]): number {
  for (const [i, left] of a.labels.entries()) {
    const right = b.labels[i] ?? null;
    if (left === right) continue;
    if (left === null || right === null) return left === null ? -1 : 1;
    return groupBy[i] === 'series' ? Number(left) - Number(right) : compareText(left, right);
  }
  return 0;
}
