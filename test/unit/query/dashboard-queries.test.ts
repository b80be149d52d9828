import { describe, expect, test } from '@jest/globals';
import type { Agent } from '../../../src/model/agent.js';
import type { Activity } from '../../../src/model/event.js';
import { chartStepMs } from '../../../src/query/dashboard-charts.js';
import { DashboardQueries } from '../../../src/query/dashboard-queries.js';
import type { ActivityStore, BatchErrors } from '../../../src/storage/ports.js';
import { directoryOf, makeAgent } from '../../helpers/agent-directory.js';
import { NaiveReader, type PlainSample } from '../../helpers/naive-reader.js';

const NOW = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LAST_HOUR = { startMs: NOW - HOUR, endMs: NOW, label: '1h' };

const PLACES = {
  a: { provider: 'gcp', region: 'r1', zone: '' },
  b: { provider: 'aws', region: 'r2', zone: '' },
};
const A = makeAgent({ id: 'a', provider: 'gcp', region: 'r1', lastSeenMs: NOW });
const B = makeAgent({ id: 'b', provider: 'aws', region: 'r2', lastSeenMs: NOW, status: 'disconnected' });

function activityStore(activities: readonly Activity[]): ActivityStore {
  return {
    record: () => undefined,
    recent: ({ limit, sinceMs = 0 }) => Promise.resolve(activities.filter((one) => one.timestampMs >= sinceMs).slice(0, limit)),
  };
}

interface World {
  readonly samples?: readonly PlainSample[];
  readonly agents?: readonly Agent[];
  readonly activities?: readonly Activity[];
  readonly batchErrors?: (sinceMs: number) => BatchErrors[];
}

function dashboard({ samples = [], agents = [A, B], activities = [], batchErrors = () => [] }: World): DashboardQueries {
  return new DashboardQueries(
    new NaiveReader(samples, PLACES),
    directoryOf(...agents),
    activityStore(activities),
    { batchErrors: (sinceMs) => Promise.resolve(batchErrors(sinceMs)) },
    { nowMs: () => NOW },
    { counts: () => ALERTS },
  );
}

const ALERTS = { firing: 3, pending: 1, critical: 1, warning: 2, info: 0 };

const gauge = (agentId: string, name: string, timestampMs: number, value: number, tags = {}): PlainSample => ({
  agentId,
  name,
  timestampMs,
  value,
  tags,
});
const RX = 'network_interface_rx_bytes_per_sec';
const TX = 'network_interface_tx_bytes_per_sec';

const NETWORK: readonly PlainSample[] = [
  gauge('a', 'ping_rtt_avg_ms', NOW - 10 * MINUTE, 10),
  gauge('a', 'ping_rtt_avg_ms', NOW - 10 * MINUTE + 1, 30),
  gauge('a', 'ping_rtt_min_ms', NOW - 10 * MINUTE, 4),
  gauge('a', 'ping_rtt_max_ms', NOW - 10 * MINUTE, 55),
  gauge('b', 'ping_rtt_avg_ms', NOW - 9 * MINUTE, 80),
  gauge('a', 'ping_packet_loss_percent', NOW - 10 * MINUTE, 3333),
  gauge('a', 'ping_packet_loss_percent', NOW - 10 * MINUTE + 1, 0),
  gauge('a', RX, NOW - 10 * MINUTE, 1_000_000, { interface: 'eth0' }),
  gauge('a', RX, NOW - 10 * MINUTE + 1, 2_000_000, { interface: 'eth0' }),
  gauge('a', RX, NOW - 10 * MINUTE, 500_000, { interface: 'eth1' }),
  gauge('b', TX, NOW - 9 * MINUTE, 250_000, { interface: 'eth0' }),
];

