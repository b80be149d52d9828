import { crc32 } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DecodedBatch, decodeBatch, encodeBatch } from '../../src/storage/engine/codec/batch-payload.js';
import { ByteReader, ByteWriter, unzigzag, zigzag } from '../../src/storage/engine/codec/varint.js';

const WINDOW = 1_795_377_600_000;
const bits = (value: number): string => Buffer.from(new Float64Array([value]).buffer).toString('hex');

const anyDouble = fc.oneof(
  fc.double(),
  fc.constantFrom(
    -0,
    0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    5e-324,
    2 ** 53 + 2,
    -(2 ** 53) - 2,
    3688315836977406000,
  ),
);
const sample = fc.record({
  id: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  time: fc.integer({ min: 0, max: 3_599_999 }).map((offset) => WINDOW + offset),
  value: anyDouble,
  json: fc.option(
    fc.string().map((text) => JSON.stringify({ value: 1, text })),
    { freq: 8 },
  ),
});
type Sample = { id: number; time: number; value: number; json: string | null };
const batch = fc.array(sample, { minLength: 1, maxLength: 300 });

function columnsOf(samples: readonly Sample[]) {
  return {
    seriesIds: Int32Array.from(samples, (s) => s.id),
    timestampsMs: Float64Array.from(samples, (s) => s.time),
    values: Float64Array.from(samples, (s) => s.value),
  };
}

function objectsOf(samples: readonly Sample[]) {
  return samples.flatMap((s, row) => (s.json === null ? [] : [{ row, json: s.json }]));
}

function decode(bytes: Uint8Array) {
  const into = new DecodedBatch();
  decodeBatch(bytes, WINDOW, into);
  const objects = new Map(into.objectValues.map(({ row, json }) => [row, json]));
  return Array.from({ length: into.count }, (_, i) => ({
    id: into.seriesIds[i],
    time: into.timestampsMs[i],
    value: bits(into.values[i] as number),
    json: objects.get(i) ?? null,
  }));
}

describe('batch payload', () => {
  test('comes back bit for bit, whatever the values', () => {
    fc.assert(
      fc.property(batch, (samples) => {
        const bytes = encodeBatch(columnsOf(samples), null, WINDOW, objectsOf(samples), new ByteWriter());
        expect(decode(bytes)).toEqual(samples.map((s) => ({ ...s, value: bits(s.value) })));
      }),
    );
  });

  test('a selection of rows keeps its order and its object values', () => {
    fc.assert(
      fc.property(batch, fc.func(fc.boolean()), (samples, pick) => {
        const rows = samples.flatMap((_, row) => (pick(row) ? [row] : []));
        fc.pre(rows.length > 0);
        const bytes = encodeBatch(columnsOf(samples), rows, WINDOW, objectsOf(samples), new ByteWriter());
        expect(decode(bytes)).toEqual(rows.map((row) => ({ ...(samples[row] as Sample), value: bits((samples[row] as Sample).value) })));
      }),
    );
  });

  test('any flipped bit, any cut is an error and never a value', () => {
    fc.assert(
      fc.property(batch, fc.nat(), fc.integer({ min: 0, max: 7 }), (samples, at, bit) => {
        const bytes = encodeBatch(columnsOf(samples), null, WINDOW, objectsOf(samples), new ByteWriter());
        const flipped = Uint8Array.from(bytes);
        (flipped[at % bytes.length] as number) ^= 1 << bit;
        expect(() => decode(flipped)).toThrow(expect.objectContaining({ name: 'CorruptDataError' }));
        expect(() => decode(bytes.subarray(0, at % bytes.length))).toThrow(expect.objectContaining({ name: 'CorruptDataError' }));
      }),
    );
  });

  test('random bytes with a right checksum are decoded or refused, and never run away', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 200 }), (body) => {
        const bytes = new Uint8Array(body.length + 4);
        bytes.set(body);
        bytes[0] = 1;
        new DataView(bytes.buffer).setUint32(body.length, crc32(bytes.subarray(0, body.length)), true);
        try {
          expect(decode(bytes).length).toBeLessThan(200);
        } catch (error) {
          expect((error as Error).name).toBe('CorruptDataError');
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('costs less than ten bytes a sample for a batch such as the Go agents send', () => {
    const samples = Array.from({ length: 100 }, (_, i) => ({
      id: 500 + i,
      time: WINDOW + 60_000 + Math.floor(i / 8),
      value: i * 1.1,
      json: null,
    }));
    const bytes = encodeBatch(columnsOf(samples), null, WINDOW, null, new ByteWriter());
    expect(bytes.length / samples.length).toBeLessThan(10);
  });
});

describe('varint', () => {
  test('any unsigned and any zigzagged 32-bit integer comes back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (values) => {
        const writer = new ByteWriter();
        for (const value of values) writer.varint(zigzag(value));
        const reader = new ByteReader(writer.take());
        expect(values.map(() => unzigzag(reader.varint()))).toEqual(values);
      }),
    );
  });

  test('a varint that never ends is refused', () => {
    expect(() => new ByteReader(Uint8Array.from([255, 255, 255, 255, 255, 255])).varint()).toThrow('longer than 5 bytes');
  });
});
