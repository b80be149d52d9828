import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ValueEncoder } from '../../src/storage/engine/codec/value-codec.js';
import { decodeValues } from '../../src/storage/engine/codec/value-decoder.js';
import { ByteReader, ByteWriter } from '../../src/storage/engine/codec/varint.js';
import { bitsOf, columnValues, fromWords } from '../helpers/columns.js';

function encode(values: Float64Array, from = 0, to = values.length): Uint8Array {
  const writer = new ByteWriter();
  new ValueEncoder().encode(values, from, to, writer);
  return writer.take();
}

function decode(bytes: Uint8Array, count: number): Float64Array {
  const out = new Float64Array(count);
  const reader = new ByteReader(bytes);
  decodeValues(reader, count, out, 0);
  expect(reader.offset).toBe(bytes.length);
  return out;
}

describe('columns of values', () => {
  test('come back bit for bit', () => {
    fc.assert(
      fc.property(columnValues, (values) => {
        expect(bitsOf(decode(encode(values), values.length))).toBe(bitsOf(values));
      }),
      { numRuns: 1_500 },
    );
  });

  test('a part of a column, into the middle of another, with an encoder that has been used', () => {
    const encoder = new ValueEncoder();
    fc.assert(
      fc.property(columnValues, fc.nat(), fc.nat(), fc.nat(5), (values, a, b, shift) => {
        const from = Math.min(a % (values.length + 1), b % (values.length + 1));
        const to = Math.max(a % (values.length + 1), b % (values.length + 1));
        const writer = new ByteWriter();
        writer.raw(new Uint8Array(shift));
        encoder.encode(values, from, to, writer);
        writer.byte(99);
        const out = new Float64Array(to - from + 4).fill(7);
        const reader = new ByteReader(writer.take(), shift);
        decodeValues(reader, to - from, out, 2);
        expect(reader.byte()).toBe(99);
        expect(bitsOf(out.subarray(2, 2 + to - from))).toBe(bitsOf(values.subarray(from, to)));
        expect([out[0], out[1], out.at(-2), out.at(-1)]).toEqual([7, 7, 7, 7]);
      }),
    );
  });

  test('one sample, of every kind', () => {
    const odd = fromWords([
      [0x80000000, 0],
      [0x7ff00000, 0],
      [0xfff4dead, 0xbeef],
      [0x7ff00000, 1],
      [0, 1],
      [0x43400000, 1],
    ]);
    for (let i = 0; i < odd.length; i += 1) {
      expect(bitsOf(decode(encode(odd, i, i + 1), 1))).toBe(bitsOf(odd.subarray(i, i + 1)));
    }
  });

  test('are short where there is little to say', () => {
    const rows = 2_880;
    const constant = new Float64Array(rows).fill(1);
    const rare = Float64Array.from({ length: rows }, (_, i) => (i % 500 === 17 ? 1 / 29.99 : 0));
    const steady = Float64Array.from({ length: rows }, (_, i) => 1e12 + i * 4096);
    const rtt = Float64Array.from({ length: rows }, (_, i) => Math.round(30 + 3 * Math.sin(i * i)) / 1000);
    expect(encode(constant).length).toBe(9);
    expect(encode(rare).length).toBeLessThan(50);
    expect(encode(steady).length).toBeLessThan(30);
    expect(encode(rtt).length).toBeLessThan((rows * 3) / 8 + 30);
  });

  test('a reset and a spike do not widen the column', () => {
    let total = 5e11;
    let state = 1;
    const values = Float64Array.from({ length: 2_880 }, (_, i) => {
      state = (state * 48_271) % 2_147_483_647;
      total = i === 1_000 ? 3 : total + (state % 4_096) + (i === 2_000 ? 1e10 : 0);
      return total;
    });
    expect(encode(values).length).toBeLessThan((2_880 * 12) / 8 + 60);
  });

  test('bytes that are none are an error or some column, never a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 2_000 }), (bytes, count) => {
        try {
          decodeValues(new ByteReader(bytes), count, new Float64Array(count), 0);
        } catch (error) {
          expect((error as Error).name).toBe('CorruptDataError');
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
