/**
 * Samples folded into time buckets: one row per bucket and (name, type, provider, region), newest bucket first.
 * Only as many rows are made as the page shows: a month of a large fleet has millions of them.
 */
import { AppError } from '../model/errors.js';
import type { TimeRange } from '../model/metric.js';
import type { AggregateGroup, MetricReader } from '../storage/ports.js';
import { describeFilter, type MetricFilter } from './filter.js';
import { finiteOrNull, isoTime, parseTags } from './present.js';
import { compareText } from './statistics.js';

export const AGGREGATIONS = ['avg', 'sum', 'min', 'max', 'count'] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

/** Bucket widths in milliseconds. Buckets are aligned to the Unix epoch: 1d is a day in UTC. */
export const INTERVALS = { '1m': 60_000, '5m': 300_000, '15m': 900_000, '1h': 3_600_000, '6h': 21_600_000, '1d': 86_400_000 } as const;
export type Interval = keyof typeof INTERVALS;

/** More buckets than this in one range are refused: no chart shows them and every one costs memory. */
export const MAX_BUCKETS = 50_000;

export interface AggregatedRequest {
  readonly filter: MetricFilter;
  readonly range: TimeRange;
  readonly aggregation: Aggregation;
  readonly interval: Interval;
  readonly limit: number;
  readonly offset: number;
}

const GROUP_BY = ['name', 'type', 'provider', 'region'] as const;

/**
 * The page of rows. Of object values the `.value` counts; a value that overflowed is null. `unit` and `tags` are
 * what all series of the row's group have in common within the range. The first bucket begins on its grid, which
 * may be before the range's start; only samples of the range are in it.
 * @throws AppError `validation_failed` when the range holds too many buckets for the interval.
 */
export async function aggregatedMetrics(reader: MetricReader, request: AggregatedRequest) {
  const { filter, range, aggregation, interval, limit, offset } = request;
  const stepMs = INTERVALS[interval];
  const buckets = Math.ceil((range.endMs - range.startMs) / stepMs);
  if (buckets > MAX_BUCKETS) {
    const reason = `the range holds ${buckets} buckets of ${interval}, and at most ${MAX_BUCKETS} are answered: choose a wider interval or a shorter range`;
    throw new AppError('validation_failed', reason, [{ field: 'interval', message: reason, value: interval }]);
  }
  const groups = await reader.aggregate({ filter, range, stepMs, groupBy: GROUP_BY });
  groups.sort(compareGroups);
  const found = newestRows(groups, offset, limit + 1);
  return {
    metrics: found.slice(0, limit).map(({ group, row }) => presentBucket(group, row, aggregation)),
    query: { ...describeFilter(filter), startTime: isoTime(range.startMs), endTime: isoTime(range.endMs), limit, offset },
    aggregation: { type: aggregation, interval },
    pagination: { limit, offset, hasMore: found.length > limit },
  };
}

/** Walks the groups' buckets together from the newest back, and answers rows `offset` to `offset + count`. */
function newestRows(groups: readonly AggregateGroup[], offset: number, count: number): { group: AggregateGroup; row: number }[] {
  const next = groups.map((group) => group.bucketsMs.length - 1);
  const bucketAt = (i: number): number => groups[i]?.bucketsMs[next[i] ?? -1] ?? -Infinity;
  const rows: { group: AggregateGroup; row: number }[] = [];
  let skipped = 0;
  for (;;) {
    const newest = next.reduce((latest, _, i) => Math.max(latest, bucketAt(i)), -Infinity);
    if (newest === -Infinity) return rows;
    for (const [i, group] of groups.entries()) {
      if (bucketAt(i) !== newest) continue;
      const row = next[i] ?? 0;
      next[i] = row - 1;
      if (skipped < offset) skipped += 1;
      else if (rows.push({ group, row }) === count) return rows;
    }
  }
}

function presentBucket(group: AggregateGroup, row: number, aggregation: Aggregation) {
  const [name, type, provider, region] = group.labels;
  return {
    name: name ?? '',
    type: type ?? '',
    provider: provider ?? '',
    region: region ?? '',
    time_bucket: isoTime(group.bucketsMs[row] ?? NaN),
    value: finiteOrNull(aggregation === 'avg' ? (group.sum[row] ?? NaN) / (group.count[row] ?? NaN) : group[aggregation][row]),
    count: group.count[row] ?? 0,
    unit: group.unit,
    tags: parseTags(group.commonTagsJson),
  };
}

function compareGroups(a: AggregateGroup, b: AggregateGroup): number {
  for (const [i, label] of a.labels.entries()) {
    const order = compareText(label ?? '', b.labels[i] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}
