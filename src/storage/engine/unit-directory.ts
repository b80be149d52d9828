/**
 * The head of a unit: what columns it has, what each amounts to, and where each begins. A reader that has it knows
 * which parts to fetch, and answers from `stats` alone where a whole window is asked for. See FORMAT.md.
 */
import { readNumber, writeNumber } from './codec/number-codec.js';
import { type ByteReader, type ByteWriter, CorruptDataError } from './codec/varint.js';
import type { ColumnStats } from './column.js';
import type { ByteRange } from './unit-parts.js';

export const UNIT_VERSION = 1;
/** Version, directory length, total length. */
export const HEAD_BYTES = 9;
/** Rows of one column: bounds what a reader allocates (128 MB). An agent cannot send this much in a day. */
export const MAX_ROWS = 2 ** 24;

const COUNTER = 0x01;
const CONSTANT = 0x02;
const QUOTIENT = 0x04;
const OBJECTS = 0x08;
const SAME_TIMES = 0x10;
/** min is first and max is last. */
const RISING = 0x20;
/** increase is last − first. */
const NO_RESET = 0x40;

/** A time column, or the divisors of the rates that were taken at one. */
export interface TimeEntry {
  readonly count: number;
  readonly range: ByteRange;
}

export interface DivisorEntry {
  readonly timeIndex: number;
  readonly range: ByteRange;
}

export interface DirectoryEntry {
  readonly seriesId: number;
  readonly isCounter: boolean;
  /** Which of `times` this column's rows are at. */
  readonly timeIndex: number;
  readonly stats: ColumnStats;
  /** Every value is `stats.first`, bit for bit; no bytes are stored. */
  readonly isConstant: boolean;
  /** Steps of column `counter` by the divisors; null for a column that stands for itself. */
  readonly quotient: { readonly counter: number; readonly divisor: number } | null;
  readonly values: ByteRange;
  /** Null when no row has an object value. */
  readonly objects: ByteRange | null;
}

export interface UnitDirectory {
  readonly startMs: number;
  readonly endMs: number;
  readonly times: readonly TimeEntry[];
  readonly divisors: readonly DivisorEntry[];
  /** Ascending by series id. */
  readonly columns: readonly DirectoryEntry[];
  /** Bytes of the head and the directory. */
  readonly byteLength: number;
  readonly unitByteLength: number;
}

/** What the encoder knows of a column when the bodies are written. */
export interface DirectoryColumn {
  readonly seriesId: number;
  readonly isCounter: boolean;
  readonly timeIndex: number;
  readonly stats: ColumnStats;
  readonly isConstant: boolean;
  readonly quotient: { readonly counter: number; readonly divisor: number } | null;
  readonly valueBytes: number;
  readonly objectBytes: number;
}

export interface DirectoryContent {
  readonly startMs: number;
  readonly endMs: number;
  readonly times: readonly { readonly count: number; readonly bytes: number }[];
  readonly divisors: readonly { readonly timeIndex: number; readonly bytes: number }[];
  readonly columns: readonly DirectoryColumn[];
}

/** Appends head and directory; the bodies follow in the order times, divisors, values, objects. */
export function writeDirectory(content: DirectoryContent, writer: ByteWriter): void {
  const start = writer.size;
  writer.claim(HEAD_BYTES);
  writer.signed53(content.startMs);
  writer.varint53(content.endMs - content.startMs);
  writer.varint(content.times.length);
  writer.varint(content.divisors.length);
  writer.varint(content.columns.length);
  let bodyBytes = 0;
  for (const { count, bytes } of content.times) {
    writer.varint(count);
    writer.varint(bytes);
    bodyBytes += bytes;
  }
  for (const { timeIndex, bytes } of content.divisors) {
    writer.varint(timeIndex);
    writer.varint(bytes);
    bodyBytes += bytes;
  }
  let previousId = 0;
  let previousTime = 0;
  for (const column of content.columns) {
    writeColumn(column, previousId, previousTime, writer);
    previousId = column.seriesId;
    previousTime = column.timeIndex;
    bodyBytes += column.valueBytes + column.objectBytes;
  }
  const length = writer.size - start;
  writeHead(writer, start, UNIT_VERSION, length, length + bodyBytes);
}

/** Fills in the head, for which HEAD_BYTES were claimed at `start`. */
export function writeHead({ buffer }: ByteWriter, start: number, version: number, directoryBytes: number, unitBytes: number): void {
  buffer.setUint8(start, version);
  buffer.setUint32(start + 1, directoryBytes, true);
  buffer.setUint32(start + 5, unitBytes, true);
}

function writeColumn(column: DirectoryColumn, previousId: number, previousTime: number, writer: ByteWriter): void {
  const { stats, isCounter, isConstant, quotient, objectBytes } = column;
  const rising = Object.is(stats.min, stats.first) && Object.is(stats.max, stats.last);
  const noReset = Object.is(stats.increase, stats.last - stats.first);
  writer.byte(
    (isCounter ? COUNTER : 0) |
      (isConstant ? CONSTANT : 0) |
      (quotient === null ? 0 : QUOTIENT) |
      (objectBytes > 0 ? OBJECTS : 0) |
      (column.timeIndex === previousTime ? SAME_TIMES : 0) |
      (rising ? RISING : 0) |
      (noReset ? NO_RESET : 0),
  );
  writer.varint(column.seriesId - previousId);
  if (column.timeIndex !== previousTime) writer.varint(column.timeIndex);
  writeNumber(stats.first, writer);
  writeNumber(stats.sum, writer);
  if (!isConstant) {
    writeNumber(stats.last, writer);
    if (!rising) {
      writeNumber(stats.min, writer);
      writeNumber(stats.max, writer);
    }
    if (quotient !== null) {
      writer.varint(quotient.counter);
      writer.varint(quotient.divisor);
    }
    writer.varint(column.valueBytes);
  }
  if (isCounter && !noReset) writeNumber(stats.increase, writer);
  if (objectBytes > 0) writer.varint(objectBytes);
}

