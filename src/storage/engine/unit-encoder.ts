/**
 * Writes a unit: all series of one agent in one window, as one run of bytes. Time columns that are equal are stored
 * once; rates that follow from a counter of the same cycle are stored as such. Pure: the same columns give the same bytes.
 */
import type { ObjectValue } from './codec/batch-payload.js';
import { encodeDivisors, encodeQuotient, findDivisors, looksLikeQuotient, type QuotientPair } from './codec/quotient-codec.js';
import { TimeEncoder } from './codec/time-codec.js';
import { ValueEncoder, wordsOf } from './codec/value-codec.js';
import { ByteWriter } from './codec/varint.js';
import { type Column, statsOf } from './column.js';
import { type DirectoryColumn, MAX_ROWS, writeDirectory } from './unit-directory.js';

export interface UnitColumn extends Column {
  readonly seriesId: number;
  /** Counters get a reset-corrected increase. */
  readonly isCounter: boolean;
}

/** A rate is worth looking for a counter only where it costs more than this many bytes a row, and in columns of some length. */
const NOISY_BYTES = 3;
const MIN_QUOTIENT_ROWS = 8;

/** What is kept from unit to unit: buffers. Not to be shared between two encodings at once. */
export class UnitEncoder {
  private readonly values = new ValueEncoder();
  private readonly times = new TimeEncoder(this.values);
  private readonly writer = new ByteWriter();
  private readonly text = new TextEncoder();

  /**
   * Encodes columns of distinct series, each with at least one row, all times in `[startMs, endMs)`.
   * @throws RangeError when a column is not like that: its times do not ascend strictly, say
   */
  encode(window: { readonly startMs: number; readonly endMs: number }, columns: readonly UnitColumn[]): Uint8Array {
    const sorted = columns.toSorted((a, b) => a.seriesId - b.seriesId);
    const { timeColumns, timeIndexes } = this.shareTimes(sorted);
    for (const times of timeColumns) checkTimes(times, window.startMs, window.endMs);

    const times = timeColumns.map((column, i) =>
      this.body((writer) => this.times.encode(column, window.startMs, timeColumns[i - 1] ?? null, writer)),
    );
    const drafts = sorted.map((column, i) => this.draft(column, i, sorted[i - 1] ?? null, timeIndexes[i] as number));
    const divisors: { timeIndex: number; bytes: Uint8Array }[] = [];
    for (const [timeIndex, timesMs] of timeColumns.entries()) {
      const bytes = this.foldQuotients(sorted, drafts, timeIndex, timesMs, divisors.length);
      if (bytes !== null) divisors.push({ timeIndex, bytes });
    }

    const directory = this.body((writer) =>
      writeDirectory(
        {
          startMs: window.startMs,
          endMs: window.endMs,
          times: times.map((bytes, i) => ({ count: (timeColumns[i] as Float64Array).length, bytes: bytes.length })),
          divisors: divisors.map(({ timeIndex, bytes }) => ({ timeIndex, bytes: bytes.length })),
          columns: drafts.map((draft) => ({ ...draft.entry, valueBytes: draft.values.length, objectBytes: draft.objects.length })),
        },
        writer,
      ),
    );
    return concat([
      directory,
      ...times,
      ...divisors.map((divisor) => divisor.bytes),
      ...drafts.map((draft) => draft.values),
      ...drafts.map((draft) => draft.objects),
    ]);
  }

  private draft(column: UnitColumn, index: number, previous: UnitColumn | null, timeIndex: number): Draft {
    const { values, seriesId, isCounter } = column;
    if (!(Number.isInteger(seriesId) && seriesId >= 1 && seriesId < 2 ** 31)) throw new RangeError(`a series id of ${seriesId}`);
    if (seriesId === previous?.seriesId) throw new RangeError(`two columns of series ${seriesId}`);
    if (values.length !== column.timestampsMs.length) throw new RangeError(`column ${index}: ${values.length} values`);
    const stats = statsOf(values, 0, values.length, isCounter);
    const isConstant = stats.min === stats.max && allSame(values);
    return {
      entry: { seriesId, isCounter, timeIndex, stats, isConstant, quotient: null },
      values: isConstant ? EMPTY : this.body((writer) => this.values.encode(values, 0, values.length, writer)),
      objects: this.encodeObjects(column.objectValues ?? []),
    };
  }

