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

/** A column takes flags, series id and two numbers of two bytes at the least. */
const MIN_COLUMN_BYTES = 6;

/** Cells of a column in the table, in this order. */
const SERIES_ID = 0;
const FLAGS = 1;
const TIME_INDEX = 2;
const COUNTER_INDEX = 3;
const DIVISOR_INDEX = 4;
const VALUES_START = 5;
const OBJECTS_START = 6;
const FIRST = 7;
const SUM = 8;
const LAST = 9;
const MIN = 10;
const MAX = 11;
const INCREASE = 12;
const CELLS = 13;

/**
 * A parsed directory. Its columns are kept in one table of numbers rather than as objects: a question about a whole fleet
 * looks at a few columns of thousands of directories, and parsing them is most of its time.
 */
export class UnitDirectory {
  constructor(
    readonly startMs: number,
    readonly endMs: number,
    readonly times: readonly TimeEntry[],
    readonly divisors: readonly DivisorEntry[],
    readonly columnCount: number,
    /** CELLS numbers for each column and once more, for the end of what the last one has. */
    private readonly table: Float64Array,
    /** Bytes of the head and the directory. */
    readonly byteLength: number,
    readonly unitByteLength: number,
  ) {}

  /** Ascending by series id; made for those who look at all of them. */
  get columns(): DirectoryEntry[] {
    return Array.from({ length: this.columnCount }, (_, index) => this.entry(index));
  }

  /** @throws RangeError when there is no such column */
  entry(index: number): DirectoryEntry {
    const at = this.place(index);
    const { table } = this;
    const flags = table[at + FLAGS] as number;
    return {
      seriesId: table[at + SERIES_ID] as number,
      isCounter: (flags & COUNTER) !== 0,
      timeIndex: table[at + TIME_INDEX] as number,
      stats: {
        count: this.rowCount(index),
        sum: table[at + SUM] as number,
        min: table[at + MIN] as number,
        max: table[at + MAX] as number,
        first: table[at + FIRST] as number,
        last: table[at + LAST] as number,
        increase: table[at + INCREASE] as number,
      },
      isConstant: (flags & CONSTANT) !== 0,
      quotient: this.isQuotient(index) ? { counter: this.counterOf(index), divisor: this.divisorOf(index) } : null,
      values: { start: this.valuesStart(index), end: this.valuesStart(index + 1) },
      objects: this.hasObjects(index) ? { start: this.objectsStart(index), end: this.objectsStart(index + 1) } : null,
    };
  }

  seriesId(index: number): number {
    return this.table[index * CELLS + SERIES_ID] as number;
  }

  /** Which of `times` this column's rows are at. */
  timeIndex(index: number): number {
    return this.table[index * CELLS + TIME_INDEX] as number;
  }

  rowCount(index: number): number {
    return (this.times[this.timeIndex(index)] as TimeEntry).count;
  }

  isConstant(index: number): boolean {
    return ((this.table[index * CELLS + FLAGS] as number) & CONSTANT) !== 0;
  }

  isQuotient(index: number): boolean {
    return ((this.table[index * CELLS + FLAGS] as number) & (QUOTIENT | CONSTANT)) === QUOTIENT;
  }

  hasObjects(index: number): boolean {
    return ((this.table[index * CELLS + FLAGS] as number) & OBJECTS) !== 0;
  }

  /** Of a quotient: the column whose steps are divided. */
  counterOf(index: number): number {
    return this.table[index * CELLS + COUNTER_INDEX] as number;
  }

  /** Of a quotient: by which of `divisors`. */
  divisorOf(index: number): number {
    return this.table[index * CELLS + DIVISOR_INDEX] as number;
  }

  /** Where the values begin; they end where the next column's begin. */
  valuesStart(index: number): number {
    return this.table[index * CELLS + VALUES_START] as number;
  }

  objectsStart(index: number): number {
    return this.table[index * CELLS + OBJECTS_START] as number;
  }

  first(index: number): number {
    return this.table[index * CELLS + FIRST] as number;
  }

  last(index: number): number {
    return this.table[index * CELLS + LAST] as number;
  }

  sum(index: number): number {
    return this.table[index * CELLS + SUM] as number;
  }

  min(index: number): number {
    return this.table[index * CELLS + MIN] as number;
  }

  max(index: number): number {
    return this.table[index * CELLS + MAX] as number;
  }

  increase(index: number): number {
    return this.table[index * CELLS + INCREASE] as number;
  }

