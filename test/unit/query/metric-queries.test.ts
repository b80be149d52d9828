import { describe, expect, test } from '@jest/globals';
import { decodeCursor, encodeCursor } from '../../../src/query/cursor.js';
import { describeFilter } from '../../../src/query/filter.js';
import { MetricQueries } from '../../../src/query/metric-queries.js';
import { directoryOf, makeAgent } from '../../helpers/agent-directory.js';
import { NaiveReader, type PlainSample } from '../../helpers/naive-reader.js';

const NOW = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const PLACES = {
  a: { provider: 'gcp', region: 'r1', zone: 'z1' },
  b: { provider: 'aws', region: 'r2', zone: 'z2' },
};

const NOTHING = { units: 0, samples: 0, bytes: 0, oldestMs: null, newestMs: null };
const STORED = {
  usage: async () => ({
    tiers: [
      { tier: 'raw' as const, units: 3, samples: 700, bytes: 800, oldestMs: NOW - 12 * HOUR, newestMs: NOW },
      { tier: '5m' as const, ...NOTHING },
      { tier: '1h' as const, ...NOTHING },
    ],
    log: { batches: 2, bytes: 50 },
    series: 4,
  }),
  status: () => ({ databaseBytes: 4_096, walBytes: 0, writerQueue: 0, readerQueue: 0, writeFailure: null }),
};

const GAP = { agent_id: 'b', from: '2026-01-31T10:00:00.000Z', to: '2026-01-31T11:00:00.000Z', reason: 'missing' as const, batches: 3 };

function queriesOver(samples: readonly PlainSample[]): MetricQueries {
  const agents = directoryOf(makeAgent({ id: 'a' }), makeAgent({ id: 'b' }));
  const settings = { retentionMs: 30 * DAY, fiveMinuteRetentionMs: 90 * DAY, oneHourRetentionMs: 400 * DAY };
  return new MetricQueries(new NaiveReader(samples, PLACES), agents, { nowMs: () => NOW }, settings, STORED, {
    within: async ({ agentIds }) => ({ gaps: agentIds?.includes('b') === true ? [GAP] : [] }),
  });
}

const LAST_DAY = { startMs: NOW - DAY, endMs: NOW, label: '24h' };
const FIRST_PAGE = { limit: 1_000, offset: 0, cursor: null };

describe('list', () => {
  // Every millisecond has a sample in each of two series, so that pages end within one millisecond.
  const samples = Array.from({ length: 7 }, (_, i) => [
    { agentId: 'a', name: 'n', timestampMs: NOW - i, value: i },
    { agentId: 'b', name: 'n', timestampMs: NOW - i, value: 100 + i },
  ]).flat();
  const queries = queriesOver(samples);

  test.each([1, 2, 3, 5, 13, 14, 15])('pages of %i by cursor make up the whole, once each', async (limit) => {
    const whole = await queries.list({}, {}, FIRST_PAGE);
    expect(whole.metrics.map(({ value }) => value)).toEqual([100, 0, 101, 1, 102, 2, 103, 3, 104, 4, 105, 5, 106, 6]);
    const pieces = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof queries.list>> = await queries.list({}, {}, { limit, offset: 0, cursor });
      expect(page.pagination.hasMore).toBe(page.pagination.cursor !== null);
      expect(page.metrics.length).toBeLessThanOrEqual(limit);
      pieces.push(...page.metrics);
      cursor = page.pagination.cursor;
    } while (cursor !== null);
    expect(pieces).toEqual(whole.metrics);
  });

  test('pages by offset', async () => {
    const page = await queries.list({}, {}, { limit: 3, offset: 12, cursor: null });
    expect(page.metrics.map(({ value }) => value)).toEqual([106, 6]);
    expect(page.pagination).toEqual({ limit: 3, offset: 12, hasMore: false, cursor: null });
  });

  test('ranges are half-open, and what was asked for is repeated', async () => {
    const range = { startMs: NOW - 2, endMs: NOW };
    const answer = await queries.list({ agentIds: ['a'], tags: [] }, range, FIRST_PAGE);
    expect(answer.metrics.map(({ value }) => value)).toEqual([1, 2]);
    expect(answer.query).toMatchObject({
      agentId: 'a',
      provider: null,
      startTime: '2026-01-31T11:59:59.998Z',
      endTime: '2026-01-31T12:00:00.000Z',
      limit: 1_000,
      offset: 0,
    });
    expect((await queries.list({}, {}, FIRST_PAGE)).query).toMatchObject({ startTime: null, endTime: null });
  });

  test('a cursor does not go with an offset', async () => {
    const cursor = encodeCursor({ timestampMs: NOW, seriesId: 1 });
    await expect(queries.list({}, {}, { limit: 1, offset: 1, cursor })).rejects.toMatchObject({ code: 'validation_failed' });
  });
});

