/**
 * The stored form of rollups: all series of one agent over one window (a day or more) at one step. What follows from
 * the times alone — which steps there are, how many samples each holds, when the first and the last was — is stored
 * once for the series sampled together. Cut into parts and read lazily as units are. See FORMAT.md.
 */
import { decodeInts } from './codec/int-codec.js';
import { ValueEncoder } from './codec/value-codec.js';
import { decodeValues } from './codec/value-decoder.js';
import { ByteReader, ByteWriter, CorruptDataError } from './codec/varint.js';
import { emptyRollup, type RollupColumn } from './rollup.js';
import { HEAD_BYTES, MAX_ROWS, readHead, writeHead } from './unit-directory.js';
import { type ByteRange, PART_BYTES, type PartSource, UnitBytes } from './unit-parts.js';

/** The high bit tells rollups from units, should one be taken for the other. */
export const ROLLUP_VERSION = 0x81;

const COUNTER = 0x01;
/** In every row min and max are the same bits (and of a counter first and last, too): only `min` is stored. */
const FLAT = 0x02;
/** A counter's: in every row min is first and max is last. */
const RISING = 0x04;
/** In every row sum is count · min. */
const SUM_OF_MIN = 0x08;
/** A counter's: in every row increase is last − first. */
const NO_RESET = 0x10;
const SAME_GROUP = 0x20;

export interface RollupWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface RollupEntry {
  readonly seriesId: number;
  readonly isCounter: boolean;
  readonly rows: number;
  readonly group: number;
  readonly flags: number;
  readonly range: ByteRange;
}

export interface RollupDirectory extends RollupWindow {
  readonly groups: readonly { readonly rows: number; readonly range: ByteRange }[];
  /** Ascending by series id. */
  readonly series: readonly RollupEntry[];
}

/** Encodes the rollups of distinct series. @throws RangeError when steps lie outside the window, or are not aligned to it */
export function encodeRollups(window: RollupWindow, columns: readonly RollupColumn[]): Uint8Array {
  const { startMs, endMs, stepMs } = window;
  const encoder = new ValueEncoder();
  const writer = new ByteWriter();
  const body = (write: () => void): Uint8Array => {
    write();
    return writer.take();
  };
  const sorted = columns.toSorted((a, b) => a.seriesId - b.seriesId);
  const groups: { rows: number; bytes: Uint8Array }[] = [];
  const groupOf = new Map<string, number>();
  const entries = sorted.map((column, i) => {
    if (column.seriesId === sorted[i - 1]?.seriesId) throw new RangeError(`two rollups of series ${column.seriesId}`);
    checkBuckets(column.bucketsMs, window);
    const bytes = body(() => writeGroup(column, window, encoder, writer));
    const key = Buffer.from(bytes).toString('latin1');
    let group = groupOf.get(key);
    if (group === undefined) {
      group = groups.length;
      groupOf.set(key, group);
      groups.push({ rows: column.bucketsMs.length, bytes });
    }
    const flags = flagsOf(column);
    return { seriesId: column.seriesId, group, flags, bytes: body(() => writeFields(column, flags, encoder, writer)) };
  });

  writer.claim(HEAD_BYTES);
  writer.signed53(startMs);
  writer.varint53(endMs - startMs);
  writer.varint53(stepMs);
  writer.varint(groups.length);
  writer.varint(entries.length);
  for (const { rows, bytes } of groups) {
    writer.varint(rows);
    writer.varint(bytes.length);
  }
  let previousId = 0;
  let previousGroup = 0;
  for (const { seriesId, group, flags, bytes } of entries) {
    const sameGroup = group === previousGroup;
    writer.byte(flags | (sameGroup ? SAME_GROUP : 0));
    writer.varint(seriesId - previousId);
    if (!sameGroup) writer.varint(group);
    writer.varint(bytes.length);
    previousId = seriesId;
    previousGroup = group;
  }
  const directoryBytes = writer.size;
  for (const { bytes } of groups) writer.raw(bytes);
  for (const { bytes } of entries) writer.raw(bytes);
  writeHead(writer, 0, ROLLUP_VERSION, directoryBytes, writer.size);
  return writer.take();
}

