/** Bytes that were once written must be readable for ever: the vectors were checked by hand against FORMAT.md. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { DecodedBatch, decodeBatch, encodeBatch } from '../../../src/storage/engine/codec/batch-payload.js';
import { ByteWriter } from '../../../src/storage/engine/codec/varint.js';

interface Golden {
  windowMs: number;
  samples: { seriesId: number; timestampMs: number; doubleBits: string }[];
  objectValues: { row: number; json: string }[];
  payloadHex: string;
}

const doubleBits = (value: number): string => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
};

describe('batch payload, version 1', () => {
  test('reads as it was written', () => {
    const golden = JSON.parse(readFileSync(new URL('../../fixtures/formats/batch-payload-v1.json', import.meta.url), 'utf8')) as Golden;
    const batch = new DecodedBatch();
    decodeBatch(Buffer.from(golden.payloadHex, 'hex'), golden.windowMs, batch);
    const samples = Array.from({ length: batch.count }, (_, i) => ({
      seriesId: batch.seriesIds[i],
      timestampMs: batch.timestampsMs[i],
      doubleBits: doubleBits(batch.values[i] ?? Number.NaN),
    }));
    expect(samples).toEqual(golden.samples);
    expect(batch.objectValues).toEqual(golden.objectValues);
  });

  test('a batch that could not be encoded leaves nothing in the next one', () => {
    const writer = new ByteWriter();
    const columns = { seriesIds: [1], timestampsMs: [5], values: [2.5] };
    const failing = {
      row: 0,
      get json(): string {
        throw new Error('out of memory');
      },
    };
    expect(() => encodeBatch(columns, null, 0, [failing], writer)).toThrow('out of memory');
    const batch = new DecodedBatch();
    decodeBatch(encodeBatch(columns, null, 0, null, writer), 0, batch);
    expect([batch.count, batch.values[0]]).toEqual([1, 2.5]);
  });
});
