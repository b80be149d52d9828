import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeTimes, TimeEncoder } from '../../src/storage/engine/codec/time-codec.js';
import { ValueEncoder } from '../../src/storage/engine/codec/value-codec.js';
import { ByteReader, ByteWriter } from '../../src/storage/engine/codec/varint.js';
import { columnTimes, WINDOW } from '../helpers/columns.js';

function encode(times: Float64Array, previous: Float64Array | null = null): Uint8Array {
  const writer = new ByteWriter();
  new TimeEncoder(new ValueEncoder()).encode(times, WINDOW.startMs, previous, writer);
  return writer.take();
}

function decode(bytes: Uint8Array, count: number, previous: Float64Array | null = null): number[] {
  const reader = new ByteReader(bytes);
  const times = decodeTimes(reader, count, WINDOW.startMs, previous);
  expect(reader.offset).toBe(bytes.length);
  return [...times];
}

const grid = (rows: number, intervalMs: number, jitter: (row: number) => number): Float64Array =>
  Float64Array.from({ length: rows }, (_, i) => WINDOW.startMs + 1_234 + Math.round(i * intervalMs) + jitter(i));

describe('columns of times', () => {
  test('come back, whatever they look like', () => {
    fc.assert(
      fc.property(columnTimes, (times) => {
        expect(decode(encode(times), times.length)).toEqual([...times]);
      }),
      { numRuns: 500 },
    );
  });

  test('come back beside any other column', () => {
    fc.assert(
      fc.property(columnTimes, columnTimes, (times, previous) => {
        expect(decode(encode(times, previous), times.length, previous)).toEqual([...times]);
      }),
      { numRuns: 500 },
    );
  });

  test('come back when they follow another column with cycles missing on either side', () => {
    fc.assert(
      fc.property(columnTimes, fc.array(fc.tuple(fc.nat(9), fc.nat(40)), { minLength: 1 }), (previous, rows) => {
        const times = [...previous].flatMap((time, i) => {
          const [kept, late] = rows[i % rows.length] as [number, number];
          return kept === 0 ? [] : [time + late];
        });
        const ascending = Float64Array.from(new Set(times)).sort();
        expect(decode(encode(ascending, previous), ascending.length, previous)).toEqual([...ascending]);
      }),
    );
  });

  test('cost what their jitter costs', () => {
    const noisy = (row: number): number => (row * 7_919) % 2;
    expect(encode(grid(1, 1, () => 0)).length).toBeLessThan(12);
    expect(encode(grid(2_880, 30_000, () => 0)).length).toBeLessThan(25);
    expect(encode(grid(2_880, 29_999.73, () => 0)).length).toBeLessThan(2_880 / 8 + 40);
    expect(encode(grid(2_880, 30_000, noisy)).length).toBeLessThan(2_880 / 8 + 30);
    const first = grid(2_880, 30_000, (row) => Math.floor(9_000 * Math.abs(Math.sin(row * row))));
    const following = first.map((time, row) => time + 3 + noisy(row));
    expect(encode(following, first).length).toBeLessThan(2_880 / 8 + 20);
    const gaps = following.filter((_, row) => row % 100 !== 3);
    expect(encode(gaps, first).length).toBeLessThan(2_880 / 8 + 80);
  });

  test('bytes that are none are an error or some ascending column', () => {
    const previous = grid(50, 30_000, () => 0);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 1, max: 500 }), (bytes, count) => {
        try {
          const times = decodeTimes(new ByteReader(bytes), count, WINDOW.startMs, previous);
          expect(times.every((time, i) => i === 0 || time > (times[i - 1] as number))).toBe(true);
        } catch (error) {
          expect((error as Error).name).toBe('CorruptDataError');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
