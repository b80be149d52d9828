/**
 * Encodes one column of doubles, bit for bit, in the form that suits it: constant, sparse (one value nearly everywhere, and the
 * rest as a column of its own), decimals as scaled integers, or doubles split into their high and low words. Where
 * two forms are close, both are made and the shorter one is kept: sizes are never guessed. value-decoder.ts reads
 * it back; see ../FORMAT.md.
 *
 * A NaN's payload survives only if it never passes through a JavaScript number: rows that are no decimals are copied
 * by their words. The word views assume a little-endian machine, as everything Node runs on in practice is.
 */
import { pack, packedBytes } from './bit-pack.js';
import { columnExponent, DURATION_EXPONENT, exponentOf, scaleColumn } from './decimals.js';
import { encodeInts, IntScratch } from './int-codec.js';
import type { ByteWriter } from './varint.js';

/** The forms of a column: its first byte. */
export const CONSTANT = 0;
export const SPARSE = 1;
export const DECIMAL = 2;
export const DOUBLE = 3;

/** What an encoder keeps from call to call. Not to be shared between two that are at work at once. */
export class ValueEncoder {
  private ints = new Float64Array(4_096);
  private rows = new Uint32Array(4_096);
  private readonly scratch = new IntScratch();

  /** Whether the last column held values that are no decimals, other than a few. */
  hadNoise = false;

  /** Appends the rows from `from` to `to` (exclusive). Nothing at all is written for none. */
  encode(values: Float64Array, from: number, to: number, writer: ByteWriter): void {
    const count = to - from;
    this.hadNoise = false;
    if (count === 0) return;
    this.reserve(count);
    const words = wordsOf(values);
    const dominant = majority(values, words, from, to);
    if (dominant.others === 0) {
      writer.byte(CONSTANT);
      writer.doubleBits(words[dominant.row * 2 + 1] as number, words[dominant.row * 2] as number);
    } else if (dominant.others <= count >> 4) {
      this.encodeSparse(words, from, to, dominant, writer);
    } else if (dominant.others <= count >> 1) {
      keepShorter(
        writer,
        () => this.encodeSparse(words, from, to, dominant, writer),
        () => this.encodeDense(values, from, to, writer),
      );
    } else {
      this.encodeDense(values, from, to, writer);
    }
  }

  /** As `encode`, for seconds that are measured in nanoseconds: tries Go's way of computing them first. */
  encodeDurations(values: Float64Array, count: number, writer: ByteWriter): void {
    this.reserve(count);
    const strangers = scaleColumn(values, 0, count, DURATION_EXPONENT, this.ints, this.rows);
    if (strangers > count >> 4) this.encode(values, 0, count, writer);
    else this.writeDecimals(wordsOf(values), 0, count, DURATION_EXPONENT, strangers, writer);
  }

  /** Integers of magnitude below 2^51, without any of the above. */
  encodeInts(ints: Float64Array, count: number, writer: ByteWriter): void {
    encodeInts(ints, count, writer, this.scratch);
  }

  /** Ascending row numbers, as the gaps between them. */
  encodeRows(rows: Uint32Array, count: number, writer: ByteWriter): void {
    const gaps = new Float64Array(count);
    for (let i = 0; i < count; i += 1) gaps[i] = (rows[i] as number) - (i === 0 ? -1 : (rows[i - 1] as number)) - 1;
    encodeInts(gaps, count, writer, this.scratch);
  }

  private encodeSparse(words: Uint32Array, from: number, to: number, dominant: Majority, writer: ByteWriter): void {
    const low = words[dominant.row * 2] as number;
    const high = words[dominant.row * 2 + 1] as number;
    const others = new Float64Array(dominant.others);
    const otherWords = wordsOf(others);
    const rows = new Uint32Array(dominant.others);
    let found = 0;
    for (let i = from; i < to; i += 1) {
      if (words[i * 2] === low && words[i * 2 + 1] === high) continue;
      rows[found] = i - from;
      otherWords[found * 2] = words[i * 2] as number;
      otherWords[found * 2 + 1] = words[i * 2 + 1] as number;
      found += 1;
    }
    writer.byte(SPARSE);
    writer.doubleBits(high, low);
    writer.varint(found);
    this.encodeRows(rows, found, writer);
    if (isConstant(otherWords, 0, found)) {
      writer.byte(CONSTANT);
      writer.doubleBits(otherWords[1] as number, otherWords[0] as number);
    } else {
      this.encodeDense(others, 0, found, writer);
    }
  }

