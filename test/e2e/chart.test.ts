/** `GET /metrics/chart` over a real server: parameters in both spellings, what is refused, gaps, and a chart that lives. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { metric, TestAgent, type WireMetric } from '../helpers/agent-client.js';
import type { ApiAnswer } from '../helpers/http.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** A full hour, one to two hours ago. */
const BASE = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
/** Cycles of 30 s; batch 5 never comes. */
const CYCLES = [0, 1, 2, 3, 4, 6, 7, 8, 9];
const PLACES = {
  a: { provider: 'gcp', region: 'r1', zone: '' },
  b: { provider: 'aws', region: 'r2', zone: '' },
};
const NAMES = ['rtt', 'total'];

const iso = (ms: number): string => new Date(ms).toISOString();
const at = (cycle: number): number => BASE + cycle * 30 * SECOND;
const RANGE = `start_time=${iso(BASE)}&end_time=${iso(BASE + 5 * MINUTE)}`;

let app: TestApp;
const agents: TestAgent[] = [];

function measured(agentId: string, cycle: number): WireMetric[] {
  const base = agentId === 'a' ? 0 : 100;
  return [
    metric('rtt', base + cycle / 7, { unit: 'ms', tags: { target: 't1' }, timestamp: at(cycle) }),
    metric('rtt', base + 50, { unit: 'ms', tags: { target: 't2' }, timestamp: at(cycle) }),
    metric('total', 60 * cycle, { type: 'counter', timestamp: at(cycle) }),
  ];
}

beforeAll(async () => {
  app = await startTestApp({ RATE_LIMIT_MAX_REQUESTS: '100000' });
  for (const [agentId, place] of Object.entries(PLACES)) {
    const agent = await TestAgent.connect(app, { agentId, ...place });
    await agent.register({ location: place });
    for (const cycle of CYCLES) {
      await agent.push(measured(agentId, cycle), { timestamp: at(cycle), ...(agentId === 'a' && { extra: { seq: cycle } }) });
    }
    agents.push(agent);
  }
});

afterAll(async () => {
  for (const agent of agents) agent.terminate();
  await app.stop();
});

function ask(query: string): Promise<ApiAnswer> {
  return app.api(`/api/v1/metrics/chart?${query}`);
}

async function chart(query: string): Promise<any> {
  const { status, body, headers } = await ask(query);
  expect([query, status, body.error]).toEqual([query, 200, undefined]);
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  return body;
}

test('every series for itself, with what is missing', async () => {
  const answer = await chart(`metric_name=rtt&interval=30s&${RANGE}`);
  const { series, gaps, ...rest } = answer;
  expect(rest).toEqual({
    interval: '30s',
    interval_ms: 30 * SECOND,
    start_ms: BASE,
    count: 10,
    totalSeries: 4,
    truncated: false,
    query: {
      agentId: null,
      provider: null,
      region: null,
      metricName: 'rtt',
      metricType: null,
      tag: null,
      startTime: iso(BASE),
      endTime: iso(BASE + 5 * MINUTE),
      limit: 100,
    },
    aggregation: { type: 'avg', interval: '30s', groupBy: ['series'] },
    period: { start: iso(BASE), end: iso(BASE + 5 * MINUTE) },
  });
  expect(series).toHaveLength(4);
  expect(series[0]).toEqual({
    series: expect.stringMatching(/^\d+$/),
    agent_id: 'a',
    name: 'rtt',
    type: 'gauge',
    provider: 'gcp',
    region: 'r1',
    unit: 'ms',
    tags: { target: 't1' },
    values: [0, 1 / 7, 2 / 7, 3 / 7, 4 / 7, null, 6 / 7, 1, 8 / 7, 9 / 7],
  });
  expect(gaps).toEqual([{ agent_id: 'a', from: iso(at(4)), to: iso(at(6)), reason: 'missing', batches: 1 }]);
});

test('both spellings, filters and groups are those of the other answers', async () => {
  const queries = [
    'metric_name=rtt&agent_id=b&metric_type=gauge&group_by=tag:target',
    'metricName=rtt&agentId=b&metricType=gauge&groupBy=tag:target',
  ];
  for (const query of queries) {
    const { series, gaps } = await chart(`${query}&interval=5m&aggregation=max&${RANGE}`);
    expect(series).toEqual([
      { unit: 'ms', tags: { target: 't1' }, values: [100 + 9 / 7] },
      { unit: 'ms', tags: { target: 't2' }, values: [150] },
    ]);
    expect(gaps).toEqual([]);
  }
  const values = async (query: string): Promise<any> =>
    (await chart(`interval=5m&${RANGE}&${query}`)).series.map((one: any) => one.values[0]);
  expect(await values('metric_name=rtt&tag=target:t2&provider=aws,gcp&aggregation=sum&groupBy=none')).toEqual([9 * 50 + 9 * 150]);
  expect(await values('metric_name=rtt&metric_name=total&aggregation=count&groupBy=name')).toEqual([36, 18]);
  expect(await values('metric_name=total&aggregation=rate&groupBy=agent')).toEqual([540 / 300, 540 / 300]);
  expect(await values('metric_name=total&aggregation=p50&region=r1')).toEqual([240]);
  expect(await values('metric_name=nothing')).toEqual([]);
});

