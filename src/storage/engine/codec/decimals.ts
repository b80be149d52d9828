/**
 * Doubles as scaled integers: v = n / 10^e, exactly. Numbers that people or programs round to a few digits pass this
 * test, numbers that carry 53 bits of noise do not. (ALP, Afroozeh & Boncz 2023; a division, because multiplying by the
 * inverse would not give every value back.)
 */

/** 10^e is exact in a double up to 10^22; more than 15 digits after the point leave no room before it. */
export const MAX_EXPONENT = 15;
/**
 * Not a power of ten: nanoseconds n as the seconds floor(n / 10^9) + (n mod 10^9) / 10^9, rounded twice, as Go's
 * Duration.Seconds() does. It differs from n / 10^9 in the last bit of about one value in ten.
 */
export const DURATION_EXPONENT = 16;

const POWERS = Float64Array.from({ length: MAX_EXPONENT + 1 }, (_, e) => Number(`1e${e}`));
const LIMIT = 2 ** 51;
/** Adding and taking away 1.5 · 2^52 rounds to the nearest integer, for magnitudes below 2^51. */
const ROUNDER = 1.5 * 2 ** 52;
const SAMPLE = 32;
const NANOS = 1_000_000_000;

export function powerOfTen(exponent: number): number {
  return POWERS[exponent] as number;
}

/** n of this value at this exponent, or NaN when it does not give the value back bit for bit. */
export function scaled(value: number, exponent: number): number {
  const scale = POWERS[exponent] as number;
  const product = value * scale;
  if (!(product < LIMIT && product > -LIMIT)) return Number.NaN;
  const n = product + ROUNDER - ROUNDER;
  if (n / scale !== value) return Number.NaN;
  return n === 0 && 1 / value < 0 ? Number.NaN : n;
}

/** The seconds of `nanos` as Go computes them. */
export function durationSeconds(nanos: number): number {
  const seconds = Math.floor(nanos / NANOS);
  return seconds + (nanos - seconds * NANOS) / NANOS;
}

/** Nanoseconds that give this value back as Go's seconds, or NaN. */
export function durationNanos(value: number): number {
  const product = value * NANOS;
  if (!(product < LIMIT && product >= 0)) return Number.NaN;
  const nanos = product + ROUNDER - ROUNDER;
  if (durationSeconds(nanos) !== value) return Number.NaN;
  return nanos === 0 && 1 / value < 0 ? Number.NaN : nanos;
}

/** The smallest exponent from `from` on at which this value is a decimal, or −1. */
export function exponentOf(value: number, from: number): number {
  for (let exponent = from; exponent <= MAX_EXPONENT; exponent += 1) {
    if (!Number.isNaN(scaled(value, exponent))) return exponent;
  }
  return -1;
}

/** The exponent that suits a column, judged by a sample of its rows; −1 when it is no column of decimals. */
export function columnExponent(values: Float64Array, from: number, to: number): number {
  const count = to - from;
  const picks = Math.min(SAMPLE, count);
  let exponent = 0;
  let strangers = 0;
  for (let pick = 0; pick < picks; pick += 1) {
    const found = exponentOf(values[from + Math.floor((pick * count) / picks)] as number, exponent);
    if (found !== -1) exponent = found;
    else if (++strangers > Math.max(2, picks >> 3)) return -1;
  }
  return strangers === picks ? -1 : exponent;
}

/**
 * Fills `ints` with n of each row and `strangers` with the rows (counted from 0) that are no decimals of this
 * exponent; those get the n of the row before. Answers how many strangers there are.
 */
export function scaleColumn(
  values: Float64Array,
  from: number,
  to: number,
  exponent: number,
  ints: Float64Array,
  strangers: Uint32Array,
): number {
  let count = 0;
  let previous = 0;
  const scale = exponent === DURATION_EXPONENT ? 1 : (POWERS[exponent] as number);
  for (let i = from; i < to; i += 1) {
    const value = values[i] as number;
    let n: number;
    if (exponent === DURATION_EXPONENT) {
      n = durationNanos(value);
    } else {
      const product = value * scale;
      n = product + ROUNDER - ROUNDER;
      if (!(product < LIMIT && product > -LIMIT) || n / scale !== value || (n === 0 && 1 / value < 0)) n = Number.NaN;
    }
    if (n !== n) {
      strangers[count++] = i - from;
      n = previous;
    }
    ints[i - from] = n;
    previous = n;
  }
  return count;
}

/** The reverse, in place. */
export function unscaleColumn(out: Float64Array, from: number, to: number, exponent: number): void {
  if (exponent === 0) return;
  if (exponent === DURATION_EXPONENT) {
    for (let i = from; i < to; i += 1) out[i] = durationSeconds(out[i] as number);
    return;
  }
  const scale = POWERS[exponent] as number;
  for (let i = from; i < to; i += 1) out[i] = (out[i] as number) / scale;
}
