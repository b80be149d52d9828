/**
 * Average packet loss in percent, over time. A loss above 100 comes from agents that report 33.33 % as 3333: it is
 * stored as sent, and read here as hundredths of a percent. Aggregates alone cannot undo that where a bucket mixes
 * both, so those buckets — of the series concerned only — are read sample by sample, up to a limit.
 */
import type { TimeRange } from '../model/metric.js';
import type { AggregateGroup, MetricReader, SampleCursor, SampleRows } from '../storage/ports.js';
import type { MetricFilter } from './filter.js';
import { parseTags } from './present.js';

export const PACKET_LOSS_METRIC = 'ping_packet_loss_percent';

/** A dashboard reads no more samples than this, in pages; what it cannot tell then is left out. */
const LIMITS = { pageSamples: 10_000, maxSamples: 200_000 };

/** Corrected sum and count of one bucket. */
export interface LossBucket {
  sum: number;
  count: number;
}

/** Buckets by start, those that hold samples; null: it would take too many samples to tell. */
export type LossBuckets = Map<number, LossBucket | null>;

interface MixedSeries {
  readonly buckets: Set<number>;
  readonly agentId: string;
}

/** The loss over time, in buckets of `stepMs`. `all`: the aggregate of the metric in such buckets; undefined when there is none. */
export async function packetLoss(
  reader: MetricReader,
  filter: MetricFilter,
  range: TimeRange,
  stepMs: number,
  all: AggregateGroup | undefined,
  limits = LIMITS,
): Promise<LossBuckets> {
  const lossFilter = { ...filter, names: [PACKET_LOSS_METRIC] };
  const losses: LossBuckets = new Map();
  if (all === undefined) return losses;
  const odd = new Set<number>();
  for (const [i, bucketMs] of all.bucketsMs.entries()) {
    losses.set(bucketMs, { sum: all.sum[i] ?? 0, count: all.count[i] ?? 0 });
    if ((all.max[i] ?? 0) > 100) odd.add(bucketMs);
  }
  if (odd.size === 0) return losses;
  for (const bucketMs of odd) losses.set(bucketMs, { sum: 0, count: 0 });
  const mixed = await addUnmixed(reader, lossFilter, within(range, odd, stepMs), stepMs, losses, odd);
  await addMixed(reader, lossFilter, range, stepMs, losses, mixed, limits);
  return losses;
}

/** The average over the whole range, every sample counting the same; null without samples. `all`: the aggregate of the metric in one bucket. */
export async function averageLoss(
  reader: MetricReader,
  filter: MetricFilter,
  range: TimeRange,
  stepMs: number,
  all: AggregateGroup | undefined,
): Promise<number | null> {
  if (all === undefined) return null;
  if ((all.max[0] ?? 0) <= 100) return (all.sum[0] ?? 0) / (all.count[0] ?? 0);
  const [buckets] = await reader.aggregate({ filter: { ...filter, names: [PACKET_LOSS_METRIC] }, range, stepMs, groupBy: [] });
  const losses = await packetLoss(reader, filter, range, stepMs, buckets);
  let sum = 0;
  let count = 0;
  for (const bucket of losses.values()) {
    sum += bucket?.sum ?? 0;
    count += bucket?.count ?? 0;
  }
  return count === 0 ? null : sum / count;
}

/** One agent's pings of one target, and the aggregate of their loss in one bucket. */
export interface TargetLoss {
  readonly agentId: string;
  readonly target: string;
  readonly all: AggregateGroup;
}

/** The average per agent and target over the whole range, by their aggregates; null where it would take too many samples to tell. */
export async function lossPerTarget(
  reader: MetricReader,
  filter: MetricFilter,
  range: TimeRange,
  given: readonly TargetLoss[],
  limits = LIMITS,
): Promise<Map<AggregateGroup, number | null>> {
  const losses = new Map<AggregateGroup, number | null>();
  const mixed = new Map<string, { readonly all: AggregateGroup; readonly bucket: LossBucket }>();
  const agentIds = new Set<string>();
  const keyOf = (agentId: string, target: unknown): string => JSON.stringify([agentId, target]);
  for (const { agentId, target, all } of given) {
    const average = (all.sum[0] ?? NaN) / (all.count[0] ?? NaN);
    if ((all.max[0] ?? 0) <= 100) losses.set(all, average);
    else if ((all.min[0] ?? 0) > 100) losses.set(all, average / 100);
    else {
      mixed.set(keyOf(agentId, target), { all, bucket: { sum: 0, count: 0 } });
      agentIds.add(agentId);
    }
  }
  if (mixed.size === 0) return losses;
  let isWhole = false;
  for await (const rows of pages(reader, { ...filter, names: [PACKET_LOSS_METRIC], agentIds: [...agentIds] }, range, limits)) {
    const buckets = rows.series.map(({ agentId, tagsJson }) => mixed.get(keyOf(agentId, parseTags(tagsJson)['target']))?.bucket);
    for (const [row, index] of rows.seriesIndex.entries()) {
      const bucket = buckets[index];
      if (bucket === undefined) continue;
      bucket.sum += percent(rows.values[row] ?? 0);
      bucket.count += 1;
    }
    isWhole = !rows.hasMore;
  }
  for (const { all, bucket } of mixed.values()) losses.set(all, isWhole && bucket.count > 0 ? bucket.sum / bucket.count : null);
  return losses;
}