test('of more groups than wanted the first, and how many there are', async () => {
  const all = await chart(`metric_name=rtt&metric_name=total&interval=1m&${RANGE}`);
  expect(all.series.map((one: any) => [one.agent_id, one.name])).toEqual(
    ['a', 'b'].flatMap((id) => ['rtt', 'rtt', 'total'].map((name) => [id, name])),
  );
  const few = await chart(`metric_name=rtt&metric_name=total&interval=1m&limit=4&${RANGE}`);
  expect(few).toMatchObject({ totalSeries: 6, truncated: true });
  expect(few.series).toEqual(all.series.slice(0, 4));
});

test.each([
  ['', '30s'],
  ['points=10', '30s'],
  ['points=9', '1m'],
  ['points=5000', '1s'],
  ['points=1&interval=auto', '5m'],
])('an interval of its own choice: %s', async (more, interval) => {
  const range = more === '' ? `start_time=${iso(BASE)}&end_time=${iso(BASE + 8 * HOUR)}` : RANGE;
  expect(await chart(`metric_name=rtt&${more}&${range}`)).toMatchObject({ interval });
});

test('the last 24 hours when nothing else is said', async () => {
  const { interval, count, period } = await chart('metric_name=rtt');
  expect(interval).toBe('5m');
  expect(Date.parse(period.end) - Date.parse(period.start)).toBe(24 * HOUR);
  expect(count).toBeGreaterThanOrEqual(288);
});

test('what is new continues a chart: the same cells as in the whole of it', async () => {
  for (const aggregation of ['avg', 'rate', 'p99']) {
    const query = `metric_name=total&aggregation=${aggregation}&interval=1m&end_time=${iso(BASE + 270 * SECOND)}`;
    const whole = await chart(`${query}&start_time=${iso(BASE)}`);
    const tail = await chart(`${query}&since=${BASE + 3 * MINUTE + 7 * SECOND}`);
    expect(tail).toMatchObject({ start_ms: BASE + 3 * MINUTE, count: 2, interval: '1m' });
    for (const [i, { values, ...group }] of whole.series.entries()) {
      expect(tail.series[i]).toEqual({ ...group, values: values.slice(-2) });
    }
  }
  const now = await chart(`metric_name=total&interval=1h&since=${BASE}`);
  expect(now.start_ms).toBe(BASE);
  expect(Date.parse(now.period.end)).toBeGreaterThan(BASE + 5 * MINUTE);
});

describe('what is refused', () => {
  test.each([
    ['', 'metricName', '"metricName" is required'],
    ['metric_name=', 'metricName', 'required'],
    [Array.from({ length: 11 }, (_, i) => `metric_name=m${i}`).join('&'), 'metricName', 'less than or equal to 10'],
    ['metric_name=m&metricName=n', 'metricName', 'given with two values'],
    ['metric_name=m&aggregation=avg,max', 'aggregation', 'must be a single one'],
    ['metric_name=m&aggregation=median', 'aggregation.0', 'percentile'],
    ['metric_name=m&group_by=none,agent', 'groupBy', 'none alone'],
    ['metric_name=m&group_by=zone', 'groupBy.0', 'tag:KEY'],
    ['metric_name=m&interval=0s', 'interval', 'must be a number with s, m, h or d'],
    ['metric_name=m&interval=500ms', 'interval', 'must be auto, or'],
    ['metric_name=m&interval=1s', 'interval', '86400 buckets of 1s'],
    ['metric_name=m&points=0', 'points', 'greater than or equal to 1'],
    ['metric_name=m&points=5001', 'points', 'less than or equal to 5000'],
    ['metric_name=m&limit=1001', 'limit', 'less than or equal to 1000'],
    ['metric_name=m&time_range=1y', 'timeRange', 'must be'],
    ['metric_name=m&since=yesterday&interval=1m', 'since', 'ISO 8601'],
    [`metric_name=m&since=${BASE}`, 'interval', 'needs the interval'],
    [`metric_name=m&since=${BASE}&interval=1m&time_range=1h`, 'since', 'no timeRange'],
    [`metric_name=m&since=${BASE}&interval=1m&start_time=${BASE}`, 'since', 'no startTime'],
    [`metric_name=m&since=${BASE}&interval=1m&end_time=${BASE}`, 'since', 'before the end'],
  ])('%s', async (query, field, message) => {
    const { status, body } = await ask(query);
    expect([status, body.error?.code]).toEqual([400, 'validation_failed']);
    expect(body.error.details.map((detail: any) => detail.field)).toEqual([field]);
    expect(body.error.message).toContain(message);
  });
});

test('many at once are answered whole', async () => {
  const answers = await Promise.all(
    NAMES.flatMap((name) => Array.from({ length: 10 }, () => chart(`metric_name=${name}&interval=1s&${RANGE}`))),
  );
  for (const { series, count } of answers) {
    expect(count).toBe(300);
    for (const { values } of series) expect(values.filter((value: unknown) => value !== null)).toHaveLength(CYCLES.length);
  }
});
