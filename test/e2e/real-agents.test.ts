/**
 * The agents that are out there, against the whole server: what real ones sent, and how they are known to behave.
 * Captured times are moved to now, by whole seconds, so that retention never rejects them.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../src/config/config.js';
import { metric, TestAgent, type WireMetric } from '../helpers/agent-client.js';
import { type CapturedMetric, goAgentFrames, httpAgentCalls } from '../helpers/fixtures.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

const MINUTE = 60_000;
const iso = (ms: number): string => new Date(ms).toISOString();

let app: TestApp;
const others: TestApp[] = [];
const agents: TestAgent[] = [];

beforeAll(async () => {
  app = await startTestApp();
});

afterEach(async () => {
  for (const agent of agents.splice(0)) agent.terminate();
  for (const other of others.splice(0)) await other.stop();
});

afterAll(async () => {
  await app.stop();
});

/** An app of its own, for tests that need other settings. */
async function startOther(settings: Record<string, string>): Promise<TestApp> {
  const other = await startTestApp(settings);
  others.push(other);
  return other;
}

async function connect(server: TestApp, agentId: string, options: object = {}): Promise<TestAgent> {
  const agent = await TestAgent.connect(server, { agentId, ...options });
  agents.push(agent);
  return agent;
}

/** Asks until the answer satisfies: for what the server does on its own and tells nobody. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (const deadline = Date.now() + 5_000; ; ) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function agentOf(server: TestApp, id: string): Promise<any> {
  return (await server.api(`/api/v1/agents/${id}`)).body;
}

interface Sample {
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
  readonly unit: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly timestamp: string;
}

/** All samples of an agent as REST shows them, without what the server adds. */
async function samplesOf(server: TestApp, agentId: string): Promise<Sample[]> {
  const { status, body } = await server.api(`/api/v1/metrics?agentId=${agentId}&limit=10000&startTime=${iso(Date.now() - 3_600_000)}`);
  expect(status).toBe(200);
  return inOrder(
    body.metrics.map(({ name, type, value, unit, tags, timestamp }: Sample) => ({ name, type, value, unit, tags, timestamp })),
  );
}

