import type { MetricLimits } from './metric-checks.js';
import { parseRfc3339Ms, unixTimeMs } from './timestamps.js';

const FIRST_ROOM = 1_024;

/** What all batches of a decoder share: the limits, and room to put rows into until it is known how many they are. */
export class RowContext {
  seriesIds = new Int32Array(FIRST_ROOM);
  timestampsMs = new Float64Array(FIRST_ROOM);
  values = new Float64Array(FIRST_ROOM);
  /** The last time text and what it meant: one collection cycle is one text. */
  private lastText = '';
  private lastTextMs = NaN;

  constructor(
    readonly limits: MetricLimits,
    readonly retentionMs: number,
  ) {}

  /** Makes room for twice as many rows. */
  grow(): void {
    const { seriesIds, timestampsMs, values } = this;
    this.seriesIds = new Int32Array(seriesIds.length * 2);
    this.timestampsMs = new Float64Array(seriesIds.length * 2);
    this.values = new Float64Array(seriesIds.length * 2);
    this.seriesIds.set(seriesIds);
    this.timestampsMs.set(timestampsMs);
    this.values.set(values);
  }

  /** Unix milliseconds of a time as agents send it, or NaN. */
  timeMs(raw: unknown): number {
    if (typeof raw === 'string') {
      if (raw !== this.lastText) {
        this.lastTextMs = parseRfc3339Ms(raw);
        this.lastText = raw;
      }
      return this.lastTextMs;
    }
    return unixTimeMs(raw);
  }
}