  private encodeDense(values: Float64Array, from: number, to: number, writer: ByteWriter): void {
    const count = to - from;
    let exponent = columnExponent(values, from, to);
    if (exponent === -1) {
      this.encodeDoubles(values, from, to, writer);
      return;
    }
    let strangers = scaleColumn(values, from, to, exponent, this.ints, this.rows);
    // The sample may have missed the values with the most digits.
    if (strangers > count >> 5) {
      const needed = exponentOf(values[from + (this.rows[0] as number)] as number, exponent);
      if (needed !== -1) {
        exponent = needed;
        strangers = scaleColumn(values, from, to, exponent, this.ints, this.rows);
      }
    }
    if (strangers > count >> 2) {
      this.encodeDoubles(values, from, to, writer);
    } else if (strangers > count >> 5) {
      keepShorter(
        writer,
        () => this.writeDecimals(wordsOf(values), from, to, exponent, strangers, writer),
        () => this.encodeDoubles(values, from, to, writer),
      );
    } else {
      this.writeDecimals(wordsOf(values), from, to, exponent, strangers, writer);
    }
  }

  /** `this.ints` and `this.rows` are as scaleColumn left them. */
  private writeDecimals(words: Uint32Array, from: number, to: number, exponent: number, strangers: number, writer: ByteWriter): void {
    writer.byte(DECIMAL);
    writer.byte(exponent);
    writer.varint(strangers);
    if (strangers > 0) {
      this.encodeRows(this.rows, strangers, writer);
      for (let i = 0; i < strangers; i += 1) {
        const at = (from + (this.rows[i] as number)) * 2;
        writer.doubleBits(words[at + 1] as number, words[at] as number);
      }
    }
    encodeInts(this.ints, to - from, writer, this.scratch);
  }

  private encodeDoubles(values: Float64Array, from: number, to: number, writer: ByteWriter): void {
    this.hadNoise = true;
    const words = wordsOf(values);
    const count = to - from;
    const highs = this.ints;
    const lows = new Float64Array(count);
    let used = 0;
    for (let i = 0; i < count; i += 1) {
      const at = (from + i) * 2;
      used |= words[at] as number;
      highs[i] = words[at + 1] as number;
    }
    // Doubles made from coarser numbers end in zeros.
    const dropped = used === 0 ? 32 : 31 - Math.clz32(used & -used);
    for (let i = 0; i < count; i += 1) lows[i] = dropped === 32 ? 0 : (words[(from + i) * 2] as number) >>> dropped;
    writer.byte(DOUBLE);
    writer.byte(dropped);
    encodeInts(highs, count, writer, this.scratch);
    const width = 32 - dropped;
    const at = writer.claim(packedBytes(count, width));
    pack(lows, 0, count, 0, width, writer.buffer, at);
  }

  private reserve(count: number): void {
    if (count <= this.ints.length) return;
    const size = Math.max(count, this.ints.length * 2);
    this.ints = new Float64Array(size);
    this.rows = new Uint32Array(size);
  }
}

/** The two words of each double, low one first. */
export function wordsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

interface Majority {
  /** A row that holds the value. */
  readonly row: number;
  /** How many rows hold other bits. */
  readonly others: number;
}

/** The value that most rows hold, if any holds more than half of them (Boyer and Moore's vote); otherwise any value. */
function majority(values: Float64Array, words: Uint32Array, from: number, to: number): Majority {
  let row = from;
  let votes = 0;
  let value = values[from] as number;
  for (let i = from; i < to; i += 1) {
    if ((values[i] as number) === value) {
      votes += 1;
    } else if (votes === 0) {
      row = i;
      value = values[i] as number;
      votes = 1;
    } else {
      votes -= 1;
    }
  }
  if (votes === 0 && !Number.isNaN(value)) return { row, others: to - from };
  if (Number.isNaN(value)) row = from;
  const low = words[row * 2] as number;
  const high = words[row * 2 + 1] as number;
  let others = 0;
  for (let i = from; i < to; i += 1) if (words[i * 2] !== low || words[i * 2 + 1] !== high) others += 1;
  return { row, others };
}

function isConstant(words: Uint32Array, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i += 1) {
    if (words[i * 2] !== words[from * 2] || words[i * 2 + 1] !== words[from * 2 + 1]) return false;
  }
  return true;
}

function keepShorter(writer: ByteWriter, first: () => void, second: () => void): void {
  const start = writer.size;
  first();
  const middle = writer.size;
  second();
  if (writer.size - middle < middle - start) writer.moveDown(middle, start);
  else writer.truncate(middle);
}
