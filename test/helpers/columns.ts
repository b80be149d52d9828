/** Columns as they occur and as they should not, for property tests of the codecs; and comparison bit for bit. */
import fc from 'fast-check';

export const WINDOW = { startMs: 1_795_305_600_000, endMs: 1_795_392_000_000 };

/** The doubles' bits, so that −0 and NaN payloads count. */
export function bitsOf(values: Float64Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
}

/** Doubles from their two words: the only way to write a NaN with a payload. */
export function fromWords(words: readonly (readonly [number, number])[]): Float64Array {
  const out = new Float64Array(words.length);
  new Uint32Array(out.buffer).set(words.flatMap(([high, low]) => [low, high]));
  return out;
}

const word = fc.nat(0xffffffff);
const anyWords = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(word, word) },
  fc.constantFrom<[number, number]>(
    [0, 0],
    [0x80000000, 0],
    [0x7ff00000, 0],
    [0xfff00000, 0],
    [0x7ff80000, 0],
    [0x7ff80000, 1],
    [0xfff4dead, 0xbeef],
    [0x7ff00000, 1],
    [0, 1],
    [0x000fffff, 0xffffffff],
    [0x433fffff, 0xffffffff],
    [0x43400000, 0],
    [0x43400000, 1],
    [0x3ff00000, 0],
  ),
);

const short = { minLength: 1, maxLength: 700 };
const from = (values: readonly number[]): Float64Array => Float64Array.from(values);

/** Any bits at all. */
const noise = fc.array(anyWords, short).map(fromWords);
/** Numbers of a few digits, now and then one that is not. */
const decimals = fc
  .tuple(fc.integer({ min: 0, max: 6 }), fc.array(fc.tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.nat(60)), short))
  .map(([digits, rows]) => from(rows.map(([n, odd]) => (odd === 0 ? n / 7 : n / 10 ** digits))));
/** Ever growing, with resets. */
const counter = fc
  .tuple(
    fc.nat(2 ** 40),
    fc.integer({ min: 1, max: 2 ** 30 }),
    fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(80)), short),
  )
  .map(([start, rate, rows]) => {
    let total = start;
    return from(
      rows.map(([share, reset]) => {
        total = reset === 0 ? Math.floor(share * 1000) : total + Math.floor(rate * (0.5 + share));
        return total;
      }),
    );
  });
/** Integers around the edges of what a double counts exactly, and of the codec's own limits. */
const huge = fc
  .array(
    fc.tuple(fc.constantFrom(2 ** 51, 2 ** 52, 2 ** 53, -(2 ** 51), -(2 ** 53), 2 ** 32, 2 ** 31, 0), fc.integer({ min: -2, max: 2 })),
    short,
  )
  .map((rows) => from(rows.map(([edge, off]) => edge + off)));
/** One value nearly everywhere. */
const sparse = fc
  .tuple(anyWords, fc.array(fc.tuple(fc.nat(20), anyWords), short))
  .map(([dominant, rows]) => fromWords(rows.map(([odd, other]) => (odd === 0 ? other : dominant))));
/** A full mantissa. */
const entropic = fc.array(fc.double({ min: 0.5, max: 1.5, noNaN: true }), short).map((rows) => from(rows.map((x) => x * 337_860.1498)));
/** Smooth, with spikes on both sides. */
const spiky = fc
  .array(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.nat(40), fc.integer({ min: -(2 ** 45), max: 2 ** 45 })), short)
  .map((rows) => from(rows.map(([n, odd, spike]) => (odd === 0 ? spike : n))));

export const columnValues = fc.oneof(noise, decimals, counter, huge, sparse, entropic, spiky);

/** Strictly ascending times within WINDOW. */
const spread = fc
  .uniqueArray(fc.integer({ min: WINDOW.startMs, max: WINDOW.endMs - 1 }), { minLength: 1, maxLength: 300 })
  .map((times) => from(times).sort());
const cycles = fc
  .tuple(
    fc.nat(60_000),
    fc.constantFrom(1_000, 5_000, 30_000, 29_999.7, 60_000),
    fc.nat(50),
    fc.array(fc.tuple(fc.nat(1000), fc.nat(15)), { minLength: 1, maxLength: 700 }),
  )
  .map(([phase, interval, jitter, rows]) => {
    const times: number[] = [];
    let slot = 0;
    for (const [share, gap] of rows) {
      slot += gap === 0 ? 7 : 1;
      const time = WINDOW.startMs + phase + Math.floor(slot * interval + (share * jitter) / 1000);
      if (time < WINDOW.endMs) times.push(time);
    }
    return from(times);
  })
  .filter((times) => times.length > 0);

export const columnTimes = fc.oneof(spread, cycles);
