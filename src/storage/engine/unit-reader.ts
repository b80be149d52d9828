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
  type DirectoryEntry,
  type DivisorEntry,
  HEAD_BYTES,
  parseDirectory,
  readHead,
  type TimeEntry,
  UNIT_VERSION,
  type UnitDirectory,
} from './unit-directory.js';
import { type ByteRange, PART_BYTES, type PartSource, partsOf, UnitBytes } from './unit-parts.js';

export class UnitReader {
  private readonly bytes: UnitBytes;
  private readonly times: Float64Array[] = [];
  private readonly divisors: Float64Array[] = [];

  /** `known`: the unit's directory, from a reader of the same unit before; parsing it is most of a short query's time. */
  constructor(
    source: PartSource,
    private readonly partBytes = PART_BYTES,
    private known: UnitDirectory | null = null,
  ) {
    this.bytes = new UnitBytes(source, partBytes);
  }

  get directory(): UnitDirectory {
    this.known ??= this.readDirectory();
    return this.known;
  }

  /** The column of this series, if the unit has one. */
  indexOf(seriesId: number): number | null {
    const { columns } = this.directory;
    let low = 0;
    let high = columns.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((columns[middle] as DirectoryEntry).seriesId < seriesId) low = middle + 1;
      else high = middle;
    }
    return columns[low]?.seriesId === seriesId ? low : null;
  }

  /** The parts that reading these columns takes, ascending: to fetch them in one go. */
  partsOfColumns(columnIndexes: readonly number[]): number[] {
    const { times, divisors, columns } = this.directory;
    const parts = new Set<number>();
    const add = (range: ByteRange | null | undefined): void => {
      if (range !== null && range !== undefined) for (const part of partsOf(range, this.partBytes)) parts.add(part);
    };
    for (const index of columnIndexes) {
      const { timeIndex, quotient, values, objects } = this.entry(index);
      // A time column may follow the one before it, and that one the one before.
      add({ start: times[0]?.range.start ?? 0, end: (times[timeIndex] as TimeEntry).range.end });
      add(values);
      add(objects);
      if (quotient === null) continue;
      add(columns[quotient.counter]?.values);
      add(divisors[quotient.divisor]?.range);
    }
    return [...parts].sort((a, b) => a - b);
  }

  /** A time column; not to be changed. */
  readTimes(timeIndex: number): Float64Array {
    // From the first column of the chain on: hostile bytes must not turn into a deep recursion.
    let from = timeIndex;
    while (from > 0 && this.times[from] === undefined && this.follows(from)) from -= 1;
    for (; from < timeIndex; from += 1) this.times[from] ??= this.decodeTimeColumn(from);
    return (this.times[timeIndex] ??= this.decodeTimeColumn(timeIndex));
  }

  private follows(timeIndex: number): boolean {
    const { start, end } = this.timeEntry(timeIndex).range;
    return followsPrevious(this.bytes.range(start, Math.min(start + 1, end))[0]);
  }

  private decodeTimeColumn(timeIndex: number): Float64Array {
    const { count, range } = this.timeEntry(timeIndex);
    const previous = this.times[timeIndex - 1] ?? null;
    return this.body(range, (reader) => decodeTimes(reader, count, this.directory.startMs, previous));
  }

  /** The values of a column; in the first rows of `into` when that is given, which must have room for them. */
  readValues(columnIndex: number, into: Float64Array | null = null): Float64Array {
    const { count } = this.entry(columnIndex).stats;
    const column = into === null ? new Float64Array(count) : into.subarray(0, count);
    if (column.length < count) throw new RangeError(`${count} rows into ${column.length}`);
    this.decodeColumn(columnIndex, column);
    return column;
  }

  private decodeColumn(columnIndex: number, column: Float64Array): void {
    const { stats, isConstant, quotient, values } = this.entry(columnIndex);
    if (isConstant) {
      column.fill(stats.first);
    } else if (quotient === null) {
      this.body(values, (reader) => decodeValues(reader, column.length, column, 0));
    } else {
      // The counter itself is no quotient: the directory was checked for that.
      this.decodeColumn(quotient.counter, column);
      const divisors = this.readDivisors(quotient.divisor);
      this.body(values, (reader) => decodeQuotient(reader, divisors, column));
    }
  }

  /** Ascending by row; null when there are none. */
  readObjects(columnIndex: number): ObjectValue[] | null {
    const { objects, stats } = this.entry(columnIndex);
    if (objects === null) return null;
    return this.body(objects, (reader) => {
      const found = reader.varint();
      const values: ObjectValue[] = [];
      const text = new TextDecoder();
      let row = -1;
      for (let i = 0; i < found; i += 1) {
        row += reader.varint() + 1;
        if (row >= stats.count) throw new CorruptDataError(`an object value for row ${row} of ${stats.count}`);
        values.push({ row, json: text.decode(reader.raw(reader.varint())) });
      }
      return values;
    });
  }

  /** A whole column: times, values and objects. */
  readColumn(columnIndex: number): Column {
    const { timeIndex } = this.entry(columnIndex);
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
    this.body(range, (reader) => decodeValues(reader, column.length, column, 0));
    this.divisors[index] = column;
    return column;
  }

  private timeEntry(timeIndex: number): TimeEntry {
    const entry = this.directory.times[timeIndex];
    if (entry === undefined) throw new RangeError(`time column ${timeIndex} of ${this.directory.times.length}`);
    return entry;
  }

  private entry(columnIndex: number): DirectoryEntry {
    const entry = this.directory.columns[columnIndex];
    if (entry === undefined) throw new RangeError(`column ${columnIndex} of ${this.directory.columns.length}`);
    return entry;
  }

  /** Runs `read` over the bytes of a range, all of which it must use. */
  private body<T>({ start, end }: ByteRange, read: (reader: ByteReader) => T): T {
    const reader = new ByteReader(this.bytes.range(start, end));
    const result = read(reader);
    if (reader.offset !== end - start) throw new CorruptDataError(`${end - start - reader.offset} bytes left over at ${start}`);
    return result;
  }

  private readDirectory(): UnitDirectory {
    const { directoryBytes, unitBytes } = readHead(this.bytes.range(0, HEAD_BYTES), UNIT_VERSION);
    this.bytes.expectSize(unitBytes);
    return parseDirectory(new ByteReader(this.bytes.range(0, directoryBytes)), directoryBytes, unitBytes);
  }
}
