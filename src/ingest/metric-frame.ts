/**
 * The hot path: the parsed `metrics` array of a batch becomes columns for storage. About 10 µs for 100 metrics of
 * known series; joi takes 1,260 µs for the same (which is why this one array is checked by hand).
 */
import type { LiveSample } from '../model/event.js';
import type { AppendResult } from '../storage/ports.js';
import { type MetricLimits, problem, type RawMetric, shown } from './metric-checks.js';
import { type BatchFrame, type DecodedBatch, MetricRows } from './metric-rows.js';
import { RowContext } from './row-context.js';
import type { SeriesDictionary, SeriesEntry } from './series-dictionary.js';

export class MetricFrameDecoder {
  private readonly context: RowContext;

  constructor(limits: MetricLimits, retentionMs: number) {
    this.context = new RowContext(limits, retentionMs);
  }

  /** Never throws and never changes `metrics`. Series seen for the first time enter the dictionary without an id. */
  decode(dictionary: SeriesDictionary, metrics: readonly unknown[], frame: BatchFrame): DecodedBatch {
    const rows = this.open(dictionary, frame.receivedAtMs, frame.timestamp);
    for (const metric of metrics) rows.add(metric as RawMetric);
    return rows.finish(frame);
  }

  /** For metrics that are not in one array. `timestamp` is the batch's, for those that have none of their own. */
  open(dictionary: SeriesDictionary, receivedAtMs: number, timestamp?: unknown): MetricRows {
    return new MetricRows(this.context, dictionary, receivedAtMs, timestamp);
  }
}

/**
 * Takes in what storage answered: new ids enter the dictionary, and samples of series beyond the agent's limit
 * join the rejected ones (storage has counted them in its answer already).
 */
export function settleAppended(decoded: DecodedBatch, dictionary: SeriesDictionary, result: AppendResult): void {
  const { newEntries } = decoded;
  if (newEntries.length === 0) return;
  let refused = false;
  for (let n = 0; n < newEntries.length; n++) {
    const entry = newEntries[n] as SeriesEntry;
    const id = result.newSeriesIds[n] ?? 0;
    if (id > 0) {
      dictionary.learn(entry, id);
    } else {
      dictionary.forget(entry);
      refused ||= !result.duplicate;
    }
  }
  if (refused) rejectBeyondLimit(decoded, result);
}

/** The append failed: nobody knows the new series' ids. */
export function settleFailed(decoded: DecodedBatch, dictionary: SeriesDictionary): void {
  for (const entry of decoded.newEntries) dictionary.forget(entry);
}

function rejectBeyondLimit({ batch, rowIndex, rejections, newEntries }: DecodedBatch, result: AppendResult): void {
  for (let row = 0; row < batch.seriesIds.length; row++) {
    const ref = batch.seriesIds[row] as number;
    if (ref > 0 || (result.newSeriesIds[-1 - ref] ?? 0) > 0) continue;
    const name = newEntries[-1 - ref]?.name ?? '';
    const text = `name ${shown(name)} would start another series, and this agent has as many as it may`;
    rejections.add(rowIndex === null ? row : (rowIndex[row] as number), name, problem('series_limit', text));
  }
  rejections.details.sort((a, b) => a.index - b.index);
}

/** The stored samples of a batch, for those who watch; to be read after `settleAppended`. */
export function* liveSamples({ batch, entries }: DecodedBatch): Generator<LiveSample> {
  const objects = new Map(batch.objectValues?.map(({ row, json }) => [row, json]));
  for (const [row, entry] of entries.entries()) {
    if (entry.id === 0) continue;
    yield {
      seriesId: entry.id,
      name: entry.name,
      type: entry.type,
      unit: entry.unit,
      tagsJson: entry.tagsJson,
      timestampMs: batch.timestampsMs[row] as number,
      value: batch.values[row] as number,
      objectJson: objects.get(row) ?? null,
    };
  }
}
