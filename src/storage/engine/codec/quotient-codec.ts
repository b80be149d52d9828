/**
 * Rates that agents compute from counters they also send: rate = (total − previous total) / elapsed, with one elapsed
 * time for all the rates of a collection cycle. Such a rate looks like 53 bits of noise, and yet every bit of it
 * follows from its counter and from the cycle's elapsed time: the *divisor*, stored once for all columns of that time.
 *
 * Nothing is taken on trust. The divisor of each row is searched among the doubles near total step / rate until it
 * gives the rates back bit for bit; rows where it does not (the first one, gaps, counter resets) keep their doubles;
 * and the caller keeps whichever form is shorter.
 */
import { durationNanos, durationSeconds } from './decimals.js';
import { type ValueEncoder, wordsOf } from './value-codec.js';
import { decodeRows } from './value-decoder.js';
import { type ByteReader, type ByteWriter, CorruptDataError } from './varint.js';

const PROBES = 6;
/** How far the step-to-rate ratio, per time between rows, may differ from probe to probe. */
const RATIO_TOLERANCE = 0.05;
const NEAR_ULPS = [0, 1, -1, 2, -2] as const;
const NANOS = 1_000_000_000;

/** Columns of one collection cycle that belong together: `rate` is `counter`'s steps by the cycle's divisor. */
export interface QuotientPair {
  readonly rate: number;
  readonly counter: number;
}

/** Whether `rate` may be `counter`'s steps divided by something proportional to the time between rows. A cheap look. */
export function looksLikeQuotient(rate: Float64Array, counter: Float64Array, timesMs: Float64Array): boolean {
  const count = rate.length;
  const stride = Math.max(1, Math.floor(count / 64));
  let expected = Number.NaN;
  let probes = 0;
  for (let i = 1; i < count && probes < PROBES; i += stride) {
    const value = rate[i] as number;
    if (value === 0) continue;
    const step = (counter[i] as number) - (counter[i - 1] as number);
    // A counter reset, or the probe lies behind a gap: no evidence for or against.
    if (step < 0) continue;
    const ratio = step / value / ((timesMs[i] as number) - (timesMs[i - 1] as number));
    if (!(ratio > 0 && ratio < Number.POSITIVE_INFINITY)) return false;
    if (probes > 0 && Math.abs(ratio / expected - 1) > RATIO_TOLERANCE) return false;
    expected = ratio;
    probes += 1;
  }
  return probes >= 2;
}

/** The divisor of each row: the double that gives most of the pairs' rates back exactly. */
export function findDivisors(columns: readonly Float64Array[], pairs: readonly QuotientPair[], count: number): Float64Array {
  const rates = pairs.map((pair) => columns[pair.rate] as Float64Array);
  const counters = pairs.map((pair) => columns[pair.counter] as Float64Array);
  const steps = new Float64Array(pairs.length);
  const values = new Float64Array(pairs.length);
  const divisors = new Float64Array(count);
  let previous = 1;
  for (let row = 1; row < count; row += 1) {
    let moving = 0;
    for (let i = 0; i < rates.length; i += 1) {
      const value = (rates[i] as Float64Array)[row] as number;
      const counter = counters[i] as Float64Array;
      const step = (counter[row] as number) - (counter[row - 1] as number);
      if (!(value > 0 && step > 0)) continue;
      steps[moving] = step;
      values[moving] = value;
      moving += 1;
    }
    if (moving > 0) previous = divisorOf(steps, values, moving);
    divisors[row] = previous;
  }
  divisors[0] = count > 1 ? (divisors[1] as number) : 1;
  return divisors;
}

function divisorOf(steps: Float64Array, values: Float64Array, moving: number): number {
  const first = (steps[0] as number) / (values[0] as number);
  const nanos = Math.round(first * NANOS);
  // Whole nanoseconds are what Go's clock gives and are far shorter to store; a neighbour may hit as well.
  const measured = durationSeconds(nanos);
  if (Math.abs(measured - first) < first * 1e-15 && matches(steps, values, moving, measured) === moving) return measured;
  let best = first;
  let bestMatches = -1;
  for (const ulps of NEAR_ULPS) {
    const candidate = neighbour(first, ulps);
    const found = matches(steps, values, moving, candidate);
    if (found === moving) return candidate;
    if (found > bestMatches) {
      bestMatches = found;
      best = candidate;
    }
  }
  return best;
}

function matches(steps: Float64Array, values: Float64Array, moving: number, divisor: number): number {
  let found = 0;
  for (let i = 0; i < moving; i += 1) if ((steps[i] as number) / divisor === values[i]) found += 1;
  return found;
}

/** The double this many steps away. */
function neighbour(value: number, ulps: number): number {
  return value + ulps * 2 ** (Math.floor(Math.log2(value)) - 52);
}

/** Appends the divisors of one time column. */
export function encodeDivisors(divisors: Float64Array, encoder: ValueEncoder, writer: ByteWriter): void {
  const middle = divisors[divisors.length >> 1] as number;
  if (Number.isNaN(durationNanos(middle))) encoder.encode(divisors, 0, divisors.length, writer);
  else encoder.encodeDurations(divisors, divisors.length, writer);
}

/** Appends what is left of a rate: the rows that the quotient does not give back, and their doubles. Answers how many. */
export function encodeQuotient(
  rate: Float64Array,
  counter: Float64Array,
  divisors: Float64Array,
  encoder: ValueEncoder,
  writer: ByteWriter,
): number {
  const count = rate.length;
  const rows = new Uint32Array(count);
  let found = 0;
  for (let i = 0; i < count; i += 1) {
    const value = rate[i] as number;
    const quotient = i === 0 ? Number.NaN : ((counter[i] as number) - (counter[i - 1] as number)) / (divisors[i] as number);
    if (quotient !== value || (value === 0 && 1 / value !== 1 / quotient)) rows[found++] = i;
  }
  const words = wordsOf(rate);
  writer.varint(found);
  encoder.encodeRows(rows, found, writer);
  for (let i = 0; i < found; i += 1) {
    const at = (rows[i] as number) * 2;
    writer.doubleBits(words[at + 1] as number, words[at] as number);
  }
  return found;
}

/** Makes the rate of its counter, which the first `count` rows of `column` hold, in place. @throws CorruptDataError */
export function decodeQuotient(reader: ByteReader, divisors: Float64Array, column: Float64Array, count: number): void {
  const found = reader.varint();
  if (found > count) throw new CorruptDataError(`${found} exceptions in ${count} rows`);
  const rows = decodeRows(reader, found, count);
  const at = reader.skip(found * 8);
  let previous = 0;
  for (let i = 0; i < count; i += 1) {
    const total = column[i] as number;
    column[i] = (total - previous) / (divisors[i] as number);
    previous = total;
  }
  const words = wordsOf(column);
  for (let i = 0; i < found; i += 1) {
    const row = (rows[i] as number) * 2;
    words[row] = reader.buffer.getUint32(at + i * 8, true);
    words[row + 1] = reader.buffer.getUint32(at + i * 8 + 4, true);
  }
}
