/** Series and their samples come through between threads as they are. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SeriesInfo } from '../../src/model/metric.js';
import { packSamples, packSeries, unpackSamples, unpackSeries } from '../../src/storage/sqlite/threads/packed-series.js';

const text = fc.oneof(fc.string(), fc.constantFrom('', 'ms', '__proto__', '{"target":"t1"}'));
const series: fc.Arbitrary<SeriesInfo[]> = fc.array(
  fc.record({
    id: fc.nat(2 ** 31),
    agentId: text,
    name: text,
    type: fc.constantFrom('gauge', 'counter', 'histogram', 'timer'),
    unit: fc.option(text),
    tagsJson: text,
    provider: text,
    region: text,
    zone: text,
  }),
  { maxLength: 8 },
);

test('what was packed is unpacked', () => {
  fc.assert(
    fc.property(series, (given) => {
      expect(unpackSeries(structuredClone(packSeries(given)))).toEqual(given);
    }),
  );
});

test('texts that series have in common travel once', () => {
  const one = { id: 1, agentId: 'a', name: 'n', type: 'gauge', unit: null, tagsJson: '{}', provider: '', region: '', zone: '' } as const;
  const { texts } = packSeries(Array.from({ length: 100 }, (_, i) => ({ ...one, id: i })));
  expect([...texts].sort()).toEqual(['', 'a', 'gauge', 'n', '{}']);
});

test('samples keep everything else', () => {
  const rows = {
    series: [],
    seriesIndex: Uint32Array.of(0),
    timestampsMs: Float64Array.of(1),
    values: Float64Array.of(NaN),
    receivedAtMs: Float64Array.of(2),
    objectValues: [{ row: 0, json: '{}' }],
    hasMore: true,
  };
  expect(unpackSamples(structuredClone(packSamples(rows)))).toEqual(rows);
});
