import { describe, expect, test } from '@jest/globals';
import { type TopologyLimits, TopologyQueries } from '../../../src/query/topology.js';
import { directoryOf, makeAgent } from '../../helpers/agent-directory.js';
import { NaiveReader, type PlainSample } from '../../helpers/naive-reader.js';

const NOW = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
const RANGE = { startMs: NOW - 5 * MINUTE, endMs: NOW, label: '5m' };

const AGENTS = [
  makeAgent({ id: 'b', provider: 'gcp', region: 'r1', zone: 'z', network: 'n2', health: 'warning', lastSeenMs: NOW - 1 }),
  makeAgent({ id: 'a', provider: 'gcp', region: 'r1', network: 'n1', lastSeenMs: NOW - 2 }),
  makeAgent({ id: 'd', provider: 'aws', region: 'r1', network: 'n1', lastSeenMs: NOW - 3 }),
  makeAgent({ id: 'lost', status: 'disconnected', lastSeenMs: NOW - 4 }),
  makeAgent({ id: 'c', provider: 'gcp', region: 'r0', network: 'n2', lastSeenMs: NOW - 5 }),
];
const PLACES = Object.fromEntries(AGENTS.map(({ id, provider, region, zone }) => [id, { provider, region, zone }]));

function queriesOver(samples: readonly PlainSample[], limits?: TopologyLimits, names: readonly [string, string][] = []): TopologyQueries {
  return new TopologyQueries(
    new NaiveReader(samples, PLACES),
    directoryOf(...AGENTS),
    { names: () => new Map(names) },
    { nowMs: () => NOW },
    limits,
  );
}

const at = (name: string, value: number, more: Partial<PlainSample> = {}): PlainSample => ({
  agentId: 'a',
  name,
  value,
  timestampMs: NOW - MINUTE,
  tags: { target: 't1' },
  ...more,
});

const SILENT = { rtt_avg_ms: null, rtt_max_ms: null, packet_loss_percent: null, success_percent: null };