describe('overview', () => {
  test('both shapes in one object', async () => {
    const activity: Activity = { timestampMs: NOW - 5, type: 'agent_connected', agentId: 'a', message: 'agent connected' };
    const answer = await dashboard({ samples: NETWORK, activities: [activity] }).overview({}, LAST_HOUR);
    expect(answer).toMatchObject({
      summary: { total_agents: 2, total_metrics: 11, unique_metrics: 6, providers: 2, regions: 2 },
      providerStats: [
        { provider: 'gcp', metric_count: 9, agent_count: 1 },
        { provider: 'aws', metric_count: 2, agent_count: 1 },
      ],
      timeRange: { start: '2026-01-31T11:00:00.000Z', end: '2026-01-31T12:00:00.000Z' },
      totalAgents: 2,
      activeAgents: 1,
      totalMetrics: 11,
      systemHealth: 'warning',
      recentActivity: [{ timestamp: '2026-01-31T11:59:59.995Z', type: 'agent_connected', agent_id: 'a', message: 'agent connected' }],
      alerts: ALERTS,
      metricsSummary: {
        networkLatency: { avg: 40, min: 4, max: 80 },
        throughput: { rx: 16, tx: 2 },
      },
    });
    expect(answer.metricsSummary.packetLoss).toBeCloseTo(33.33 / 2, 9);
    expect(answer.recentMetrics).toHaveLength(11);
    expect(answer.recentMetrics[0]).toMatchObject({ agent_id: 'b', timestamp: '2026-01-31T11:51:00.000Z' });
  });

  test('conditions on agents hold for everything, on metrics for the counts', async () => {
    const activities: Activity[] = [
      { timestampMs: NOW - 1, type: 'agent_connected', agentId: 'b', message: 'x' },
      { timestampMs: NOW - 2, type: 'agent_connected', agentId: 'gone', message: 'x' },
      { timestampMs: NOW - 3, type: 'agent_registered', agentId: 'a', message: 'x' },
    ];
    const queries = dashboard({ samples: NETWORK, activities });
    const ofGcp = await queries.overview({ providers: ['gcp'], names: [RX] }, LAST_HOUR);
    expect(ofGcp.summary).toEqual({ total_agents: 1, total_metrics: 3, unique_metrics: 1, providers: 1, regions: 1 });
    expect(ofGcp.providerStats).toEqual([{ provider: 'gcp', metric_count: 3, agent_count: 1 }]);
    expect(ofGcp.metricsSummary.networkLatency).toEqual({ avg: 20, min: 4, max: 55 });
    expect(ofGcp.metricsSummary.throughput.tx).toBeNull();
    expect(ofGcp.recentActivity.map(({ type }) => type)).toEqual(['agent_registered']);
    expect(ofGcp.systemHealth).toBe('healthy');
  });

  test('an empty house is healthy and measures nothing', async () => {
    expect(await dashboard({ agents: [] }).overview({}, LAST_HOUR)).toMatchObject({
      summary: { total_agents: 0, total_metrics: 0, unique_metrics: 0, providers: 0, regions: 0 },
      systemHealth: 'healthy',
      metricsSummary: { networkLatency: { avg: null, min: null, max: null }, packetLoss: null, throughput: { rx: null, tx: null } },
    });
  });

  test.each([
    [10, 10, 'healthy'],
    [9, 10, 'healthy'],
    [8, 10, 'warning'],
    [5, 10, 'warning'],
    [4, 10, 'error'],
  ])('%i of %i agents connected: %s', async (connected, total, health) => {
    const agents = Array.from({ length: total }, (_, i) => makeAgent({ id: `${i}`, status: i < connected ? 'connected' : 'disconnected' }));
    expect((await dashboard({ agents }).overview({}, LAST_HOUR)).systemHealth).toBe(health);
  });
});

