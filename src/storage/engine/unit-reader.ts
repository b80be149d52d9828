/**
 * Reads a unit lazily: the directory first, then only the parts that hold what is asked for. Time columns belong to the
 * reader, which keeps them, and are not to be changed.
 *
 * Every failure is a CorruptDataError that names the part or what is wrong; the caller adds which unit it was.
 */
import type { ObjectValue } from './codec/batch-payload.js';
import { decodeQuotient } from './codec/quotient-codec.js';
import { decodeTimes, followsPrevious } from './codec/time-codec.js';
import { decodeValues } from './codec/value-decoder.js';
import { ByteReader, CorruptDataError } from './codec/varint.js';
import type { Column } from './column.js';
import {
  type DivisorEntry,
  HEAD_BYTES,
  parseDirectory,
  readHead,
  type TimeEntry,
  UNIT_VERSION,
  type UnitDirectory,
} from './unit-directory.js';
import { PART_BYTES, type PartSource, UnitBytes } from './unit-parts.js';

export class UnitReader {
  private readonly bytes: UnitBytes;
  private known: UnitDirectory | null = null;
  private newest: number | null = null;
  private readonly times: Float64Array[] = [];
  private readonly divisors: Float64Array[] = [];

  constructor(source: PartSource, partBytes = PART_BYTES) {
    this.bytes = new UnitBytes(source, partBytes);
  }

  get directory(): UnitDirectory {
    this.known ??= this.readDirectory();
    return this.known;
  }

  /** A time column; not to be changed. */
  readTimes(timeIndex: number): Float64Array {
    // From the first column of the chain on: hostile bytes must not turn into a deep recursion.
    let from = timeIndex;
    while (from > 0 && this.times[from] === undefined && this.follows(from)) from -= 1;
    for (; from < timeIndex; from += 1) this.times[from] ??= this.decodeTimeColumn(from);
    return (this.times[timeIndex] ??= this.decodeTimeColumn(timeIndex));
  }

  /** The time of the unit's newest sample. */
  newestMs(): number {
    if (this.newest === null) {
      let newest = Number.NEGATIVE_INFINITY;
      for (const i of this.directory.times.keys()) newest = Math.max(newest, this.readTimes(i).at(-1) as number);
      this.newest = newest;
    }
    return this.newest;
  }

  private follows(timeIndex: number): boolean {
    const { start, end } = this.timeEntry(timeIndex).range;
    return followsPrevious(this.bytes.range(start, Math.min(start + 1, end))[0]);
  }

  private decodeTimeColumn(timeIndex: number): Float64Array {
    const { count, range } = this.timeEntry(timeIndex);
    const previous = this.times[timeIndex - 1] ?? null;
    const reader = this.bytes.reader(range.start, range.end);
    const column = decodeTimes(reader, count, this.directory.startMs, previous);
    checkEnd(reader);
    return column;
  }

  /** The values of a column. */
  readValues(columnIndex: number): Float64Array {
    const column = new Float64Array(this.directory.entry(columnIndex).stats.count);
    this.decodeInto(columnIndex, column);
    return column;
  }

  /** Decodes a column's values into the first rows of `into`, which must have room for them; answers how many there are. */
  decodeInto(columnIndex: number, into: Float64Array): number {
    const count = this.directory.rowCount(columnIndex);
    if (into.length < count) throw new RangeError(`${count} rows into ${into.length}`);
    this.decodeColumn(columnIndex, into, count);
    return count;
  }

  private decodeColumn(index: number, column: Float64Array, count: number): void {
    const { directory } = this;
    if (directory.isConstant(index)) {
      column.fill(directory.first(index), 0, count);
      return;
    }
    const reader = this.bytes.reader(directory.valuesStart(index), directory.valuesStart(index + 1));
    if (directory.isQuotient(index)) {
      // The counter itself is no quotient: the directory was checked for that.
      this.decodeColumn(directory.counterOf(index), column, count);
      decodeQuotient(reader, this.readDivisors(directory.divisorOf(index)), column, count);
    } else {
      decodeValues(reader, count, column, 0);
    }
    checkEnd(reader);
  }

  /** Ascending by row; null when there are none. */
  readObjects(columnIndex: number): ObjectValue[] | null {
    const { directory } = this;
    if (!directory.hasObjects(columnIndex)) return null;
    const reader = this.bytes.reader(directory.objectsStart(columnIndex), directory.objectsStart(columnIndex + 1));
    const rows = directory.rowCount(columnIndex);
    const found = reader.varint();
    const values: ObjectValue[] = [];
    const text = new TextDecoder();
    let row = -1;
    for (let i = 0; i < found; i += 1) {
      row += reader.varint() + 1;
      if (row >= rows) throw new CorruptDataError(`an object value for row ${row} of ${rows}`);
      values.push({ row, json: text.decode(reader.raw(reader.varint())) });
    }
    checkEnd(reader);
    return values;
  }

  /** A whole column: times, values and objects. */
  readColumn(columnIndex: number): Column {
    const { timeIndex } = this.directory.entry(columnIndex);
    return {
      timestampsMs: this.readTimes(timeIndex),
      values: this.readValues(columnIndex),
      objectValues: this.readObjects(columnIndex),
    };
  }

  private readDivisors(index: number): Float64Array {
    const known = this.divisors[index];
    if (known !== undefined) return known;
    const { times, divisors } = this.directory;
    const { timeIndex, range } = divisors[index] as DivisorEntry;
    const column = new Float64Array((times[timeIndex] as TimeEntry).count);
    const reader = this.bytes.reader(range.start, range.end);
    decodeValues(reader, column.length, column, 0);
    checkEnd(reader);
    this.divisors[index] = column;
    return column;
  }

  private timeEntry(timeIndex: number): TimeEntry {
    const entry = this.directory.times[timeIndex];
    if (entry === undefined) throw new RangeError(`time column ${timeIndex} of ${this.directory.times.length}`);
    return entry;
  }

  private readDirectory(): UnitDirectory {
    const { directoryBytes, unitBytes } = readHead(this.bytes.range(0, HEAD_BYTES), UNIT_VERSION);
    this.bytes.expectSize(unitBytes);
    return parseDirectory(new ByteReader(this.bytes.range(0, directoryBytes)), directoryBytes, unitBytes);
  }
}

/** All bytes of a body must have been used. */
function checkEnd(reader: ByteReader): void {
  if (reader.rest !== 0) throw new CorruptDataError(`${reader.rest} bytes left over`);
}