describe('places', () => {
  test('providers, regions, networks and agents, sorted; what is not known is called nothing', async () => {
    const { providers, agents, targets, edges, truncated, ...rest } = await queriesOver([]).topology({}, RANGE);
    expect(providers).toEqual([
      { name: '', regions: [{ name: '', networks: [{ name: '', agent_ids: ['lost'] }] }] },
      { name: 'aws', regions: [{ name: 'r1', networks: [{ name: 'n1', agent_ids: ['d'] }] }] },
      {
        name: 'gcp',
        regions: [
          { name: 'r0', networks: [{ name: 'n2', agent_ids: ['c'] }] },
          {
            name: 'r1',
            networks: [
              { name: 'n1', agent_ids: ['a'] },
              { name: 'n2', agent_ids: ['b'] },
            ],
          },
        ],
      },
    ]);
    expect(agents.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd', 'lost']);
    expect(agents[1]).toEqual({
      id: 'b',
      status: 'connected',
      health: 'warning',
      provider: 'gcp',
      region: 'r1',
      zone: 'z',
      network: 'n2',
      last_seen: '2026-01-31T11:59:59.999Z',
    });
    expect([targets, edges, truncated]).toEqual([[], [], false]);
    expect(rest).toEqual({
      timestamp: '2026-01-31T12:00:00.000Z',
      timeRange: '5m',
      period: { start: '2026-01-31T11:55:00.000Z', end: '2026-01-31T12:00:00.000Z' },
    });
  });

  test('of some agents alone, with their edges', async () => {
    const samples = [at('ping_success', 1), at('ping_success', 1, { agentId: 'b' }), at('ping_success', 1, { agentId: 'd' })];
    const { agents, edges, providers } = await queriesOver(samples).topology({ providers: ['gcp'], regions: ['r1'] }, RANGE);
    expect(agents.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(edges.map(({ agent_id }) => agent_id)).toEqual(['a', 'b']);
    expect(providers).toHaveLength(1);
  });
});

describe('edges', () => {
  test('a ping that failed has no address: it is of the same edge', async () => {
    const answered = { target: 't1', target_ip: '192.0.2.1' };
    const { edges, targets } = await queriesOver([
      at('ping_success', 1, { tags: answered }),
      at('ping_success', 0, { timestampMs: NOW - 2 * MINUTE }),
      at('ping_success', 1, { tags: answered, timestampMs: NOW - 3 * MINUTE }),
      at('ping_success', 0, { timestampMs: NOW - 5 * MINUTE - 1 }),
      at('ping_rtt_avg_ms', 10, { tags: answered }),
      at('ping_rtt_avg_ms', 20, { tags: answered, timestampMs: NOW - 3 * MINUTE }),
      at('ping_rtt_max_ms', 25, { tags: answered }),
      at('ping_packet_loss_percent', 0, { tags: answered }),
      at('ping_packet_loss_percent', 50, { tags: answered, timestampMs: NOW - 3 * MINUTE }),
    ]).topology({}, RANGE);
    expect(edges).toEqual([
      {
        agent_id: 'a',
        target: 'ping:t1',
        type: 'ping',
        rtt_avg_ms: 15,
        rtt_max_ms: 25,
        packet_loss_percent: 25,
        success_percent: 200 / 3,
        samples: 3,
      },
    ]);
    expect(targets).toEqual([{ id: 'ping:t1', type: 'ping', address: 't1', name: 't1' }]);
  });

  test('agents that say little: no maximum, nothing but failures, nothing but times', async () => {
    const { edges } = await queriesOver([
      at('ping_success', 0),
      at('ping_rtt_avg_ms', 7, { tags: { target: 't2' } }),
      at('ping_packet_loss_percent', 100, { tags: { target: 't3' } }),
      at('ping_rtt_avg_ms', 7, { tags: { other: 't4' } }),
      at('system_cpu_percent', 7, { tags: { target: 't5' } }),
    ]).topology({}, RANGE);
    expect(edges).toEqual([
      { ...SILENT, agent_id: 'a', target: 'ping:t1', type: 'ping', success_percent: 0, samples: 1 },
      { ...SILENT, agent_id: 'a', target: 'ping:t2', type: 'ping', rtt_avg_ms: 7, rtt_max_ms: 7, samples: 1 },
      { ...SILENT, agent_id: 'a', target: 'ping:t3', type: 'ping', packet_loss_percent: 100, samples: 1 },
    ]);
  });

  test('loss above 100 is hundredths of a percent, alone and between others', async () => {
    const loss = (target: string, ...values: number[]): PlainSample[] =>
      values.map((value, i) => at('ping_packet_loss_percent', value, { tags: { target }, timestampMs: NOW - MINUTE + i }));
    const { edges } = await queriesOver([
      ...loss('high', 3333, 6667),
      ...loss('low', 10, 20),
      ...loss('mixed', 0, 3333, 100),
      ...loss('mixed', 7).map((one) => ({ ...one, agentId: 'b' })),
    ]).topology({}, RANGE);
    expect(edges.map(({ agent_id, target, packet_loss_percent }) => [agent_id, target, packet_loss_percent])).toEqual([
      ['a', 'ping:high', 50],
      ['a', 'ping:low', 15],
      ['a', 'ping:mixed', expect.closeTo(133.33 / 3, 9)],
      ['b', 'ping:mixed', 7],
    ]);
  });

  test('other checks have edges of their own, named as people named the target', async () => {
    const { edges, targets } = await queriesOver(
      [
        at('tcp_success', 1, { tags: { target: 'db:5432' } }),
        at('tcp_connect_time_ms', 3, { tags: { target: 'db:5432' } }),
        at('http_success', 0, { tags: { target: 'https://t1/' } }),
        at('http_success', 1, { tags: { target: 'https://t1/' }, timestampMs: NOW - 1 }),
        at('http_response_time_ms', 120, { tags: { target: 'https://t1/' } }),
        at('dns_success', 1),
        at('dns_lookup_time_ms', 4),
        at('ping_success', 1),
      ],
      undefined,
      [
        ['tcp:db:5432', 'Database'],
        ['ping:elsewhere', 'Elsewhere'],
      ],
    ).topology({}, RANGE);
    const edge = { ...SILENT, agent_id: 'a', success_percent: 100, samples: 1 };
    expect(edges).toEqual([
      { ...edge, target: 'dns:t1', type: 'dns', rtt_avg_ms: 4, rtt_max_ms: 4 },
      { ...edge, target: 'http:https://t1/', type: 'http', rtt_avg_ms: 120, rtt_max_ms: 120, success_percent: 50, samples: 2 },
      { ...edge, target: 'ping:t1', type: 'ping' },
      { ...edge, target: 'tcp:db:5432', type: 'tcp', rtt_avg_ms: 3, rtt_max_ms: 3 },
    ]);
    expect(targets).toEqual([
      { id: 'dns:t1', type: 'dns', address: 't1', name: 't1' },
      { id: 'http:https://t1/', type: 'http', address: 'https://t1/', name: 'https://t1/' },
      { id: 'ping:t1', type: 'ping', address: 't1', name: 't1' },
      { id: 'tcp:db:5432', type: 'tcp', address: 'db:5432', name: 'Database' },
    ]);
  });

  test('to one target, by its tag', async () => {
    const samples = [at('ping_success', 1), at('ping_success', 1, { tags: { target: 't2' } }), at('ping_success', 1, { agentId: 'b' })];
    const { edges, agents } = await queriesOver(samples).topology({ tags: [{ key: 'target', value: 't1' }] }, RANGE);
    expect(edges.map(({ agent_id, target }) => [agent_id, target])).toEqual([
      ['a', 'ping:t1'],
      ['b', 'ping:t1'],
    ]);
    expect(agents).toHaveLength(5);
  });
});

describe('too much', () => {
  const limits = { agents: 3, edges: 2, agentsPerQuery: 1 };

  test('agents: those heard of last', async () => {
    const answer = await queriesOver([], limits).topology({}, RANGE);
    expect(answer.agents.map(({ id }) => id)).toEqual(['a', 'b', 'd']);
    expect(answer.truncated).toBe(true);
    expect((await queriesOver([], limits).topology({ providers: ['gcp'] }, RANGE)).truncated).toBe(false);
  });

  test('edges: those of the first agents', async () => {
    const ofAll = ['a', 'b', 'c'].map((agentId) => at('ping_success', 1, { agentId }));
    const answer = await queriesOver(ofAll, limits).topology({ providers: ['gcp'] }, RANGE);
    expect(answer.edges.map(({ agent_id }) => agent_id)).toEqual(['a', 'b']);
    expect(answer.truncated).toBe(true);
    const two = await queriesOver(ofAll.slice(1), limits).topology({ providers: ['gcp'] }, RANGE);
    expect([two.edges.length, two.truncated]).toEqual([2, false]);
  });
});
