/** An agent that counts its batches, with outages; and what answers say of it, from the socket to the chart. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { metric, TestAgent } from '../helpers/agent-client.js';
import { eventually } from '../helpers/eventually.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

const CYCLE_MS = 30_000;
/** An hour ago, so that cycles lie within what answers cover by default. */
const START_MS = Math.floor((Date.now() - 3_600_000) / 1_000) * 1_000;

let app: TestApp;
let agent: TestAgent;
beforeEach(async () => {
  app = await startTestApp();
  agent = await TestAgent.connect(app, { agentId: 'a' });
  await agent.register();
});
afterEach(async () => {
  agent.terminate();
  await app.stop();
});

const at = (cycle: number): string => new Date(START_MS + cycle * CYCLE_MS).toISOString();

/** The batches of these cycles, numbered like them; each has its two samples at one moment. */
async function send(...cycles: readonly number[]): Promise<void> {
  for (const cycle of cycles) {
    const timestamp = START_MS + cycle * CYCLE_MS;
    const metrics = [metric('m', cycle, { timestamp }), metric('n', cycle, { timestamp })];
    await agent.push(metrics, { batchId: `${cycle} ${timestamp}`, timestamp, extra: { seq: cycle } });
  }
}

async function reconnect(registration: Readonly<Record<string, unknown>> = {}): Promise<void> {
  agent.terminate();
  agent = await TestAgent.connect(app, { agentId: 'a' });
  await agent.register(registration);
}

const missing = (from: number, to: number, batches = to - from - 1): object => ({
  agent_id: 'a',
  from: at(from),
  to: at(to),
  reason: 'missing',
  batches,
});

async function gaps(): Promise<unknown> {
  return (await app.api('/api/v1/agents/a/gaps')).body.gaps;
}

test('gaps open with what is new and close with the backlog, over reconnects and a restart of the server', async () => {
  await send(1, 2, 3);
  expect(await gaps()).toEqual([]);
  await reconnect();
  await send(8);
  expect(await gaps()).toEqual([missing(3, 8)]);
  await send(4, 9, 6);
  expect(await gaps()).toEqual([missing(4, 6), missing(6, 8)]);

  expect(await app.restart()).toBe(true);
  await reconnect();
  expect(await gaps()).toEqual([missing(4, 6), missing(6, 8)]);
  // What was acknowledged before is sent again as well: it is known.
  await send(6, 10, 7, 9, 5);
  expect(await gaps()).toEqual([]);
  await send(11);
  expect(await gaps()).toEqual([]);
});

test('batches of the usual form count as well', async () => {
  // From the third on, they are read without JSON.parse.
  await send(1, 2, 3, 4, 5, 8, 9, 7);
  expect(await gaps()).toEqual([missing(5, 7)]);
});

test('an agent that lost its state counts anew; what was missing before remains so', async () => {
  await send(1, 2, 5);
  const later = START_MS + 20 * CYCLE_MS;
  for (const seq of [1, 2, 3, 4]) {
    const timestamp = later + seq * CYCLE_MS;
    await agent.push([metric('m', seq, { timestamp })], { timestamp, extra: { seq } });
  }
  expect(await gaps()).toEqual([missing(2, 5)]);
});

test('what is no count is ignored', async () => {
  for (const seq of [3, '9', -1, 1.5, null, 2 ** 60, {}, 4]) {
    await expect(agent.push([metric('m', 1)], { extra: { seq } })).resolves.toMatchObject({ processed: 1 });
  }
  expect(await gaps()).toEqual([]);
});

test('an empty batch with a number counts, with an id or without', async () => {
  await send(1);
  await agent.push([], { extra: { seq: 2 } });
  await agent.push([], { batchId: 'empty', extra: { seq: 3 } });
  await send(4);
  expect(await gaps()).toEqual([]);
});

test('pushes over HTTP count in the same way', async () => {
  const push = (cycle: number): Promise<unknown> => {
    const metrics = [metric('m', cycle, { timestamp: START_MS + cycle * CYCLE_MS })];
    return app.api('/api/v1/metrics', { method: 'POST', body: { agent_id: 'a', seq: cycle, timestamp: at(cycle), metrics } });
  };
  await push(1);
  await push(4);
  expect(await gaps()).toEqual([missing(1, 4)]);
});

