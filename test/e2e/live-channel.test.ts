import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { metric, TestAgent } from '../helpers/agent-client.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';
import { caughtUp, connectConsole, nextFrames } from '../helpers/test-console.js';

/** The console's live channel on the production app: what agents do is what browsers see. */
const FRONTEND = 'http://localhost:4200';
const INTERVAL_MS = 100;

let app: TestApp;
const open: TestAgent[] = [];

beforeAll(async () => {
  app = await startTestApp({ FRONTEND_URL: FRONTEND, LIVE_INTERVAL_MS: String(INTERVAL_MS), LIVE_MAX_CLIENTS: '5' });
});

afterAll(async () => {
  expect(await app.stop()).toBe(true);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((socket) => socket.close()));
});

async function openConsole(origin = FRONTEND): Promise<TestAgent> {
  const console = await connectConsole(app, { Origin: origin });
  open.push(console);
  return console;
}

async function openAgent(agentId: string): Promise<TestAgent> {
  const agent = await TestAgent.connect(app, { agentId });
  open.push(agent);
  await agent.register();
  return agent;
}

describe('the live channel', () => {
  test('tells of agents that come and go, with the agent as REST shows it', async () => {
    const console = await openConsole();
    const agent = await openAgent('live-1');
    expect(await console.nextFrame('agent_connected')).toMatchObject({
      id: 'live-1',
      status: 'connected',
      provider: 'gcp',
      region: 'us-central1',
    });
    await agent.close();
    const gone = await console.nextFrame('agent_disconnected');
    expect(gone).toMatchObject({ id: 'live-1', status: 'disconnected' });
    const { recentMetrics: _, ...shown } = (await app.api('/api/v1/agents/live-1')).body;
    expect(new Set(Object.keys(gone))).toEqual(new Set(Object.keys(shown)));
  });

  test('a pushed metric arrives as REST shows it; many samples and series are one frame per interval', async () => {
    const console = await openConsole();
    const agent = await openAgent('live-2');
    const startMs = Date.now();
    const pushes = 40;
    for (let i = 1; i <= pushes; i++) {
      await agent.push([
        metric('ping_rtt_avg_ms', i, { unit: 'ms', tags: { target: '8.8.8.8' }, timestamp: startMs - 1_000 + i }),
        metric('step', { value: i, max: i + 0.5 }, { type: 'histogram', timestamp: startMs - 1_000 + i }),
      ]);
    }
    const lastOf = async (name: string): Promise<any> =>
      (
        await console.next(
          ({ type, data }) => type === 'metric_received' && data.name === name && (data.value.value ?? data.value) === pushes,
        )
      ).data;
    const [rtt, step] = [await lastOf('ping_rtt_avg_ms'), await lastOf('step')];
    const elapsedMs = Date.now() - startMs;
    const { body } = await app.api('/api/v1/metrics?agent_id=live-2&limit=2');
    expect(body.metrics.toSorted((a: any, b: any) => a.name.localeCompare(b.name))).toEqual([rtt, step]);
    const heard = console.frames.filter(({ type }) => type === 'metric_received').length;
    expect(heard).toBeLessThanOrEqual(Math.ceil(elapsedMs / INTERVAL_MS) + 1);
  });

  test('a console that follows two agents with many series hears each in its turn, one per interval', async () => {
    const agents = [await openAgent('live-many-1'), await openAgent('live-many-2')];
    const console = await openConsole();
    for (const { agentId } of agents) console.send('subscribe_agent', { agent_id: agentId });
    await caughtUp(console, 'marker');
    const startMs = Date.now();
    const names = Array.from({ length: 10 }, (_, i) => `many_${i}`);
    for (const value of [1, 2]) {
      for (const agent of agents) await agent.push(names.map((name) => metric(name, value, { timestamp: startMs - 1_000 + value })));
    }
    const wanted = new Set(agents.flatMap(({ agentId }) => names.map((name) => `${agentId} ${name} 2`)));
    while (wanted.size > 0) {
      const { agent_id, name, value } = await console.nextFrame('metric_received');
      wanted.delete(`${agent_id} ${name} ${value}`);
    }
    const heard = console.frames.filter(({ type }) => type === 'metric_received').length;
    expect(heard).toBeLessThanOrEqual(Math.ceil((Date.now() - startMs) / INTERVAL_MS) + 1);
  });

  test('answers request_agents and request_metrics, and narrows by subscription', async () => {
    const [one, two] = [await openAgent('live-3'), await openAgent('live-4')];
    for (const agent of [one, two]) await agent.push([metric('cpu', 1), metric('wait', { value: 2 }, { type: 'timer' })]);
    const console = await openConsole();
    console.send('client_connect', { clientId: 'x' });
    console.send('request_agents', {});
    const { agents } = (await app.api('/api/v1/agents')).body;
    const told = await nextFrames(console, 'agent_updated', agents.length);
    expect(new Set(told.map(({ id }) => id))).toEqual(new Set(agents.map(({ id }: { id: string }) => id)));

    console.send('request_metrics', { agentId: 'live-3', metricType: 'timer' });
    expect(await console.nextFrame('metric_received')).toMatchObject({ agent_id: 'live-3', name: 'wait', value: { value: 2 } });
    console.send('request_metrics', { agent_id: 'live-4' });
    const latest = await nextFrames(console, 'metric_received', 2);
    expect(new Set(latest.map(({ name }) => name))).toEqual(new Set(['cpu', 'wait']));

    console.send('subscribe_agent', { agent_id: 'live-4' });
    await caughtUp(console, 'marker');
    await one.push([metric('cpu', 10)]);
    await two.push([metric('cpu', 20)]);
    expect(await console.nextFrame('metric_received')).toMatchObject({ agent_id: 'live-4', value: 20 });
    console.send('unsubscribe_agent', { agent_id: 'live-4' });
    await caughtUp(console, 'marker');
    await one.push([metric('cpu', 30)]);
    expect(await console.nextFrame('metric_received')).toMatchObject({ agent_id: 'live-3', value: 30 });
  });

  test('a deleted agent is told of', async () => {
    await openAgent('live-5');
    const console = await openConsole();
    await app.api('/api/v1/agents/live-5', { method: 'DELETE' });
    expect(await console.nextFrame('agent_disconnected')).toMatchObject({ id: 'live-5', status: 'disconnected' });
  });

  test('lets in the front end and its own host, no other origin', async () => {
    await openConsole(FRONTEND);
    await openConsole(app.url);
    await expect(connectConsole(app, { Origin: 'http://evil.test' })).rejects.toMatchObject({ status: 403 });
  });

  test('one console too many is told to come back later', async () => {
    for (let i = 0; i < 5; i++) await openConsole();
    expect((await (await openConsole()).closed).code).toBe(1013);
  });

  test('bad messages do no harm; a stop closes with 1001', async () => {
    const console = await openConsole();
    console.sendRaw('{{{');
    expect(await console.nextFrame('error')).toMatchObject({ code: 'invalid_json' });
    console.send('request_agents', {});
    await console.nextFrame('agent_updated');
    expect(await app.restart()).toBe(true);
    expect((await console.closed).code).toBe(1001);
  });
});
