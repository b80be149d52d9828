import { describe, expect, test } from '@jest/globals';
import { aggregatedMetrics, type AggregatedRequest } from '../../../src/query/aggregated.js';
import { NaiveReader } from '../../helpers/naive-reader.js';

const T0 = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;

const reader = new NaiveReader(
  [
    { agentId: 'a', name: 'x', unit: 'ms', tags: { t: '1', same: 's' }, timestampMs: T0, value: 1 },
    { agentId: 'a', name: 'x', unit: 'ms', tags: { t: '1', same: 's' }, timestampMs: T0 + 1, value: 2 },
    { agentId: 'a', name: 'x', unit: 'ms', tags: { t: '2', same: 's' }, timestampMs: T0 + 59_999, value: 6 },
    { agentId: 'a', name: 'x', unit: 'ms', tags: { t: '2', same: 's' }, timestampMs: T0 + MINUTE, value: 10 },
    { agentId: 'b', name: 'x', unit: 's', timestampMs: T0 + MINUTE, value: { value: 20, max: 99 } },
    { agentId: 'b', name: 'a', type: 'counter', timestampMs: T0 + MINUTE, value: 5 },
    { agentId: 'b', name: 'a', type: 'counter', timestampMs: T0 + 3 * MINUTE, value: 7 },
  ],
  { a: { provider: 'gcp', region: 'r1', zone: '' }, b: { provider: 'aws', region: 'r2', zone: '' } },
);

const REQUEST: AggregatedRequest = {
  filter: {},
  range: { startMs: T0, endMs: T0 + 10 * MINUTE },
  aggregations: ['avg'],
  interval: '1m',
  groupBy: null,
  limit: 100,
  offset: 0,
};

