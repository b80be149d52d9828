/**
 * A column of strictly ascending times (integer milliseconds) as residuals to a series of expected times: either the
 * column before it (ping targets follow the interfaces within a cycle) or a regular grid; a row of the column is that
 * many expected times after the one before it, so that gaps cost little. Sequences that follow nothing are coded as
 * steps. All are tried that may be best, and the shortest is kept.
 */
import { decodeInts } from './int-codec.js';
import type { ValueEncoder } from './value-codec.js';
import { readNumber, writeNumber } from './number-codec.js';
import { type ByteReader, type ByteWriter, CorruptDataError } from './varint.js';

const STEPS = 0;
const GRID = 1;
const FOLLOWING = 2;
const SAMPLE = 63;
/** A column that follows another at up to two bits a row is not tried in any other way. */
const GOOD_ENOUGH_BITS = 2;

export class TimeEncoder {
  private skips = new Float64Array(0);
  private residuals = new Float64Array(0);

  constructor(private readonly encoder: ValueEncoder) {}

  /** Appends the column; `previous` is the one before it, if any. `originMs` is the start of the window. */
  encode(timesMs: Float64Array, originMs: number, previous: Float64Array | null, writer: ByteWriter): void {
    const count = timesMs.length;
    if (count === 0) return;
    if (this.skips.length < count) {
      this.skips = new Float64Array(count);
      this.residuals = new Float64Array(count);
    }
    const start = writer.size;
    if (previous !== null && this.follow(timesMs, previous)) {
      writer.byte(FOLLOWING);
      this.encoder.encodeInts(this.skips, count, writer);
      this.encoder.encodeInts(this.residuals, count, writer);
      if ((writer.size - start) * 8 <= count * GOOD_ENOUGH_BITS + 128) return;
    }
    const fittedMs = fittedInterval(timesMs);
    const wholeMs = Math.max(1, Math.round(fittedMs));
    this.encodeGrid(timesMs, originMs, wholeMs, start, writer);
    if (fittedMs !== wholeMs) this.encodeGrid(timesMs, originMs, fittedMs, start, writer);
    const here = writer.size;
    for (let i = 1; i < count; i += 1) this.residuals[i - 1] = (timesMs[i] as number) - (timesMs[i - 1] as number);
    writer.byte(STEPS);
    writer.signed53((timesMs[0] as number) - originMs);
    this.encoder.encodeInts(this.residuals, count - 1, writer);
    keepLast(writer, start, here);
  }

  /** Pairs each row with the nearest row of `previous`, at least one further than the row before; false if there is none left. */
  private follow(timesMs: Float64Array, previous: Float64Array): boolean {
    const count = timesMs.length;
    if (previous.length < count) return false;
    const oneToOne = previous.length === count;
    let at = -1;
    for (let i = 0; i < count; i += 1) {
      const time = timesMs[i] as number;
      let next = at + 1;
      if (!oneToOne) {
        while (next + 1 < previous.length && Math.abs((previous[next + 1] as number) - time) <= Math.abs((previous[next] as number) - time))
          next += 1;
      }
      if (next >= previous.length) return false;
      this.skips[i] = next - at - 1;
      this.residuals[i] = time - (previous[next] as number);
      at = next;
    }
    return true;
  }

  /** Appends the column on a grid of this interval and keeps it if it is shorter than what starts at `start`. */
  private encodeGrid(timesMs: Float64Array, originMs: number, intervalMs: number, start: number, writer: ByteWriter): void {
    const count = timesMs.length;
    const here = writer.size;
    const first = timesMs[0] as number;
    let slot = 0;
    this.skips[0] = 0;
    this.residuals[0] = 0;
    for (let i = 1; i < count; i += 1) {
      const time = timesMs[i] as number;
      const step = Math.max(1, Math.round((time - (timesMs[i - 1] as number)) / intervalMs));
      slot += step;
      this.skips[i] = step - 1;
      this.residuals[i] = time - (first + Math.floor(slot * intervalMs + 0.5));
    }
    writer.byte(GRID);
    writer.signed53(first - originMs);
    writeNumber(intervalMs, writer);
    this.encoder.encodeInts(this.skips, count, writer);
    this.encoder.encodeInts(this.residuals, count, writer);
    keepLast(writer, start, here);
  }
}

/** Whether the column whose bytes start with this one needs the column before it. */
export function followsPrevious(firstByte: number | undefined): boolean {
  return firstByte === FOLLOWING;
}

/**
 * Reads `count` times. `previous` is the column before this one, needed only if this one follows it.
 * @throws CorruptDataError when the bytes are not a column of that many times, or the times do not ascend
 */
export function decodeTimes(reader: ByteReader, count: number, originMs: number, previous: Float64Array | null): Float64Array {
  const times = new Float64Array(count);
  if (count === 0) return times;
  const form = reader.byte();
  if (form === STEPS) {
    times[0] = originMs + reader.signed53();
    decodeInts(reader, count - 1, times, 1);
    for (let i = 1; i < count; i += 1) times[i] = (times[i] as number) + (times[i - 1] as number);
  } else if (form === GRID) {
    const firstMs = originMs + reader.signed53();
    const intervalMs = readNumber(reader);
    const skips = new Float64Array(count);
    decodeInts(reader, count, skips, 0);
    decodeInts(reader, count, times, 0);
    let slot = -1;
    for (let i = 0; i < count; i += 1) {
      slot += (skips[i] as number) + 1;
      times[i] = firstMs + Math.floor(slot * intervalMs + 0.5) + (times[i] as number);
    }
  } else if (form === FOLLOWING) {
    if (previous === null) throw new CorruptDataError('times that follow no others');
    const skips = new Float64Array(count);
    decodeInts(reader, count, skips, 0);
    decodeInts(reader, count, times, 0);
    let slot = -1;
    for (let i = 0; i < count; i += 1) {
      slot += (skips[i] as number) + 1;
      times[i] = (previous[slot] ?? Number.NaN) + (times[i] as number);
    }
  } else {
    throw new CorruptDataError(`times of form ${form}`);
  }
  let ascending = Number.isInteger(times[0]);
  for (let i = 1; i < count; i += 1) ascending = ascending && (times[i] as number) > (times[i - 1] as number);
  if (!ascending) throw new CorruptDataError('times that do not ascend');
  return times;
}

/** The time from the first to the last by the number of cycles in between, as the median of a sample of the steps counts them. */
function fittedInterval(timesMs: Float64Array): number {
  const steps = timesMs.length - 1;
  if (steps < 1) return 1;
  const picks = Math.min(SAMPLE, steps);
  const sample = new Float64Array(picks);
  for (let pick = 0; pick < picks; pick += 1) {
    const row = Math.floor((pick * steps) / picks);
    sample[pick] = (timesMs[row + 1] as number) - (timesMs[row] as number);
  }
  const typicalMs = sample.sort()[picks >> 1] as number;
  let cycles = 0;
  for (let i = 1; i <= steps; i += 1) cycles += Math.max(1, Math.round(((timesMs[i] as number) - (timesMs[i - 1] as number)) / typicalMs));
  return ((timesMs[steps] as number) - (timesMs[0] as number)) / cycles;
}

/** Keeps what starts at `middle` in place of what starts at `start` when that is nothing or longer; else drops it. */
function keepLast(writer: ByteWriter, start: number, middle: number): void {
  if (middle === start) return;
  if (writer.size - middle < middle - start) writer.moveDown(middle, start);
  else writer.truncate(middle);
}
