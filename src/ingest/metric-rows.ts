/**
 * One batch while it is being read: its metrics come one by one, checked here, and leave as columns for storage.
 *
 * A metric is first compared with the series that followed the previous one last time. When it is that one, its
 * name, type, unit and tags have passed their checks before, and only value and time are left to look at.
 * One bad metric never costs the rest: it is noted with its index and the reason, and the others go on.
 */
import type { SeriesIdentity } from '../model/metric.js';
import type { SampleBatch } from '../storage/ports.js';
import {
  identityProblem,
  metricType,
  objectValue,
  type Problem,
  problem,
  type RawMetric,
  shown,
  storedTags,
  storedUnit,
} from './metric-checks.js';
import { Rejections } from './rejections.js';
import type { RowContext } from './row-context.js';
import type { SeriesDictionary, SeriesEntry } from './series-dictionary.js';

/** What belongs to the batch as a whole. */
export interface BatchFrame {
  readonly agentKey: number;
  readonly batchId: string | null;
  readonly seq: number | null;
  readonly receivedAtMs: number;
  /** As it was sent; whatever cannot be read as a time only hurts metrics without one of their own. */
  readonly timestamp: unknown;
}

/** A batch on its way to storage, with what is needed to answer for it afterwards. */
export interface DecodedBatch {
  readonly batch: SampleBatch;
  /** The series of each row. */
  readonly entries: readonly SeriesEntry[];
  /** The entries of `batch.newSeries`. */
  readonly newEntries: readonly SeriesEntry[];
  /** The index in the frame of each row, or null when nothing was rejected and they are the same. */
  readonly rowIndex: readonly number[] | null;
  readonly rejections: Rejections;
}

const MAX_AHEAD_MS = 3_600_000;
const NO_SERIES: readonly SeriesIdentity[] = Object.freeze([]);

export class MetricRows {
  /** Metrics seen so far, stored or not. */
  count = 0;
  private row = 0;
  private previous: SeriesEntry;
  private rowIndex: number[] | null = null;
  private objectValues: { row: number; json: string }[] | null = null;
  private readonly entries: SeriesEntry[] = [];
  private readonly newEntries: SeriesEntry[] = [];
  private readonly addedEntries: SeriesEntry[] = [];
  private readonly rejections = new Rejections();
  private readonly mark: number;
  private readonly batchMs: number;
  private readonly newestMs: number;
  private readonly oldestMs: number;

  /** `timestamp` is the batch's own, for metrics that have none. Only one batch of a context can be under way. */
  constructor(
    private readonly context: RowContext,
    private readonly dictionary: SeriesDictionary,
    private readonly receivedAtMs: number,
    private readonly timestamp: unknown,
  ) {
    this.mark = dictionary.nextMark();
    this.previous = dictionary.last;
    this.batchMs = isAbsent(timestamp) ? receivedAtMs : context.timeMs(timestamp);
    this.newestMs = receivedAtMs + MAX_AHEAD_MS;
    this.oldestMs = receivedAtMs - context.retentionMs;
  }

  /** The series that the next metric is likely to be of. */
  get expected(): SeriesEntry | null {
    const { next } = this.previous;
    return next === null || next.forgotten ? null : next;
  }

  /** True when samples of this time are taken. */
  takes(timestampMs: number): boolean {
    // Written so that NaN is refused too.
    return timestampMs <= this.newestMs && timestampMs >= this.oldestMs;
  }

  /** A metric as JSON.parse leaves it. Answers its series, or null when it was rejected. */
  add(metric: RawMetric): SeriesEntry | null {
    if (typeof metric !== 'object' || metric === null || Array.isArray(metric)) {
      return this.reject('', problem('invalid_metric', `a metric must be an object (it is ${shown(metric)})`));
    }
    const { context } = this;
    let entry = this.expected;
    if (entry !== null && !isOf(entry, metric)) entry = null;
    if (entry === null) {
      const wrong = identityProblem(metric, context.limits);
      if (wrong !== null) return this.reject(metric.name, wrong);
    }

    let number: number;
    let json: string | null = null;
    const { value } = metric;
    // Infinity less itself is NaN: one comparison finds both.
    if (typeof value === 'number' && value - value === 0) {
      number = value;
    } else {
      const type = entry !== null ? entry.type : metricType(metric.type);
      const read = objectValue(value, type ?? 'gauge', context.limits);
      if (!('json' in read)) return this.reject(metric.name, read);
      ({ number, json } = read);
    }

    const { timestamp } = metric;
    const timestampMs = isAbsent(timestamp) ? this.batchMs : context.timeMs(timestamp);
    if (!this.takes(timestampMs)) {
      return this.reject(metric.name, timestampProblem(timestampMs, isAbsent(timestamp) ? this.timestamp : timestamp, this.newestMs));
    }
    entry ??= this.findOrAdd(metric);
    if (json !== null) (this.objectValues ??= []).push({ row: this.row, json });
    this.addKnown(entry, number, timestampMs);
    return entry;
  }