  /** Finds the rates among the columns of one time and replaces their bytes, if that is shorter in all; answers the divisors' bytes. */
  private foldQuotients(
    columns: readonly UnitColumn[],
    drafts: Draft[],
    timeIndex: number,
    timesMs: Float64Array,
    divisorIndex: number,
  ): Uint8Array | null {
    const count = timesMs.length;
    if (count < MIN_QUOTIENT_ROWS) return null;
    const mine = drafts.flatMap((draft, i) => (draft.entry.timeIndex === timeIndex && !draft.entry.isConstant ? [i] : []));
    const noisy = mine.filter((i) => (drafts[i] as Draft).values.length > count * NOISY_BYTES && !isIntegral(columns[i] as UnitColumn));
    if (noisy.length === 0) return null;
    const counters = mine.filter((i) => isIntegral(columns[i] as UnitColumn));
    const valuesOf = (i: number): Float64Array => (columns[i] as UnitColumn).values;
    const pairs: QuotientPair[] = [];
    for (const rate of noisy) {
      const counter = counters.find((i) => looksLikeQuotient(valuesOf(rate), valuesOf(i), timesMs));
      if (counter !== undefined) pairs.push({ rate, counter });
    }
    if (pairs.length === 0) return null;

    const divisors = findDivisors(
      columns.map((column) => column.values),
      pairs,
      count,
    );
    const divisorBytes = this.body((writer) => encodeDivisors(divisors, this.values, writer));
    const kept = pairs.flatMap((pair) => {
      const bytes = this.body((writer) => encodeQuotient(valuesOf(pair.rate), valuesOf(pair.counter), divisors, this.values, writer));
      return bytes.length < (drafts[pair.rate] as Draft).values.length ? [{ ...pair, bytes }] : [];
    });
    const saved = kept.reduce((sum, pair) => sum + (drafts[pair.rate] as Draft).values.length - pair.bytes.length, 0);
    if (saved <= divisorBytes.length) return null;
    for (const { rate, counter, bytes } of kept) {
      const { entry, objects } = drafts[rate] as Draft;
      drafts[rate] = { entry: { ...entry, quotient: { counter, divisor: divisorIndex } }, values: bytes, objects };
    }
    return divisorBytes;
  }

  private encodeObjects(objects: readonly ObjectValue[]): Uint8Array {
    if (objects.length === 0) return EMPTY;
    return this.body((writer) => {
      writer.varint(objects.length);
      let previous = -1;
      for (const { row, json } of objects) {
        if (row <= previous) throw new RangeError('object values that do not ascend by row');
        const bytes = this.text.encode(json);
        writer.varint(row - previous - 1);
        writer.varint(bytes.length);
        writer.raw(bytes);
        previous = row;
      }
    });
  }

  /** Distinct time columns, in the order of the first series that has them. */
  private shareTimes(columns: readonly UnitColumn[]): { timeColumns: Float64Array[]; timeIndexes: number[] } {
    const timeColumns: Float64Array[] = [];
    const byEnds = new Map<string, number[]>();
    const timeIndexes = columns.map(({ timestampsMs }) => {
      const ends = `${timestampsMs.length} ${timestampsMs[0] ?? ''} ${timestampsMs.at(-1) ?? ''}`;
      const candidates = byEnds.get(ends) ?? [];
      const known = candidates.find((i) => sameTimes(timeColumns[i] as Float64Array, timestampsMs));
      if (known !== undefined) return known;
      byEnds.set(ends, [...candidates, timeColumns.length]);
      timeColumns.push(timestampsMs);
      return timeColumns.length - 1;
    });
    return { timeColumns, timeIndexes };
  }

  private body(write: (writer: ByteWriter) => void): Uint8Array {
    write(this.writer);
    return this.writer.take();
  }
}

interface Draft {
  readonly entry: Omit<DirectoryColumn, 'valueBytes' | 'objectBytes'>;
  readonly values: Uint8Array;
  readonly objects: Uint8Array;
}

const EMPTY = new Uint8Array(0);

function checkTimes(timesMs: Float64Array, startMs: number, endMs: number): void {
  if (timesMs.length === 0 || timesMs.length > MAX_ROWS) throw new RangeError(`a column of ${timesMs.length} rows`);
  let previous = startMs - 1;
  for (const time of timesMs) {
    if (!(time > previous && time < endMs && Number.isInteger(time))) {
      throw new RangeError(`time ${time} after ${previous} in a window from ${startMs} to ${endMs}`);
    }
    previous = time;
  }
}

function sameTimes(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** Bit for bit. */
function allSame(values: Float64Array): boolean {
  const words = wordsOf(values);
  const low = words[0];
  const high = words[1];
  for (let i = 2; i < words.length; i += 2) if (words[i] !== low || words[i + 1] !== high) return false;
  return true;
}

/** Judged by a few rows: a column that is not one after all makes no quotient that is kept. */
function isIntegral({ values }: UnitColumn): boolean {
  const stride = Math.max(1, values.length >> 3);
  for (let i = 0; i < values.length; i += stride) if (!Number.isInteger(values[i])) return false;
  return true;
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Encodes one unit; who encodes many keeps a UnitEncoder. */
export function encodeUnit(window: { readonly startMs: number; readonly endMs: number }, columns: readonly UnitColumn[]): Uint8Array {
  return new UnitEncoder().encode(window, columns);
}