describe('charts', () => {
  test('a regular grid, null where nothing was measured', async () => {
    const answer = await dashboard({ samples: NETWORK }).metrics({}, LAST_HOUR);
    expect(answer.timestamps).toHaveLength(60);
    expect(answer.timestamps[0]).toBe('2026-01-31T11:00:00.000Z');
    expect(answer.timestamps[59]).toBe('2026-01-31T11:59:00.000Z');
    const columns = [answer.latency.avg, answer.latency.max, answer.packetLoss, answer.throughput.rx, answer.throughput.tx];
    for (const column of columns) expect(column).toHaveLength(60);
    const at = (minute: number): (number | null | undefined)[] => columns.map((column) => column[minute]);
    expect(at(49)).toEqual([null, null, null, null, null]);
    expect(at(50)).toEqual([20, 55, expect.closeTo(16.665, 9), 16, null]);
    expect(at(51)).toEqual([80, 80, null, null, 2]);
  });

  test('a range that does not begin on the grid shows its first bucket whole', async () => {
    const range = { startMs: NOW - HOUR + 30_000, endMs: NOW + 30_000, label: 'custom' };
    const { timestamps } = await dashboard({}).metrics({}, range);
    expect(timestamps).toHaveLength(61);
    expect(timestamps[0]).toBe('2026-01-31T11:00:00.000Z');
    expect(timestamps[60]).toBe('2026-01-31T12:00:00.000Z');
  });

  test.each([
    [HOUR, MINUTE],
    [5 * HOUR, MINUTE],
    [5 * HOUR + 1, 5 * MINUTE],
    [DAY, 5 * MINUTE],
    [3 * DAY, 15 * MINUTE],
    [7 * DAY, HOUR],
    [30 * DAY, 6 * HOUR],
    [300 * DAY, DAY],
    [301 * DAY, 2 * DAY],
    [3650 * DAY, 13 * DAY],
  ])('%i ms of range have buckets of %i ms', (lengthMs, stepMs) => {
    expect(chartStepMs({ startMs: 0, endMs: lengthMs })).toBe(stepMs);
  });
});

describe('health', () => {
  const seen = (id: string, ageMs: number): Agent => makeAgent({ id, lastSeenMs: NOW - ageMs });

  test('agents by age, metrics by success', async () => {
    const queries = dashboard({
      agents: [seen('a', 0), seen('b', 5 * MINUTE), seen('c', 5 * MINUTE + 1), seen('d', HOUR), seen('e', HOUR + 1)],
      samples: [
        gauge('a', 'n', NOW - 1, 1),
        gauge('b', 'n', NOW - 5 * MINUTE, 1),
        gauge('a', 'm', NOW - 2, 1),
        gauge('a', 'n', NOW - 6 * MINUTE, 1),
      ],
      batchErrors: (sinceMs) =>
        sinceMs === NOW - 5 * MINUTE
          ? [{ agentId: 'a', errorCount: 1, lastError: 'bad' }]
          : [{ agentId: 'b', errorCount: 9, lastError: 'worse' }],
    });
    expect(await queries.health()).toEqual({
      timestamp: '2026-01-31T12:00:00.000Z',
      healthScore: 30,
      status: 'critical',
      agents: { total_agents: 5, healthy_agents: 2, warning_agents: 2, stale_agents: 1, healthPercentage: 40 },
      metrics: { total_metrics_5m: 3, active_agents_5m: 2, success_rate: 0.75, successPercentage: 75 },
      issues: { recentErrors: [{ agent_id: 'b', error_count: 9, last_error: 'worse' }] },
    });
  });

  test('without agents and metrics all is well', async () => {
    expect(await dashboard({ agents: [] }).health()).toMatchObject({
      healthScore: 100,
      status: 'excellent',
      agents: { total_agents: 0, healthPercentage: 100 },
      metrics: { total_metrics_5m: 0, active_agents_5m: 0, success_rate: 1, successPercentage: 100 },
    });
  });

  test.each([
    [90, 'excellent'],
    [89, 'good'],
    [75, 'good'],
    [74, 'warning'],
    [50, 'warning'],
    [49, 'critical'],
  ])('%i of 100 agents healthy: %s', async (healthy, status) => {
    const agents = Array.from({ length: 100 }, (_, i) => seen(`${i}`, i < healthy ? 0 : DAY));
    expect(await dashboard({ agents }).health()).toMatchObject({ healthScore: healthy, status });
  });
});

test('activity of the last day', async () => {
  const activities: Activity[] = [
    { timestampMs: NOW - 1, type: 'agent_connected', agentId: 'a', message: 'one' },
    { timestampMs: NOW - 2, type: 'agent_connected', agentId: 'b', message: 'two' },
    { timestampMs: NOW - DAY - 1, type: 'agent_connected', agentId: 'a', message: 'old' },
  ];
  const queries = dashboard({ activities });
  expect((await queries.activity(50)).activity.map(({ message }) => message)).toEqual(['one', 'two']);
  expect((await queries.activity(1)).activity).toHaveLength(1);
  expect((await queries.activity(1)).timeWindow).toEqual({ start: '2026-01-30T12:00:00.000Z', end: '2026-01-31T12:00:00.000Z' });
});