function checkBuckets(bucketsMs: Float64Array, { startMs, endMs, stepMs }: RollupWindow): void {
  let previous = startMs - 1;
  for (const bucket of bucketsMs) {
    if (!(bucket > previous && bucket < endMs && (bucket - startMs) % stepMs === 0)) {
      throw new RangeError(`a step at ${bucket} after ${previous}, of ${stepMs} ms from ${startMs} to ${endMs}`);
    }
    previous = bucket;
  }
  if (bucketsMs.length === 0) throw new RangeError('a rollup without rows');
}

function writeGroup(column: RollupColumn, { startMs, stepMs }: RollupWindow, encoder: ValueEncoder, writer: ByteWriter): void {
  const { bucketsMs, firstMs, lastMs, count } = column;
  const rows = bucketsMs.length;
  const ints = (of: (row: number) => number): void =>
    encoder.encodeInts(
      Float64Array.from({ length: rows }, (_, row) => of(row)),
      rows,
      writer,
    );
  ints((row) => ((bucketsMs[row] as number) - (row === 0 ? startMs - stepMs : (bucketsMs[row - 1] as number))) / stepMs - 1);
  ints((row) => count[row] as number);
  ints((row) => (firstMs[row] as number) - (bucketsMs[row] as number));
  ints((row) => (lastMs[row] as number) - (bucketsMs[row] as number));
}

function flagsOf(column: RollupColumn): number {
  const { count, sum, min, max, first, last, increase, isCounter } = column;
  const every = (holds: (row: number) => boolean): boolean => count.every((_, row) => holds(row));
  const rising = isCounter && every((row) => Object.is(min[row], first[row]) && Object.is(max[row], last[row]));
  const flat = (rising || !isCounter) && every((row) => Object.is(min[row], max[row]));
  const sumOfMin = flat && every((row) => Object.is(sum[row], (count[row] as number) * (min[row] as number)));
  const noReset = isCounter && every((row) => Object.is(increase[row], (last[row] as number) - (first[row] as number)));
  return (isCounter ? COUNTER : 0) | (flat ? FLAT : 0) | (rising ? RISING : 0) | (sumOfMin ? SUM_OF_MIN : 0) | (noReset ? NO_RESET : 0);
}

/** Which fields stand one after the other in a series' first column: one column costs less than four. */
function pointFields(flags: number): readonly ('min' | 'max' | 'first' | 'last')[] {
  if ((flags & FLAT) !== 0) return ['min'];
  return (flags & COUNTER) !== 0 && (flags & RISING) === 0 ? ['min', 'max', 'first', 'last'] : ['min', 'max'];
}

function writeFields(column: RollupColumn, flags: number, encoder: ValueEncoder, writer: ByteWriter): void {
  const rows = column.count.length;
  const fields = pointFields(flags);
  const points = new Float64Array(rows * fields.length);
  for (const [i, field] of fields.entries()) points.set(column[field], i * rows);
  encoder.encode(points, 0, points.length, writer);
  if ((flags & SUM_OF_MIN) === 0) encoder.encode(column.sum, 0, rows, writer);
  if ((flags & COUNTER) !== 0 && (flags & NO_RESET) === 0) encoder.encode(column.increase, 0, rows, writer);
}

/** Reads rollups part by part. Failures are CorruptDataErrors; the caller adds which unit it was. */
export class RollupReader {
  private readonly bytes: UnitBytes;
  private read: RollupDirectory | null = null;
  private readonly groups: Pick<RollupColumn, 'bucketsMs' | 'count' | 'firstMs' | 'lastMs'>[] = [];

  constructor(source: PartSource, partBytes = PART_BYTES) {
    this.bytes = new UnitBytes(source, partBytes);
  }

  get directory(): RollupDirectory {
    this.read ??= this.readDirectory();
    return this.read;
  }

