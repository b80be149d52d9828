import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MetricFrameDecoder } from '../../src/ingest/metric-frame.js';
import { metricSchema } from '../../src/ingest/metric-schema.js';
import { SeriesDictionary, StringPool } from '../../src/ingest/series-dictionary.js';
import { canonicalTags } from '../../src/model/metric.js';

const LIMITS = {
  maxMetricsPerBatch: 1_000,
  maxTagsPerMetric: 3,
  maxTagLength: 9,
  maxTagsLength: 24,
  maxNameLength: 10,
  maxObjectValueBytes: 80,
};
const NOW_MS = Date.UTC(2026, 10, 22, 20, 0, 0);
const FRAME = { agentKey: 1, batchId: null, seq: null, receivedAtMs: NOW_MS, timestamp: undefined };
const schema = metricSchema(LIMITS);

const decoder = (): MetricFrameDecoder => new MetricFrameDecoder(LIMITS, 86_400_000);
const dictionary = (): SeriesDictionary => new SeriesDictionary(new StringPool(100));

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    '',
    0,
    -0,
    1e308,
    Number.POSITIVE_INFINITY,
    true,
    [],
    {},
    '\u0000',
    'a\nb',
    '\ud800',
    '__proto__',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const mostly = <T>(good: fc.Arbitrary<T>): fc.Arbitrary<unknown> => fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: odd });
const text = (max: number): fc.Arbitrary<string> =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom('a', 'b', 'cpu', 'net') }, fc.string({ maxLength: max, unit: 'grapheme' }));
const key = fc.oneof(fc.constantFrom('interface', 'target', 'x', 'constructor', 'toString', '__proto__'), text(10));
const short = (strings: fc.Arbitrary<string>): fc.Arbitrary<string> => strings.filter((s) => s.length <= LIMITS.maxTagLength);

/** An object as JSON.parse makes it: `__proto__` is a property like any other. */
const record = (value: fc.Arbitrary<unknown>, max: number): fc.Arbitrary<unknown> =>
  fc.array(fc.tuple(key, value), { maxLength: max }).map((entries) => Object.fromEntries(entries));

const number = fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.constantFrom(2 ** 60, 3333, 3688315836977406000));
const nested = fc.integer({ min: 1, max: 12 }).map((levels) => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = { deeper: value };
  return value;
});
const objectValue = fc
  .record(
    {
      value: mostly(number),
      min: mostly(number),
      max: mostly(number),
      avg: mostly(number),
      count: mostly(number),
      more: fc.oneof(odd, nested),
    },
    { requiredKeys: ['value'] },
  )
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const timestamp = fc.oneof(
  fc.constantFrom<unknown>(
    '2026-11-22T19:59:59.5Z',
    NOW_MS,
    NOW_MS / 1_000,
    '',
    null,
    'yesterday',
    '2026-11-31T00:00:00Z',
    '2001-01-01T00:00:00Z',
  ),
  odd,
);
const metric = mostly(
  fc.record(
    {
      name: mostly(text(11)),
      type: mostly(fc.constantFrom('gauge', 'counter', 'histogram', 'timer', 'timing')),
      value: fc.oneof({ weight: 3, arbitrary: mostly(number) }, { weight: 2, arbitrary: objectValue }),
      unit: mostly(text(11)),
      tags: fc.oneof({ weight: 6, arbitrary: record(text(10), 3) }, { weight: 1, arbitrary: record(mostly(text(10)), 5) }, odd),
      timestamp,
      more: odd,
    },
    { requiredKeys: ['name', 'type', 'value'] },
  ),
);

describe('the metric checker', () => {
  test('accepts and rejects what the joi schema accepts and rejects', () => {
    let accepted = 0;
    fc.assert(
      fc.property(metric, (candidate) => {
        const { rejections } = decoder().decode(dictionary(), [candidate], FRAME);
        const ofForm = rejections.counts.size === 0 || rejections.counts.has('timestamp_out_of_range');
        const { error } = candidate === undefined ? { error: new Error('none') } : schema.validate(candidate, { convert: false });
        if (ofForm) accepted++;
        expect({ ofForm, why: rejections.lastError ?? error?.message }).toEqual({
          ofForm: error === undefined,
          why: rejections.lastError ?? error?.message,
        });
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(2_000);
  });

  test('prediction changes nothing: a frame is what its metrics are one by one', () => {
    fc.assert(
      fc.property(fc.array(fc.array(metric, { maxLength: 12 }), { maxLength: 6 }), (frames) => {
        const series = dictionary();
        const predicting = decoder();
        let nextId = 1;
        for (const metrics of [...frames, ...frames]) {
          const decoded = predicting.decode(series, metrics, FRAME);
          const alone = metrics.map((one) => decoder().decode(dictionary(), [one], FRAME));
          const stored = alone.filter(({ entries }) => entries.length === 1);
          expect(decoded.rejections.total).toBe(metrics.length - stored.length);
          expect(decoded.rejections.details.map(({ error }) => error)).toEqual(
            alone.flatMap(({ rejections }) => rejections.details.map(({ error }) => error)),
          );
          expect(decoded.entries.map(identity)).toEqual(stored.map(({ entries }) => identity(entries[0])));
          expect([...decoded.batch.values]).toEqual(stored.map(({ batch }) => batch.values[0]));
          expect([...decoded.batch.timestampsMs]).toEqual(stored.map(({ batch }) => batch.timestampsMs[0]));
          expect((decoded.batch.objectValues ?? []).map(({ json }) => json)).toEqual(
            stored.flatMap(({ batch }) => (batch.objectValues ?? []).map(({ json }) => json)),
          );
          // Every reference leads to the identity of its row, and every series is new only once.
          for (const [row, entry] of decoded.entries.entries()) {
            const ref = decoded.batch.seriesIds[row] ?? 0;
            expect(ref > 0 ? ref : decoded.batch.newSeries[-1 - ref]).toEqual(ref > 0 ? entry.id : identity(entry));
          }
          const texts = decoded.batch.newSeries.map((one) => JSON.stringify(one));
          expect(new Set(texts).size).toBe(texts.length);
          for (const entry of decoded.newEntries) series.learn(entry, nextId++);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('tags are kept whole, and are one series in whatever order they come', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(short(key), short(text(9))), { maxLength: 3, selector: ([k]) => k }), (pairs) => {
        fc.pre(pairs.flat().join('').length <= LIMITS.maxTagsLength);
        const metrics = [pairs, [...pairs].reverse()].map((order) => ({
          name: 'n',
          type: 'gauge',
          value: 1,
          tags: Object.fromEntries(order),
        }));
        const { batch } = decoder().decode(dictionary(), metrics, FRAME);
        expect(batch.newSeries).toHaveLength(1);
        const tagsJson = batch.newSeries[0]?.tagsJson ?? '';
        expect(tagsJson).toBe(canonicalTags(Object.fromEntries(pairs)));
        expect(new Map(Object.entries(JSON.parse(tagsJson) as object))).toEqual(new Map(pairs));
      }),
    );
  });
});

function identity(series: { name: string; type: string; unit: string | null; tagsJson: string } | undefined): unknown {
  if (series === undefined) return undefined;
  const { name, type, unit, tagsJson } = series;
  return { name, type, unit, tagsJson };
}
