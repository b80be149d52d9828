/**
 * Writes a unit: all series of one agent in one window, as one run of bytes. Time columns that are equal are stored
 * once; rates that follow from a counter of the same cycle are stored as such. Pure: the same columns give the same bytes.
 */
import type { ObjectValue } from './codec/batch-payload.js';
import { columnExponent } from './codec/decimals.js';
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

/** Columns shorter than this are not searched for rates, nor those that cost less than this. */
const MIN_QUOTIENT_ROWS = 8;
const MIN_QUOTIENT_BYTES = 64;
/**
 * A rate with at most one exception in so many rows is taken for shorter than any other form without making that: it
 * costs at most a third of a byte a row, where noise costs five or more. Provided there are enough to share the divisors.
 */
const EXCEPTION_SHARE = 32;
const ENOUGH_PAIRS = 4;

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
    const values = drafts.map((draft, i) => draft.values ?? this.encodeValues((sorted[i] as UnitColumn).values));

    const directory = this.body((writer) =>
      writeDirectory(
        {
          startMs: window.startMs,
          endMs: window.endMs,
          times: times.map((bytes, i) => ({ count: (timeColumns[i] as Float64Array).length, bytes: bytes.length })),
          divisors: divisors.map(({ timeIndex, bytes }) => ({ timeIndex, bytes: bytes.length })),
          columns: drafts.map(({ entry, objects }, i) => ({
            ...entry,
            valueBytes: (values[i] as Uint8Array).length,
            objectBytes: objects.length,
          })),
        },
        writer,
      ),
    );
    return concat([directory, ...times, ...divisors.map((divisor) => divisor.bytes), ...values, ...drafts.map((draft) => draft.objects)]);
  }

  private draft(column: UnitColumn, index: number, previous: UnitColumn | null, timeIndex: number): Draft {
    const { values, seriesId, isCounter } = column;
    if (!(Number.isInteger(seriesId) && seriesId >= 1 && seriesId < 2 ** 31)) throw new RangeError(`a series id of ${seriesId}`);
    if (seriesId === previous?.seriesId) throw new RangeError(`two columns of series ${seriesId}`);
    if (values.length !== column.timestampsMs.length) throw new RangeError(`column ${index}: ${values.length} values`);
    const stats = statsOf(values, 0, values.length, isCounter);
    const isConstant = stats.min === stats.max && allSame(values);
    const entry = { seriesId, isCounter, timeIndex, stats, isConstant, quotient: null };
    const objects = this.encodeObjects(column.objectValues ?? []);
    if (isConstant) return { entry, values: EMPTY, objects, mayBeRate: false };
    // Noise is not encoded as such before it is known not to be a rate.
    if (values.length >= MIN_QUOTIENT_ROWS && columnExponent(values, 0, values.length) === -1) {
      return { entry, values: null, objects, mayBeRate: true };
    }
    const bytes = this.encodeValues(values);
    return { entry, values: bytes, objects, mayBeRate: this.values.hadNoise && bytes.length > MIN_QUOTIENT_BYTES };
  }

  private encodeValues(values: Float64Array): Uint8Array {
    return this.body((writer) => this.values.encode(values, 0, values.length, writer));
  }

  /** Finds the rates among the columns of one time and stores them as such, where that is shorter in all; answers the divisors' bytes. */
  private foldQuotients(
    columns: readonly UnitColumn[],
    drafts: Draft[],
    timeIndex: number,
    timesMs: Float64Array,
    divisorIndex: number,
  ): Uint8Array | null {
    const valuesOf = (i: number): Float64Array => (columns[i] as UnitColumn).values;
    const pairs = pairRates(columns, drafts, timeIndex, timesMs);
    if (pairs.length === 0) return null;
    const divisors = findDivisors(
      columns.map((column) => column.values),
      pairs,
      timesMs.length,
    );
    const divisorBytes = this.body((writer) => encodeDivisors(divisors, this.values, writer));
    let saved = 0;
    const kept: { rate: number; counter: number; bytes: Uint8Array }[] = [];
    for (const { rate, counter } of pairs) {
      let exceptions = 0;
      const bytes = this.body((writer) => {
        exceptions = encodeQuotient(valuesOf(rate), valuesOf(counter), divisors, this.values, writer);
      });
      const draft = drafts[rate] as Draft;
      if (draft.values !== null || pairs.length < ENOUGH_PAIRS || exceptions * EXCEPTION_SHARE > timesMs.length) {
        draft.values ??= this.encodeValues(valuesOf(rate));
        if (draft.values.length <= bytes.length) continue;
        saved += draft.values.length - bytes.length;
      } else {
        saved += timesMs.length * 4;
      }
      kept.push({ rate, counter, bytes });
    }
    if (saved <= divisorBytes.length) return null;
    for (const { rate, counter, bytes } of kept) {
      const draft = drafts[rate] as Draft;
      draft.entry = { ...draft.entry, quotient: { counter, divisor: divisorIndex } };
      draft.values = bytes;
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
  entry: Omit<DirectoryColumn, 'valueBytes' | 'objectBytes'>;
  /** Null: not encoded yet. */
  values: Uint8Array | null;
  readonly objects: Uint8Array;
  readonly mayBeRate: boolean;
}

const EMPTY = new Uint8Array(0);

/** Each column that may be a rate with the counter of the same time that it may be the rate of. */
function pairRates(columns: readonly UnitColumn[], drafts: readonly Draft[], timeIndex: number, timesMs: Float64Array): QuotientPair[] {
  const mine = drafts.flatMap(({ entry }, i) => (entry.timeIndex === timeIndex && !entry.isConstant ? [i] : []));
  const rates = mine.filter((i) => drafts[i]?.mayBeRate === true);
  if (rates.length === 0) return [];
  const counters = mine.filter((i) => drafts[i]?.mayBeRate === false && isIntegral(columns[i] as UnitColumn));
  return rates.flatMap((rate) => {
    const { values } = columns[rate] as UnitColumn;
    const counter = counters.find((i) => looksLikeQuotient(values, (columns[i] as UnitColumn).values, timesMs));
    return counter === undefined ? [] : [{ rate, counter }];
  });
}

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