  /** The rollups of one series. Columns that follow from the times are shared between series: not to be changed. */
  readColumn(index: number): RollupColumn {
    const entry = this.directory.series[index];
    if (entry === undefined) throw new RangeError(`series ${index} of ${this.directory.series.length}`);
    const { seriesId, isCounter, rows, flags, range } = entry;
    const { bucketsMs, count, firstMs, lastMs } = this.readGroup(entry.group);
    const column = { ...emptyRollup(seriesId, isCounter, 0), bucketsMs, count, firstMs, lastMs };
    return this.body(range, (reader) => {
      const fields = pointFields(flags);
      const points = new Float64Array(rows * fields.length);
      decodeValues(reader, points.length, points, 0);
      const field = (at: number): Float64Array => points.subarray(at * rows, (at + 1) * rows);
      const min = field(0);
      const max = fields.length > 1 ? field(1) : min;
      let [first, last] = fields.length > 2 ? [field(2), field(3)] : [min, max];
      if (!isCounter) first = last = new Float64Array(rows).fill(Number.NaN);
      const sum = new Float64Array(rows);
      if ((flags & SUM_OF_MIN) === 0) decodeValues(reader, rows, sum, 0);
      else for (let row = 0; row < rows; row += 1) sum[row] = (count[row] as number) * (min[row] as number);
      const increase = new Float64Array(rows);
      if ((flags & NO_RESET) !== 0) for (let row = 0; row < rows; row += 1) increase[row] = (last[row] as number) - (first[row] as number);
      else if (isCounter) decodeValues(reader, rows, increase, 0);
      return { ...column, min, max, first, last, sum, increase };
    });
  }

  private readGroup(index: number): Pick<RollupColumn, 'bucketsMs' | 'count' | 'firstMs' | 'lastMs'> {
    const known = this.groups[index];
    if (known !== undefined) return known;
    const { groups, startMs, stepMs } = this.directory;
    const { rows, range } = groups[index] as { rows: number; range: ByteRange };
    const group = this.body(range, (reader) => {
      const [bucketsMs, count, firstMs, lastMs] = Array.from({ length: 4 }, () => {
        const ints = new Float64Array(rows);
        decodeInts(reader, rows, ints, 0);
        return ints;
      }) as [Float64Array, Float64Array, Float64Array, Float64Array];
      let bucket = startMs - stepMs;
      for (let row = 0; row < rows; row += 1) {
        bucket += ((bucketsMs[row] as number) + 1) * stepMs;
        bucketsMs[row] = bucket;
        (firstMs[row] as number) += bucket;
        (lastMs[row] as number) += bucket;
      }
      return { bucketsMs, count, firstMs, lastMs };
    });
    this.groups[index] = group;
    return group;
  }

  private body<T>({ start, end }: ByteRange, read: (reader: ByteReader) => T): T {
    const reader = new ByteReader(this.bytes.range(start, end));
    const result = read(reader);
    if (reader.offset !== end - start) throw new CorruptDataError(`${end - start - reader.offset} bytes left over at ${start}`);
    return result;
  }

  private readDirectory(): RollupDirectory {
    const { directoryBytes, unitBytes } = readHead(this.bytes.range(0, HEAD_BYTES), ROLLUP_VERSION);
    this.bytes.expectSize(unitBytes);
    const reader = new ByteReader(this.bytes.range(0, directoryBytes));
    reader.skip(HEAD_BYTES);
    const startMs = reader.signed53();
    const endMs = startMs + reader.varint53();
    const stepMs = reader.varint53();
    const groupCount = reader.varint();
    const seriesCount = reader.varint();
    if (groupCount > directoryBytes || seriesCount > directoryBytes)
      throw new CorruptDataError(`${seriesCount} series, ${groupCount} groups`);
    let at = directoryBytes;
    const take = (bytes: number): ByteRange => {
      at += bytes;
      return { start: at - bytes, end: at };
    };
    const groups = Array.from({ length: groupCount }, () => {
      const rows = reader.varint();
      if (rows < 1 || rows > MAX_ROWS) throw new CorruptDataError(`a group of ${rows} rows`);
      return { rows, range: take(reader.varint()) };
    });
    const series: RollupEntry[] = [];
    for (let i = 0; i < seriesCount; i += 1) {
      const flags = reader.byte();
      const previous = series.at(-1);
      const step = reader.varint();
      const group = (flags & SAME_GROUP) !== 0 ? (previous?.group ?? 0) : reader.varint();
      const rows = groups[group]?.rows;
      if (step < 1 || rows === undefined) throw new CorruptDataError(`series ${i} of group ${group}`);
      const range = take(reader.varint());
      series.push({ seriesId: (previous?.seriesId ?? 0) + step, isCounter: (flags & COUNTER) !== 0, rows, group, flags, range });
    }
    if (reader.offset !== directoryBytes || at !== unitBytes)
      throw new CorruptDataError(`a directory that describes ${at} of ${unitBytes} bytes`);
    return { startMs, endMs, stepMs, groups, series };
  }
}