/** The head: which bytes are the directory, and how many there are in all. @throws CorruptDataError */
export function readHead(bytes: Uint8Array, expectedVersion: number): { directoryBytes: number; unitBytes: number } {
  if (bytes.length < HEAD_BYTES) throw new CorruptDataError(`a unit of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD_BYTES);
  const version = view.getUint8(0);
  if (version !== expectedVersion) throw new CorruptDataError(`unit version ${version} is not known`);
  const directoryBytes = view.getUint32(1, true);
  const unitBytes = view.getUint32(5, true);
  if (directoryBytes < HEAD_BYTES || directoryBytes > unitBytes) {
    throw new CorruptDataError(`a directory of ${directoryBytes} bytes in a unit of ${unitBytes}`);
  }
  return { directoryBytes, unitBytes };
}

/** Reads the directory at `reader`, which starts with the head and ends with the directory. @throws CorruptDataError */
export function parseDirectory(reader: ByteReader, byteLength: number, unitByteLength: number): UnitDirectory {
  reader.skip(HEAD_BYTES);
  const startMs = reader.signed53();
  const endMs = startMs + reader.varint53();
  const timeCount = boundedCount(reader, byteLength);
  const divisorCount = boundedCount(reader, byteLength);
  const columnCount = boundedCount(reader, byteLength);

  let at = byteLength;
  const take = (bytes: number): ByteRange => {
    const start = at;
    at += bytes;
    return { start, end: at };
  };
  const times: TimeEntry[] = [];
  for (let i = 0; i < timeCount; i += 1) {
    const count = reader.varint();
    if (count < 1 || count > MAX_ROWS) throw new CorruptDataError(`a time column of ${count} rows`);
    times.push({ count, range: take(reader.varint()) });
  }
  const divisors: DivisorEntry[] = [];
  for (let i = 0; i < divisorCount; i += 1) {
    divisors.push({ timeIndex: below(reader.varint(), timeCount, 'time column'), range: take(reader.varint()) });
  }
  const drafts: ColumnDraft[] = [];
  for (let i = 0; i < columnCount; i += 1) drafts.push(readColumn(reader, drafts.at(-1) ?? null, times));
  const values = drafts.map((draft) => take(draft.valueBytes));
  const columns = drafts.map((draft, i) =>
    entryOf(draft, values[i] as ByteRange, draft.objectBytes === 0 ? null : take(draft.objectBytes)),
  );
  for (const { quotient, timeIndex } of columns) {
    if (quotient === null) continue;
    const counter = columns[quotient.counter];
    if (counter === undefined || counter.quotient !== null || counter.timeIndex !== timeIndex) {
      throw new CorruptDataError(`a quotient of column ${quotient.counter}`);
    }
    if (divisors[quotient.divisor]?.timeIndex !== timeIndex) throw new CorruptDataError(`a quotient by divisor ${quotient.divisor}`);
  }
  if (reader.offset !== byteLength || at !== unitByteLength) {
    throw new CorruptDataError(`a directory that describes ${at} of ${unitByteLength} bytes`);
  }
  return { startMs, endMs, times, divisors, columns, byteLength, unitByteLength };
}

interface ColumnDraft extends DirectoryColumn {}

function readColumn(reader: ByteReader, previous: ColumnDraft | null, times: readonly TimeEntry[]): ColumnDraft {
  const flags = reader.byte();
  const isCounter = (flags & COUNTER) !== 0;
  const isConstant = (flags & CONSTANT) !== 0;
  const step = reader.varint();
  if (step < 1) throw new CorruptDataError('series ids that do not ascend');
  const timeIndex = below((flags & SAME_TIMES) !== 0 ? (previous?.timeIndex ?? 0) : reader.varint(), times.length, 'time column');
  const first = readNumber(reader);
  const sum = readNumber(reader);
  let last = first;
  let min = first;
  let max = first;
  let quotient: DirectoryColumn['quotient'] = null;
  let valueBytes = 0;
  if (!isConstant) {
    last = readNumber(reader);
    max = last;
    if ((flags & RISING) === 0) {
      min = readNumber(reader);
      max = readNumber(reader);
    }
    if ((flags & QUOTIENT) !== 0) quotient = { counter: reader.varint(), divisor: reader.varint() };
    valueBytes = reader.varint();
  }
  let increase = 0;
  if (isCounter) increase = (flags & NO_RESET) !== 0 ? last - first : readNumber(reader);
  return {
    seriesId: (previous?.seriesId ?? 0) + step,
    isCounter,
    timeIndex,
    stats: { count: (times[timeIndex] as TimeEntry).count, sum, min, max, first, last, increase },
    isConstant,
    quotient,
    valueBytes,
    objectBytes: (flags & OBJECTS) === 0 ? 0 : reader.varint(),
  };
}

function entryOf(draft: ColumnDraft, values: ByteRange, objects: ByteRange | null): DirectoryEntry {
  const { seriesId, isCounter, timeIndex, stats, isConstant, quotient } = draft;
  return { seriesId, isCounter, timeIndex, stats, isConstant, quotient, values, objects };
}

/** A count of entries of at least one byte each. */
function boundedCount(reader: ByteReader, byteLength: number): number {
  return below(reader.varint(), byteLength, 'entry');
}

function below(index: number, limit: number, what: string): number {
  if (index >= limit) throw new CorruptDataError(`${what} ${index} of ${limit}`);
  return index;
}
