/** Reads the columns that value-codec.ts writes. Whatever the bytes are, it reads nothing past them and allocates by the rows asked for. */
import { packedBytes, unpack } from './bit-pack.js';
import { DURATION_EXPONENT, unscaleColumn } from './decimals.js';
import { decodeInts } from './int-codec.js';
import { CONSTANT, DECIMAL, DOUBLE, SPARSE, wordsOf } from './value-codec.js';
import { type ByteReader, CorruptDataError } from './varint.js';

const DOUBLE_BYTES = 8;

/**
 * Reads `count` rows into `out` from `outOffset` on.
 * @throws CorruptDataError when the bytes are not a column of that many rows
 */
export function decodeValues(reader: ByteReader, count: number, out: Float64Array, outOffset: number): void {
  if (count === 0) return;
  decodeColumn(reader, count, out, outOffset, true);
}

function decodeColumn(reader: ByteReader, count: number, out: Float64Array, outOffset: number, maySparse: boolean): void {
  const form = reader.byte();
  switch (form) {
    case CONSTANT: {
      const at = reader.skip(DOUBLE_BYTES);
      fillBits(out, outOffset, count, reader.buffer.getUint32(at + 4, true), reader.buffer.getUint32(at, true));
      return;
    }
    case SPARSE:
      if (!maySparse) throw new CorruptDataError('a sparse column within a sparse column');
      decodeSparse(reader, count, out, outOffset);
      return;
    case DECIMAL:
      decodeDecimals(reader, count, out, outOffset);
      return;
    case DOUBLE:
      decodeDoubles(reader, count, out, outOffset);
      return;
    default:
      throw new CorruptDataError(`values of form ${form}`);
  }
}

function decodeSparse(reader: ByteReader, count: number, out: Float64Array, outOffset: number): void {
  const at = reader.skip(DOUBLE_BYTES);
  fillBits(out, outOffset, count, reader.buffer.getUint32(at + 4, true), reader.buffer.getUint32(at, true));
  const found = reader.varint();
  if (found > count) throw new CorruptDataError(`${found} exceptions in ${count} rows`);
  const rows = decodeRows(reader, found, count);
  const others = new Float64Array(found);
  decodeColumn(reader, found, others, 0, false);
  const words = wordsOf(out);
  const otherWords = wordsOf(others);
  for (let i = 0; i < found; i += 1) {
    const row = (outOffset + (rows[i] as number)) * 2;
    words[row] = otherWords[i * 2] as number;
    words[row + 1] = otherWords[i * 2 + 1] as number;
  }
}

function decodeDecimals(reader: ByteReader, count: number, out: Float64Array, outOffset: number): void {
  const exponent = reader.byte();
  if (exponent > DURATION_EXPONENT) throw new CorruptDataError(`decimals with ${exponent} digits`);
  const strangers = reader.varint();
  if (strangers > count) throw new CorruptDataError(`${strangers} exceptions in ${count} rows`);
  const rows = strangers === 0 ? null : decodeRows(reader, strangers, count);
  const at = reader.skip(strangers * DOUBLE_BYTES);
  decodeInts(reader, count, out, outOffset);
  unscaleColumn(out, outOffset, outOffset + count, exponent);
  if (rows === null) return;
  const words = wordsOf(out);
  for (let i = 0; i < strangers; i += 1) {
    const row = (outOffset + (rows[i] as number)) * 2;
    words[row] = reader.buffer.getUint32(at + i * DOUBLE_BYTES, true);
    words[row + 1] = reader.buffer.getUint32(at + i * DOUBLE_BYTES + 4, true);
  }
}

function decodeDoubles(reader: ByteReader, count: number, out: Float64Array, outOffset: number): void {
  const dropped = reader.byte();
  if (dropped > 32) throw new CorruptDataError(`${dropped} bits dropped of 32`);
  const highs = new Float64Array(count);
  decodeInts(reader, count, highs, 0);
  const width = 32 - dropped;
  const at = reader.skip(packedBytes(count, width));
  const words = wordsOf(out);
  if (dropped === 0) {
    const { buffer } = reader;
    for (let i = 0; i < count; i += 1) {
      const row = (outOffset + i) * 2;
      words[row] = buffer.getUint32(at + i * 4, true);
      words[row + 1] = highs[i] as number;
    }
    return;
  }
  const lows = new Float64Array(count);
  unpack(reader.buffer, at, count, width, 0, lows, 0);
  for (let i = 0; i < count; i += 1) {
    const row = (outOffset + i) * 2;
    words[row] = dropped === 32 ? 0 : (lows[i] as number) << dropped;
    words[row + 1] = highs[i] as number;
  }
}

/** Reads `found` ascending row numbers below `count`. */
export function decodeRows(reader: ByteReader, found: number, count: number): Uint32Array {
  const gaps = new Float64Array(found);
  decodeInts(reader, found, gaps, 0);
  const rows = new Uint32Array(found);
  let row = -1;
  for (let i = 0; i < found; i += 1) {
    const gap = gaps[i] as number;
    row += gap + 1;
    if (!(gap >= 0 && row < count)) throw new CorruptDataError(`an exception in row ${row} of ${count}`);
    rows[i] = row;
  }
  return rows;
}

function fillBits(out: Float64Array, from: number, count: number, high: number, low: number): void {
  // Numbers may be filled as such; NaNs by their words.
  if ((high & 0x7ff00000) !== 0x7ff00000) {
    const words = wordsOf(out);
    words[from * 2] = low;
    words[from * 2 + 1] = high;
    out.fill(out[from] as number, from, from + count);
    return;
  }
  const words = wordsOf(out);
  for (let i = from; i < from + count; i += 1) {
    words[i * 2] = low;
    words[i * 2 + 1] = high;
  }
}
