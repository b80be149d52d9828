/**
 * What a chart draws: the values of one aggregation as columns over a regular grid of buckets, one column per group. The same
 * numbers as `aggregatedMetrics` has in rows, in a tenth of the bytes.
 */
import { AppError, isAppError } from '../model/errors.js';
import { isoTime } from '../model/iso-time.js';
import type { TimeRange } from '../model/metric.js';
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
import { intervalText, narrowestStep, widerSteps } from './chart-interval.js';
import { describeFilter, type MetricFilter } from './filter.js';
import type { GapQueries } from './gaps.js';
import { finiteOrNull, parseTags, presentPeriod } from './present.js';

export interface ChartRequest {
  readonly filter: MetricFilter;
  readonly range: TimeRange;
  readonly aggregation: Aggregation;
  /** Empty: everything is one group. */
  readonly groupBy: readonly GroupKey[];
  /** The buckets' width in whole seconds, or how many of them may cover the range: then it is the narrowest that storage can tell. */
  readonly interval: { readonly stepMs: number } | { readonly points: number };
  /** Of groups. */
  readonly limit: number;
  /** The range goes on with what an earlier answer ended in: of counters also the steps into it count. */
  readonly continues: boolean;
}

type Reader = Pick<MetricReader, 'aggregate' | 'series'>;

/** Which of the groups are shown, when it is known before that there are more; and a filter that leaves little else. */
interface Selection {
  readonly filter: MetricFilter;
  /** At most so many. */
  readonly groups: number;
  readonly shown: { readonly keys: ReadonlySet<string>; readonly total: number } | null;
}

/** Of all groups together: 20 MB of text. */
const MAX_VALUES = 1_000_000;

/** How long before a range that continues another one its counters' last values are looked for. */
const LEAD_MS = 5 * 60_000;

const NOTHING: Selection = Object.freeze({ filter: {}, groups: 0, shown: null });

export class ChartQueries {
  constructor(
    private readonly reader: Reader,
    private readonly gaps: Pick<GapQueries, 'within'>,
  ) {}

  /** See `chart`; with what is missing of the filter's agents within the range. */
  async chart(request: ChartRequest) {
    const [drawn, gaps] = await Promise.all([chart(this.reader, request), this.gaps.within(request.filter, request.range)]);
    return { ...drawn, ...gaps };
  }
}

/**
 * Value i of every group is of the bucket that begins at `start_ms + i * interval_ms`. The first bucket begins on its grid
 * (buckets are aligned to the Unix epoch), which may be before the range's start; only samples of the range are in it. Groups
 * are ordered by their labels; `totalSeries` says how many hold samples in the range.
 * @throws AppError `validation_failed` when the answer would be too large, and when storage cannot tell what is asked for
 * where only rollups are left: percentiles, or a width that was asked for.
 */
export async function chart(reader: Reader, request: ChartRequest) {
  const { filter, range, aggregation, limit } = request;
  const groupBy = keysOf(request.groupBy);
  const looked = isOfCounters(aggregation) ? onlyCounters(filter) : filter;
  const selection = looked === null ? NOTHING : await select(reader, looked, range, groupBy, limit);
  const { groups, read, stepMs } = await aggregate(reader, request, selection);
  // Of what was only read before the range nothing is shown.
  const found = groups.filter(({ lastMs, labels }) => lastMs >= range.startMs && isShown(selection, labels));
  const shown = found.sort((a, b) => compareGroups(a, b, groupBy)).slice(0, limit);
  const startMs = Math.floor(range.startMs / stepMs) * stepMs;
  const count = Math.ceil((range.endMs - startMs) / stepMs);
  checkValues(shown.length, count, stepMs);
  const column = columnOf(aggregation, wantsOf([aggregation]), read, stepMs);
  const total = selection.shown?.total ?? found.length;
  return {
    interval: intervalText(stepMs),
    interval_ms: stepMs,
    start_ms: startMs,
    count,
    series: shown.map((group) => ({
      ...presentLabels(group, groupBy),
      unit: group.unit,
      tags: parseTags(group.commonTagsJson),
      values: valuesOf(group, column, { startMs, stepMs, count }),
    })),
    totalSeries: total,
    truncated: total > shown.length,
    query: { ...describeFilter(filter), startTime: isoTime(range.startMs), endTime: isoTime(range.endMs), limit },
    aggregation: { type: aggregation, interval: intervalText(stepMs), groupBy: request.groupBy },
    period: presentPeriod(range),
  };
}

