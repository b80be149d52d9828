import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_WIDTH, pack, packedBytes, unpack, widthOf } from '../../src/storage/engine/codec/bit-pack.js';

/** The same bits one by one, with big integers: the definition in FORMAT.md. */
function naive(values: readonly number[], width: number): Uint8Array {
  const streams =
    width <= 32
      ? [[0, width]]
      : [
          [0, 32],
          [32, width - 32],
        ];
  const bytes: number[] = [];
  for (const [shift, bits] of streams as [number, number][]) {
    let stream = 0n;
    values.forEach((value, i) => {
      stream |= ((BigInt(value) >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n)) << BigInt(i * bits);
    });
    for (let i = 0; i < Math.ceil((values.length * bits) / 8); i += 1) bytes.push(Number((stream >> BigInt(i * 8)) & 255n));
  }
  return Uint8Array.from(bytes);
}

const run = fc.integer({ min: 0, max: MAX_WIDTH }).chain((width) =>
  fc.record({
    width: fc.constant(width),
    values: fc.array(fc.oneof(fc.constant(2 ** width - 1), fc.integer({ min: 0, max: 2 ** width - 1 })), { minLength: 1, maxLength: 200 }),
    shift: fc.nat(9),
    slack: fc.nat(9),
    reference: fc.integer({ min: -(2 ** 30), max: 2 ** 30 }),
  }),
);

describe('bit packing', () => {
  test('packs as described, and unpacks what was packed, at any place in a buffer', () => {
    fc.assert(
      fc.property(run, ({ width, values, shift, slack }) => {
        const size = packedBytes(values.length, width);
        const bytes = new Uint8Array(shift + size + slack).fill(0xa5);
        const view = new DataView(bytes.buffer);
        pack(Float64Array.from(values), 0, values.length, 0, width, view, shift);
        expect(bytes.subarray(shift, shift + size)).toEqual(naive(values, width));
        expect(bytes.subarray(0, shift).every((byte) => byte === 0xa5)).toBe(true);
        expect(bytes.subarray(shift + size).every((byte) => byte === 0xa5)).toBe(true);
        const out = new Float64Array(values.length + 2).fill(-1);
        unpack(view, shift, values.length, width, 0, out, 1);
        expect([...out]).toEqual([-1, ...values, -1]);
      }),
      { numRuns: 1_000 },
    );
  });

  test('values are relative to a reference; those that do not fit are left to the caller', () => {
    fc.assert(
      fc.property(run, ({ width, values, reference }) => {
        fc.pre(width < 52);
        const moved = Float64Array.from([reference - 1, ...values.map((value) => value + reference), reference + 2 ** width]);
        const view = new DataView(new ArrayBuffer(packedBytes(moved.length, width)));
        pack(moved, 0, moved.length, reference, width, view, 0);
        const out = new Float64Array(moved.length);
        unpack(view, 0, moved.length, width, reference, out, 0);
        expect([...out]).toEqual([reference, ...values.map((value) => value + reference), reference]);
      }),
    );
  });

  test('widths', () => {
    for (const [range, width] of [
      [0, 0],
      [1, 1],
      [2, 2],
      [255, 8],
      [256, 9],
      [2 ** 32 - 1, 32],
      [2 ** 32, 33],
      [2 ** 53 - 1, 53],
    ] as const) {
      expect(widthOf(range)).toBe(width);
    }
    expect(() => unpack(new DataView(new ArrayBuffer(900)), 0, 1, 54, 0, new Float64Array(1), 0)).toThrow('a width of 54 bits');
  });
});
