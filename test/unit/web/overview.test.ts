/** What the console's first page makes of the API's answers. */
import { describe, expect, test } from '@jest/globals';
import type { Activity, Agent } from '../../../web/src/app/core/api-types.js';
import { attentionOf, countTroubled } from '../../../web/src/app/pages/overview/attention.js';
import { agentCommand, agentUrl, isLocalOnly } from '../../../web/src/app/pages/overview/connect-commands.js';
import { liveActivity, mergeActivity, toneWord } from '../../../web/src/app/pages/overview/feed.js';
import { countBy, countByStatus } from '../../../web/src/app/pages/overview/fleet-counts.js';
import { type Health, healthNow, healthWhy, ingestRate } from '../../../web/src/app/pages/overview/health-words.js';
import { networkPanels } from '../../../web/src/app/pages/overview/network-panels.js';
import { refreshIntervalMs, zoomTo } from '../../../web/src/app/pages/overview/zoom.js';

const AT = '2026-11-23T03:00:00.000Z';

function agent(id: string, changes: Partial<Agent> = {}): Agent {
  return {
    id,
    provider: 'gcp',
    region: 'us-central1',
    zone: '',
    network: '',
    subnet: '',
    instance_id: '',
    ip_address: '',
    version: '1.0.0',
    status: 'connected',
    health: 'unknown',
    capabilities: [],
    connected_at: AT,
    last_seen: AT,
    last_registration: AT,
    total_messages: 1,
    total_metrics: 1,
    total_errors: 0,
    clock_skew_ms: 2,
    config: null,
    created_at: AT,
    updated_at: AT,
    ...changes,
  };
}

describe('counts of the fleet', () => {
  const agents = [
    agent('a', { region: 'west' }),
    agent('b', { region: 'west', status: 'disconnected' }),
    agent('c', { region: 'east' }),
    agent('d', { region: 'east', status: 'error' }),
    agent('e', { region: '' }),
    agent('f', { region: '' }),
    agent('g', { region: '' }),
  ];

  test('by status', () => {
    expect(countByStatus(agents)).toEqual({ connected: 5, disconnected: 1, error: 1 });
  });

  test('by region: equals in order of their names, those that did not say last however many they are', () => {
    expect(countBy(agents, 'region')).toEqual([
      { name: 'east', total: 2, connected: 1 },
      { name: 'west', total: 2, connected: 1 },
      { name: '', total: 3, connected: 3 },
    ]);
  });
});

describe('what needs attention', () => {
  test('a fleet without trouble has nothing to show', () => {
    expect(attentionOf([agent('a'), agent('b', { clock_skew_ms: -59_999 }), agent('c', { clock_skew_ms: null })], [])).toEqual([]);
  });

  test('the worst kind comes first, and the newest of a kind', () => {
    const groups = attentionOf(
      [
        agent('skewed', { clock_skew_ms: 120_000 }),
        agent('gone-long', { status: 'disconnected', last_seen: '2026-11-20T00:00:00.000Z' }),
        agent('gone-now', { status: 'disconnected', last_seen: AT, health: 'error' }),
        agent('ill', { health: 'error' }),
        agent('badly-configured', {
          config: {
            desired_version: 3,
            attempted_version: 3,
            effective_version: 2,
            status: 'failed',
            error: 'no such interface',
            desired_since: AT,
            attempted_at: AT,
            effective_since: AT,
          },
        }),
      ],
      [{ agent_id: 'gone-now', error_count: 1_200, last_error: 'invalid name' }],
    );
    expect(groups.map(({ kind, items }) => [kind, items.map(({ agentId }) => agentId)])).toEqual([
      ['error', ['ill']],
      ['disconnected', ['gone-now', 'gone-long']],
      ['config', ['badly-configured']],
      ['rejected', ['gone-now']],
      ['clock', ['skewed']],
    ]);
    expect(groups.map(({ items }) => items[0]?.words)).toEqual([
      'reports an error',
      'last heard of',
      'version 3: no such interface',
      '1,200 rejected; the last: invalid name',
      'clock 2 min behind, or data that late',
    ]);
    expect(countTroubled(groups)).toBe(5);
  });

  test('the link to the agents page is only there when it shows the same agents', () => {
    expect(attentionOf([agent('a', { status: 'error' })], [])[0]?.query).toEqual({ status: 'error' });
    expect(attentionOf([agent('a', { health: 'error' })], [])[0]?.query).toBeNull();
  });

  test('a region that is away as a whole is named', () => {
    const away = { status: 'disconnected', region: 'east' } as const;
    const [group] = attentionOf([agent('a', away), agent('b', away), agent('c'), agent('d', { ...away, region: 'single' })], []);
    expect(group?.hint).toBe('Nobody is left in east (2).');
  });
});

