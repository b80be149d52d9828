import { describe, expect, test } from '@jest/globals';
import { liveSamples, MetricFrameDecoder, settleAppended, settleFailed } from '../../../src/ingest/metric-frame.js';
import { SeriesDictionary, StringPool } from '../../../src/ingest/series-dictionary.js';
import { goAgentFrames } from '../../helpers/fixtures.js';

const LIMITS = {
  maxMetricsPerBatch: 1_000,
  maxTagsPerMetric: 2,
  maxTagLength: 100,
  maxTagsLength: 300,
  maxNameLength: 100,
  maxObjectValueBytes: 100,
};
const NOW_MS = Date.UTC(2026, 10, 22, 19, 30);
const DAY_MS = 86_400_000;
const FRAME = { agentKey: 7, batchId: 'b', seq: 5, receivedAtMs: NOW_MS, timestamp: undefined };

const newDecoder = (): MetricFrameDecoder => new MetricFrameDecoder(LIMITS, DAY_MS);
const newDictionary = (): SeriesDictionary => new SeriesDictionary(new StringPool(100));
const gauge = (name: string, more: object = {}): object => ({ name, type: 'gauge', value: 1, ...more });

/** Why this metric is rejected, or null. */
function reasonOf(metric: unknown): string | null {
  const { rejections } = newDecoder().decode(newDictionary(), [metric], FRAME);
  return rejections.counts.keys().next().value ?? null;
}

