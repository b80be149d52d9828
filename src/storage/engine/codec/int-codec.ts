/**
 * Integers of up to 2^52 in blocks: each block a frame of reference (lowest kept value, width), its values packed at
 * that width, and those that lie outside on either side patched in. Either the integers themselves or their steps are
 * coded, whichever is smaller. Blocks are 128 · 2^k values: a steady column is one block, a changing one many.
 *
 * Rejected: radix packing of ranges that are no power of two (saves half a bit a value, costs a division each).
 */
import { pack, packedBytes, unpack, widthOf } from './bit-pack.js';
import { type ByteReader, type ByteWriter, CorruptDataError } from './varint.js';

const BLOCK = 128;
const MODE_STEPS = 1;
const HAS_PATCHES = 0x40;
const SAME_REFERENCE = 0x80;
/** What a block's header takes, about: only to choose the number of blocks. */
const HEADER_BITS = 32;
const MAX_LEVEL = 20;

/** Buffers used again from call to call: one per encoder or decoder, never shared between two at work. */
export class IntScratch {
  steps = new Float64Array(4_096);
  sorted = new Float64Array(BLOCK);
  histogram = new Uint32Array(64);
  minima = new Float64Array(64);
  maxima = new Float64Array(64);
  widestMinima = new Float64Array(64);
  widestMaxima = new Float64Array(64);

  reserve(count: number): void {
    if (this.steps.length < count) this.steps = new Float64Array(Math.max(count, this.steps.length * 2));
    const blocks = Math.ceil(count / BLOCK);
    if (this.minima.length >= blocks) return;
    this.minima = new Float64Array(blocks * 2);
    this.maxima = new Float64Array(blocks * 2);
    this.widestMinima = new Float64Array(blocks * 2);
    this.widestMaxima = new Float64Array(blocks * 2);
  }
}

/** Appends `count` integers, each of magnitude below 2^51. */
export function encodeInts(ints: Float64Array, count: number, writer: ByteWriter, scratch: IntScratch): void {
  scratch.reserve(count);
  let values = ints;
  let from = 0;
  let stepped = false;
  if (count > 2) {
    const plainBits = blockBits(ints, 0, count);
    const { steps } = scratch;
    for (let i = 1; i < count; i += 1) steps[i] = (ints[i] as number) - (ints[i - 1] as number);
    if (blockBits(steps, 1, count) < plainBits) {
      values = steps;
      from = 1;
      stepped = true;
    }
  }
  const level = from < count ? chooseLevel(values, from, count, scratch) : 0;
  writer.byte((level << 1) | (stepped ? MODE_STEPS : 0));
  if (stepped) writer.signed53(ints[0] as number);
  writeBlocks(values, from, count, level, writer, scratch);
}

/** Reads `count` integers into `out` from `outOffset` on. @throws CorruptDataError */
export function decodeInts(reader: ByteReader, count: number, out: Float64Array, outOffset: number): void {
  const mode = reader.byte();
  const level = mode >> 1;
  if (level > MAX_LEVEL) throw new CorruptDataError(`a block of 2^${level + 7} values`);
  const stepped = (mode & MODE_STEPS) !== 0;
  let at = outOffset;
  const end = outOffset + count;
  if (stepped && count > 0) out[at++] = reader.signed53();
  let reference = 0;
  for (; at < end; ) {
    const size = Math.min(BLOCK << level, end - at);
    const header = reader.byte();
    const width = header & 0x3f;
    if ((header & SAME_REFERENCE) === 0) reference += reader.signed53();
    unpack(reader.buffer, reader.skip(packedBytes(size, width)), size, width, reference, out, at);
    if ((header & HAS_PATCHES) !== 0) readPatches(reader, reference, out, at, size);
    at += size;
  }
  if (stepped) {
    let sum = 0;
    for (let i = outOffset; i < end; i += 1) {
      sum += out[i] as number;
      out[i] = sum;
    }
  }
}

function readPatches(reader: ByteReader, reference: number, out: Float64Array, at: number, size: number): void {
  const patches = reader.varint();
  if (patches > size) throw new CorruptDataError(`${patches} patches of ${size} values`);
  let row = -1;
  for (let i = 0; i < patches; i += 1) {
    row += reader.varint() + 1;
    if (row >= size) throw new CorruptDataError(`a patch of value ${row} of ${size}`);
    out[at + row] = reference + reader.signed53();
  }
}

/** Bits of blocks of 128 without patches: enough to choose between values and steps. */
function blockBits(values: Float64Array, from: number, to: number): number {
  let bits = 0;
  for (let start = from; start < to; start += BLOCK) {
    const end = Math.min(start + BLOCK, to);
    let min = values[start] as number;
    let max = min;
    for (let i = start + 1; i < end; i += 1) {
      const value = values[i] as number;
      if (value < min) min = value;
      else if (value > max) max = value;
    }
    bits += HEADER_BITS + widthOf(max - min) * (end - start);
  }
  return bits;
}

