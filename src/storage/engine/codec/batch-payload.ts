/**
 * The arrival form of samples: one agent's batch (the part of it that lies in one window) in columns, as it stands
 * in `metric_batches.payload`. Made to be cheap to write, about 10 bytes a sample, and short-lived: the compacted
 * form is another one. The bytes are described in FORMAT.md beside this folder.
 *
 * Rejected: delta-of-delta times and XOR values here (twice the CPU on the way in, for rows that live an hour).
 */
import { crc32 } from 'node:zlib';
import { ByteReader, type ByteWriter, CorruptDataError, unzigzag, zigzag } from './varint.js';

const FORMAT_VERSION = 1;
const CRC_BYTES = 4;

/** Samples in columns; row i of each column is one sample, in the order of arrival. */
export interface BatchColumns {
  readonly seriesIds: ArrayLike<number>;
  readonly timestampsMs: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

export interface ObjectValue {
  readonly row: number;
  readonly json: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Encodes the rows named by `rows` (null: all of them). Times must lie within 2^30 ms of `windowMs`, ids in [1, 2^31).
 * `objectValues` are by row of the *columns*; only those of encoded rows are kept.
 */
export function encodeBatch(
  columns: BatchColumns,
  rows: readonly number[] | null,
  windowMs: number,
  objectValues: readonly ObjectValue[] | null,
  writer: ByteWriter,
): Uint8Array {
  const { seriesIds, timestampsMs, values } = columns;
  const count = rows === null ? seriesIds.length : rows.length;
  const rowAt = (i: number): number => (rows === null ? i : (rows[i] as number));

  // What a batch that could not be encoded left behind must not get into this one.
  writer.take();
  writer.byte(FORMAT_VERSION);
  writer.varint(count);
  let previousId = 0;
  for (let i = 0; i < count; i += 1) {
    const id = seriesIds[rowAt(i)] as number;
    writer.varint(zigzag(id - previousId));
    previousId = id;
  }

  // Times repeat within a collection cycle: runs of (step to the previous run's time, length).
  let previousTime = windowMs;
  for (let i = 0; i < count; ) {
    const time = timestampsMs[rowAt(i)] as number;
    let end = i + 1;
    while (end < count && timestampsMs[rowAt(end)] === time) end += 1;
    writer.varint(zigzag(time - previousTime));
    writer.varint(end - i);
    previousTime = time;
    i = end;
  }

  const doubles = new Float64Array(count);
  for (let i = 0; i < count; i += 1) doubles[i] = values[rowAt(i)] as number;
  writer.raw(new Uint8Array(doubles.buffer));

  const objects = objectValues === null ? [] : keptObjects(objectValues, rows);
  writer.varint(objects.length);
  for (const { row, json } of objects) {
    const bytes = encoder.encode(json);
    writer.varint(row);
    writer.varint(bytes.length);
    writer.raw(bytes);
  }
  writer.uint32(crc32(writer.view()));
  return writer.take();
}

function keptObjects(objectValues: readonly ObjectValue[], rows: readonly number[] | null): readonly ObjectValue[] {
  if (rows === null) return objectValues;
  const position = new Map(rows.map((row, i) => [row, i]));
  return objectValues.flatMap(({ row, json }) => {
    const at = position.get(row);
    return at === undefined ? [] : [{ row: at, json }];
  });
}

/** Where decodeBatch puts its rows; reused from batch to batch, it grows as needed. Valid until the next decode. */
export class DecodedBatch {
  count = 0;
  seriesIds = new Uint32Array(1_024);
  timestampsMs = new Float64Array(1_024);
  values = new Float64Array(1_024);
  objectValues: ObjectValue[] = [];

  reserve(count: number): void {
    if (count <= this.seriesIds.length) return;
    const size = Math.max(count, this.seriesIds.length * 2);
    this.seriesIds = new Uint32Array(size);
    this.timestampsMs = new Float64Array(size);
    this.values = new Float64Array(size);
  }
}

/**
 * Decodes a payload into `into`.
 * @throws CorruptDataError when the checksum, the version or the structure is wrong; nothing is ever guessed.
 */
export function decodeBatch(payload: Uint8Array, windowMs: number, into: DecodedBatch): void {
  const end = payload.length - CRC_BYTES;
  if (end < 2) throw new CorruptDataError(`a payload of ${payload.length} bytes is too short`);
  const stored =
    ((payload[end] as number) |
      ((payload[end + 1] as number) << 8) |
      ((payload[end + 2] as number) << 16) |
      ((payload[end + 3] as number) << 24)) >>>
    0;
  if (crc32(payload.subarray(0, end)) !== stored) throw new CorruptDataError('checksum mismatch');

  const reader = new ByteReader(payload, 0, end);
  const version = reader.byte();
  if (version !== FORMAT_VERSION) throw new CorruptDataError(`format version ${version} is not known`);
  const count = reader.varint();
  if (count * 9 > end) throw new CorruptDataError(`${count} samples cannot fit in ${payload.length} bytes`);
  into.reserve(count);
  into.count = count;

  let id = 0;
  for (let i = 0; i < count; i += 1) {
    id += unzigzag(reader.varint());
    into.seriesIds[i] = id;
  }
  let time = windowMs;
  for (let i = 0; i < count; ) {
    time += unzigzag(reader.varint());
    const length = reader.varint();
    if (length === 0 || length > count - i) throw new CorruptDataError(`a run of ${length} times at row ${i} of ${count}`);
    into.timestampsMs.fill(time, i, i + length);
    i += length;
  }
  new Uint8Array(into.values.buffer, 0, count * 8).set(reader.raw(count * 8));

  const objectCount = reader.varint();
  into.objectValues = [];
  for (let i = 0; i < objectCount; i += 1) {
    const row = reader.varint();
    if (row >= count) throw new CorruptDataError(`an object value for row ${row} of ${count}`);
    into.objectValues.push({ row, json: decoder.decode(reader.raw(reader.varint())) });
  }
  if (reader.offset !== end) throw new CorruptDataError(`${end - reader.offset} bytes left over`);
}
