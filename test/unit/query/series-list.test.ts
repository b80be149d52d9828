import { describe, expect, test } from '@jest/globals';
import { seriesList } from '../../../src/query/series-list.js';
import type { MetricReader } from '../../../src/storage/ports.js';
import { NaiveReader, type PlainSample } from '../../helpers/naive-reader.js';

const NOW = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PLACES = { a: { provider: 'gcp', region: 'r1', zone: 'z1' }, b: { provider: 'aws', region: 'r2', zone: 'z2' } };
const ALL = { filter: {}, limit: 100, offset: 0, latest: false };

const at = (agoMs: number, sample: Partial<PlainSample>): PlainSample => ({
  agentId: 'a',
  name: 'n',
  value: 1,
  timestampMs: NOW - agoMs,
  ...sample,
});

describe('the list', () => {
  const reader = new NaiveReader(
    [
      at(0, { name: 'z' }),
      at(0, { agentId: 'b', tags: { target: 't1' }, unit: 'ms' }),
      at(0, { tags: { target: 't2' } }),
      at(0, { tags: { target: 't1' } }),
      at(0, { name: 'm', type: 'counter' }),
    ],
    PLACES,
  );

  test('is ordered by name, agent and tags, and shows what a metric shows of its series', async () => {
    const { series, pagination } = await seriesList(reader, ALL, NOW);
    expect(series.map(({ name, agent_id, tags }) => [name, agent_id, tags])).toEqual([
      ['m', 'a', {}],
      ['n', 'a', { target: 't1' }],
      ['n', 'a', { target: 't2' }],
      ['n', 'b', { target: 't1' }],
      ['z', 'a', {}],
    ]);
    expect(series[3]).toEqual({
      id: 2,
      agent_id: 'b',
      name: 'n',
      type: 'gauge',
      unit: 'ms',
      tags: { target: 't1' },
      provider: 'aws',
      region: 'r2',
      zone: 'z2',
    });
    expect(pagination).toEqual({ total: 5, limit: 100, offset: 0, hasMore: false });
  });

  test('pages make up the whole', async () => {
    const whole = (await seriesList(reader, ALL, NOW)).series;
    const first = await seriesList(reader, { ...ALL, limit: 3 }, NOW);
    const second = await seriesList(reader, { ...ALL, limit: 3, offset: 3 }, NOW);
    expect([...first.series, ...second.series]).toEqual(whole);
    expect(first.pagination).toEqual({ total: 5, limit: 3, offset: 0, hasMore: true });
    expect(second.pagination).toEqual({ total: 5, limit: 3, offset: 3, hasMore: false });
    expect(await seriesList(reader, { ...ALL, offset: 5 }, NOW)).toEqual({
      series: [],
      pagination: { total: 5, limit: 100, offset: 5, hasMore: false },
    });
  });

  test('is filtered as metrics are', async () => {
    const names = async (filter: object): Promise<string[]> =>
      (await seriesList(reader, { ...ALL, filter }, NOW)).series.map(({ id }) => `${id}`);
    expect(await names({ providers: ['aws'] })).toEqual(['2']);
    expect(await names({ tags: [{ key: 'target', value: 't1' }] })).toEqual(['4', '2']);
    expect(await names({ types: ['counter'] })).toEqual(['5']);
  });
});

describe('the newest samples', () => {
  const samples = [
    at(-30 * MINUTE, { name: 'ahead', value: 9 }),
    at(5 * MINUTE, { name: 'alive', value: 1 }),
    at(9 * MINUTE, { name: 'alive', value: 2 }),
    at(20 * MINUTE, { name: 'alive', value: 3 }),
    at(10 * MINUTE, { name: 'edge', value: 4 }),
    at(10 * MINUTE + 1, { name: 'late', value: { value: 5, count: 2 } }),
    at(24 * HOUR + 1, { name: 'yesterday', value: 6 }),
    at(24 * HOUR, { name: 'just', value: 7 }),
  ];

  test('are of the last 24 hours, of clocks that are ahead too; object values as they came', async () => {
    const { series } = await seriesList(new NaiveReader(samples), { ...ALL, latest: true }, NOW);
    expect(
      series.map(({ name, ...rest }) => [name, (rest as { value?: unknown }).value, (rest as { timestamp?: unknown }).timestamp]),
    ).toEqual([
      ['ahead', 9, '2026-01-31T12:30:00.000Z'],
      ['alive', 1, '2026-01-31T11:55:00.000Z'],
      ['edge', 4, '2026-01-31T11:50:00.000Z'],
      ['just', 7, '2026-01-30T12:00:00.000Z'],
      ['late', { value: 5, count: 2 }, '2026-01-31T11:49:59.999Z'],
      ['yesterday', null, null],
    ]);
  });

  test('of series that live, only the last minutes are read; of the others, only theirs', async () => {
    const asked: Parameters<MetricReader['latest']>[0][] = [];
    class Watched extends NaiveReader {
      override latest(query: Parameters<MetricReader['latest']>[0]) {
        asked.push(query);
        return super.latest(query);
      }
    }
    await seriesList(new Watched(samples), { ...ALL, filter: { names: ['alive', 'edge'] }, latest: true }, NOW);
    expect(asked).toHaveLength(1);
    await seriesList(new Watched(samples), { ...ALL, latest: true }, NOW);
    expect(asked.slice(1).map(({ filter }) => filter.names?.length)).toEqual([6, 3]);
    await seriesList(new Watched(), { ...ALL, latest: true }, NOW);
    expect(asked).toHaveLength(3);
  });
});
