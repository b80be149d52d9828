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
  aggregation: 'avg',
  interval: '1m',
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
    const answer = await aggregatedMetrics(reader, { ...REQUEST, filter: { agentIds: ['a'] }, aggregation });
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

  test('a sum that overflowed is null', async () => {
    const huge = new NaiveReader([
      { agentId: 'a', name: 'x', timestampMs: T0, value: 1e308 },
      { agentId: 'a', name: 'x', timestampMs: T0 + 1, value: 1e308 },
    ]);
    expect((await aggregatedMetrics(huge, REQUEST)).metrics[0]?.value).toBeNull();
    expect((await aggregatedMetrics(huge, { ...REQUEST, aggregation: 'sum' })).metrics[0]?.value).toBeNull();
    expect((await aggregatedMetrics(huge, { ...REQUEST, aggregation: 'max' })).metrics[0]?.value).toBe(1e308);
  });
});
