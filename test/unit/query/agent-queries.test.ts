import { describe, expect, test } from '@jest/globals';
import { type AgentListRequest, AgentQueries } from '../../../src/query/agent-queries.js';
import { directoryOf, makeAgent } from '../../helpers/agent-directory.js';
import { MemoryActivityStore } from '../../helpers/memory-storage.js';
import { NaiveReader } from '../../helpers/naive-reader.js';

const T0 = Date.UTC(2026, 0, 31, 12);
const EVERYTHING: AgentListRequest = { status: null, search: null, sort: { key: 'id', descending: false }, limit: 100, offset: 0 };

const agents = directoryOf(
  makeAgent({ id: 'c', provider: 'gcp', region: 'us-east1', lastSeenMs: 10, createdAtMs: 3, version: '1.0' }),
  makeAgent({
    id: 'a',
    provider: 'aws',
    region: 'eu-1',
    zone: 'Eu-1A',
    lastSeenMs: 30,
    createdAtMs: 2,
    status: 'disconnected',
    version: '2.0',
  }),
  makeAgent({ id: 'b', provider: 'gcp', region: 'us-east1', lastSeenMs: 20, createdAtMs: 1, ipAddress: '10.1.2.3', version: '1.0' }),
  makeAgent({ id: 'lost', status: 'error', lastSeenMs: 5, createdAtMs: 4, version: '' }),
);

describe('list', () => {
  const queries = new AgentQueries(agents, new NaiveReader(), new MemoryActivityStore());
  const ids = (request: Partial<AgentListRequest>): string[] => queries.list({ ...EVERYTHING, ...request }).agents.map(({ id }) => id);

  test('filters by status, provider, region and text', () => {
    expect(ids({})).toEqual(['a', 'b', 'c', 'lost']);
    expect(ids({ status: 'connected' })).toEqual(['b', 'c']);
    expect(ids({ status: 'error' })).toEqual(['lost']);
    expect(ids({ providers: ['aws', 'azure'] })).toEqual(['a']);
    expect(ids({ providers: ['gcp'], regions: ['eu-1'] })).toEqual([]);
    expect(ids({ search: 'LOS' })).toEqual(['lost']);
    expect(ids({ search: '10.1.' })).toEqual(['b']);
    expect(ids({ search: 'eu-1a' })).toEqual(['a']);
    expect(ids({ search: 'EAST' })).toEqual(['b', 'c']);
  });

  test.each([
    ['provider', ['lost', 'a', 'b', 'c'], ['b', 'c', 'a', 'lost']],
    ['region', ['lost', 'a', 'b', 'c'], ['b', 'c', 'a', 'lost']],
    ['status', ['b', 'c', 'a', 'lost'], ['lost', 'a', 'b', 'c']],
    ['last_seen', ['lost', 'c', 'b', 'a'], ['a', 'b', 'c', 'lost']],
    ['created_at', ['b', 'a', 'c', 'lost'], ['lost', 'c', 'a', 'b']],
    ['version', ['lost', 'b', 'c', 'a'], ['a', 'b', 'c', 'lost']],
    ['id', ['a', 'b', 'c', 'lost'], ['lost', 'c', 'b', 'a']],
  ] as const)('sorts by %s, equals by id', (key, ascending, descending) => {
    expect(ids({ sort: { key, descending: false } })).toEqual(ascending);
    expect(ids({ sort: { key, descending: true } })).toEqual(descending);
  });

  test('pages', () => {
    const page = queries.list({ ...EVERYTHING, limit: 2, offset: 1 });
    expect(page.agents.map(({ id }) => id)).toEqual(['b', 'c']);
    expect(page.pagination).toEqual({ total: 4, limit: 2, offset: 1, hasMore: true });
    expect(queries.list({ ...EVERYTHING, limit: 2, offset: 2 }).pagination.hasMore).toBe(false);
    expect(queries.list({ ...EVERYTHING, offset: 9 }).agents).toEqual([]);
  });
});

