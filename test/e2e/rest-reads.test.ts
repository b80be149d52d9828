/**
 * Every reading endpoint over a real server with real data. Four agents push known samples; expectations are
 * computed here, from the list of what was sent, never by the code under test.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type FrameData, metric, TestAgent } from '../helpers/agent-client.js';
import type { ApiAnswer } from '../helpers/http.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.now();
/** A full hour, two to three hours ago. */
const BASE = Math.floor(START / HOUR) * HOUR - 2 * HOUR;
const MINUTES = 30;

interface Sent {
  readonly agentId: string;
  readonly name: string;
  readonly type: string;
  readonly value: any;
  readonly unit: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly at: number;
}

interface Place {
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
}

const PLACES: Readonly<Record<string, Place>> = {
  'rr-1': { provider: 'gcp', region: 'us-central1', zone: 'us-central1-a' },
  'rr-2': { provider: 'gcp', region: 'us-east1', zone: 'us-east1-b' },
  'rr-3': { provider: 'aws', region: 'eu-west-1', zone: '' },
  summary: { provider: 'azure', region: 'westeurope', zone: '1' },
};

const SENT: readonly Sent[] = [1, 2, 3].flatMap((k) => {
  const agentId = `rr-${k}`;
  const samples: Sent[] = [];
  const add = (name: string, at: number, value: unknown, options: Partial<Sent> = {}): void => {
    samples.push({ agentId, name, type: 'gauge', value, unit: null, tags: {}, at, ...options });
  };
  for (let i = 0; i < MINUTES; i += 1) {
    const at = BASE + i * MINUTE + k * 100;
    add('rr_latency', at, 10 * k + i, { unit: 'ms', tags: { target: 't1', set: 'x' } });
    add('rr_latency', at + 1, 1_000 * k + i, { unit: 'ms', tags: { target: 'http://t2:80', set: 'x' } });
    if (i % 2 === 1) add('rr_requests_total', at, 100 * (i % 16) + k, { type: 'counter' });
    if (i % 10 === 0) add('rr_sizes', at, { value: i, min: 0, max: 2 * i, count: 3 }, { type: 'histogram', unit: 'bytes' });
    if (k === 3) continue;
    add('ping_rtt_avg_ms', at, 20 + i + k, { tags: { target: 't1' } });
    add('ping_rtt_min_ms', at, 5 + i, { tags: { target: 't1' } });
    add('ping_rtt_max_ms', at, 40 + i + k, { tags: { target: 't1' } });
    add('ping_packet_loss_percent', at, i % 10 === 3 ? 3333 : 0, { tags: { target: 't1' } });
    add('network_interface_rx_bytes_per_sec', at, 1_000_000 * k + 1_000 * i, { tags: { interface: 'eth0' } });
    add('network_interface_rx_bytes_per_sec', at, 500_000, { tags: { interface: 'eth1' } });
    add('network_interface_tx_bytes_per_sec', at, 250_000, { tags: { interface: 'eth0' } });
  }
  if (k !== 3) for (let j = 1; j <= 3; j += 1) add('rr_now', START - j * 1_000, j * k);
  return samples;
});

const iso = (ms: number): string => new Date(ms).toISOString();
const numberOf = (sent: Sent): number => (typeof sent.value === 'number' ? sent.value : sent.value.value);
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const placeOf = (agentId: string): Place => PLACES[agentId] ?? { provider: '', region: '', zone: '' };
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
/** The hour in which everything but `rr_now` happened. */
const HOUR_RANGE = `startTime=${iso(BASE)}&endTime=${iso(BASE + HOUR)}`;
const IN_HOUR = SENT.filter(({ at }) => at < BASE + HOUR);
const NAMES = [...new Set(SENT.map(({ name }) => name))];

/** The sample as an answer must show it, without the id and the time of arrival. */
function shown({ agentId, name, type, value, unit, tags, at }: Sent) {
  return { agent_id: agentId, name, type, value, unit, tags, ...placeOf(agentId), timestamp: iso(at) };
}

function withoutId({ id: _id, received_at: _receivedAt, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest;
}

/** For comparing lists whose order is not settled among samples of the same millisecond. */
function ordered<T>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => compare(JSON.stringify(a, sortedKeys), JSON.stringify(b, sortedKeys)));
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => compare(a, b)));
}

let app: TestApp;
const connected: TestAgent[] = [];