  /** A metric of a series whose checks it has passed before. `value` must be finite, and the time one that is taken. */
  addKnown(entry: SeriesEntry, value: number, timestampMs: number): void {
    const { context, row, previous } = this;
    if (row === context.values.length) context.grow();
    context.seriesIds[row] = entry.id !== 0 ? entry.id : this.referenceTo(entry);
    context.timestampsMs[row] = timestampMs;
    context.values[row] = value;
    this.entries.push(entry);
    this.rowIndex?.push(this.count);
    if (previous.next !== entry) previous.next = entry;
    this.previous = entry;
    this.row++;
    this.count++;
  }

  /** All metrics are in. `timestamp` is the batch's own, also where the constructor was not told. */
  finish({ agentKey, batchId, seq, timestamp }: Omit<BatchFrame, 'receivedAtMs'>): DecodedBatch {
    const { context, row, receivedAtMs, entries, newEntries, objectValues, rowIndex, rejections } = this;
    this.dictionary.last = this.previous;
    return {
      batch: {
        agentKey,
        batchId,
        seq,
        receivedAtMs,
        seriesIds: context.seriesIds.slice(0, row),
        timestampsMs: context.timestampsMs.slice(0, row),
        values: context.values.slice(0, row),
        objectValues,
        newSeries: newEntries.length === 0 ? NO_SERIES : newEntries.map(identity),
        rejected: rejections.total,
        lastError: rejections.lastError,
        clockSkewMs: isAbsent(timestamp) ? null : skewMs(receivedAtMs, context.timeMs(timestamp)),
      },
      entries,
      newEntries,
      rowIndex,
      rejections,
    };
  }

  /** Nothing comes of this batch: the series it has added to the dictionary will not be heard of. */
  abandon(): void {
    for (const entry of this.addedEntries) this.dictionary.forget(entry);
  }

  private findOrAdd(metric: RawMetric): SeriesEntry {
    const { dictionary } = this;
    const { size } = dictionary;
    const type = metricType(metric.type) ?? 'gauge';
    const entry = dictionary.findOrAdd(metric.name as string, type, storedUnit(metric.unit), storedTags(metric.tags));
    if (dictionary.size > size) this.addedEntries.push(entry);
    return entry;
  }

  /** How the rows refer to a series that has no id yet. */
  private referenceTo(entry: SeriesEntry): number {
    if (entry.mark !== this.mark) {
      entry.mark = this.mark;
      entry.ref = -1 - this.newEntries.length;
      this.newEntries.push(entry);
    }
    return entry.ref;
  }

  private reject(name: unknown, wrong: Problem): null {
    this.rejections.add(this.count++, name, wrong);
    this.rowIndex ??= Array.from({ length: this.row }, (_, row) => row);
    return null;
  }
}

/** True when the metric is of this series, by value. Equal means checked: the entry passed all checks once. */
function isOf(entry: SeriesEntry, metric: RawMetric): boolean {
  if (metric.name !== entry.name) return false;
  const { type, unit, tags } = metric;
  if (type !== entry.type && !(type === 'timing' && entry.type === 'timer')) return false;
  if (unit !== entry.unit && !(entry.unit === null && isAbsent(unit))) return false;
  const known = entry.tags;
  if (tags === undefined || tags === null) return known.length === 0;
  if (typeof tags !== 'object' || Array.isArray(tags)) return false;
  let at = 0;
  // Own properties only: what JSON.parse makes inherits nothing that can be enumerated.
  for (const key in tags) {
    if (at >= known.length || key !== known[at] || (tags as Record<string, unknown>)[key] !== known[at + 1]) return false;
    at += 2;
  }
  return at === known.length;
}

/** How far the agent's clock is behind ours; null when what it sent is no time at all (NaN, or 1e308). */
function skewMs(receivedAtMs: number, batchMs: number): number | null {
  const skew = receivedAtMs - batchMs;
  return Number.isSafeInteger(skew) ? skew : null;
}

function timestampProblem(timestampMs: number, raw: unknown, newestMs: number): Problem {
  if (Number.isNaN(timestampMs)) {
    return problem('invalid_timestamp', `timestamp must be an RFC 3339 time or a Unix time (it is ${shown(raw)})`);
  }
  const why = timestampMs > newestMs ? "is more than an hour ahead of the server's clock" : 'is older than samples are kept';
  return problem('timestamp_out_of_range', `timestamp ${why} (it is ${shown(raw)})`);
}

function identity({ name, type, unit, tagsJson }: SeriesEntry): SeriesIdentity {
  return { name, type, unit, tagsJson };
}

export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}
