/** Bytes that were once written must be readable for ever: the vectors were checked by hand against FORMAT.md. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { DecodedBatch, decodeBatch } from '../../../src/storage/engine/codec/batch-payload.js';

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
});
