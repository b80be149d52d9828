/**
 * Folds series columns into groups of buckets. Pure arithmetic over columns that come window by window, ascending
 * in time within each series; a bucket may span windows.
 */
import type { AggregateGroup, GroupKey } from '../../model/aggregate.js';
import type { SeriesInfo, Tags, TimeRange } from '../../model/metric.js';

/** Buckets one answer may hold, over all its groups: keeps a query's memory within about 500 MB. */
export const MAX_BUCKETS = 5_000_000;

/** The query asks for more buckets than one answer may hold. */
export class TooManyBucketsError extends Error {
  override readonly name = 'TooManyBucketsError';
}

export class Aggregator {
  private readonly groups: GroupAccumulator[] = [];
  private readonly groupOf: GroupAccumulator[] = [];
  /** Per slot: the bucket its mean is being taken of. It may go on in the next window. */
  private readonly open: { bucket: number; count: number; sum: number }[] = [];
  private buckets = 0;

  constructor(
    private readonly series: readonly SeriesInfo[],
    private readonly range: TimeRange,
    private readonly stepMs: number | null,
    groupBy: readonly GroupKey[],
  ) {
    const byKey = new Map<string, GroupAccumulator>();
    for (const info of series) {
      const labels = groupBy.map((key) => labelOf(info, key));
      const key = JSON.stringify(labels);
      let group = byKey.get(key);
      if (group === undefined) {
        group = new GroupAccumulator(labels);
        byKey.set(key, group);
        this.groups.push(group);
      }
      this.groupOf.push(group);
      this.open.push({ bucket: Number.NaN, count: 0, sum: 0 });
    }
  }

  /**
   * Adds rows `from` to `to` (exclusive) of one series; those outside the range are passed over.
   * @throws TooManyBucketsError
   */
  add(slot: number, timestampsMs: Float64Array, values: Float64Array, from: number, to: number): void {
    const { startMs, endMs } = this.range;
    const group = this.groupOf[slot] as GroupAccumulator;
    const open = this.open[slot] as { bucket: number; count: number; sum: number };
    let row = -1;
    for (let i = from; i < to; i += 1) {
      const time = timestampsMs[i] as number;
      if (time < startMs || time >= endMs) continue;
      const value = values[i] as number;
      const bucket = this.stepMs === null ? startMs : Math.floor(time / this.stepMs) * this.stepMs;
      if (bucket !== open.bucket) {
        this.closeMean(group, open);
        open.bucket = bucket;
        open.count = 0;
        open.sum = 0;
        row = -1;
      }
      if (row === -1) row = this.bucketRow(group, bucket);
      open.count += 1;
      open.sum += value;
      group.add(row, value);
      if (time < group.firstMs) group.firstMs = time;
      if (time > group.lastMs) group.lastMs = time;
      if (open.count === 1) group.members.add(slot);
    }
  }

  /** Groups that hold samples, in the order in which their first series was given. */
  result(): AggregateGroup[] {
    for (const [slot, open] of this.open.entries()) this.closeMean(this.groupOf[slot] as GroupAccumulator, open);
    return this.groups.filter((group) => group.members.size > 0).map((group) => group.finish(this.series));
  }

  private bucketRow(group: GroupAccumulator, bucket: number): number {
    const known = group.rowOf.get(bucket);
    if (known !== undefined) return known;
    this.buckets += 1;
    if (this.buckets > MAX_BUCKETS) throw new TooManyBucketsError(`more than ${MAX_BUCKETS} buckets`);
    return group.newRow(bucket);
  }

  private closeMean(group: GroupAccumulator, open: { bucket: number; count: number; sum: number }): void {
    if (open.count > 0) group.addMean(this.bucketRow(group, open.bucket), open.sum / open.count);
  }
}

class GroupAccumulator {
  readonly rowOf = new Map<number, number>();
  readonly members = new Set<number>();
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;
  private readonly buckets: number[] = [];
  private readonly counts: number[] = [];
  private readonly sums: number[] = [];
  private readonly mins: number[] = [];
  private readonly maxs: number[] = [];
  private readonly means: number[] = [];

  constructor(private readonly labels: readonly (string | null)[]) {}

  newRow(bucket: number): number {
    const row = this.buckets.length;
    this.rowOf.set(bucket, row);
    this.buckets.push(bucket);
    this.counts.push(0);
    this.sums.push(0);
    this.mins.push(Number.POSITIVE_INFINITY);
    this.maxs.push(Number.NEGATIVE_INFINITY);
    this.means.push(0);
    return row;
  }

  add(row: number, value: number): void {
    (this.counts[row] as number) += 1;
    (this.sums[row] as number) += value;
    if (value < (this.mins[row] as number)) this.mins[row] = value;
    if (value > (this.maxs[row] as number)) this.maxs[row] = value;
  }

  addMean(row: number, mean: number): void {
    (this.means[row] as number) += mean;
  }

  finish(series: readonly SeriesInfo[]): AggregateGroup {
    const order = Array.from(this.buckets.keys()).sort((a, b) => (this.buckets[a] as number) - (this.buckets[b] as number));
    const column = (from: number[]): Float64Array => Float64Array.from(order, (row) => from[row] as number);
    const members = Array.from(this.members, (slot) => series[slot] as SeriesInfo);
    const unit = members[0]?.unit ?? null;
    return {
      labels: this.labels,
      seriesCount: members.length,
      agentCount: new Set(members.map((info) => info.agentId)).size,
      unit: members.every((info) => info.unit === unit) ? unit : null,
      commonTagsJson: commonTags(members),
      uniqueNames: new Set(members.map((info) => info.name)).size,
      bucketsMs: column(this.buckets),
      count: column(this.counts),
      sum: column(this.sums),
      min: column(this.mins),
      max: column(this.maxs),
      sumOfMeans: column(this.means),
      firstMs: this.firstMs,
      lastMs: this.lastMs,
    };
  }
}

function labelOf(info: SeriesInfo, key: GroupKey): string | null {
  switch (key) {
    case 'series':
      return String(info.id);
    case 'agent':
      return info.agentId;
    case 'name':
    case 'type':
    case 'unit':
    case 'provider':
    case 'region':
      return info[key];
    default: {
      const tag = key.slice('tag:'.length);
      const tags = JSON.parse(info.tagsJson) as Tags;
      return Object.hasOwn(tags, tag) ? (tags[tag] as string) : null;
    }
  }
}

/** Canonical JSON of the tags that all these series share. */
function commonTags(members: readonly SeriesInfo[]): string {
  const first = members[0]?.tagsJson ?? '{}';
  if (members.every((info) => info.tagsJson === first)) return first;
  let common = Object.entries(JSON.parse(first) as Tags);
  for (const distinct of new Set(members.map((info) => info.tagsJson))) {
    const tags = JSON.parse(distinct) as Tags;
    common = common.filter(([key, value]) => Object.hasOwn(tags, key) && tags[key] === value);
    if (common.length === 0) break;
  }
  return `{${common.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}
