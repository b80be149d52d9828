/**
 * Packs unsigned integers of up to 53 bits at one width into a bit stream, least significant bit first, and back.
 * Above 32 bits a run is stored as its low 32-bit words followed by the stream of the high bits: JavaScript has no
 * faster way to handle them.
 *
 * Unpacking reads unaligned 32-bit words through a DataView (one machine instruction in V8), so nothing needs to be
 * aligned or copied: a value of up to 25 bits lies within one such word.
 */
import { CorruptDataError } from './varint.js';

export const MAX_WIDTH = 53;
const WORD = 2 ** 32;

/** Bytes of `count` values of `width` bits. */
export function packedBytes(count: number, width: number): number {
  return width <= 32 ? Math.ceil((count * width) / 8) : count * 4 + Math.ceil((count * (width - 32)) / 8);
}

/** Bits that hold every integer from 0 to `range` (at most 2^53 − 1). */
export function widthOf(range: number): number {
  return range < WORD ? 32 - Math.clz32(range) : 64 - Math.clz32(range / WORD);
}

/**
 * Writes `values[from … to) − reference` into `packedBytes` bytes at `at`. What does not fit into `width` bits, on
 * either side, is written as 0: the caller patches it.
 */
export function pack(values: Float64Array, from: number, to: number, reference: number, width: number, target: DataView, at: number): void {
  if (width > 32) packWide(values, from, to, reference, width, target, at);
  else if (width > 0) packNarrow(values, from, to, reference, width, target, at);
}

function packNarrow(
  values: Float64Array,
  from: number,
  to: number,
  reference: number,
  width: number,
  target: DataView,
  start: number,
): void {
  const limit = 2 ** width;
  let at = start;
  let word = 0;
  let filled = 0;
  for (let i = from; i < to; i += 1) {
    const offset = (values[i] as number) - reference;
    const bits = offset >= 0 && offset < limit ? offset >>> 0 : 0;
    word |= bits << filled;
    filled += width;
    if (filled >= 32) {
      target.setUint32(at, word, true);
      at += 4;
      filled -= 32;
      word = filled === 0 ? 0 : bits >>> (width - filled);
    }
  }
  writeRest(target, at, word, filled);
}

function packWide(values: Float64Array, from: number, to: number, reference: number, width: number, target: DataView, start: number): void {
  const limit = 2 ** width;
  const highWidth = width - 32;
  let lowAt = start;
  let at = start + (to - from) * 4;
  let word = 0;
  let filled = 0;
  for (let i = from; i < to; i += 1) {
    const offset = (values[i] as number) - reference;
    const kept = offset >= 0 && offset < limit ? offset : 0;
    target.setUint32(lowAt, kept >>> 0, true);
    lowAt += 4;
    const bits = Math.floor(kept / WORD);
    word |= bits << filled;
    filled += highWidth;
    if (filled >= 32) {
      target.setUint32(at, word, true);
      at += 4;
      filled -= 32;
      word = filled === 0 ? 0 : bits >>> (highWidth - filled);
    }
  }
  writeRest(target, at, word, filled);
}

function writeRest(target: DataView, start: number, word: number, filled: number): void {
  for (let at = start, bits = 0; bits < filled; bits += 8) target.setUint8(at++, (word >>> bits) & 0xff);
}

/**
 * Reads `count` values of `width` bits at `at`, adds `reference` and puts them into `out` from `outOffset` on.
 * The caller has made sure that `packedBytes` bytes are there.
 * @throws CorruptDataError when the width is not one
 */
export function unpack(
  source: DataView,
  at: number,
  count: number,
  width: number,
  reference: number,
  out: Float64Array,
  outOffset: number,
): void {
  if (width === 0) {
    out.fill(reference, outOffset, outOffset + count);
  } else if (width <= 25) {
    unpackNarrow(source, at, count, width, reference, out, outOffset);
  } else if (width <= 32) {
    unpackWord(source, at, count, width, reference, out, outOffset);
  } else if (width <= MAX_WIDTH) {
    const highAt = at + count * 4;
    unpackNarrow(source, highAt, count, width - 32, 0, out, outOffset);
    for (let i = 0; i < count; i += 1) {
      out[outOffset + i] = reference + (out[outOffset + i] as number) * WORD + source.getUint32(at + i * 4, true);
    }
  } else {
    throw new CorruptDataError(`a width of ${width} bits`);
  }
}

function unpackNarrow(
  source: DataView,
  at: number,
  count: number,
  width: number,
  reference: number,
  out: Float64Array,
  outOffset: number,
): void {
  const mask = (1 << width) - 1;
  // Values whose word ends within the buffer; the last few may need single bytes.
  const fast = wholeWords(source, at, count, width, 4);
  let bit = 0;
  for (let i = 0; i < fast; i += 1) {
    out[outOffset + i] = reference + ((source.getUint32(at + (bit >>> 3), true) >>> (bit & 7)) & mask);
    bit += width;
  }
  for (let i = fast; i < count; i += 1) out[outOffset + i] = reference + readBits(source, at, i * width, width);
}

function unpackWord(
  source: DataView,
  at: number,
  count: number,
  width: number,
  reference: number,
  out: Float64Array,
  outOffset: number,
): void {
  const mask = width === 32 ? -1 : (1 << width) - 1;
  const fast = wholeWords(source, at, count, width, 5);
  let bit = 0;
  for (let i = 0; i < fast; i += 1) {
    const byte = at + (bit >>> 3);
    const shift = bit & 7;
    // The shift by 31 − shift and 1 more is one by 32 − shift that also works for 0.
    const bits = (source.getUint32(byte, true) >>> shift) | ((source.getUint8(byte + 4) << (31 - shift)) << 1);
    out[outOffset + i] = reference + ((bits & mask) >>> 0);
    bit += width;
  }
  for (let i = fast; i < count; i += 1) out[outOffset + i] = reference + readBits(source, at, i * width, width);
}

/** How many of the values can be read by `bytes` bytes from their first one on. */
function wholeWords(source: DataView, at: number, count: number, width: number, bytes: number): number {
  const room = source.byteLength - at - bytes;
  return room < 0 ? 0 : Math.min(count, Math.floor((room * 8 + 7) / width) + 1);
}

function readBits(source: DataView, at: number, bit: number, width: number): number {
  let result = 0;
  for (let done = 0; done < width; ) {
    const shift = (bit + done) & 7;
    const taken = Math.min(8 - shift, width - done);
    const bits = (source.getUint8(at + ((bit + done) >>> 3)) >>> shift) & ((1 << taken) - 1);
    result += bits * 2 ** done;
    done += taken;
  }
  return result;
}