async function select(
  reader: Reader,
  filter: MetricFilter,
  range: TimeRange,
  groupBy: readonly GroupKey[],
  limit: number,
): Promise<Selection> {
  const { total } = await reader.series({ filter, limit: 1, offset: 0 });
  const all = { filter, groups: Math.min(total, limit), shown: null };
  // Only by agent there are that many groups, and only of agents a filter can leave out the rest.
  const agentAt = groupBy.indexOf('agent');
  if (total <= limit || agentAt < 0) return all;
  const groups = await reader.aggregate({ filter, range, stepMs: null, groupBy, wants: { countsOnly: true } });
  if (groups.length <= limit) return all;
  const shown = groups.sort((a, b) => compareGroups(a, b, groupBy)).slice(0, limit);
  const agentIds = [...new Set(shown.map(({ labels }) => labels[agentAt] ?? ''))];
  const keys = new Set(shown.map(({ labels }) => JSON.stringify(labels)));
  return { filter: { ...filter, agentIds }, groups: limit, shown: { keys, total: groups.length } };
}

function isShown({ shown }: Selection, labels: AggregateGroup['labels']): boolean {
  return shown === null || shown.keys.has(JSON.stringify(labels));
}

/** The groups in buckets of the first width that storage can tell; `read` is the range with what had to be read before it. */
async function aggregate(reader: Reader, request: ChartRequest, { filter, groups }: Selection) {
  const { range, aggregation } = request;
  const groupBy = keysOf(request.groupBy);
  const wants = wantsOf([aggregation]);
  const [first, ...wider] = stepsOf(request, groups);
  let stepMs = first;
  for (;;) {
    checkBuckets(range, stepMs, intervalText(stepMs));
    const read = request.continues && isOfCounters(aggregation) ? withLead(range, stepMs) : range;
    if (groups === 0) return { groups: [], read, stepMs };
    try {
      return { groups: await reader.aggregate({ filter, range: read, stepMs, groupBy, wants }), read, stepMs };
    } catch (error) {
      const next = wider.shift();
      if (next === undefined || !isAppError(error) || error.code !== 'validation_failed') throw error;
      stepMs = next;
    }
  }
}

/** Widths to try: where only rollups are left, storage refuses those that are narrower than these. */
function stepsOf({ range, aggregation, interval }: ChartRequest, groups: number): [number, ...number[]] {
  if ('stepMs' in interval) return [interval.stepMs];
  // One bucket more than there are points, where the range cuts the first and the last.
  const points = Math.min(interval.points, Math.floor(MAX_VALUES / Math.max(groups, 1)) - 1);
  const lengthMs = range.endMs - range.startMs;
  const narrowest = narrowestStep(lengthMs, points);
  // Rollups have no percentiles, of whatever width.
  return wantsOf([aggregation]).percentiles === undefined ? [narrowest, ...widerSteps(narrowest)] : [narrowest];
}

function withLead({ startMs, endMs }: TimeRange, stepMs: number): TimeRange {
  return { startMs: Math.max(0, startMs - Math.ceil(LEAD_MS / stepMs) * stepMs), endMs };
}

/** @throws AppError `validation_failed` */
function checkValues(groups: number, count: number, stepMs: number): void {
  if (groups * count <= MAX_VALUES) return;
  const interval = intervalText(stepMs);
  const reason = `${groups} series in ${count} buckets of ${interval} are more than ${MAX_VALUES} values: choose a wider interval, a shorter range or a lower limit`;
  throw new AppError('validation_failed', reason, [{ field: 'interval', message: reason, value: interval }]);
}

interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

function valuesOf(group: AggregateGroup, column: Column, { startMs, stepMs, count }: Grid): (number | null)[] {
  const values: (number | null)[] = [];
  const { bucketsMs } = group;
  for (let row = 0; row < bucketsMs.length; row += 1) {
    const at = ((bucketsMs[row] as number) - startMs) / stepMs;
    while (values.length < at) values.push(null);
    if (at >= 0) values.push(finiteOrNull(column(group, row)));
  }
  while (values.length < count) values.push(null);
  return values;
}