/** Adds what single series' aggregates can tell of the odd buckets; answers the series and buckets they cannot. */
async function addUnmixed(
  reader: MetricReader,
  filter: MetricFilter,
  range: TimeRange,
  stepMs: number,
  losses: LossBuckets,
  odd: ReadonlySet<number>,
): Promise<Map<number, MixedSeries>> {
  const mixed = new Map<number, MixedSeries>();
  for (const group of await reader.aggregate({ filter, range, stepMs, groupBy: ['series', 'agent'] })) {
    const seriesId = Number(group.labels[0]);
    for (const [i, bucketMs] of group.bucketsMs.entries()) {
      if (!odd.has(bucketMs)) continue;
      const sum = group.sum[i] ?? 0;
      if ((group.max[i] ?? 0) <= 100) add(losses, bucketMs, sum, group.count[i] ?? 0);
      else if ((group.min[i] ?? 0) > 100) add(losses, bucketMs, sum / 100, group.count[i] ?? 0);
      else {
        const entry = mixed.get(seriesId) ?? { buckets: new Set(), agentId: group.labels[1] ?? '' };
        entry.buckets.add(bucketMs);
        mixed.set(seriesId, entry);
      }
    }
  }
  return mixed;
}

/** Reads the mixed series' samples, newest first; buckets that were not read to their end become null. */
async function addMixed(
  reader: MetricReader,
  filter: MetricFilter,
  range: TimeRange,
  stepMs: number,
  losses: LossBuckets,
  mixed: ReadonlyMap<number, MixedSeries>,
  limits: typeof LIMITS,
): Promise<void> {
  if (mixed.size === 0) return;
  const buckets = new Set([...mixed.values()].flatMap((entry) => [...entry.buckets]));
  const span = within(range, buckets, stepMs);
  const ofAgents = { ...filter, agentIds: [...new Set([...mixed.values()].map((entry) => entry.agentId))] };
  let unreadMs: number | null = null;
  for await (const rows of pages(reader, ofAgents, span, limits)) {
    for (const [row, index] of rows.seriesIndex.entries()) {
      const bucketMs = Math.floor((rows.timestampsMs[row] ?? 0) / stepMs) * stepMs;
      const isMixed = mixed.get(rows.series[index]?.id ?? 0)?.buckets.has(bucketMs) === true;
      if (isMixed) add(losses, bucketMs, percent(rows.values[row] ?? 0), 1);
    }
    unreadMs = rows.hasMore ? (rows.timestampsMs.at(-1) ?? Infinity) : null;
  }
  if (unreadMs === null) return;
  for (const bucketMs of buckets) {
    if (bucketMs <= unreadMs) losses.set(bucketMs, null);
  }
}

/** Samples, newest first, as many as the limits let through. The last page says whether that was all. */
async function* pages(reader: MetricReader, filter: MetricFilter, range: TimeRange, limits: typeof LIMITS): AsyncGenerator<SampleRows> {
  let after: SampleCursor | null = null;
  for (let read = 0; read < limits.maxSamples; read += limits.pageSamples) {
    const rows: SampleRows = await reader.samples({
      filter,
      range,
      order: 'newest',
      limit: limits.pageSamples,
      offset: 0,
      ...(after === null ? {} : { after }),
    });
    yield rows;
    const last = rows.seriesIndex.length - 1;
    if (!rows.hasMore || last < 0) return;
    after = { timestampMs: rows.timestampsMs[last] ?? 0, seriesId: rows.series[rows.seriesIndex[last] ?? 0]?.id ?? 0 };
  }
}

/** What a sample says, in percent. */
function percent(value: number): number {
  return value > 100 ? value / 100 : value;
}

function add(losses: LossBuckets, bucketMs: number, sum: number, count: number): void {
  const bucket = losses.get(bucketMs);
  if (bucket === undefined || bucket === null) return;
  bucket.sum += sum;
  bucket.count += count;
}

/** The part of the range that these buckets span. */
function within(range: TimeRange, buckets: ReadonlySet<number>, stepMs: number): TimeRange {
  let first = Infinity;
  let last = -Infinity;
  for (const bucketMs of buckets) {
    first = Math.min(first, bucketMs);
    last = Math.max(last, bucketMs);
  }
  return { startMs: Math.max(range.startMs, first), endMs: Math.min(range.endMs, last + stepMs) };
}