  /** The column of this series; null when there is none. */
  indexOf(seriesId: number): number | null {
    let low = 0;
    let high = this.columnCount;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.seriesId(middle) < seriesId) low = middle + 1;
      else high = middle;
    }
    return low < this.columnCount && this.seriesId(low) === seriesId ? low : null;
  }

  private place(index: number): number {
    if (index < 0 || index >= this.columnCount) throw new RangeError(`column ${index} of ${this.columnCount}`);
    return index * CELLS;
  }
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
  // Before room is made for them: a hundred bytes each.
  if (columnCount * MIN_COLUMN_BYTES > byteLength - reader.offset)
    throw new CorruptDataError(`${columnCount} columns in ${byteLength} bytes`);
  const table = new Float64Array((columnCount + 1) * CELLS);
  for (let i = 0; i < columnCount; i += 1) readColumn(reader, table, i * CELLS, timeCount);
  const unitEnd = placeBodies(table, columnCount, at);
  checkQuotients(table, columnCount, divisors);
  if (reader.offset !== byteLength || unitEnd !== unitByteLength) {
    throw new CorruptDataError(`a directory that describes ${unitEnd} of ${unitByteLength} bytes`);
  }
  return new UnitDirectory(startMs, endMs, times, divisors, columnCount, table, byteLength, unitByteLength);
}

/** Fills a column's cells; of its bodies' places only how long they are. */
function readColumn(reader: ByteReader, table: Float64Array, at: number, timeCount: number): void {
  const flags = reader.byte();
  const step = reader.varint();
  if (step < 1) throw new CorruptDataError('series ids that do not ascend');
  const isFirst = at === 0;
  const previousTime = isFirst ? 0 : (table[at - CELLS + TIME_INDEX] as number);
  table[at + SERIES_ID] = (isFirst ? 0 : (table[at - CELLS + SERIES_ID] as number)) + step;
  table[at + FLAGS] = flags;
  table[at + TIME_INDEX] = below((flags & SAME_TIMES) !== 0 ? previousTime : reader.varint(), timeCount, 'time column');
  const first = readNumber(reader);
  table[at + FIRST] = first;
  table[at + SUM] = readNumber(reader);
  let last = first;
  let min = first;
  let max = first;
  if ((flags & CONSTANT) === 0) {
    last = readNumber(reader);
    max = last;
    if ((flags & RISING) === 0) {
      min = readNumber(reader);
      max = readNumber(reader);
    }
    if ((flags & QUOTIENT) !== 0) {
      table[at + COUNTER_INDEX] = reader.varint();
      table[at + DIVISOR_INDEX] = reader.varint();
    }
    table[at + VALUES_START] = reader.varint();
  }
  table[at + LAST] = last;
  table[at + MIN] = min;
  table[at + MAX] = max;
  if ((flags & COUNTER) !== 0) table[at + INCREASE] = (flags & NO_RESET) !== 0 ? last - first : readNumber(reader);
  if ((flags & OBJECTS) !== 0) table[at + OBJECTS_START] = reader.varint();
}

/** Turns the lengths of bodies into where they begin, from `start` on; answers where the last one ends. */
function placeBodies(table: Float64Array, columnCount: number, start: number): number {
  let at = start;
  for (const cell of [VALUES_START, OBJECTS_START]) {
    for (let column = 0; column <= columnCount; column += 1) {
      const length = table[column * CELLS + cell] as number;
      table[column * CELLS + cell] = at;
      at += length;
    }
  }
  return at;
}

function checkQuotients(table: Float64Array, columnCount: number, divisors: readonly DivisorEntry[]): void {
  const isQuotient = (at: number): boolean => ((table[at + FLAGS] as number) & (QUOTIENT | CONSTANT)) === QUOTIENT;
  for (let at = 0; at < columnCount * CELLS; at += CELLS) {
    if (!isQuotient(at)) continue;
    const counter = table[at + COUNTER_INDEX] as number;
    const divisor = table[at + DIVISOR_INDEX] as number;
    const timeIndex = table[at + TIME_INDEX];
    if (counter >= columnCount || isQuotient(counter * CELLS) || table[counter * CELLS + TIME_INDEX] !== timeIndex) {
      throw new CorruptDataError(`a quotient of column ${counter}`);
    }
    if (divisors[divisor]?.timeIndex !== timeIndex) throw new CorruptDataError(`a quotient by divisor ${divisor}`);
  }
}

/** A count of entries of at least one byte each. */
function boundedCount(reader: ByteReader, byteLength: number): number {
  return below(reader.varint(), byteLength, 'entry');
}

function below(index: number, limit: number, what: string): number {
  if (index >= limit) throw new CorruptDataError(`${what} ${index} of ${limit}`);
  return index;
}