describe('cursor', () => {
  test('comes back', () => {
    const cursor = { timestampMs: NOW, seriesId: 2_147_483_647 };
    expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
    expect(encodeCursor(cursor)).toMatch(/^[\w-]+$/);
  });

  test.each([
    'x',
    'e30',
    '%%',
    'MTIz',
    Buffer.from('1.2.3').toString('base64url'),
    `${encodeCursor({ timestampMs: 1, seriesId: 1 })}=`,
    'MS4x\n',
  ])('refuses %j', (text) => {
    expect(() => decodeCursor(text)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
  });
});

test('a filter as answers repeat it', () => {
  const filter = { names: ['x', 'y'], types: ['gauge'] as const, tags: [{ key: 'url', value: 'http://h:1' }] };
  expect(describeFilter(filter)).toEqual({
    agentId: null,
    provider: null,
    region: null,
    metricName: ['x', 'y'],
    metricType: 'gauge',
    tag: 'url:http://h:1',
  });
});

describe('history', () => {
  const queries = queriesOver([
    { agentId: 'a', name: 'n', tags: { t: '1' }, unit: 'ms', timestampMs: NOW - 3, value: 1 },
    { agentId: 'b', name: 'n', timestampMs: NOW - 2, value: { value: 2, max: 5 } },
    { agentId: 'a', name: 'n', tags: { t: '1' }, unit: 'ms', timestampMs: NOW - 1, value: 3 },
    { agentId: 'a', name: 'other', timestampMs: NOW - 1, value: 4 },
    { agentId: 'a', name: 'n', tags: { t: '1' }, unit: 'ms', timestampMs: NOW - DAY - 1, value: 5 },
  ]);

  test('oldest first, with place, unit and tags', async () => {
    const answer = await queries.history('n', {}, LAST_DAY, 100);
    expect(answer).toMatchObject({ metricName: 'n', timeRange: '24h', hasMore: false });
    expect(answer.history.map(({ value }) => value)).toEqual([1, { value: 2, max: 5 }, 3]);
    expect(answer.history[0]).toEqual({
      agent_id: 'a',
      provider: 'gcp',
      region: 'r1',
      type: 'gauge',
      unit: 'ms',
      tags: { t: '1' },
      timestamp: '2026-01-31T11:59:59.997Z',
      value: 1,
    });
  });

  test('too much of it: the newest, and it says so', async () => {
    const answer = await queries.history('n', {}, LAST_DAY, 2);
    expect(answer.history.map(({ value }) => value)).toEqual([{ value: 2, max: 5 }, 3]);
    expect(answer.hasMore).toBe(true);
  });

  test('of one agent; of an unknown name', async () => {
    expect((await queries.history('n', { agentIds: ['b'] }, LAST_DAY, 9)).history).toHaveLength(1);
    expect((await queries.history('nothing', {}, LAST_DAY, 9)).history).toEqual([]);
  });

  test('all of an agent', async () => {
    const answer = await queries.ofAgent('a', {}, LAST_DAY, FIRST_PAGE);
    expect(answer).toMatchObject({ agentId: 'a', timeRange: '24h', pagination: { hasMore: false, cursor: null } });
    expect(answer.metrics.map(({ value }) => value)).toEqual([4, 3, 1]);
    await expect(queries.ofAgent('nobody', {}, LAST_DAY, FIRST_PAGE)).rejects.toMatchObject({ code: 'agent_not_found' });
  });
});

test('names are sorted by code unit', async () => {
  const queries = queriesOver([
    { agentId: 'a', name: 'b', timestampMs: 1, value: 1 },
    { agentId: 'a', name: 'B', timestampMs: 1, value: 1 },
    { agentId: 'b', name: 'b', type: 'counter', timestampMs: 1, value: 1 },
    { agentId: 'b', name: 'b', tags: { x: 'y' }, timestampMs: 1, value: 1 },
  ]);
  expect((await queries.names({})).metricNames).toEqual([
    { name: 'B', type: 'gauge' },
    { name: 'b', type: 'counter' },
    { name: 'b', type: 'gauge' },
  ]);
  const ofAws = await queries.names({ providers: ['aws'] });
  expect(ofAws.metricNames).toEqual([
    { name: 'b', type: 'counter' },
    { name: 'b', type: 'gauge' },
  ]);
  expect(ofAws.filters).toMatchObject({ provider: 'aws', region: null, agentId: null });
});

test('stats', async () => {
  const queries = queriesOver([
    { agentId: 'a', name: 'x', timestampMs: NOW - 3, value: 1 },
    { agentId: 'a', name: 'x', timestampMs: NOW - 2, value: 2 },
    { agentId: 'b', name: 'x', timestampMs: NOW - 1, value: 1e308 },
    { agentId: 'b', name: 'y', type: 'counter', timestampMs: NOW - 1, value: 1e308 },
    { agentId: 'b', name: 'y', type: 'counter', timestampMs: NOW - 2, value: 1e308 },
    { agentId: 'b', name: 'y', type: 'counter', timestampMs: NOW, value: 7 },
  ]);
  expect(await queries.stats({}, LAST_DAY)).toEqual({
    timeRange: '24h',
    period: { start: '2026-01-30T12:00:00.000Z', end: '2026-01-31T12:00:00.000Z' },
    overview: {
      total_metrics: 5,
      unique_metrics: 2,
      active_agents: 2,
      first_metric: '2026-01-31T11:59:59.997Z',
      last_metric: '2026-01-31T11:59:59.999Z',
    },
    breakdown: {
      byType: [
        { type: 'gauge', count: 3, unique_names: 1 },
        { type: 'counter', count: 2, unique_names: 1 },
      ],
      byProvider: [
        { provider: 'aws', count: 3, unique_names: 2, agent_count: 1 },
        { provider: 'gcp', count: 2, unique_names: 1, agent_count: 1 },
      ],
      topMetrics: [
        { name: 'x', type: 'gauge', count: 3, min_value: 1, max_value: 1e308, avg_value: 1e308 / 3 },
        // The sum of these overflows: there is no average to tell.
        { name: 'y', type: 'counter', count: 2, min_value: 1e308, max_value: 1e308, avg_value: null },
      ],
    },
    storage: {
      tiers: [
        {
          tier: 'raw',
          retention_days: 30,
          units: 3,
          samples: 700,
          bytes: 800,
          oldest: '2026-01-31T00:00:00.000Z',
          newest: '2026-01-31T12:00:00.000Z',
        },
        { tier: '5m', retention_days: 90, units: 0, samples: 0, bytes: 0, oldest: null, newest: null },
        { tier: '1h', retention_days: 400, units: 0, samples: 0, bytes: 0, oldest: null, newest: null },
      ],
      log: { batches: 2, bytes: 50 },
      series: 4,
      database_bytes: 4_096,
    },
  });
});

test('realtime: five minutes, by agent, and the count of all', async () => {
  const many = Array.from({ length: 1_005 }, (_, i) => ({ agentId: 'b', name: 'n', timestampMs: NOW - 1 - i, value: i }));
  const queries = queriesOver([
    ...many,
    { agentId: 'a', name: 'n', timestampMs: NOW - 1, value: -1 },
    { agentId: 'a', name: 'n', timestampMs: NOW - 5 * MINUTE - 1, value: -2 },
  ]);
  const answer = await queries.realtime({});
  expect(answer.timeWindow).toEqual({ start: '2026-01-31T11:55:00.000Z', end: '2026-01-31T12:00:00.000Z' });
  expect(answer.totalMetrics).toBe(1_006);
  expect(answer.agents.map(({ agentId, provider, region, metrics }) => [agentId, provider, region, metrics.length])).toEqual([
    ['a', 'gcp', 'r1', 1],
    ['b', 'aws', 'r2', 999],
  ]);
  expect(answer.agents[1]?.metrics[0]?.value).toBe(0);
  expect(await queriesOver([]).realtime({})).toMatchObject({ totalMetrics: 0, agents: [] });
});

test('search: literal, in any case, most samples first', async () => {
  const queries = queriesOver([
    { agentId: 'a', name: 'cpu_total', timestampMs: NOW - 10 * DAY, value: 1 },
    { agentId: 'b', name: 'cpu_total', timestampMs: NOW - 9 * DAY, value: 1 },
    { agentId: 'a', name: 'CPUxtotal', timestampMs: NOW + 30 * MINUTE, value: 1 },
    { agentId: 'a', name: 'cpu_old', timestampMs: NOW - 30 * DAY - 1, value: 1 },
  ]);
  expect(await queries.search('cpu', {}, 50)).toEqual({
    query: 'cpu',
    results: [
      { name: 'cpu_total', type: 'gauge', occurrence_count: 2, agent_count: 2, last_seen: '2026-01-22T12:00:00.000Z' },
      { name: 'CPUxtotal', type: 'gauge', occurrence_count: 1, agent_count: 1, last_seen: '2026-01-31T12:30:00.000Z' },
    ],
  });
  expect((await queries.search('u_t', {}, 50)).results).toHaveLength(1);
  expect((await queries.search('%total', {}, 50)).results).toEqual([]);
  expect((await queries.search('cpu', {}, 1)).results).toHaveLength(1);
});

test('histories, aggregates and the samples of an agent say what is missing of the agents they are about', async () => {
  const queries = queriesOver([{ agentId: 'b', name: 'n', timestampMs: NOW - HOUR, value: 1 }]);
  const ofEach = async (filter: object): Promise<unknown[]> => {
    const asked = { filter, range: LAST_DAY, aggregations: ['avg' as const], interval: '1h' as const, groupBy: null, limit: 10, offset: 0 };
    const answers = [await queries.history('n', filter, LAST_DAY, 10), await queries.aggregated(asked)];
    return answers.map((answer) => answer.gaps);
  };
  expect(await ofEach({ agentIds: ['a'] })).toEqual([[], []]);
  expect(await ofEach({ agentIds: ['a', 'b'] })).toEqual([[GAP], [GAP]]);
  expect(await queries.ofAgent('b', {}, LAST_DAY, FIRST_PAGE)).toMatchObject({ metrics: [{ value: 1 }], gaps: [GAP] });
});
