import { describe, expect, test } from '@jest/globals';
import { graphOf, MANY_AGENTS, MAX_OPEN_AGENTS } from '../../../web/src/app/pages/topology/graph.js';
import { joined, type Topology, type TopologyEdge, toneOfPath, worstFirst } from '../../../web/src/app/pages/topology/topology.js';

function edge(agentId: string, target: string, more: Partial<TopologyEdge> = {}): TopologyEdge {
  const good = { rtt_avg_ms: 10, rtt_max_ms: 20, packet_loss_percent: 0, success_percent: 100, samples: 5 };
  return { agent_id: agentId, target: `ping:${target}`, type: 'ping', ...good, ...more };
}

function topologyOf(networks: Record<string, readonly string[]>, edges: readonly TopologyEdge[]): Topology {
  return {
    timestamp: '2026-11-22T12:00:00.000Z',
    timeRange: '5m',
    providers: [
      { name: 'gcp', regions: [{ name: 'r', networks: Object.entries(networks).map(([name, agent_ids]) => ({ name, agent_ids })) }] },
    ],
    agents: Object.entries(networks).flatMap(([network, ids]) =>
      ids.map((id) => ({
        id,
        status: id.startsWith('down') ? 'disconnected' : 'connected',
        health: 'healthy',
        provider: 'gcp',
        region: 'r',
        zone: '',
        network,
        last_seen: null,
      })),
    ),
    targets: [...new Set(edges.map(({ target }) => target))].map((id) => ({ id, type: 'ping', address: id.slice(5), name: id.slice(5) })),
    edges,
    truncated: false,
  };
}

describe('paths', () => {
  test.each([
    [{ rttAvgMs: 10, lossPercent: 0, successPercent: 100 }, 'ok'],
    [{ rttAvgMs: 150, lossPercent: 0, successPercent: 100 }, 'warn'],
    [{ rttAvgMs: 10, lossPercent: 0.9, successPercent: 99.1 }, 'ok'],
    [{ rttAvgMs: 10, lossPercent: 1, successPercent: 100 }, 'warn'],
    [{ rttAvgMs: 10, lossPercent: 5, successPercent: 100 }, 'error'],
    [{ rttAvgMs: null, lossPercent: null, successPercent: 0 }, 'error'],
    [{ rttAvgMs: null, lossPercent: null, successPercent: null }, 'off'],
  ] as const)('%j is %s', (path, tone) => {
    expect(toneOfPath({ rttMaxMs: null, ...path })).toBe(tone);
  });

  test('several are the mean of what is known, and the largest maximum', () => {
    const none = { rttAvgMs: null, rttMaxMs: null, lossPercent: null, successPercent: 0 };
    expect(
      joined([
        { rttAvgMs: 10, rttMaxMs: 11, lossPercent: 0, successPercent: 100 },
        { rttAvgMs: 20, rttMaxMs: 90, lossPercent: 2, successPercent: 50 },
        none,
      ]),
    ).toEqual({ rttAvgMs: 15, rttMaxMs: 90, lossPercent: 1, successPercent: 50 });
    expect(joined([])).toEqual({ rttAvgMs: null, rttMaxMs: null, lossPercent: null, successPercent: null });
  });

  test('the worst come first, of equals the slower', () => {
    const edges = [
      edge('a', 'fine'),
      edge('a', 'slow', { rtt_avg_ms: 200 }),
      edge('b', 'fine', { rtt_avg_ms: 12 }),
      edge('a', 'lost', { packet_loss_percent: 30 }),
    ];
    expect(worstFirst(edges).map(({ agent_id, target }) => `${agent_id} ${target.slice(5)}`)).toEqual([
      'a lost',
      'a slow',
      'b fine',
      'a fine',
    ]);
  });
});

describe('the picture', () => {
  test('has a box for each place, a mark for each agent and target, and a line for each path', () => {
    const { nodes, edges } = graphOf(
      topologyOf({ n1: ['a', 'b'], '': ['down-1'] }, [edge('a', 't'), edge('b', 't', { packet_loss_percent: 50 })]),
      new Set(),
    );
    expect(nodes.map(({ kind, label, parent, tone }) => [kind, label, parent, tone])).toEqual([
      ['provider', 'gcp', null, 'off'],
      ['region', 'r', 'provider gcp', 'off'],
      ['network', 'n1', 'provider gcp / r', 'off'],
      ['agent', 'a', 'provider gcp / r / n1', 'ok'],
      ['agent', 'b', 'provider gcp / r / n1', 'ok'],
      ['network', 'no network known', 'provider gcp / r', 'off'],
      ['agent', 'down-1', 'provider gcp / r / ', 'off'],
      ['target', 't', null, 'error'],
    ]);
    expect(edges.map(({ source, target, tone }) => [source, target, tone])).toEqual([
      ['agent a', 'target ping:t', 'ok'],
      ['agent b', 'target ping:t', 'error'],
    ]);
  });

  test('of many agents shows their number, until their network is opened', () => {
    const ids = Array.from({ length: MANY_AGENTS + 1 }, (_, i) => (i < 3 ? `down-${i}` : `agent-${i}`));
    const topology = topologyOf(
      { big: ids },
      ids.map((id) => edge(id, 't', { rtt_avg_ms: 40 })),
    );
    const folded = graphOf(topology, new Set());
    expect(folded.nodes.filter(({ kind }) => kind === 'agent')).toEqual([]);
    expect(folded.nodes.find(({ kind }) => kind === 'agents')).toMatchObject({
      label: '41 agents, 3 not connected',
      tone: 'warn',
      agentIds: ids,
    });
    expect(folded.edges).toMatchObject([{ target: 'target ping:t', path: { rttAvgMs: 40 } }]);
    const open = graphOf(topology, new Set(['provider gcp / r / big']));
    expect(open.nodes.filter(({ kind }) => kind === 'agent')).toHaveLength(ids.length);
    expect(open.edges).toHaveLength(ids.length);
  });

  test('of a huge network that is opened the rest stays a number', () => {
    const ids = Array.from({ length: MAX_OPEN_AGENTS + 5 }, (_, i) => `agent-${i}`);
    const { nodes } = graphOf(topologyOf({ big: ids }, []), new Set(['provider gcp / r / big']));
    expect(nodes.filter(({ kind }) => kind === 'agent')).toHaveLength(MAX_OPEN_AGENTS);
    expect(nodes.find(({ kind }) => kind === 'agents')?.label).toBe('5 more agents');
  });

  test('never puts two marks on top of each other', () => {
    const ids = ['a', 'b', 'c', 'd'];
    const edges = ids.flatMap((id) => ['x', 'y', 'z'].map((target) => edge(id, target)));
    const { nodes } = graphOf(topologyOf({ n1: ['a', 'b'], n2: ['c', 'd'] }, edges), new Set());
    const places = nodes.flatMap(({ at }) => (at === null ? [] : [at]));
    for (const [i, a] of places.entries()) {
      for (const b of places.slice(i + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThanOrEqual(40);
    }
  });
});