async function get(path: string): Promise<FrameData> {
  const answer = await app.api(`/api/v1${path}`);
  if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function expectSamples(metrics: Record<string, unknown>[], expected: readonly Sent[]): Promise<void> {
  expect(ordered(metrics.map(withoutId))).toEqual(ordered(expected.map(shown)));
}

beforeAll(async () => {
  app = await startTestApp({ RATE_LIMIT_MAX_REQUESTS: '100000' });
  for (const [agentId, place] of Object.entries(PLACES)) {
    const agent = await TestAgent.connect(app, { agentId, ...place });
    await agent.register({ location: place, capabilities: ['ping', 'interfaces'], version: agentId === 'rr-1' ? '2.0.0' : '1.0.0' });
    const own = SENT.filter((sent) => sent.agentId === agentId);
    if (own.length > 0) {
      const wire = own.map(({ name, type, value, unit, tags, at }) =>
        metric(name, value, { type, tags, timestamp: at, ...(unit === null ? {} : { unit }) }),
      );
      expect(await agent.push(wire, { timestamp: START })).toMatchObject({ processed: own.length, errors: 0 });
    }
    connected.push(agent);
  }
  expect(await connected[1]?.push([metric('bad', 'no number')])).toMatchObject({ processed: 0, errors: 1 });
  await connected[2]?.close();
  const deadline = Date.now() + 5_000;
  while ((await get('/agents/rr-3')).status !== 'disconnected') {
    if (Date.now() > deadline) throw new Error('rr-3 is still not disconnected');
  }
});

afterAll(async () => {
  for (const agent of connected) agent.terminate();
  await app.stop();
});

describe('GET /agents', () => {
  const ids = async (query: string): Promise<string[]> => (await get(`/agents?${query}`)).agents.map((agent: { id: string }) => agent.id);

  test('lists all of them', async () => {
    const { agents, pagination } = await get('/agents');
    expect(agents.map(({ id }: { id: string }) => id)).toEqual(['rr-1', 'rr-2', 'rr-3', 'summary']);
    expect(pagination).toEqual({ total: 4, limit: 100, offset: 0, hasMore: false });
    expect(agents[0]).toMatchObject({
      ...PLACES['rr-1'],
      network: '',
      subnet: '',
      instance_id: '',
      version: '2.0.0',
      status: 'connected',
      capabilities: ['ping', 'interfaces'],
      total_metrics: SENT.filter(({ agentId }) => agentId === 'rr-1').length,
    });
    for (const field of ['connected_at', 'last_seen', 'last_registration', 'created_at', 'updated_at']) {
      expect(Math.abs(Date.parse(agents[0][field]) - START)).toBeLessThan(60_000);
    }
    expect(Object.keys(agents[0])).toEqual(
      expect.arrayContaining(['ip_address', 'health', 'total_messages', 'total_errors', 'clock_skew_ms']),
    );
  });

  test.each([
    ['status=connected', ['rr-1', 'rr-2', 'summary']],
    ['status=disconnected', ['rr-3']],
    ['status=error', []],
    ['status=all', ['rr-1', 'rr-2', 'rr-3', 'summary']],
    ['status=', ['rr-1', 'rr-2', 'rr-3', 'summary']],
    ['provider=gcp', ['rr-1', 'rr-2']],
    ['provider=aws,azure', ['rr-3', 'summary']],
    ['provider=aws&provider=azure', ['rr-3', 'summary']],
    ['region=us-east1', ['rr-2']],
    ['provider=gcp&region=eu-west-1', []],
    ['search=RR-', ['rr-1', 'rr-2', 'rr-3']],
    ['search=us-central1-A', ['rr-1']],
    ['search=%25', []],
    ['sort=-id', ['summary', 'rr-3', 'rr-2', 'rr-1']],
    ['sort=provider', ['rr-3', 'summary', 'rr-1', 'rr-2']],
    ['sort=-version', ['rr-1', 'rr-2', 'rr-3', 'summary']],
    ['sort=created_at', ['rr-1', 'rr-2', 'rr-3', 'summary']],
    ['sort=-createdAt', ['summary', 'rr-3', 'rr-2', 'rr-1']],
    ['limit=2&offset=1', ['rr-2', 'rr-3']],
    ['no_such_parameter=1', ['rr-1', 'rr-2', 'rr-3', 'summary']],
  ])('%s', async (query, expected) => {
    expect(await ids(query)).toEqual(expected);
  });

  test('pages', async () => {
    expect((await get('/agents?limit=2&offset=1')).pagination).toEqual({ total: 4, limit: 2, offset: 1, hasMore: true });
    expect((await get('/agents?limit=2&offset=2')).pagination).toEqual({ total: 4, limit: 2, offset: 2, hasMore: false });
    expect((await get('/agents?provider=gcp')).pagination.total).toBe(2);
  });

  test('summary/stats', async () => {
    const { overall, byProvider, byRegion, recentActivity } = await get('/agents/summary/stats');
    expect(overall).toEqual({ total_agents: 4, connected_agents: 3, total_providers: 3, total_regions: 4 });
    expect(byProvider).toEqual([
      { provider: 'gcp', total: 2, connected: 2 },
      { provider: 'aws', total: 1, connected: 0 },
      { provider: 'azure', total: 1, connected: 1 },
    ]);
    expect(byRegion).toEqual([
      { region: 'eu-west-1', total: 1, connected: 0 },
      { region: 'us-central1', total: 1, connected: 1 },
      { region: 'us-east1', total: 1, connected: 1 },
      { region: 'westeurope', total: 1, connected: 1 },
    ]);
    expect(recentActivity).toHaveLength(4);
    expect(Object.keys(recentActivity[0]).sort(compare)).toEqual(['id', 'last_seen', 'provider', 'region', 'status']);
    const times = recentActivity.map(({ last_seen }: { last_seen: string }) => last_seen);
    expect(times).toEqual([...times].sort(compare).reverse());
  });
});

describe('GET /agents/:agentId', () => {
  test('one agent, with its ten newest samples', async () => {
    const { recentMetrics, ...agent } = await get('/agents/rr-1');
    expect(agent).toMatchObject({ id: 'rr-1', ...PLACES['rr-1'] });
    expect(recentMetrics).toHaveLength(10);
    expect(recentMetrics.slice(0, 3).map(({ name, value }: Sent) => [name, value])).toEqual([
      ['rr_now', 1],
      ['rr_now', 2],
      ['rr_now', 3],
    ]);
    const times = recentMetrics.map(({ timestamp }: { timestamp: string }) => timestamp);
    expect(times).toEqual([...times].sort(compare).reverse());
  });

  test('an agent that is called summary, and has nothing', async () => {
    expect(await get('/agents/summary')).toMatchObject({ id: 'summary', recentMetrics: [] });
    expect((await get('/agents/%73ummary/stats')).overview).toEqual({
      total_metrics: 0,
      unique_metrics: 0,
      first_metric: null,
      last_metric: null,
    });
  });

  test('stats', async () => {
    const own = IN_HOUR.filter(({ agentId }) => agentId === 'rr-1');
    const stats = await get(`/agents/rr-1/stats?${HOUR_RANGE}`);
    expect(stats.period).toEqual({ start: iso(BASE), end: iso(BASE + HOUR) });
    expect(stats.overview).toEqual({
      total_metrics: own.length,
      unique_metrics: new Set(own.map(({ name }) => name)).size,
      first_metric: iso(Math.min(...own.map(({ at }) => at))),
      last_metric: iso(Math.max(...own.map(({ at }) => at))),
    });
    expect(stats.metricsByType).toEqual([
      { type: 'gauge', count: own.filter(({ type }) => type === 'gauge').length, unique_names: 7 },
      { type: 'counter', count: 15, unique_names: 1 },
      { type: 'histogram', count: 3, unique_names: 1 },
    ]);
    expect(stats.topMetrics).toHaveLength(9);
    const latency = own.filter(({ name }) => name === 'rr_latency').map(numberOf);
    expect(stats.topMetrics.find(({ name }: { name: string }) => name === 'rr_latency')).toEqual({
      name: 'rr_latency',
      type: 'gauge',
      count: 60,
      min_value: 10,
      max_value: 1_029,
      avg_value: total(latency) / latency.length,
    });
    expect(stats.topMetrics.find(({ name }: { name: string }) => name === 'rr_sizes')).toMatchObject({
      min_value: 0,
      max_value: 20,
      avg_value: 10,
    });
  });

  test('what happened to it, and to no other', async () => {
    const ofAll = (await get('/dashboard/activity?limit=1000')).activity;
    const own = ofAll.filter(({ agent_id }: { agent_id: string }) => agent_id === 'rr-3');
    const { agentId, activity } = await get('/agents/rr-3/activity');
    expect(agentId).toBe('rr-3');
    expect(activity).toEqual(own);
    expect(activity.length).toBeGreaterThanOrEqual(2);
    expect((await get('/agents/rr-3/activity?limit=1')).activity).toEqual(own.slice(0, 1));
  });

  test('stats by default of a day, and of a time range in both spellings', async () => {
    const all = SENT.filter(({ agentId }) => agentId === 'rr-1').length;
    expect(await get('/agents/rr-1/stats')).toMatchObject({ timeRange: '24h', overview: { total_metrics: all } });
    for (const name of ['timeRange', 'time_range']) {
      expect(await get(`/agents/rr-1/stats?${name}=30m`)).toMatchObject({ timeRange: '30m', overview: { total_metrics: 3 } });
    }
  });
});

describe('GET /metrics', () => {
  test('without a range: from the newest back, as it was sent', async () => {
    const { metrics, pagination, query } = await get('/metrics?limit=10000');
    await expectSamples(metrics, SENT);
    const times = metrics.map(({ timestamp }: { timestamp: string }) => timestamp);
    expect(times).toEqual([...times].sort(compare).reverse());
    expect(pagination).toEqual({ limit: 10_000, offset: 0, hasMore: false, cursor: null });
    expect(query).toMatchObject({ limit: 10_000, offset: 0, startTime: null, endTime: null });
    expect(new Set(metrics.map(({ id }: { id: string }) => id)).size).toBe(SENT.length);
    for (const { id, timestamp, received_at } of metrics) {
      expect(id).toMatch(new RegExp(`^\\d+-${Date.parse(timestamp)}$`));
      expect(Math.abs(Date.parse(received_at) - START)).toBeLessThan(60_000);
    }
  });

  const by = (accepts: (sent: Sent) => boolean): Sent[] => SENT.filter(accepts);
  test.each<[string, Sent[]]>([
    ['agentId=rr-2', by(({ agentId }) => agentId === 'rr-2')],
    ['agent_id=rr-2', by(({ agentId }) => agentId === 'rr-2')],
    ['agent_id=rr-2&agent_id=rr-3', by(({ agentId }) => agentId !== 'rr-1')],
    ['agent_id=rr-2&agentId=rr-2', by(({ agentId }) => agentId === 'rr-2')],
    ['provider=aws', by(({ agentId }) => agentId === 'rr-3')],
    ['region=us-east1,eu-west-1', by(({ agentId }) => agentId !== 'rr-1')],
    ['metricName=rr_sizes', by(({ name }) => name === 'rr_sizes')],
    ['metric_name=rr_sizes', by(({ name }) => name === 'rr_sizes')],
    ['metricType=counter', by(({ type }) => type === 'counter')],
    ['metric_type=counter,histogram', by(({ type }) => type !== 'gauge')],
    ['metric_type=timing', []],
    ['tag=target:t1', by(({ tags }) => tags['target'] === 't1')],
    ['tag=target:http://t2:80', by(({ tags }) => tags['target'] === 'http://t2:80')],
    ['tag=target:t1&tag=set:x', by(({ tags }) => tags['target'] === 't1' && tags['set'] === 'x')],
    ['tag=target:t1&tag=target:other', []],
    ['agentId=nobody', []],
    ['provider=&metric_name=&tag=&limit=10000', [...SENT]],
    [
      `startTime=${iso(BASE + 5 * MINUTE)}&endTime=${iso(BASE + 9 * MINUTE)}`,
      by(({ at }) => at >= BASE + 5 * MINUTE && at < BASE + 9 * MINUTE),
    ],
    [`start_time=${BASE + 5 * MINUTE}&end_time=${BASE + 9 * MINUTE}`, by(({ at }) => at >= BASE + 5 * MINUTE && at < BASE + 9 * MINUTE)],
    [`start_time=${BASE / 1_000}&end_time=${BASE / 1_000 + 60}`, by(({ at }) => at < BASE + MINUTE)],
    [`startTime=${iso(BASE + 100)}&endTime=${iso(BASE + 101)}`, by(({ at }) => at === BASE + 100)],
    [`startTime=${iso(BASE + HOUR)}`, by(({ at }) => at >= BASE + HOUR)],
    [`endTime=${iso(BASE + MINUTE)}`, by(({ at }) => at < BASE + MINUTE)],
    ['timeRange=30m', by(({ name }) => name === 'rr_now')],
    ['time_range=1800s', by(({ name }) => name === 'rr_now')],
    [`timeRange=1m&${HOUR_RANGE}&metricName=rr_latency`, by(({ name }) => name === 'rr_latency')],
  ])('%s', async (query, expected) => {
    const { metrics } = await get(`/metrics?${query}${query.includes('limit=') ? '' : '&limit=10000'}`);
    await expectSamples(metrics, expected);
  });

  test('the query is repeated', async () => {
    const { query } = await get('/metrics?agent_id=rr-1&provider=gcp&metric_type=gauge,counter&tag=a:b&limit=5&offset=2');
    expect(query).toMatchObject({ agentId: 'rr-1', provider: 'gcp', metricType: ['gauge', 'counter'], tag: 'a:b', limit: 5, offset: 2 });
  });

  test.each([1, 7, 60, 180])('pages of %i, by cursor and by offset, make up the whole', async (limit) => {
    const filter = 'metricName=rr_latency';
    const whole = (await get(`/metrics?${filter}`)).metrics;
    expect(whole).toHaveLength(180);
    const byCursor: unknown[] = [];
    let next = '';
    for (;;) {
      const { metrics, pagination } = await get(`/metrics?${filter}&limit=${limit}${next}`);
      byCursor.push(...metrics);
      expect(pagination.hasMore).toBe(byCursor.length < 180);
      if (!pagination.hasMore) break;
      next = `&cursor=${encodeURIComponent(pagination.cursor)}`;
    }
    expect(byCursor).toEqual(whole);
    if (limit === 1) return;
    const byOffset: unknown[] = [];
    for (let offset = 0; offset < 180; offset += limit) {
      byOffset.push(...(await get(`/metrics?${filter}&limit=${limit}&offset=${offset}`)).metrics);
    }
    expect(byOffset).toEqual(whole);
  });
});

describe('GET /metrics/aggregated', () => {
  /** The rows in full, newest bucket first, computed the long way round. */
  function expectedRows(samples: readonly Sent[], stepMs: number, fold: (values: number[]) => number): Record<string, unknown>[] {
    const groups = new Map<string, Sent[]>();
    for (const sent of samples) {
      const { provider, region } = placeOf(sent.agentId);
      const key = JSON.stringify([Math.floor(sent.at / stepMs) * stepMs, sent.name, sent.type, provider, region]);
      groups.set(key, [...(groups.get(key) ?? []), sent]);
    }
    return [...groups]
      .map(([key, members]) => ({ key: JSON.parse(key) as [number, string, string, string, string], members }))
      .sort((a, b) => b.key[0] - a.key[0] || compare(a.key.slice(1).join('\0'), b.key.slice(1).join('\0')))
      .map(({ key: [bucket, name, type, provider, region], members }) => ({
        name,
        type,
        provider,
        region,
        time_bucket: iso(bucket),
        value: fold(members.map(numberOf)),
        count: members.length,
      }));
  }
  const FOLDS = {
    avg: (values: number[]) => total(values) / values.length,
    sum: total,
    min: (values: number[]) => Math.min(...values),
    max: (values: number[]) => Math.max(...values),
    count: (values: number[]) => values.length,
  };
  const STEPS = { '1m': MINUTE, '5m': 5 * MINUTE, '15m': 15 * MINUTE, '1h': HOUR, '6h': 6 * HOUR, '1d': 24 * HOUR };
  const bare = (rows: Record<string, unknown>[]): Record<string, unknown>[] => rows.map(({ unit: _unit, tags: _tags, ...row }) => row);

  test.each(Object.keys(FOLDS) as (keyof typeof FOLDS)[])('%s over 5 minutes', async (aggregation) => {
    const answer = await get(`/metrics/aggregated?${HOUR_RANGE}&aggregation=${aggregation}&interval=5m`);
    expect(bare(answer.metrics)).toEqual(expectedRows(IN_HOUR, 5 * MINUTE, FOLDS[aggregation]));
    expect(answer.aggregation).toEqual({ type: aggregation, interval: '5m' });
    expect(answer.query).toMatchObject({ startTime: iso(BASE), endTime: iso(BASE + HOUR) });
  });

  test.each(Object.keys(STEPS) as (keyof typeof STEPS)[])('average over %s', async (interval) => {
    const answer = await get(`/metrics/aggregated?${HOUR_RANGE}&interval=${interval}&limit=10000`);
    expect(bare(answer.metrics)).toEqual(expectedRows(IN_HOUR, STEPS[interval], FOLDS.avg));
  });

  test('by default the average over 5 minutes of a day', async () => {
    const answer = await get('/metrics/aggregated?limit=10000');
    expect(answer.aggregation).toEqual({ type: 'avg', interval: '5m' });
    expect(bare(answer.metrics)).toEqual(expectedRows(SENT, 5 * MINUTE, FOLDS.avg));
  });

  test('unit and common tags; filters in both spellings', async () => {
    for (const filter of ['agentId=rr-1&metricName=rr_latency', 'agent_id=rr-1&metric_name=rr_latency', 'tag=set:x&region=us-central1']) {
      const { metrics } = await get(`/metrics/aggregated?${filter}&interval=1h&start_time=${BASE}&end_time=${BASE + HOUR}`);
      expect(metrics).toHaveLength(1);
      expect(metrics[0]).toMatchObject({ name: 'rr_latency', count: 60, unit: 'ms', tags: { set: 'x' } });
    }
    const { metrics } = await get(`/metrics/aggregated?metric_name=rr_latency&tag=target:t1&agent_id=rr-1&interval=1h&${HOUR_RANGE}`);
    expect(metrics[0]).toMatchObject({ count: 30, value: 10 + 14.5, tags: { set: 'x', target: 't1' } });
  });

  test('one line over everything, lines by agent, by tag, by series', async () => {
    const rows = async (query: string) => (await get(`/metrics/aggregated?${HOUR_RANGE}&interval=1h&aggregation=sum&${query}`)).metrics;
    const sumOf = (keep: (sent: Sent) => boolean) => total(IN_HOUR.filter(keep).map(numberOf));
    expect(await rows('groupBy=none')).toEqual([
      { time_bucket: iso(BASE), value: sumOf(() => true), count: IN_HOUR.length, unit: null, tags: {} },
    ]);
    for (const spelling of ['group_by=agent', 'groupBy=agent']) {
      expect(await rows(`${spelling}&metric_name=rr_latency`)).toEqual(
        ['rr-1', 'rr-2', 'rr-3'].map((id) => ({
          agent_id: id,
          time_bucket: iso(BASE),
          value: sumOf(({ agentId, name }) => agentId === id && name === 'rr_latency'),
          count: 2 * MINUTES,
          unit: 'ms',
          tags: { set: 'x' },
        })),
      );
    }
    expect(await rows('groupBy=name,tag:target&tag=set:x')).toEqual(
      ['http://t2:80', 't1'].map((target) => ({
        name: 'rr_latency',
        time_bucket: iso(BASE),
        value: sumOf(({ name, tags }) => name === 'rr_latency' && tags.target === target),
        count: 3 * MINUTES,
        unit: 'ms',
        tags: { set: 'x', target },
      })),
    );
    const series = await rows('groupBy=series&metric_name=rr_latency&provider=aws');
    expect(bare(series).map(({ series: _id, ...row }) => row)).toEqual(
      [10, 1_000].map((first) => ({
        agent_id: 'rr-3',
        name: 'rr_latency',
        type: 'gauge',
        provider: 'aws',
        region: 'eu-west-1',
        time_bucket: iso(BASE),
        value: total(Array.from({ length: MINUTES }, (_, i) => 3 * first + i)),
        count: MINUTES,
      })),
    );
  });

  test('several aggregations at once, percentiles among them', async () => {
    const query = 'aggregation=p50,min,p95&aggregation=count&interval=5m&metric_name=rr_latency&groupBy=none';
    const answer = await get(`/metrics/aggregated?${HOUR_RANGE}&${query}`);
    expect(answer.aggregation).toEqual({ type: 'p50', types: ['p50', 'min', 'p95', 'count'], interval: '5m', groupBy: [] });
    expect(answer.metrics).toHaveLength(MINUTES / 5);
    for (const row of answer.metrics) {
      const bucket = Date.parse(row.time_bucket);
      const sorted = IN_HOUR.filter(({ name, at }) => name === 'rr_latency' && at >= bucket && at < bucket + 5 * MINUTE)
        .map(numberOf)
        .sort((a, b) => a - b);
      // 30 samples: the median is half-way between the 15th and the 16th, p95 is at rank 0.95 × 29 = 27.55 from 0.
      expect(sorted).toHaveLength(30);
      expect(row.values).toEqual({
        p50: (sorted[14]! + sorted[15]!) / 2,
        min: sorted[0],
        p95: expect.closeTo(0.45 * sorted[27]! + 0.55 * sorted[28]!, 6),
        count: 30,
      });
      expect(row.value).toBe(row.values.p50);
    }
  });

  test('increase and rate of counters, over a reset; buckets add up to the whole', async () => {
    // A sample every other minute: 100, 300, … 1500, then from the start again; each agent's k on top.
    const increases = async (interval: string, more = '') =>
      (await get(`/metrics/aggregated?${HOUR_RANGE}&aggregation=increase,rate&interval=${interval}&groupBy=agent${more}`)).metrics;
    const whole = await increases('1h');
    expect(whole.map(({ agent_id, value, values, count }: any) => ({ agent_id, value, rate: values.rate, count }))).toEqual(
      [1, 2, 3].map((k) => {
        const increase = 7 * 200 + (100 + k) + 6 * 200;
        return { agent_id: `rr-${k}`, value: increase, rate: increase / 3_600, count: 15 };
      }),
    );
    const parts = await increases('5m', '&agent_id=rr-2');
    expect(parts.reverse().map(({ value }: { value: number }) => value)).toEqual([200, 600, 400, 200 + (100 + 2) + 200, 400, 600]);
    expect(total(parts.map(({ value }: { value: number }) => value))).toBe(whole[1].value);
    expect(await increases('5m', '&metric_type=gauge')).toEqual([]);
    const [mixed] = (await get(`/metrics/aggregated?${HOUR_RANGE}&aggregation=avg,increase&interval=1h&metric_name=rr_latency`)).metrics;
    expect(mixed.values.increase).toBeNull();
  });

  test('pages', async () => {
    const path = `/metrics/aggregated?${HOUR_RANGE}&interval=1m`;
    const whole = (await get(`${path}&limit=10000`)).metrics;
    const page = await get(`${path}&limit=50&offset=20`);
    expect(page.metrics).toEqual(whole.slice(20, 70));
    expect(page.pagination).toMatchObject({ limit: 50, offset: 20, hasMore: true });
    expect((await get(`${path}&limit=10000&offset=20`)).pagination.hasMore).toBe(false);
  });
});

describe('GET /metrics/history', () => {
  const expected = IN_HOUR.filter(({ name, agentId }) => name === 'rr_latency' && agentId === 'rr-1').sort((a, b) => a.at - b.at);

  test.each(['/metrics/history/rr_latency?', '/metrics/history?metric_name=rr_latency&', '/metrics/history?metricName=rr_latency&'])(
    '%s',
    async (path) => {
      for (const agent of ['agentId=rr-1', 'agent_id=rr-1']) {
        const answer = await get(`${path}${agent}&${HOUR_RANGE}`);
        expect(answer.metricName).toBe('rr_latency');
        expect(answer.history).toEqual(
          expected.map(({ agentId, unit, type, tags, at, value }) => ({
            agent_id: agentId,
            provider: 'gcp',
            region: 'us-central1',
            type,
            unit,
            tags,
            timestamp: iso(at),
            value,
          })),
        );
      }
    },
  );

  test('objects as they came; time ranges; names nobody sent', async () => {
    const { history } = await get('/metrics/history/rr_sizes?agent_id=rr-2');
    expect(history.map(({ value }: Sent) => value)).toEqual([0, 10, 20].map((i) => ({ value: i, min: 0, max: 2 * i, count: 3 })));
    expect((await get('/metrics/history/rr_sizes?time_range=1h')).history).toEqual([]);
    expect(await get('/metrics/history/rr_now?timeRange=1h')).toMatchObject({ timeRange: '1h', hasMore: false });
    expect((await get('/metrics/history/rr_now')).history).toHaveLength(6);
    expect((await get('/metrics/history/no%2Fsuch%20name')).history).toEqual([]);
    expect((await get('/metrics/history/rr_latency?tag=target:t1')).history).toHaveLength(90);
  });

  test('limited: the newest of them', async () => {
    const answer = await get(`/metrics/history/rr_latency?agentId=rr-1&limit=3&${HOUR_RANGE}`);
    expect(answer.history.map(({ value }: Sent) => value)).toEqual(expected.slice(-3).map(({ value }) => value));
    expect(answer.hasMore).toBe(true);
  });
});

describe('GET /metrics/…', () => {
  test('agent/:agentId', async () => {
    const answer = await get('/metrics/agent/rr-3?limit=10000');
    expect(answer).toMatchObject({ agentId: 'rr-3', timeRange: '24h' });
    await expectSamples(
      answer.metrics,
      SENT.filter(({ agentId }) => agentId === 'rr-3'),
    );
    for (const name of ['timeRange', 'time_range']) {
      const recent = await get(`/metrics/agent/rr-1?${name}=20m`);
      expect(recent.timeRange).toBe('20m');
      await expectSamples(
        recent.metrics,
        SENT.filter(({ agentId, name: metricName }) => agentId === 'rr-1' && metricName === 'rr_now'),
      );
    }
  });

  test('names', async () => {
    const pairs = (samples: readonly Sent[]): { name: string; type: string }[] =>
      [...new Set(samples.map(({ name }) => name))]
        .sort(compare)
        .map((name) => ({ name, type: samples.find((sent) => sent.name === name)?.type ?? '' }));
    expect((await get('/metrics/names')).metricNames).toEqual(pairs(SENT));
    const ofThird = pairs(SENT.filter(({ agentId }) => agentId === 'rr-3'));
    for (const filter of ['provider=aws', 'region=eu-west-1', 'agentId=rr-3', 'agent_id=rr-3']) {
      expect((await get(`/metrics/names?${filter}`)).metricNames).toEqual(ofThird);
    }
    expect((await get('/metrics/names?provider=aws')).filters).toMatchObject({ provider: 'aws', region: null, agentId: null });
  });

  test('stats', async () => {
    const stats = await get(`/metrics/stats?${HOUR_RANGE}`);
    expect(stats.period).toEqual({ start: iso(BASE), end: iso(BASE + HOUR) });
    expect(stats.overview).toMatchObject({
      total_metrics: IN_HOUR.length,
      unique_metrics: NAMES.length - 1,
      first_metric: iso(BASE + 100),
      last_metric: iso(Math.max(...IN_HOUR.map(({ at }) => at))),
    });
    expect(total(stats.breakdown.byType.map(({ count }: { count: number }) => count))).toBe(IN_HOUR.length);
    const ofAws = IN_HOUR.filter(({ agentId }) => agentId === 'rr-3').length;
    expect(stats.breakdown.byProvider).toEqual([
      expect.objectContaining({ provider: 'gcp', count: IN_HOUR.length - ofAws, agent_count: 2 }),
      expect.objectContaining({ provider: 'aws', count: ofAws, agent_count: 1 }),
    ]);
    expect(stats.breakdown.topMetrics[0]).toMatchObject({ name: 'rr_latency', count: 180, min_value: 10, max_value: 3_029 });
    for (const name of ['timeRange', 'time_range']) {
      expect(await get(`/metrics/stats?${name}=20m`)).toMatchObject({ timeRange: '20m', overview: { total_metrics: 6 } });
    }
    expect(await get('/metrics/stats')).toMatchObject({ timeRange: '24h', overview: { total_metrics: SENT.length } });
  });

  test('series, with the newest sample of each', async () => {
    const newest = new Map<string, Sent>();
    for (const sent of SENT) {
      const key = JSON.stringify([sent.agentId, sent.name, sent.tags]);
      if ((newest.get(key)?.at ?? 0) < sent.at) newest.set(key, sent);
    }
    const expected = [...newest.values()]
      .map(shown)
      .sort(
        (a, b) => compare(a.name, b.name) || compare(a.agent_id, b.agent_id) || compare(JSON.stringify(a.tags), JSON.stringify(b.tags)),
      );
    const { series, pagination } = await get('/metrics/series?latest=true');
    const comparable = (list: Record<string, unknown>[]) =>
      list.map(({ tags, ...rest }) => ({ ...rest, tags: JSON.stringify(tags, sortedKeys) }));
    expect(comparable(series.map(withoutId))).toEqual(comparable(expected));
    expect(pagination).toEqual({ total: newest.size, limit: 1_000, offset: 0, hasMore: false });

    const page = await get('/metrics/series?agent_id=rr-1&tag=target:t1&limit=2&offset=1');
    const own = series.filter((one: FrameData) => one.agent_id === 'rr-1' && one.tags.target === 't1');
    expect(page.series).toEqual(own.slice(1, 3).map(({ value: _value, timestamp: _timestamp, ...rest }: FrameData) => rest));
    expect(page.pagination).toEqual({ total: own.length, limit: 2, offset: 1, hasMore: true });
    expect((await get('/metrics/series?agentId=nobody')).pagination.total).toBe(0);
    expect((await get('/metrics/series?offset=1000000&latest=1')).series).toEqual([]);
  });

  test('realtime', async () => {
    const { timeWindow, totalMetrics, agents } = await get('/metrics/realtime');
    expect(Date.parse(timeWindow.end) - Date.parse(timeWindow.start)).toBe(5 * MINUTE);
    expect(totalMetrics).toBe(6);
    expect(agents.map(({ agentId, provider, region }: Record<string, string>) => [agentId, provider, region])).toEqual([
      ['rr-1', 'gcp', 'us-central1'],
      ['rr-2', 'gcp', 'us-east1'],
    ]);
    expect(agents[1].metrics.map(({ value }: Sent) => value)).toEqual([2, 4, 6]);
  });

  test('search', async () => {
    const found = async (q: string, more = ''): Promise<string[]> =>
      (await get(`/metrics/search?q=${encodeURIComponent(q)}${more}`)).results.map(({ name }: { name: string }) => name);
    expect(await get('/metrics/search?q=RR_La')).toEqual({
      query: 'RR_La',
      results: [
        {
          name: 'rr_latency',
          type: 'gauge',
          occurrence_count: 180,
          agent_count: 3,
          last_seen: iso(Math.max(...SENT.filter(({ name }) => name === 'rr_latency').map(({ at }) => at))),
        },
      ],
    });
    expect(await found('rr_')).toEqual(['rr_latency', 'rr_requests_total', 'rr_sizes', 'rr_now']);
    expect(await found('rr_', '&limit=2')).toEqual(['rr_latency', 'rr_requests_total']);
    expect(await found('rr%')).toEqual([]);
    expect(await found('rrx')).toEqual([]);
    expect(await found('__')).toEqual([]);
  });
});

describe('GET /dashboard/…', () => {
  test('overview, in both shapes', async () => {
    const overview = await get(`/dashboard/overview?${HOUR_RANGE}`);
    const ofAws = IN_HOUR.filter(({ agentId }) => agentId === 'rr-3').length;
    expect(overview).toMatchObject({
      summary: { total_agents: 4, total_metrics: IN_HOUR.length, unique_metrics: NAMES.length - 1, providers: 3, regions: 4 },
      providerStats: [
        { provider: 'gcp', metric_count: IN_HOUR.length - ofAws, agent_count: 2 },
        { provider: 'aws', metric_count: ofAws, agent_count: 1 },
        { provider: 'azure', metric_count: 0, agent_count: 1 },
      ],
      timeRange: { start: iso(BASE), end: iso(BASE + HOUR) },
      totalAgents: 4,
      activeAgents: 3,
      totalMetrics: IN_HOUR.length,
      systemHealth: 'warning',
    });
    expect(overview.recentMetrics.length).toBeGreaterThanOrEqual(10);
    expect(overview.recentMetrics[0].timestamp).toBe(iso(Math.max(...IN_HOUR.map(({ at }) => at))));
    const { networkLatency, packetLoss, throughput } = overview.metricsSummary;
    // Averages over 30 minutes: i is 14.5, the agents' number 1.5.
    expect(networkLatency.avg).toBeCloseTo(20 + 14.5 + 1.5, 6);
    expect(networkLatency).toMatchObject({ min: 5, max: 40 + 29 + 2 });
    expect(packetLoss).toBeCloseTo((33.33 * 3) / 30, 6);
    expect(throughput.rx).toBeCloseTo(((3_000_000 + 2 * 14_500 + 2 * 500_000) * 8) / 1e6, 6);
    expect(throughput.tx).toBeCloseTo((2 * 250_000 * 8) / 1e6, 6);
    expect(overview.recentActivity.length).toBeGreaterThan(0);
    expect(Object.keys(overview.recentActivity[0]).sort(compare)).toEqual(['agent_id', 'message', 'timestamp', 'type']);
  });

  test('overview of some providers, regions and metrics', async () => {
    for (const query of [
      'providers=aws&metrics=rr_latency,rr_sizes',
      'providers=aws&metrics=rr_latency&metrics=rr_sizes',
      'regions=eu-west-1&metric_name=rr_latency&metrics=rr_sizes',
    ]) {
      const overview = await get(`/dashboard/overview?${query}`);
      expect(overview.summary).toEqual({ total_agents: 1, total_metrics: 63, unique_metrics: 2, providers: 1, regions: 1 });
      expect(overview.systemHealth).toBe('error');
    }
    expect((await get('/dashboard/overview?time_range=20m')).totalMetrics).toBe(6);
    expect((await get('/dashboard/overview?timeRange=20m')).totalMetrics).toBe(6);
  });

  test('metrics, ready to plot', async () => {
    const { timestamps, latency, packetLoss, throughput } = await get(`/dashboard/metrics?${HOUR_RANGE}`);
    expect(timestamps).toEqual(Array.from({ length: 60 }, (_, i) => iso(BASE + i * MINUTE)));
    for (const column of [latency.avg, latency.max, packetLoss, throughput.rx, throughput.tx]) {
      expect(column).toHaveLength(60);
      expect(column.slice(MINUTES)).toEqual(Array.from({ length: 60 - MINUTES }, () => null));
    }
    for (let i = 0; i < MINUTES; i += 1) {
      expect(latency.avg[i]).toBeCloseTo(21.5 + i, 9);
      expect(latency.max[i]).toBe(42 + i);
      expect(packetLoss[i]).toBeCloseTo(i % 10 === 3 ? 33.33 : 0, 9);
      expect(throughput.rx[i]).toBeCloseTo(((4_000_000 + 2_000 * i) * 8) / 1e6, 9);
      expect(throughput.tx[i]).toBeCloseTo(4, 9);
    }
    for (const name of ['timeRange', 'time_range']) {
      const day = await get(`/dashboard/metrics?${name}=24h`);
      expect([288, 289]).toContain(day.timestamps.length);
      expect(Date.parse(day.timestamps[1]) - Date.parse(day.timestamps[0])).toBe(5 * MINUTE);
    }
  });

  test('health', async () => {
    const health = await get('/dashboard/health');
    expect(health).toMatchObject({
      healthScore: Math.round(10_000 * (6 / 7)) / 100,
      status: 'good',
      agents: { total_agents: 4, healthy_agents: 4, warning_agents: 0, stale_agents: 0, healthPercentage: 100 },
      metrics: { total_metrics_5m: 6, active_agents_5m: 2, success_rate: 6 / 7 },
      issues: { recentErrors: [{ agent_id: 'rr-2', error_count: 1, last_error: expect.any(String) }] },
    });
    expect(Math.abs(Date.parse(health.timestamp) - Date.now())).toBeLessThan(10_000);
  });

  test('activity', async () => {
    const { activity, timeWindow } = await get('/dashboard/activity');
    expect(activity.length).toBeGreaterThanOrEqual(5);
    expect(activity.some(({ type, agent_id }: Record<string, string>) => type === 'agent_disconnected' && agent_id === 'rr-3')).toBe(true);
    const times = activity.map(({ timestamp }: { timestamp: string }) => timestamp);
    expect(times).toEqual([...times].sort(compare).reverse());
    expect(Date.parse(timeWindow.end)).toBeGreaterThan(Date.parse(timeWindow.start));
    expect((await get('/dashboard/activity?limit=2')).activity).toEqual(activity.slice(0, 2));
  });
});

test('GET /topology', async () => {
  const { timeRange, agents, providers, targets, edges, truncated } = await get(`/topology?${HOUR_RANGE}`);
  expect([timeRange, truncated]).toEqual(['custom', false]);
  expect(agents.map(({ id }: FrameData) => id)).toEqual(['rr-1', 'rr-2', 'rr-3', 'summary']);
  expect(agents[3]).toMatchObject({ ...PLACES.summary, status: 'connected', network: '' });
  expect(providers.map(({ name, regions }: FrameData) => [name, regions.map((region: FrameData) => region.name)])).toEqual([
    ['aws', ['eu-west-1']],
    ['azure', ['westeurope']],
    ['gcp', ['us-central1', 'us-east1']],
  ]);
  expect(targets).toEqual([{ id: 'ping:t1', type: 'ping', address: 't1', name: 't1' }]);
  const numbers = (agentId: string, name: string): number[] =>
    IN_HOUR.filter((sent) => sent.agentId === agentId && sent.name === name).map(numberOf);
  expect(edges).toEqual(
    ['rr-1', 'rr-2'].map((agentId) => ({
      agent_id: agentId,
      target: 'ping:t1',
      type: 'ping',
      rtt_avg_ms: total(numbers(agentId, 'ping_rtt_avg_ms')) / MINUTES,
      rtt_max_ms: Math.max(...numbers(agentId, 'ping_rtt_max_ms')),
      packet_loss_percent: expect.closeTo((3 * 33.33) / MINUTES, 9),
      success_percent: null,
      samples: MINUTES,
    })),
  );
  expect(await get('/topology?provider=aws&metric_name=ignored')).toMatchObject({ timeRange: '5m', agents: [{ id: 'rr-3' }], edges: [] });
});

describe('bad input', () => {
  function expectError(answer: ApiAnswer, status: number, code: string, part: string): void {
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({
      error: expect.objectContaining({
        code,
        status,
        message: expect.stringContaining(part),
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      }),
    });
    expect(Object.keys(answer.body.error).filter((key) => !['code', 'message', 'status', 'timestamp', 'details'].includes(key))).toEqual(
      [],
    );
  }

  test.each([
    ['/agents?limit=1001', '1001'],
    ['/agents?limit=0', 'limit'],
    ['/agents?limit=ten', 'ten'],
    ['/agents?limit=1&limit=2', 'limit'],
    ['/agents?offset=-1', 'offset'],
    ['/agents?status=asleep', 'asleep'],
    ['/agents?sort=colour', 'colour'],
    ['/agents/rr-1/stats?timeRange=1y', '1y'],
    ['/agents/rr-1/stats?startTime=yesterday', 'yesterday'],
    ['/agents/rr-1/activity?limit=501', '501'],
    ['/metrics?limit=10001', '10001'],
    ['/metrics?limit=1.5', '1.5'],
    ['/metrics?offset=100001', 'cursor'],
    ['/metrics?cursor=nonsense', 'cursor'],
    ['/metrics?metric_type=gauge,fog', 'gauge, counter, histogram, timer'],
    ['/metrics?tag=target', 'key:value'],
    ['/metrics?tag=:x', 'key:value'],
    [`/metrics?startTime=${BASE}&endTime=${BASE}`, 'startTime'],
    [`/metrics?start_time=${BASE + 1}&end_time=${BASE}`, 'startTime'],
    ['/metrics?endTime=2026-13-01', '2026-13-01'],
    ['/metrics?agent_id=a&agentId=b', 'agentId'],
    ['/metrics?time_range=0h', '0h'],
    ['/metrics/aggregated?aggregation=median', 'avg, sum, min, max, count, rate, increase, or a percentile from p1 to p99'],
    ['/metrics/aggregated?aggregation=avg,p100', 'p1 to p99'],
    ['/metrics/aggregated?aggregation=p0', 'p1 to p99'],
    ['/metrics/aggregated?aggregation=avg,avg', 'aggregation'],
    ['/metrics/aggregated?groupBy=zone', 'none, or any of agent, provider, region, name, type, unit, series and tag:KEY'],
    ['/metrics/aggregated?group_by=tag:', 'tag:KEY'],
    ['/metrics/aggregated?groupBy=none,agent', 'none alone'],
    ['/metrics/aggregated?interval=2m', '1m, 5m, 15m, 1h, 6h, 1d'],
    ['/metrics/aggregated?interval=1m&timeRange=3000d', 'wider interval'],
    ['/metrics/history', 'metricName'],
    ['/metrics/history?metric_name=', 'metricName'],
    ['/metrics/history/rr_now?limit=50001', '50001'],
    ['/metrics/agent/rr-1?timeRange=soon', 'soon'],
    ['/metrics/stats?timeRange=-1h', '-1h'],
    ['/metrics/series?limit=10001', '10001'],
    ['/metrics/series?latest=perhaps', 'latest'],
    ['/metrics/series?tag=target', 'key:value'],
    ['/metrics/search', 'q'],
    ['/metrics/search?q=r', 'q'],
    ['/metrics/search?q=rr&limit=0', 'limit'],
    ['/dashboard/overview?timeRange=x', 'timeRange'],
    ['/dashboard/metrics?timeRange=x', 'timeRange'],
    ['/dashboard/activity?limit=none', 'none'],
    ['/topology?timeRange=x', 'timeRange'],
    ['/topology?tag=target', 'key:value'],
  ])('400: %s', async (path, part) => {
    expectError(await app.api(`/api/v1${path}`), 400, 'validation_failed', part);
  });

  test('a cursor together with an offset', async () => {
    const { pagination } = await get('/metrics?limit=1');
    expectError(await app.api(`/api/v1/metrics?limit=1&offset=1&cursor=${pagination.cursor}`), 400, 'validation_failed', 'cursor');
  });

  test.each([['/agents/nobody'], ['/agents/nobody/stats'], ['/agents/nobody/activity'], ['/agents/a%00b'], ['/metrics/agent/nobody']])(
    '404: %s',
    async (path) => {
      expectError(await app.api(`/api/v1${path}`), 404, 'agent_not_found', 'agent');
    },
  );

  test.each([['/agents/rr-1/nothing'], ['/metrics/nothing'], ['/dashboard'], ['/dashboard/nothing']])('404: %s', async (path) => {
    expectError(await app.api(`/api/v1${path}`), 404, 'not_found', '');
  });
});