/** Finds each block's worthwhile range, then how many blocks are best taken together. Leaves the ranges of that level. */
function chooseLevel(values: Float64Array, from: number, to: number, scratch: IntScratch): number {
  let blocks = 0;
  for (let start = from; start < to; start += BLOCK) {
    trim(values, start, Math.min(start + BLOCK, to), scratch, blocks);
    blocks += 1;
  }
  const { minima, maxima, widestMinima, widestMaxima } = scratch;
  let bestBits = Number.POSITIVE_INFINITY;
  let bestLevel = 0;
  let bestBlocks = 0;
  for (let level = 0; level <= MAX_LEVEL; level += 1) {
    const size = BLOCK << level;
    let bits = 0;
    for (let block = 0; block < blocks; block += 1) {
      const rows = Math.min(size, to - from - block * size);
      bits += HEADER_BITS + widthOf((maxima[block] as number) - (minima[block] as number)) * rows;
    }
    if (bits < bestBits) {
      bestBits = bits;
      bestLevel = level;
      bestBlocks = blocks;
      widestMinima.set(minima.subarray(0, blocks));
      widestMaxima.set(maxima.subarray(0, blocks));
    }
    if (blocks === 1) break;
    const merged = (blocks + 1) >> 1;
    for (let block = 0; block < merged; block += 1) {
      const other = Math.min(block * 2 + 1, blocks - 1);
      minima[block] = Math.min(minima[block * 2] as number, minima[other] as number);
      maxima[block] = Math.max(maxima[block * 2] as number, maxima[other] as number);
    }
    blocks = merged;
  }
  minima.set(widestMinima.subarray(0, bestBlocks));
  maxima.set(widestMaxima.subarray(0, bestBlocks));
  return bestLevel;
}

/**
 * The range of a block worth packing: all of it, or less when patching what lies outside is cheaper. Sorting is the
 * exact way and is kept for blocks in which most values lie far closer to a middle one than the extremes do.
 */
function trim(values: Float64Array, from: number, to: number, scratch: IntScratch, block: number): void {
  let min = values[from] as number;
  let max = min;
  for (let i = from + 1; i < to; i += 1) {
    const value = values[i] as number;
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  const count = to - from;
  const width = widthOf(max - min);
  if (width > 0 && count >= 8 && hasOutliers(values, from, to, width, scratch)) {
    const sorted = scratch.sorted.subarray(0, count);
    sorted.set(values.subarray(from, to));
    sorted.sort();
    let bestBits = width * count;
    for (let narrower = width - 1; narrower >= 0; narrower -= 1) {
      const range = 2 ** narrower - 1;
      let low = 0;
      let bestLow = 0;
      let kept = 0;
      for (let high = 0; high < count; high += 1) {
        while ((sorted[high] as number) - (sorted[low] as number) > range) low += 1;
        if (high - low + 1 > kept) {
          kept = high - low + 1;
          bestLow = low;
        }
      }
      const bits = narrower * count + 8 + (count - kept) * patchBits(width);
      if (bits < bestBits) {
        bestBits = bits;
        min = sorted[bestLow] as number;
        max = sorted[bestLow + kept - 1] as number;
      }
      if (count - kept > count >> 1) break;
    }
  }
  scratch.minima[block] = min;
  scratch.maxima[block] = max;
}

function patchBits(width: number): number {
  return 8 + 8 * Math.ceil((width + 1) / 7);
}

function hasOutliers(values: Float64Array, from: number, to: number, width: number, scratch: IntScratch): boolean {
  const count = to - from;
  const pivot = middleOfThree(values, from, count);
  const { histogram } = scratch;
  histogram.fill(0);
  for (let i = from; i < to; i += 1) (histogram[widthOf(Math.abs((values[i] as number) - pivot))] as number)++;
  // From the widest down: does leaving out what lies 2^(narrower − 1) or more from the pivot pay?
  let outside = 0;
  for (let narrower = width; narrower > 0; narrower -= 1) {
    outside += histogram[narrower] as number;
    if (outside > count >> 2) return false;
    const needed = narrower === 1 ? 0 : narrower;
    if ((width - needed) * count > outside * patchBits(width) + 8) return true;
  }
  return false;
}

/** A value from the middle of the block's range, as far as three of its rows can tell. */
function middleOfThree(values: Float64Array, from: number, count: number): number {
  const a = values[from + (count >> 2)] as number;
  const b = values[from + (count >> 1)] as number;
  const c = values[from + count - 1 - (count >> 3)] as number;
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

function writeBlocks(values: Float64Array, from: number, to: number, level: number, writer: ByteWriter, scratch: IntScratch): void {
  let previous = 0;
  let block = 0;
  const size = BLOCK << level;
  for (let start = from; start < to; start += size) {
    const end = Math.min(start + size, to);
    const reference = scratch.minima[block] as number;
    const width = widthOf((scratch.maxima[block] as number) - reference);
    block += 1;
    let patches = 0;
    const limit = 2 ** width;
    for (let i = start; i < end; i += 1) {
      const offset = (values[i] as number) - reference;
      if (offset < 0 || offset >= limit) patches += 1;
    }
    writer.byte(width | (patches > 0 ? HAS_PATCHES : 0) | (reference === previous ? SAME_REFERENCE : 0));
    if (reference !== previous) writer.signed53(reference - previous);
    previous = reference;
    const at = writer.claim(packedBytes(end - start, width));
    pack(values, start, end, reference, width, writer.buffer, at);
    if (patches > 0) writePatches(values, start, end, reference, limit, patches, writer);
  }
}

function writePatches(
  values: Float64Array,
  start: number,
  end: number,
  reference: number,
  limit: number,
  patches: number,
  writer: ByteWriter,
): void {
  writer.varint(patches);
  let previousRow = start - 1;
  for (let i = start; i < end; i += 1) {
    const offset = (values[i] as number) - reference;
    if (offset >= 0 && offset < limit) continue;
    writer.varint(i - previousRow - 1);
    writer.signed53(offset);
    previousRow = i;
  }
}
