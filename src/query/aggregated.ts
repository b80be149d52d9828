/**
 * Samples folded into time buckets: one row per bucket and group, newest bucket first. Only as many rows are made as
 * the page shows: a month of a large fleet has millions of them.
 */
import { isoTime } from '../model/iso-time.js';
import { addToList } from '../model/lists.js';
import type { Tags, TimeRange } from '../model/metric.js';
import type { AggregateGroup, GroupKey, MetricReader } from '../storage/ports.js';
import {
  type Aggregation,
  checkBuckets,
  type Column,
  columnOf,
  compareGroups,
  isOfCounters,
  keysOf,
  onlyCounters,
  presentLabels,
  wantsOf,
} from './aggregation.js';
import { describeFilter, type MetricFilter } from './filter.js';
import { finiteOrNull, parseTags } from './present.js';

/** Bucket widths in milliseconds. Buckets are aligned to the Unix epoch: 1d is a day in UTC. */
export const INTERVALS = { '1m': 60_000, '5m': 300_000, '15m': 900_000, '1h': 3_600_000, '6h': 21_600_000, '1d': 86_400_000 } as const;
export type Interval = keyof typeof INTERVALS;

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
  checkBuckets(range, stepMs, interval);
  const groupBy = keysOf(request.groupBy);
  const wants = wantsOf(aggregations);
  const looked = aggregations.every(isOfCounters) ? onlyCounters(filter) : filter;
  const groups = looked === null ? [] : await reader.aggregate({ filter: looked, range, stepMs, groupBy, wants });
  groups.sort((a, b) => compareGroups(a, b, groupBy));
  const found = newestRows(groups, stepMs, offset, limit + 1);
  const columns = aggregations.map((aggregation) => columnOf(aggregation, wants, range, stepMs));
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
    if (next !== undefined) addToList(waiting, next, { index, row });
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