describe('one agent', () => {
  const samples = Array.from({ length: 12 }, (_, i) => ({ agentId: 'a', name: 'n', timestampMs: T0 + i, value: i }));
  const queries = new AgentQueries(
    agents,
    new NaiveReader([
      ...samples,
      { agentId: 'a', name: 'm', type: 'counter', timestampMs: T0 + 5, value: 100 },
      { agentId: 'b', name: 'n', timestampMs: T0 + 50, value: 1 },
    ]),
    new MemoryActivityStore(),
  );

  test('brings its ten newest samples', async () => {
    const answer = await queries.one('a');
    expect(answer.id).toBe('a');
    expect(answer.recentMetrics.map(({ value }) => value)).toEqual([11, 10, 9, 8, 7, 6, 100, 5, 4, 3]);
  });

  test('stats of a range', async () => {
    const range = { startMs: T0 + 2, endMs: T0 + 11, label: 'custom' };
    expect(await queries.stats('a', range)).toEqual({
      timeRange: 'custom',
      period: { start: '2026-01-31T12:00:00.002Z', end: '2026-01-31T12:00:00.011Z' },
      overview: {
        total_metrics: 10,
        unique_metrics: 2,
        first_metric: '2026-01-31T12:00:00.002Z',
        last_metric: '2026-01-31T12:00:00.010Z',
      },
      metricsByType: [
        { type: 'gauge', count: 9, unique_names: 1 },
        { type: 'counter', count: 1, unique_names: 1 },
      ],
      topMetrics: [
        { name: 'n', type: 'gauge', count: 9, min_value: 2, max_value: 10, avg_value: 6 },
        { name: 'm', type: 'counter', count: 1, min_value: 100, max_value: 100, avg_value: 100 },
      ],
    });
  });

  test('stats without samples', async () => {
    const answer = await queries.stats('lost', { startMs: 0, endMs: 1, label: '1h' });
    expect(answer.overview).toEqual({ total_metrics: 0, unique_metrics: 0, first_metric: null, last_metric: null });
    expect(answer.metricsByType).toEqual([]);
    expect(answer.topMetrics).toEqual([]);
  });

  test('what happened to it, the newest first', async () => {
    const activities = new MemoryActivityStore();
    for (const [i, agentId] of ['a', 'b', 'a', 'a', 'c'].entries()) {
      activities.record({ timestampMs: T0 + i, type: 'agent_connected', agentId, message: `message ${i}` });
    }
    const answers = new AgentQueries(agents, new NaiveReader(), activities);
    expect(await answers.activity('a', 2)).toEqual({
      agentId: 'a',
      activity: [
        { timestamp: '2026-01-31T12:00:00.003Z', type: 'agent_connected', agent_id: 'a', message: 'message 3' },
        { timestamp: '2026-01-31T12:00:00.002Z', type: 'agent_connected', agent_id: 'a', message: 'message 2' },
      ],
    });
    expect(await answers.activity('lost', 50)).toEqual({ agentId: 'lost', activity: [] });
    await expect(answers.activity('nobody', 50)).rejects.toMatchObject({ code: 'agent_not_found' });
  });

  test('nobody knows it', async () => {
    await expect(queries.one('nobody')).rejects.toMatchObject({ code: 'agent_not_found' });
    await expect(queries.stats('nobody', { startMs: 0, endMs: 1, label: '1h' })).rejects.toMatchObject({ code: 'agent_not_found' });
  });
});

test('summary: an unknown place is listed, but is no provider and no region', () => {
  expect(new AgentQueries(agents, new NaiveReader(), new MemoryActivityStore()).summary()).toEqual({
    overall: { total_agents: 4, connected_agents: 2, total_providers: 2, total_regions: 2 },
    byProvider: [
      { provider: 'gcp', total: 2, connected: 2 },
      { provider: '', total: 1, connected: 0 },
      { provider: 'aws', total: 1, connected: 0 },
    ],
    byRegion: [
      { region: 'us-east1', total: 2, connected: 2 },
      { region: '', total: 1, connected: 0 },
      { region: 'eu-1', total: 1, connected: 0 },
    ],
    recentActivity: [
      { id: 'a', provider: 'aws', region: 'eu-1', status: 'disconnected', last_seen: '1970-01-01T00:00:00.030Z' },
      { id: 'b', provider: 'gcp', region: 'us-east1', status: 'connected', last_seen: '1970-01-01T00:00:00.020Z' },
      { id: 'c', provider: 'gcp', region: 'us-east1', status: 'connected', last_seen: '1970-01-01T00:00:00.010Z' },
      { id: 'lost', provider: '', region: '', status: 'error', last_seen: '1970-01-01T00:00:00.005Z' },
    ],
  });
});