describe('MetricFrameDecoder', () => {
  test('takes every frame of the real agent as it is, and asks for each series once', () => {
    const decoder = newDecoder();
    const dictionary = newDictionary();
    let nextId = 1;
    for (const { file, type, data } of goAgentFrames()) {
      if (type !== 'metrics' || data.metrics === undefined) continue;
      const first = dictionary.size === 0;
      const decoded = decoder.decode(dictionary, data.metrics, { ...FRAME, timestamp: data.timestamp });
      expect([file, decoded.rejections.lastError]).toEqual([file, null]);
      expect(decoded.batch.newSeries).toHaveLength(first ? 17 : 0);
      expect(decoded.batch.clockSkewMs).toBe(NOW_MS - Math.floor(Date.parse(data.timestamp)));
      const ids = decoded.batch.newSeries.map(() => nextId++);
      settleAppended(decoded, dictionary, { duplicate: false, processed: 17, errors: 0, newSeriesIds: ids });
      const stored = [...liveSamples(decoded)].map(({ name, type: kind, unit, value, tagsJson, timestampMs }) => {
        return { name, type: kind, unit, value, tags: JSON.parse(tagsJson) as unknown, timestampMs };
      });
      expect(stored).toEqual(data.metrics.map(({ timestamp, ...sent }) => ({ ...sent, timestampMs: Date.parse(timestamp) })));
    }
    expect(nextId).toBe(18);
  });

  test('says why a metric is rejected, and stores the others', () => {
    const metrics = [gauge('a'), { name: '', type: 'gauge', value: 1 }, gauge('b'), null, gauge('c', { value: 'x'.repeat(200) })];
    const { batch, rejections, rowIndex } = newDecoder().decode(newDictionary(), metrics, FRAME);
    expect([...batch.seriesIds]).toEqual([-1, -2]);
    expect(batch).toMatchObject({ rejected: 3, agentKey: 7, batchId: 'b', clockSkewMs: null });
    expect([...(rowIndex ?? [])].slice(0, 2)).toEqual([0, 2]);
    expect(rejections.details).toEqual([
      { index: 1, name: '', error: 'invalid_name: name must not be empty (it is "")' },
      { index: 3, name: '', error: 'invalid_metric: a metric must be an object (it is null)' },
      { index: 4, name: 'c', error: `invalid_value: value must be a finite number (it is "${'x'.repeat(63)}…")` },
    ]);
    expect(batch.lastError).toBe(rejections.details[2]?.error);
  });

  test.each<[string | null, unknown]>([
    [null, gauge('a')],
    [null, gauge('a', { type: 'timing' })],
    [null, gauge('a', { tags: null, unit: null, timestamp: null })],
    [null, gauge('a', { tags: {}, unit: '', timestamp: '' })],
    [null, gauge('a', { value: Number.MAX_VALUE })],
    [null, gauge('ä µ/s', { unit: '°C' })],
    [null, gauge('a', { type: 'histogram', value: { value: 1, min: 0, max: 2, avg: 1, count: 3, buckets: [1, 2] } })],
    [null, gauge('a', { timestamp: NOW_MS })],
    [null, gauge('a', { timestamp: NOW_MS / 1_000 })],
    [null, gauge('a', { timestamp: '2026-11-22T20:30:00.000Z' })],
    ['invalid_metric', 1],
    ['invalid_metric', [1]],
    ['invalid_name', gauge('a\nb')],
    ['invalid_name', gauge('\ud800')],
    ['invalid_name', gauge('x'.repeat(101))],
    ['invalid_name', { type: 'gauge', value: 1 }],
    ['invalid_type', gauge('a', { type: 'gauges' })],
    ['invalid_type', gauge('a', { type: 'constructor' })],
    ['invalid_value', gauge('a', { value: Number.POSITIVE_INFINITY })],
    ['invalid_value', gauge('a', { value: '1' })],
    ['invalid_value', gauge('a', { value: null })],
    ['invalid_value', gauge('a', { value: { value: 1 } })],
    ['invalid_value', gauge('a', { type: 'timer', value: { min: 1 } })],
    ['invalid_value', gauge('a', { type: 'timer', value: { value: 1, max: '2' } })],
    ['invalid_value', gauge('a', { type: 'timer', value: { value: 1, more: 'x'.repeat(100) } })],
    ['invalid_value', gauge('a', { type: 'timer', value: { value: 1, a: [[[[[[[[1]]]]]]]] } })],
    ['invalid_unit', gauge('a', { unit: 5 })],
    ['invalid_unit', gauge('a', { unit: '\u0007' })],
    ['invalid_tags', gauge('a', { tags: [] })],
    ['invalid_tags', gauge('a', { tags: 'x' })],
    ['invalid_tags', gauge('a', { tags: { a: 1 } })],
    ['invalid_tags', gauge('a', { tags: { a: '\udc00' } })],
    ['invalid_tags', gauge('a', { tags: { a: 'x'.repeat(101) } })],
    ['too_many_tags', gauge('a', { tags: { a: '1', b: '2', c: '3' } })],
    ['invalid_timestamp', gauge('a', { timestamp: 'yesterday' })],
    ['invalid_timestamp', gauge('a', { timestamp: {} })],
    ['timestamp_out_of_range', gauge('a', { timestamp: '2026-11-22T20:30:00.001Z' })],
    ['timestamp_out_of_range', gauge('a', { timestamp: NOW_MS - DAY_MS - 1 })],
    ['timestamp_out_of_range', gauge('a', { timestamp: -1 })],
  ])('%s for %j', (reason, metric) => {
    expect(reasonOf(metric)).toBe(reason);
  });

  test('a batch time that is none hurts only metrics without one of their own', () => {
    const metrics = [gauge('a'), gauge('b', { timestamp: NOW_MS })];
    const { batch, rejections } = newDecoder().decode(newDictionary(), metrics, { ...FRAME, timestamp: 'now' });
    expect([...rejections.counts]).toEqual([['invalid_timestamp', 1]]);
    expect([...batch.timestampsMs]).toEqual([NOW_MS]);
    expect(batch.clockSkewMs).toBeNull();
  });

  test('object values come with their JSON and their number', () => {
    const value = { value: 2.5, min: 1, count: 3, '': null };
    const { batch } = newDecoder().decode(newDictionary(), [gauge('a'), gauge('b', { type: 'timer', value })], FRAME);
    expect([...batch.values]).toEqual([1, 2.5]);
    expect(batch.objectValues).toEqual([{ row: 1, json: JSON.stringify(value) }]);
  });

  test('`__proto__` and `constructor` are tags like any other', () => {
    const metric = JSON.parse('{"name":"a","type":"gauge","value":1,"tags":{"__proto__":"x","constructor":"y"}}') as unknown;
    const decoder = newDecoder();
    const dictionary = newDictionary();
    const { batch } = decoder.decode(dictionary, [metric, gauge('a'), metric], FRAME);
    expect(batch.newSeries.map(({ tagsJson }) => tagsJson)).toEqual(['{"__proto__":"x","constructor":"y"}', '{}']);
    expect([...batch.seriesIds]).toEqual([-1, -2, -1]);
  });

  test('only what storage answered is an id: until then every batch brings its new series itself', () => {
    const decoder = newDecoder();
    const dictionary = newDictionary();
    const metrics = [gauge('a'), gauge('b')];
    const first = decoder.decode(dictionary, metrics, FRAME);
    const second = decoder.decode(dictionary, metrics, FRAME);
    expect([...second.batch.seriesIds]).toEqual([-1, -2]);
    settleAppended(first, dictionary, { duplicate: false, processed: 2, errors: 0, newSeriesIds: [10, 11] });
    settleFailed(second, dictionary);
    expect([...decoder.decode(dictionary, metrics, FRAME).batch.seriesIds]).toEqual([10, 11]);
  });

  test('a series that another batch brought safely survives the failure of the first', () => {
    const decoder = newDecoder();
    const dictionary = newDictionary();
    const first = decoder.decode(dictionary, [gauge('a')], FRAME);
    const second = decoder.decode(dictionary, [gauge('a')], FRAME);
    settleFailed(first, dictionary);
    expect(dictionary.size).toBe(0);
    settleAppended(second, dictionary, { duplicate: false, processed: 1, errors: 0, newSeriesIds: [5] });
    expect([...decoder.decode(dictionary, [gauge('a')], FRAME).batch.seriesIds]).toEqual([5]);
  });

  test('series beyond the limit are told apart by their index and not remembered', () => {
    const dictionary = newDictionary();
    const decoded = newDecoder().decode(dictionary, [gauge('a'), null, gauge('b'), gauge('c'), gauge('b')], FRAME);
    settleAppended(decoded, dictionary, { duplicate: false, processed: 2, errors: 3, newSeriesIds: [1, 0, 2] });
    expect(decoded.rejections.details.map(({ index, name }) => [index, name])).toEqual([
      [1, ''],
      [2, 'b'],
      [4, 'b'],
    ]);
    expect(decoded.rejections.details[1]?.error).toMatch(/^series_limit: name "b"/);
    expect(decoded.rejections.counts.get('series_limit')).toBe(2);
    expect(dictionary.size).toBe(2);
    expect([...liveSamples(decoded)].map(({ name }) => name)).toEqual(['a', 'c']);
  });

  test('a duplicate brings no ids and rejects nothing', () => {
    const dictionary = newDictionary();
    const decoded = newDecoder().decode(dictionary, [gauge('a')], FRAME);
    settleAppended(decoded, dictionary, { duplicate: true, processed: 1, errors: 0, newSeriesIds: [] });
    expect(decoded.rejections.total).toBe(0);
    expect(dictionary.size).toBe(0);
  });

  test('details are bounded, the count is not', () => {
    const { rejections } = newDecoder().decode(
      newDictionary(),
      Array.from({ length: 1_500 }, () => null),
      FRAME,
    );
    expect(rejections.details).toHaveLength(1_000);
    expect(rejections.total).toBe(1_500);
  });
});