describe('what the agent had to drop', () => {
  const dropped = { count: 6, from: at(3), to: at(5) };

  test('is told once, with the batches that are missing because of it', async () => {
    await send(1, 2);
    await reconnect({ dropped });
    expect(await gaps()).toEqual([{ agent_id: 'a', from: at(3), to: at(5), reason: 'dropped', samples: 6 }]);
    await send(6);
    // The acknowledgement got lost: it says so again.
    await reconnect({ dropped });
    expect(await gaps()).toEqual([{ agent_id: 'a', from: at(2), to: at(6), reason: 'dropped', batches: 3, samples: 6 }]);
    const { activity } = (await app.api('/api/v1/dashboard/activity')).body;
    const told = activity.filter(({ message }: { message: string }) => message.includes('drop'));
    expect(told.map(({ message }: { message: string }) => message)).toEqual([`Agent had to drop 6 samples (${at(3)} to ${at(5)})`]);
  });

  test('may be told over the connection there is; nothing else changes, and nobody takes it for another connection', async () => {
    await send(1, 2, 3);
    agent.send('status', { status: 'warning', message: 'the disk is full' });
    const told = async (): Promise<any> => (await app.api('/api/v1/agents/a')).body;
    await eventually(async () => (await told()).health === 'warning');
    const before = await told();
    await agent.register({ dropped });
    await agent.register({ dropped: { count: 1, from: at(20), to: at(20) } });
    await send(4, 5, 6);
    const after = await told();
    for (const field of ['status', 'health', 'provider', 'region', 'version', 'capabilities', 'connected_at', 'created_at', 'config']) {
      expect([field, after[field]]).toEqual([field, before[field]]);
    }
    expect(after.total_metrics).toBe(before.total_metrics + 6);
    expect(await gaps()).toEqual([
      { agent_id: 'a', from: at(3), to: at(5), reason: 'dropped', samples: 6 },
      { agent_id: 'a', from: at(20), to: at(20), reason: 'dropped', samples: 1 },
    ]);
    const { activity } = (await app.api('/api/v1/dashboard/activity')).body;
    const types = activity.map(({ type }: { type: string }) => type);
    expect(types.filter((type: string) => /connected|registered/.test(type)).sort()).toEqual(['agent_connected', 'agent_registered']);
    expect(agent.frames.filter(({ type }) => type === 'welcome')).toHaveLength(1);
  });

  test('is taken over HTTP as well', async () => {
    const register = async (body: object): Promise<number> =>
      (await app.api('/api/v1/agents/register', { method: 'POST', body: { id: 'a', ...body } })).status;
    expect(await register({ hostname: 'h', dropped })).toBe(200);
    expect(await register({ location: { provider: 'gcp' }, dropped })).toBe(200);
    expect(await register({ dropped: 'all' })).toBe(200);
    expect(await gaps()).toEqual([{ agent_id: 'a', from: at(3), to: at(5), reason: 'dropped', samples: 6 }]);
  });

  test('from long ago is told as far as samples are kept, and does not swallow what was told of later', async () => {
    await agent.register({ dropped });
    await agent.register({ dropped: { count: 5, from: '1970-01-01T00:00:00Z', to: at(20) } });
    const days = (await app.api('/api/v1/agents/a/gaps?time_range=90d')).body.gaps;
    const keptSinceMs = Math.floor((Date.now() - 30 * 86_400_000) / 86_400_000) * 86_400_000;
    expect(days).toEqual([{ agent_id: 'a', from: new Date(keptSinceMs).toISOString(), to: at(20), reason: 'dropped', samples: 11 }]);
    await agent.register({ dropped: { count: 5, from: '1970-01-01T00:00:00Z', to: '1970-01-02T00:00:00Z' } });
    expect((await app.api('/api/v1/agents/a/gaps?time_range=90d')).body.gaps).toEqual(days);
  });

  test.each([{ count: -1 }, 'all', { count: 5, from: 'x', to: 'y' }])('%j does not cost the registration', async (nonsense) => {
    await reconnect({ dropped: nonsense });
    expect(agent.frames.map(({ type }) => type)).not.toContain('error');
    expect(await gaps()).toEqual([]);
  });
});

test('histories, aggregates and the samples of an agent come with the gaps of their agents', async () => {
  const other = await TestAgent.connect(app, { agentId: 'b', provider: 'aws' });
  await other.push([metric('m', 1, { timestamp: START_MS })], { timestamp: START_MS, extra: { seq: 1 } });
  await send(1, 2, 5);
  const answers = [
    '/metrics/history/m?agent_id=a',
    '/metrics/history?metric_name=m',
    '/metrics/aggregated?metric_name=m&provider=gcp',
    '/metrics/aggregated?metric_name=m',
    '/metrics/agent/a',
  ];
  for (const path of answers) {
    const { body } = await app.api(`/api/v1${path}`);
    expect([path, body.gaps, body.gapsTruncated]).toEqual([path, [missing(2, 5)], undefined]);
  }
  const others = [
    '/metrics/history/m?agent_id=b',
    '/metrics/aggregated?provider=aws',
    '/metrics/agent/b',
    '/agents/b/gaps',
    `/metrics/agent/a?start_time=${at(5)}`,
    `/agents/a/gaps?start_time=${at(0)}&end_time=${at(2)}`,
  ];
  for (const path of others) expect([path, (await app.api(`/api/v1${path}`)).body.gaps]).toEqual([path, []]);
  const { body } = await app.api('/api/v1/agents/a/gaps?time_range=7d');
  expect(body).toEqual({
    agentId: 'a',
    timeRange: '7d',
    period: { start: expect.any(String), end: expect.any(String) },
    gaps: [missing(2, 5)],
  });
  expect((await app.api('/api/v1/agents/nobody/gaps')).status).toBe(404);
  expect((await app.api('/api/v1/agents/a/gaps?time_range=x')).status).toBe(400);

  await app.api('/api/v1/agents/a', { method: 'DELETE' });
  expect((await app.api('/api/v1/metrics/aggregated?metric_name=m')).body.gaps).toEqual([]);
  other.terminate();
});