function inOrder(samples: readonly Sample[]): Sample[] {
  const key = ({ timestamp, name, tags }: Sample): string => `${timestamp} ${name} ${JSON.stringify(tags)}`;
  return [...samples].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** What REST must show of a metric that was sent; `sentAt` where it carried no time. */
function expected({ name, type, value, unit, tags, timestamp }: WireMetric | CapturedMetric, sentAt = ''): Sample {
  const at = timestamp ?? sentAt;
  return { name, type: type === 'timing' ? 'timer' : type, value, unit: unit ?? null, tags: tags ?? {}, timestamp: iso(Date.parse(at)) };
}

/** Every RFC 3339 time in the text, moved by whole seconds; fraction digits stay as they are. */
function moved(text: string, seconds: number): string {
  return text.replace(/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z/g, (_all, whole: string, fraction = '') => {
    return `${iso(Date.parse(`${whole}Z`) + seconds * 1_000).slice(0, 19)}${fraction}Z`;
  });
}

/** Seconds from a captured time to a few minutes ago. */
function shiftFrom(capturedMs: number): number {
  return Math.floor((Date.now() - 5 * MINUTE - capturedMs) / 1_000);
}

describe('the Go agent', () => {
  test('every captured frame is stored and comes back with value, tags, unit and time', async () => {
    const frames = goAgentFrames();
    const shift = shiftFrom(Date.parse(frames[0]?.data.timestamp ?? ''));
    const agent = await connect(app, 'lab-agent', { provider: 'on-premise', region: 'lab' });
    const sent: Sample[] = [];
    for (const { text, type } of frames) {
      const frame = moved(text, shift);
      agent.sendRaw(`${frame}\n`);
      if (type === 'registration') await agent.nextFrame('registration_ack');
      if (type !== 'metrics') continue;
      const { metrics } = (JSON.parse(frame) as { data: { metrics: CapturedMetric[] } }).data;
      sent.push(...metrics.map((one) => expected(one)));
      expect(await agent.nextFrame('metrics_ack')).toMatchObject({ processed: metrics.length, errors: 0 });
    }
    expect(sent).toHaveLength(136);
    expect(await samplesOf(app, 'lab-agent')).toEqual(inOrder(sent));
    expect(agent.frames.filter(({ type }) => type === 'error')).toEqual([]);
    expect(await agentOf(app, 'lab-agent')).toMatchObject({
      id: 'lab-agent',
      provider: 'on-premise',
      region: 'lab',
      zone: 'lab-a',
      network: 'default',
      subnet: 'default',
      version: '1.0.0',
      status: 'connected',
      total_metrics: 136,
      total_errors: 0,
      total_messages: frames.length,
    });
  });

  test('a batch of 100 that arrives in fragments is one batch', async () => {
    const agent = await connect(app, 'fragments');
    await agent.register();
    const at = Date.now();
    const metrics = Array.from({ length: 100 }, (_, i) =>
      metric(`m${i}`, i / 7, { unit: 'bytes/sec', tags: { interface: 'eth0' }, timestamp: at }),
    );
    const text = Buffer.from(JSON.stringify({ type: 'metrics', data: { agent_id: 'fragments', timestamp: iso(at), metrics } }));
    expect(text.length).toBeGreaterThan(8_192);
    for (let start = 0; start < text.length; start += 4_096) {
      agent.socket.send(text.subarray(start, start + 4_096), { binary: false, fin: start + 4_096 >= text.length });
      if (start === 4_096) agent.socket.ping();
    }
    expect(await agent.nextFrame('metrics_ack')).toMatchObject({ processed: 100, errors: 0 });
    expect(await samplesOf(app, 'fragments')).toEqual(inOrder(metrics.map((one) => expected(one))));
  });

  test('one that locks itself up after the upgrade is shown, reaped, and shown as disconnected', async () => {
    const server = await startOther({ WS_HEARTBEAT_INTERVAL: '100', WS_CONNECTION_TIMEOUT: '500' });
    const agent = await connect(server, 'locked-up', { provider: 'aws', region: 'eu-west-1', zone: 'b' });
    await eventually(async () => expect(await agentOf(server, 'locked-up')).toMatchObject({ status: 'connected' }));
    expect(await agentOf(server, 'locked-up')).toMatchObject({ provider: 'aws', region: 'eu-west-1', zone: 'b', last_registration: null });
    expect((await agent.closed).code).toBe(1006);
    await eventually(async () => expect(await agentOf(server, 'locked-up')).toMatchObject({ status: 'disconnected' }));
    const { body } = await server.api('/api/v1/agents?status=disconnected');
    expect(body.agents.map(({ id }: { id: string }) => id)).toEqual(['locked-up']);
  });

  test('a data frame comes in time: by default well within the 60 s it allows', async () => {
    expect(parseConfig({}).config.agents.heartbeatIntervalMs).toBe(30_000);
    const server = await startOther({ WS_HEARTBEAT_INTERVAL: '100' });
    const agent = await connect(server, 'pinged');
    const first = await agent.nextFrame('ping');
    expect(Math.abs(Date.parse(first.timestamp) - Date.now())).toBeLessThan(5_000);
    agent.send('pong', { timestamp: iso(Date.now()) });
    await agent.nextFrame('ping');
  });

  test('after N reconnects it sends N+1 WebSocket pings at once: all are answered, and keep it alive', async () => {
    const server = await startOther({ WS_HEARTBEAT_INTERVAL: '100', WS_CONNECTION_TIMEOUT: '600' });
    const agent = await connect(server, 'pinging');
    let pongs = 0;
    agent.socket.on('pong', () => pongs++);
    for (let round = 1; round <= 12; round++) {
      for (let i = 0; i < 6; i++) agent.socket.ping();
      await agent.nextFrame('ping');
    }
    await eventually(async () => expect(pongs).toBe(72));
    expect(await agentOf(server, 'pinging')).toMatchObject({ status: 'connected' });
  });

  test('a new connection takes over, and the late close of the old one does not take it offline', async () => {
    const older = await connect(app, 'takeover');
    await older.register();
    const newer = await connect(app, 'takeover');
    await newer.register();
    expect(await older.push([metric('cpu', 1, { timestamp: Date.now() - 2 })])).toMatchObject({ processed: 1 });
    await older.close();
    expect(await newer.push([metric('cpu', 2)])).toMatchObject({ processed: 1 });
    expect(await agentOf(app, 'takeover')).toMatchObject({ status: 'connected', total_metrics: 2 });
    await app.api('/api/v1/agents/takeover/config', { method: 'PUT', body: { collection_interval: 30 } });
    expect(await newer.nextFrame('config_update')).toMatchObject({ config: { collection_interval: 30 } });
    const { body } = await app.api('/api/v1/dashboard/activity?limit=1000');
    const kinds = body.activity.filter((one: any) => one.agent_id === 'takeover').map(({ type }: { type: string }) => type);
    expect(kinds).not.toContain('agent_disconnected');
    await newer.close();
    await eventually(async () => expect(await agentOf(app, 'takeover')).toMatchObject({ status: 'disconnected' }));
  });

  test('it registers again on every connection, and stays one agent', async () => {
    const seen: any[] = [];
    for (const version of ['1.0.0', '1.1.0']) {
      const agent = await connect(app, 'again');
      expect(await agent.register({ version })).toMatchObject({ status: 'success', agentId: 'again' });
      await agent.register({ version });
      expect(await agent.push([metric('cpu', 1)])).toMatchObject({ processed: 1 });
      await agent.close();
      await eventually(async () => expect(await agentOf(app, 'again')).toMatchObject({ status: 'disconnected' }));
      seen.push(await agentOf(app, 'again'));
    }
    expect(seen.map(({ version }) => version)).toEqual(['1.0.0', '1.1.0']);
    expect(seen[1].created_at).toBe(seen[0].created_at);
    expect(Date.parse(seen[1].last_registration)).toBeGreaterThan(Date.parse(seen[0].last_registration));
    const { body } = await app.api('/api/v1/agents?search=again');
    expect(body.pagination.total).toBe(1);
  });

  test('a batch spans several collection cycles, and a cycle two batches', async () => {
    const agent = await connect(app, 'cycles');
    const now = Date.now();
    const cycle = (at: number): WireMetric[] => ['a', 'b', 'c'].map((name) => metric(name, at % 1_000, { timestamp: at }));
    const all = [...cycle(now - 30_000), ...cycle(now - 20_001), ...cycle(now - 10_002), ...cycle(now)];
    expect(await agent.push(all.slice(0, 7), { timestamp: now })).toMatchObject({ processed: 7 });
    expect(await agent.push(all.slice(7), { timestamp: now })).toMatchObject({ processed: 5 });
    expect(await samplesOf(app, 'cycles')).toEqual(inOrder(all.map((one) => expected(one))));
  });

  test('values that look wrong are stored as sent', async () => {
    const agent = await connect(app, 'odd');
    const at = Date.now();
    const values = [3333, 6667, 3688315836977406000, 2 ** 53 + 2, 2 ** 64, 1e308, 5e-324, -0.1, 33.3333, 0];
    const metrics = values.map((value, i) =>
      metric('ping_packet_loss_percent', value, { unit: 'percent', tags: { i: String(i) }, timestamp: at }),
    );
    const histogram = { value: 12.5, min: 1, max: 2 ** 53 + 2, avg: 4.000000001, count: 3 };
    metrics.push(metric('latency', histogram, { type: 'histogram', timestamp: at }));
    metrics.push(metric('duration', { value: 3 }, { type: 'timing', timestamp: at }));
    expect(await agent.push(metrics)).toMatchObject({ processed: 12, errors: 0 });
    expect(await samplesOf(app, 'odd')).toEqual(inOrder(metrics.map((one) => expected(one))));
  });

  test('a failed ping has only its target, a good one its address too: two series', async () => {
    const agent = await connect(app, 'pings');
    const now = Date.now();
    const target = '10.255.255.1';
    const metrics = [
      metric('ping_success', 1, { unit: 'boolean', tags: { target, target_ip: target }, timestamp: now - 1_000 }),
      metric('ping_success', 0, { unit: 'boolean', tags: { target }, timestamp: now }),
    ];
    await agent.push(metrics);
    expect(await samplesOf(app, 'pings')).toEqual(inOrder(metrics.map((one) => expected(one))));
    const { body } = await app.api(`/api/v1/metrics?agentId=pings&tag=target:${target}`);
    expect(new Set(body.metrics.map(({ id }: { id: string }) => id.split('-')[0])).size).toBe(2);
  });

  test("metrics without a time, tags or unit take the batch's time and come back as they are", async () => {
    const agent = await connect(app, 'bare');
    const at = iso(Date.now() - 1_234);
    const metrics = [metric('a', 1, { tags: null }), { ...metric('b', 2), tags: {}, unit: '', timestamp: '' }];
    await agent.push(metrics, { timestamp: at });
    expect(await samplesOf(app, 'bare')).toEqual([metrics[0], metric('b', 2)].map((one) => expected(one as WireMetric, at)));
  });

  test('a batch sent again is not stored again, not even over another connection', async () => {
    const metrics = [metric('cpu', 1), metric('cpu', 'x')];
    const first = await connect(app, 'repeating');
    expect(await first.push(metrics, { batchId: 'b1' })).toMatchObject({ processed: 1, errors: 1, batch_id: 'b1' });
    await first.close();
    const second = await connect(app, 'repeating');
    const again = await second.push(metrics, { batchId: 'b1' });
    expect(again).toMatchObject({ processed: 1, errors: 1, batch_id: 'b1', duplicate: true });
    expect(await samplesOf(app, 'repeating')).toHaveLength(1);
    expect(await agentOf(app, 'repeating')).toMatchObject({ total_metrics: 1, total_errors: 1 });
  });

  test('the same series and millisecond is one sample: the last write wins, both count', async () => {
    const agent = await connect(app, 'same');
    const timestamp = Date.now();
    expect(await agent.push([metric('cpu', 1, { timestamp }), metric('cpu', 2, { timestamp })])).toMatchObject({ processed: 2 });
    expect(await samplesOf(app, 'same')).toMatchObject([{ value: 2 }]);
    expect(await agent.push([metric('cpu', 3, { timestamp })])).toMatchObject({ processed: 1 });
    expect(await samplesOf(app, 'same')).toMatchObject([{ value: 3 }]);
  });

  test('times out of range are rejected one by one, and the skew of its clock is recorded', async () => {
    const server = await startOther({ METRICS_RETENTION_DAYS: '1' });
    const agent = await connect(server, 'skewed');
    const now = Date.now();
    const offsets = [-25 * 60 * MINUTE, -23 * 60 * MINUTE, -MINUTE, 55 * MINUTE, 65 * MINUTE];
    const metrics = offsets.map((offset, i) => metric(`m${i}`, i, { timestamp: now + offset }));
    const ack = await agent.push(metrics, { timestamp: now - 10 * MINUTE });
    expect(ack).toMatchObject({ processed: 3, errors: 2 });
    expect(ack.details.map(({ index, name }: any) => [index, name])).toEqual([
      [0, 'm0'],
      [4, 'm4'],
    ]);
    for (const { error } of ack.details) expect(error).toContain('timestamp_out_of_range');
    const skews = [await agentOf(server, 'skewed')];
    expect(await server.restart()).toBe(true);
    skews.push(await agentOf(server, 'skewed'));
    for (const { clock_skew_ms: skewMs } of skews) expect(Math.abs(skewMs - 10 * MINUTE)).toBeLessThan(10_000);
  });

  test('it does nothing with config_update and command, and nobody waits for it', async () => {
    const agent = await connect(app, 'deaf-to-config');
    await agent.register();
    const put = await app.api('/api/v1/agents/deaf-to-config/config', { method: 'PUT', body: { collection_interval: 15 } });
    expect(put).toMatchObject({ status: 200, body: { version: 1, delivered: true } });
    expect(await agent.nextFrame('config_update')).toMatchObject({ version: 1, config: { collection_interval: 15 } });
    const command = await app.api('/api/v1/agents/deaf-to-config/commands', { method: 'POST', body: { name: 'restart' } });
    expect(command.status).toBe(202);
    await agent.nextFrame('command');
    expect(await agent.push([metric('cpu', 1)])).toMatchObject({ processed: 1 });
    expect((await app.api('/api/v1/agents/deaf-to-config/config')).body).toMatchObject({ version: 1, config: { collection_interval: 15 } });
  });

  test('what was away when its config was set gets it when it registers', async () => {
    const before = await connect(app, 'away');
    await before.register();
    await before.close();
    await eventually(async () => expect(await agentOf(app, 'away')).toMatchObject({ status: 'disconnected' }));
    const put = await app.api('/api/v1/agents/away/config', { method: 'PUT', body: { batch_size: 50 } });
    expect(put.body).toMatchObject({ version: 1, delivered: false });
    const after = await connect(app, 'away');
    await after.register();
    expect(await after.nextFrame('config_update')).toMatchObject({ version: 1, config: { batch_size: 50 } });
  });
});

describe('the older agent over HTTP', () => {
  test.each(['', '/monitoring'])('its two calls under /api/v1%s are stored under the names of the Go agent', async (prefix) => {
    const agentId = `http-lab${prefix.replace('/', '-')}`;
    const calls = httpAgentCalls().filter(({ file }) => file.startsWith('http-200'));
    const shift = shiftFrom(Number(calls[0]?.body.started_at) * 1_000);
    const sent: Sample[] = [];
    for (const { path, body } of calls) {
      const registers = path.endsWith('/register');
      const moment = Number(registers ? body.started_at : body.timestamp) + shift;
      const call = registers ? { ...body, id: agentId, started_at: moment } : { ...body, agent_id: agentId, timestamp: moment };
      const answer = await app.api(path.replace('/api/v1', `/api/v1${prefix}`), { method: 'POST', body: call });
      expect(answer).toMatchObject({ status: 200, body: { success: true, message: expect.any(String), agentId } });
      if (registers) continue;
      const at = { timestamp: moment * 1_000 };
      const tags = { target: '127.0.0.1' };
      const [ping] = body.ping_results;
      const { cpu_usage: cpu, memory_usage: memory, disk_usage: disk, uptime } = body.system_info;
      const metrics = [
        metric('ping_success', 1, { unit: 'boolean', tags, ...at }),
        metric('ping_rtt_avg_ms', ping.latency_ms, { unit: 'ms', tags, ...at }),
        metric('ping_packet_loss_percent', ping.packet_loss, { unit: 'percent', tags, ...at }),
        metric('system_cpu_percent', cpu, { unit: 'percent', ...at }),
        metric('system_memory_percent', memory, { unit: 'percent', ...at }),
        metric('system_disk_percent', disk, { unit: 'percent', ...at }),
        metric('system_uptime_seconds', uptime, { unit: 'seconds', ...at }),
      ];
      sent.push(...metrics.map((one) => expected(one)));
    }
    expect(await samplesOf(app, agentId)).toEqual(inOrder(sent));
    expect(await agentOf(app, agentId)).toMatchObject({
      provider: 'gcp',
      region: 'us-central1',
      zone: 'us-central1-a',
      subnet: 'default',
      version: '1.0.0',
      status: 'connected',
      total_metrics: sent.length,
    });
  });

  test('a failed ping says latency 0 and loss 0, and only its failure is stored', async () => {
    const [push] = httpAgentCalls().filter(({ file }) => file.startsWith('http-loss-2'));
    const body = { ...push?.body, agent_id: 'http-loss', timestamp: Math.floor(Date.now() / 1_000) };
    expect(await app.api('/api/v1/metrics', { method: 'POST', body })).toMatchObject({
      status: 200,
      body: { success: true, agentId: 'http-loss' },
    });
    const pings = (await samplesOf(app, 'http-loss')).filter(({ name }) => name.startsWith('ping_'));
    expect(pings.map(({ name, value, tags }) => `${tags.target ?? ''} ${name} ${String(value)}`).toSorted()).toEqual([
      '10.255.255.1 ping_success 0',
      '127.0.0.1 ping_packet_loss_percent 33.3333',
      '127.0.0.1 ping_rtt_avg_ms 0.022',
      '127.0.0.1 ping_success 1',
    ]);
  });

  test('a shell script pushes the `metrics` object, in either spelling', async () => {
    const at = Date.now();
    const body = {
      agentId: 'script',
      batchId: 'b1',
      timestamp: iso(at),
      location: { provider: 'aws', region: 'eu' },
      metrics: [metric('a', 1), metric('b', 'x')],
    };
    const first = await app.api('/api/v1/metrics', { method: 'POST', body });
    expect(first).toMatchObject({
      status: 200,
      body: { success: true, agentId: 'script', processed: 1, errors: 1, batch_id: 'b1', details: [{ index: 1 }] },
    });
    const { agentId, batchId, ...rest } = body;
    const second = await app.api('/api/v1/metrics', { method: 'POST', body: { ...rest, agent_id: agentId, batch_id: batchId } });
    expect(second).toMatchObject({ status: 200, body: { processed: 1, duplicate: true } });
    expect(await samplesOf(app, 'script')).toEqual([expected(metric('a', 1), iso(at))]);
    expect(await agentOf(app, 'script')).toMatchObject({ provider: 'aws', region: 'eu', status: 'connected' });
  });

  test.each<[number, string, unknown]>([
    [400, 'validation_failed', {}],
    [400, 'validation_failed', []],
    [400, 'validation_failed', { agent_id: 'a/b', metrics: [] }],
    [400, 'validation_failed', { agent_id: 'nobody' }],
    [400, 'validation_failed', { agent_id: 'nobody', metrics: 5 }],
    [400, 'invalid_json', '{"agent_id":'],
  ])('%i %s for a bad body', async (status, code, body) => {
    for (const path of ['/api/v1/metrics', '/api/v1/monitoring/metrics']) {
      const answer = await app.api(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      expect(answer).toMatchObject({
        status,
        body: { error: { code, status, message: expect.any(String), timestamp: expect.any(String) } },
      });
    }
    expect((await app.api('/api/v1/agents/nobody')).status).toBe(404);
  });
});
