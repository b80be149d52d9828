/** What questions of aggregates have in common: what can be computed, how groups are named and ordered. Pure. */
import { AppError } from '../model/errors.js';
import type { TimeRange } from '../model/metric.js';
import type { AggregateGroup, AggregateWants, GroupKey } from '../storage/ports.js';
import type { MetricFilter } from './filter.js';
import { compareText } from './statistics.js';

/** `rate` (per second) and `increase` are of counters, see AggregateGroup.increase; of other series they are null. */
export const AGGREGATIONS = ['avg', 'sum', 'min', 'max', 'count', 'rate', 'increase'] as const;
/** Besides those, `p1` to `p99`: exact percentiles. */
export type Aggregation = (typeof AGGREGATIONS)[number] | `p${number}`;

/** More buckets than this in one range are refused: no chart shows them and every one costs memory. */
export const MAX_BUCKETS = 50_000;

const USUAL_GROUP_BY: readonly GroupKey[] = ['name', 'type', 'provider', 'region'];

/** What there is to know of a single series: its rows say it all. */
const OF_SERIES: readonly GroupKey[] = ['agent', ...USUAL_GROUP_BY, 'series'];

/** What to group by; null: not said. */
export function keysOf(asked: readonly GroupKey[] | null): readonly GroupKey[] {
  if (asked === null) return USUAL_GROUP_BY;
  return asked.includes('series') ? OF_SERIES : asked;
}

export function isOfCounters(aggregation: Aggregation): boolean {
  return aggregation === 'rate' || aggregation === 'increase';
}

/** null: the filter leaves no counters. */
export function onlyCounters(filter: MetricFilter): MetricFilter | null {
  return filter.types?.includes('counter') === false ? null : { ...filter, types: ['counter'] };
}

function percentileOf(aggregation: Aggregation): number | null {
  return /^p\d+$/.test(aggregation) ? Number(aggregation.slice(1)) : null;
}

/** What storage has to be asked for; percentiles in the order in which they are named. */
export function wantsOf(aggregations: readonly Aggregation[]): AggregateWants {
  const percentiles = aggregations.flatMap((aggregation) => percentileOf(aggregation) ?? []);
  return { ...(percentiles.length > 0 && { percentiles }), ...(aggregations.some(isOfCounters) && { increase: true }) };
}

/** One value of a group's row. */
export type Column = (group: AggregateGroup, row: number) => number | undefined;

/** Of groups that were asked for with these wants, range and step. */
export function columnOf(aggregation: Aggregation, { percentiles = [] }: AggregateWants, range: TimeRange, stepMs: number): Column {
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
export function presentLabels(group: AggregateGroup, groupBy: readonly GroupKey[]): Record<string, string> {
  const named = groupBy.flatMap((key, i) => {
    if (key === 'unit' || key.startsWith('tag:')) return [];
    return [[key === 'agent' ? 'agent_id' : key, group.labels[i] ?? '']];
  });
  return Object.fromEntries(named) as Record<string, string>;
}

/** By their labels in order, ids as numbers; what lacks a label comes first. */
export function compareGroups(a: AggregateGroup, b: AggregateGroup, groupBy: readonly GroupKey[]): number {
  for (const [i, left] of a.labels.entries()) {
    const right = b.labels[i] ?? null;
    if (left === right) continue;
    if (left === null || right === null) return left === null ? -1 : 1;
    return groupBy[i] === 'series' ? Number(left) - Number(right) : compareText(left, right);
  }
  return 0;
}

/** @throws AppError `validation_failed` when the range holds too many buckets for the interval. */
export function checkBuckets({ startMs, endMs }: TimeRange, stepMs: number, interval: string): void {
  const buckets = Math.ceil((endMs - startMs) / stepMs);
  if (buckets <= MAX_BUCKETS) return;
  const reason = `the range holds ${buckets} buckets of ${interval}, and at most ${MAX_BUCKETS} are answered: choose a wider interval or a shorter range`;
  throw new AppError('validation_failed', reason, [{ field: 'interval', message: reason, value: interval }]);
}