describe('health', () => {
  const health = (agents: Partial<Health['agents']>, metrics: Partial<Health['metrics']> = {}): Health => ({
    timestamp: AT,
    healthScore: 100,
    status: 'excellent',
    agents: { total_agents: 0, healthy_agents: 0, warning_agents: 0, stale_agents: 0, ...agents },
    metrics: { total_metrics_5m: 6_000, active_agents_5m: 1, success_rate: 1, ...metrics },
    issues: { recentErrors: [] },
  });

  test('samples a second are the mean of five minutes', () => {
    expect(ingestRate(health({}))).toBe(20);
  });

  test('says why', () => {
    expect(healthWhy(health({ total_agents: 30, healthy_agents: 30 }))).toBe(
      'All 30 agents heard of within 5 minutes, every metric accepted.',
    );
    expect(healthWhy(health({ total_agents: 1, healthy_agents: 1 }, { success_rate: 0.98 }))).toBe(
      'The only agent was heard of within 5 minutes, 2 % of metrics rejected.',
    );
    expect(healthWhy(health({ total_agents: 9, healthy_agents: 6, warning_agents: 2, stale_agents: 1 }, { total_metrics_5m: 0 }))).toBe(
      '6 of 9 agents heard of within 5 minutes (2 silent for over 5 minutes, 1 silent for over an hour), no metrics came in.',
    );
    expect(healthWhy(health({ total_agents: 2, healthy_agents: 1, stale_agents: 1 }, { success_rate: 0.999_999 }))).toBe(
      '1 of 2 agents heard of within 5 minutes (1 silent for over an hour), less than 0.01 % of metrics rejected.',
    );
  });
});

describe('health right now', () => {
  const health: Health = {
    timestamp: AT,
    healthScore: 100,
    status: 'excellent',
    agents: { total_agents: 4, healthy_agents: 4, warning_agents: 0, stale_agents: 0 },
    metrics: { total_metrics_5m: 1, active_agents_5m: 4, success_rate: 1 },
    issues: { recentErrors: [] },
  };

  test('agents that have just gone count before the score knows', () => {
    expect(healthNow(health, 3, 4)).toEqual({
      status: 'critical',
      words: 'Critical right now',
      why: '3 of 4 agents are disconnected; the score follows within 5 minutes.',
    });
    expect(healthNow(health, 1, 4)).toMatchObject({ status: 'good', why: expect.stringContaining('1 of 4 agents is disconnected') });
  });

  test('otherwise the score has the word', () => {
    expect(healthNow(health, 0, 4)).toEqual({ status: 'excellent', words: 'Excellent', why: healthWhy(health) });
    expect(healthNow({ ...health, status: 'critical' }, 0, 4).words).toBe('Critical');
    expect(healthNow(health, 0, 0).status).toBe('excellent');
  });
});