describe('aggregated', () => {
  test('newest bucket first, then by name, type, provider, region', async () => {
    const answer = await aggregatedMetrics(reader, REQUEST);
    expect(answer.metrics).toEqual([
      {
        name: 'a',
        type: 'counter',
        provider: 'aws',
        region: 'r2',
        time_bucket: '2026-01-31T12:03:00.000Z',
        value: 7,
        count: 1,
        unit: null,
        tags: {},
      },
      {
        name: 'a',
        type: 'counter',
        provider: 'aws',
        region: 'r2',
        time_bucket: '2026-01-31T12:01:00.000Z',
        value: 5,
        count: 1,
        unit: null,
        tags: {},
      },
      {
        name: 'x',
        type: 'gauge',
        provider: 'aws',
        region: 'r2',
        time_bucket: '2026-01-31T12:01:00.000Z',
        value: 20,
        count: 1,
        unit: 's',
        tags: {},
      },
      {
        name: 'x',
        type: 'gauge',
        provider: 'gcp',
        region: 'r1',
        time_bucket: '2026-01-31T12:01:00.000Z',
        value: 10,
        count: 1,
        unit: 'ms',
        tags: { same: 's' },
      },
      {
        name: 'x',
        type: 'gauge',
        provider: 'gcp',
        region: 'r1',
        time_bucket: '2026-01-31T12:00:00.000Z',
        value: 3,
        count: 3,
        unit: 'ms',
        tags: { same: 's' },
      },
    ]);
    expect(answer.aggregation).toEqual({ type: 'avg', interval: '1m' });
    expect(answer.query).toMatchObject({ startTime: '2026-01-31T12:00:00.000Z', endTime: '2026-01-31T12:10:00.000Z', limit: 100 });
    expect(answer.pagination).toEqual({ limit: 100, offset: 0, hasMore: false });
  });

  test.each([
    ['sum', 9],
    ['min', 1],
    ['max', 6],
    ['count', 3],
    ['avg', 3],
  ] as const)('%s', async (aggregation, value) => {
    const answer = await aggregatedMetrics(reader, { ...REQUEST, filter: { agentIds: ['a'] }, aggregations: [aggregation] });
    expect(answer.metrics[1]).toMatchObject({ value, count: 3 });
  });

  test('every page of every size is a piece of the whole', async () => {
    const whole = (await aggregatedMetrics(reader, REQUEST)).metrics;
    for (let limit = 1; limit <= 6; limit += 1) {
      for (let offset = 0; offset <= 6; offset += 1) {
        const page = await aggregatedMetrics(reader, { ...REQUEST, limit, offset });
        expect(page.metrics).toEqual(whole.slice(offset, offset + limit));
        expect(page.pagination.hasMore).toBe(offset + limit < whole.length);
      }
    }
  });

  test('too many buckets are refused, with what to do', async () => {
    const range = { startMs: 0, endMs: 50_000 * MINUTE };
    await expect(aggregatedMetrics(reader, { ...REQUEST, range })).resolves.toBeDefined();
    await expect(aggregatedMetrics(reader, { ...REQUEST, range: { ...range, endMs: range.endMs + 1 } })).rejects.toMatchObject({
      code: 'validation_failed',
      message: expect.stringContaining('wider interval'),
    });
  });

  test('grouped by what is asked for: rows are named by it, none is one line', async () => {
    const hour = { ...REQUEST, interval: '1h' as const };
    const rows = async (groupBy: AggregatedRequest['groupBy']) => (await aggregatedMetrics(reader, { ...hour, groupBy })).metrics;
    const time_bucket = '2026-01-31T12:00:00.000Z';
    expect(await rows([])).toEqual([{ time_bucket, value: 51 / 7, count: 7, unit: null, tags: {} }]);
    expect(await rows(['agent'])).toEqual([
      { agent_id: 'a', time_bucket, value: 19 / 4, count: 4, unit: 'ms', tags: { same: 's' } },
      { agent_id: 'b', time_bucket, value: 32 / 3, count: 3, unit: null, tags: {} },
    ]);
    expect(await rows(['unit', 'tag:t'])).toEqual([
      { time_bucket, value: 6, count: 2, unit: null, tags: {} },
      { time_bucket, value: 1.5, count: 2, unit: 'ms', tags: { same: 's', t: '1' } },
      { time_bucket, value: 8, count: 2, unit: 'ms', tags: { same: 's', t: '2' } },
      { time_bucket, value: 20, count: 1, unit: 's', tags: {} },
    ]);
    expect((await rows(['series']))[1]).toEqual({
      series: '2',
      agent_id: 'a',
      name: 'x',
      type: 'gauge',
      provider: 'gcp',
      region: 'r1',
      time_bucket,
      value: 8,
      count: 2,
      unit: 'ms',
      tags: { same: 's', t: '2' },
    });
    const { aggregation } = await aggregatedMetrics(reader, { ...hour, groupBy: ['agent', 'tag:t'] });
    expect(aggregation).toEqual({ type: 'avg', interval: '1h', groupBy: ['agent', 'tag:t'] });
  });

  test('several at once, with percentiles; increase and rate are null where there is no counter', async () => {
    const answer = await aggregatedMetrics(reader, {
      ...REQUEST,
      aggregations: ['p50', 'max', 'p90', 'increase', 'rate'],
      interval: '1h',
      groupBy: ['name'],
    });
    expect(answer.metrics).toMatchObject([
      { name: 'a', value: 6, values: { p50: 6, max: 7, p90: 6.8, increase: 2, rate: 2 / 600 }, count: 2 },
      { name: 'x', value: 6, values: { p50: 6, max: 20, p90: 16, increase: null, rate: null }, count: 5 },
    ]);
    expect(answer.aggregation).toMatchObject({ type: 'p50', types: ['p50', 'max', 'p90', 'increase', 'rate'], interval: '1h' });
  });

  test('rate and increase alone look at counters only', async () => {
    const all = { ...REQUEST, aggregations: ['increase' as const], groupBy: [] };
    expect((await aggregatedMetrics(reader, all)).metrics).toMatchObject([
      { time_bucket: '2026-01-31T12:03:00.000Z', value: 2, count: 1 },
      { time_bucket: '2026-01-31T12:01:00.000Z', value: 0, count: 1 },
    ]);
    expect((await aggregatedMetrics(reader, { ...all, filter: { types: ['gauge'] } })).metrics).toEqual([]);
    expect((await aggregatedMetrics(reader, { ...all, filter: { types: ['gauge', 'counter'] } })).metrics).toHaveLength(2);
  });

  test('a rate is per second of that part of the bucket which the range covers', async () => {
    const rate = async (startMs: number, endMs: number) => {
      const request = { ...REQUEST, aggregations: ['rate' as const], interval: '5m' as const, range: { startMs, endMs } };
      return (await aggregatedMetrics(reader, request)).metrics[0]?.value;
    };
    expect(await rate(T0, T0 + 10 * MINUTE)).toBe(2 / 300);
    expect(await rate(T0 + MINUTE, T0 + 10 * MINUTE)).toBe(2 / 240);
    expect(await rate(T0 + MINUTE, T0 + 3 * MINUTE + 1)).toBe(2 / 120.001);
  });

  test('a sum that overflowed is null', async () => {
    const huge = new NaiveReader([
      { agentId: 'a', name: 'x', timestampMs: T0, value: 1e308 },
      { agentId: 'a', name: 'x', timestampMs: T0 + 1, value: 1e308 },
    ]);
    expect((await aggregatedMetrics(huge, REQUEST)).metrics[0]?.value).toBeNull();
    expect((await aggregatedMetrics(huge, { ...REQUEST, aggregations: ['sum'] })).metrics[0]?.value).toBeNull();
    expect((await aggregatedMetrics(huge, { ...REQUEST, aggregations: ['max'] })).metrics[0]?.value).toBe(1e308);
  });
});