describe('activity', () => {
  const entry = (type: string, agentId: string, timestamp: string, message = ''): Activity => ({
    timestamp,
    type,
    agent_id: agentId,
    message,
  });

  test('live news is on top until the feed has it in its own words', () => {
    const read = [entry('agent_disconnected', 'a', '2026-11-23T03:00:01.000Z', 'Agent disconnected: it closed the connection')];
    const live = [
      entry('agent_disconnected', 'a', '2026-11-23T03:00:01.400Z', 'Agent disconnected'),
      entry('agent_connected', 'a', '2026-11-23T03:00:11.000Z', 'Agent connected'),
    ];
    expect(mergeActivity(read, live, 50)).toEqual([live[1], read[0]]);
    expect(mergeActivity(read, live, 1)).toEqual([live[1]]);
  });

  test('a first connection is told once', () => {
    const first = entry('agent_registered', 'a', '2026-11-23T03:00:01.000Z');
    const again = entry('agent_connected', 'a', '2026-11-23T04:00:00.000Z');
    expect(mergeActivity([again, entry('agent_connected', 'a', '2026-11-23T03:00:01.002Z'), first], [], 50)).toEqual([again, first]);
  });

  test('an agent that connected did so when it says; one that left, now', () => {
    const nowMs = Date.parse('2026-11-23T05:00:00.000Z');
    expect(liveActivity('agent_connected', agent('a'), nowMs).timestamp).toBe(AT);
    expect(liveActivity('agent_disconnected', agent('a'), nowMs).timestamp).toBe('2026-11-23T05:00:00.000Z');
  });

  test.each([
    ['agent_registered', 'Agent seen for the first time', 'connected'],
    ['agent_disconnected', 'Agent disconnected: the connection was lost', 'error'],
    ['agent_status', 'Agent reports warning: disk', 'warning'],
    ['config_status', 'configuration version 2 failed: no', 'error'],
    ['config_changed', 'configuration version 2 was set', 'neutral'],
  ])('%s, "%s" is shown as %s', (type, message, expected) => {
    expect(toneWord(entry(type, 'a', AT, message))).toBe(expected);
  });
});

describe('how to connect the first agent', () => {
  test('the address is this very server', () => {
    expect(agentUrl({ protocol: 'https:', host: 'monitoring.example.com' })).toBe('wss://monitoring.example.com');
    expect(agentCommand(agentUrl({ protocol: 'http:', host: '[::1]:8080' }))).toBe(
      'npm run agent -- --url ws://[::1]:8080 --id "$(hostname)"',
    );
  });

  test.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['[::1]', true],
    ['127.example.com', false],
    ['192.0.2.7', false],
    ['localhost.example.com', false],
  ])('%s is reached from this machine only: %s', (hostname, expected) => {
    expect(isLocalOnly(hostname)).toBe(expected);
  });
});

describe('charts', () => {
  test('are latency, loss and throughput, and know when nothing was measured', () => {
    const panels = networkPanels({
      timestamps: [AT],
      latency: { avg: [1], max: [2] },
      packetLoss: [null],
      throughput: { rx: [null], tx: [0] },
    });
    expect(
      panels.map(({ title, isEmpty, data }) => [title, isEmpty, data.timesMs[0], data.lines.map(({ unit, values }) => [unit, values[0]])]),
    ).toEqual([
      [
        'Latency',
        false,
        Date.parse(AT),
        [
          ['ms', 1],
          ['ms', 2],
        ],
      ],
      ['Packet loss', true, Date.parse(AT), [['percent', null]]],
      [
        'Throughput',
        false,
        Date.parse(AT),
        [
          ['Mbit/s', null],
          ['Mbit/s', 0],
        ],
      ],
    ]);
  });

  test('a drag is kept in whole seconds, and never shorter than five minutes', () => {
    expect(zoomTo({ startMs: 1_000_400, endMs: 2_000_400 })).toEqual({ kind: 'between', startMs: 1_000_000, endMs: 2_001_000 });
    expect(zoomTo({ startMs: 1_000_000, endMs: 1_060_000 })).toEqual({ kind: 'between', startMs: 880_000, endMs: 1_180_000 });
  });

  test.each([
    [300_000, 5_000],
    [3_600_000, 5_000],
    [21_600_000, 30_000],
    [2_592_000_000, 60_000],
  ])('of %d ms are read again every %d ms', (durationMs, expected) => {
    expect(refreshIntervalMs({ kind: 'last', durationMs })).toBe(expected);
    expect(refreshIntervalMs({ kind: 'between', startMs: 0, endMs: durationMs })).toBe(expected);
  });
});
