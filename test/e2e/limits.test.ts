/**
 * What one message may hold, against the built server with its default limits. Each thing that is too much is refused in
 * words that name the field and show the value shortened, is counted in the self metrics, costs nothing else in the same
 * batch, and leaves socket and server as they were.
 */
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { BatchRefused, type Frame, metric, TestAgent, UpgradeRefused } from '../helpers/agent-client.js';
import { eventually } from '../helpers/eventually.js';
import { nested } from '../helpers/hostile.js';
import { connectConsole } from '../helpers/test-console.js';
import { startWatchedServer, type WatchedServer } from '../helpers/watched-server.js';

const MEGABYTE = 1_048_576;
const MAX_MESSAGE_BYTES = 2 * MEGABYTE;
const MAX_BODY_BYTES = MEGABYTE;
const LEVELS = 100_000;
const DEEP_LIST = nested('[', '0', ']', LEVELS);
const DEEP_OBJECT = nested('{"a":', '1', '}', LEVELS);

let server: WatchedServer;
let agents: TestAgent[] = [];
let ids = 0;

beforeAll(async () => {
  server = await startWatchedServer();
});

afterEach(async () => {
  for (const agent of agents) agent.terminate();
  agents = [];
  expect(await server.problems()).toEqual([]);
});

afterAll(async () => {
  await server.dispose();
});

async function connect(agentId = `limits-${++ids}`): Promise<TestAgent> {
  const agent = await TestAgent.connect(server, { agentId });
  agents.push(agent);
  return agent;
}

/** The answer to a batch whose metrics are given as JSON texts, so that they may hold what no object can. */
async function pushText(agent: TestAgent, ...metrics: string[]): Promise<any> {
  agent.sendRaw(`{"type":"metrics","data":{"metrics":[${metrics.join(',')}]}}`);
  return (await agent.next(({ type }) => type === 'metrics_ack' || type === 'error')).data;
}

/** All samples of this agent, newest first. */
async function samplesOf(agent: TestAgent): Promise<any[]> {
  const { status, body } = await server.api(`/api/v1/metrics?agentId=${agent.agentId}&limit=10000`);
  expect(status).toBe(200);
  return body.metrics;
}

/** How much a counter grows while something is done. */
async function growth(name: string, labels: string, work: () => Promise<unknown>): Promise<number> {
  const before = await server.counter(name, labels);
  await work();
  return (await server.counter(name, labels)) - before;
}

const rejected = (reason: string, work: () => Promise<unknown>): Promise<number> =>
  growth('ccv_rejected_metrics_total', `reason="${reason}"`, work);
const badFrames = (reason: string, work: () => Promise<unknown>): Promise<number> =>
  growth('ccv_agent_bad_frames_total', `reason="${reason}"`, work);

const GOOD = JSON.stringify(metric('good', 1));
const tagged = (tags: object): string => JSON.stringify(metric('tagged', 1, { tags: tags as Record<string, string> }));
const count = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

describe('messages that are too long', () => {
  const tooLong = (): string =>
    JSON.stringify({ type: 'metrics', data: { metrics: [JSON.parse(tagged({ a: 'x'.repeat(10 * MEGABYTE) }))] } });

  test('a metric with 10 MB of tags over WebSocket: close 1009, counted, and the agent comes back', async () => {
    const counted = await badFrames('too_long', async () => {
      const agent = await connect('long');
      agent.sendRaw(tooLong());
      expect(await agent.closed).toMatchObject({ code: 1009 });
    });
    expect(counted).toBe(1);
    // Its end is told before it comes back: a connection that is not the newest any more ends in silence.
    await eventually(async () => {
      const { body } = await server.api('/api/v1/dashboard/activity');
      return (body.activity as { agent_id: string; message: string }[]).some(
        (a) => a.agent_id === 'long' && a.message.includes('too long'),
      );
    });
    expect(await (await connect('long')).push([metric('good', 1)])).toMatchObject({ processed: 1 });
  });

  test('the same in fragments is cut off where it gets too long', async () => {
    const agent = await connect();
    const piece = 'x'.repeat(MEGABYTE);
    for (let sent = 0; sent < 10; sent++) agent.socket.send(piece, { fin: false });
    expect(await agent.closed).toMatchObject({ code: 1009 });
  });

  test('a message of just MAX_MESSAGE_BYTES is read, and one byte more is not', async () => {
    const agent = await connect();
    const frame = `{"type":"metrics","data":{"metrics":[${GOOD}]}}`;
    agent.sendRaw(frame.padEnd(MAX_MESSAGE_BYTES, ' '));
    expect(await agent.nextFrame('metrics_ack')).toMatchObject({ processed: 1, errors: 0 });
    agent.sendRaw(frame.padEnd(MAX_MESSAGE_BYTES + 1, ' '));
    expect(await agent.closed).toMatchObject({ code: 1009 });
  });

  test('a console says no more than 64 kB at once', async () => {
    const console = await connectConsole(server);
    console.sendRaw('x'.repeat(65_537));
    expect(await console.closed).toMatchObject({ code: 1009 });
  });

  test.each([
    ['POST', '/api/v1/metrics', MAX_MESSAGE_BYTES],
    ['POST', '/api/v1/agents/register', MAX_MESSAGE_BYTES],
    ['POST', '/api/v1/targets', MAX_BODY_BYTES],
    ['PUT', '/api/v1/agents/x/config', MAX_BODY_BYTES],
  ])('%s %s: 413 above its limit, plain and unpacked', async (method, path, limit) => {
    const filler = (length: number): string => JSON.stringify({ filler: 'x'.repeat(length - '{"filler":""}'.length) });
    const send = (body: string | Uint8Array, headers = {}) =>
      server.api(path, { method, body, headers: { 'content-type': 'application/json', ...headers } });
    const tooLarge = { status: 413, body: { error: { code: 'payload_too_large', message: expect.stringContaining(`${limit} bytes`) } } };
    expect(await send(filler(limit + 1))).toMatchObject(tooLarge);
    expect(await send(filler(limit))).not.toMatchObject({ status: 413 });
    // 10 kB of it on the wire.
    expect(await send(gzipSync(filler(10 * limit)), { 'content-encoding': 'gzip' })).toMatchObject(tooLarge);
  });
});

describe(`${LEVELS} levels`, () => {
  test('in every place of an agent frame: refused in words, the rest of the batch is stored', async () => {
    const agent = await connect();
    const ack = await pushText(
      agent,
      GOOD,
      DEEP_LIST,
      `{"name":${DEEP_LIST},"type":"gauge","value":1}`,
      `{"name":"a","type":${DEEP_LIST},"value":1}`,
      `{"name":"a","type":"gauge","value":${DEEP_LIST}}`,
      `{"name":"a","type":"histogram","value":{"value":1,"buckets":${DEEP_LIST}}}`,
      `{"name":"a","type":"gauge","value":1,"unit":${DEEP_LIST}}`,
      `{"name":"a","type":"gauge","value":1,"tags":${DEEP_OBJECT}}`,
      `{"name":"a","type":"gauge","value":1,"timestamp":${DEEP_LIST}}`,
    );
    expect(ack).toMatchObject({ processed: 1, errors: 8 });
    expect(ack.details.map(({ error }: { error: string }) => error)).toEqual([
      'invalid_metric: a metric must be an object (it is an array)',
      'invalid_name: name must be a string (it is an array)',
      'invalid_type: type must be gauge, counter, histogram or timer (it is an array)',
      'invalid_value: value must be a finite number (it is an array)',
      'invalid_value: value must be JSON of at most 4096 bytes, 8 levels and finite numbers (it is an object)',
      'invalid_unit: unit must be a string (it is an array)',
      'invalid_tags: tag "a" must be a string (it is an object)',
      'invalid_timestamp: timestamp must be an RFC 3339 time or a Unix time (it is an array)',
    ]);
    const refusals = [
      [DEEP_LIST, 'A frame must be an object'],
      [DEEP_OBJECT, 'type must be a string'],
      [`{"type":${DEEP_LIST}}`, 'type must be a string'],
      [`{"type":"metrics","data":${DEEP_LIST}}`, 'data must be an object'],
      [`{"type":"metrics","data":{"metrics":${DEEP_OBJECT}}}`, 'metrics must be an array'],
      [`{"type":"metrics","data":{"batch_id":${DEEP_OBJECT},"metrics":[]}}`, 'batch_id must be a string'],
      [`{"type":"registration","data":{"version":${DEEP_OBJECT}}}`, '"version" must be a string'],
      [`{"type":"registration","data":{"capabilities":[${DEEP_OBJECT}]}}`, '"capabilities[0]" must be a string'],
      [`{"type":"status","data":{"status":${DEEP_LIST}}}`, '"status" must be one of'],
      [`{"type":"command_result","data":{"command_id":"c","status":"ok","output":${DEEP_LIST}}}`, '"output" must be a string'],
    ] as const;
    for (const [frame, reason] of refusals) {
      agent.sendRaw(frame);
      expect(await agent.nextFrame('error')).toMatchObject({ code: 'validation_failed', message: expect.stringContaining(reason) });
    }
    // What is not looked at may be as deep as it likes.
    agent.sendRaw(`{"type":"registration","data":{"config":${DEEP_OBJECT},"x":${DEEP_LIST}},"y":${DEEP_LIST}}`);
    await agent.nextFrame('registration_ack');
    agent.sendRaw(`{"type":"status","data":{"status":"healthy","details":${DEEP_OBJECT}}}`);
    agent.sendRaw(`{"type":"metrics","data":{"location":${DEEP_OBJECT},"metrics":[${GOOD}]}}`);
    expect(await agent.nextFrame('metrics_ack')).toMatchObject({ processed: 1 });
  });

  test('in a console message, as far as it is long enough', async () => {
    const console = await connectConsole(server);
    const deep = nested('[', '0', ']', 30_000);
    for (const message of [
      deep,
      `{"type":${deep}}`,
      `{"type":"request_metrics","data":${deep}}`,
      `{"type":"subscribe_agent","data":{"agent_id":${deep}}}`,
    ]) {
      console.sendRaw(message);
      expect(await console.nextFrame('error')).toMatchObject({ code: 'validation_failed' });
    }
  });

  test('in every body', async () => {
    await connect('deep');
    const post = (path: string, body: string, method = 'POST') =>
      server.api(`/api/v1${path}`, { method, body, headers: { 'content-type': 'application/json' } });
    for (const answer of await Promise.all([
      post('/metrics', DEEP_LIST),
      post('/metrics', `{"agent_id":${DEEP_OBJECT},"metrics":[]}`),
      post('/metrics', `{"agent_id":"deep","metrics":${DEEP_OBJECT}}`),
      post('/metrics', `{"agent_id":"deep","system_info":${DEEP_LIST}}`),
      post('/agents/register', `{"id":"deep","region":${DEEP_LIST}}`),
      post('/targets', `{"name":${DEEP_LIST},"type":"ping","address":"a"}`),
      post('/targets', `{"name":"n","type":"ping","address":"a","agent_ids":${DEEP_LIST}}`),
      post('/agents/deep/config', DEEP_OBJECT, 'PUT'),
      post('/agents/deep/config', `{"targets":{"ping":${DEEP_LIST}}}`, 'PUT'),
      post('/agents/deep/commands', `{"name":"x","args":${DEEP_OBJECT}}`),
      post('/agents/deep/commands', `{"name":"x","args":${DEEP_LIST}}`),
    ])) {
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'validation_failed' } } });
      expect(answer.body.error.message.length).toBeLessThan(500);
    }
  });
});

describe('keys that mean something to JavaScript', () => {
  const TAGS = '{"__proto__":"p","constructor":"c","prototype":"q","toString":"t","hasOwnProperty":"h","":"empty","a\\u0000b":"nul"}';

  test('come back from tags as they were sent, and filter like others', async () => {
    const agent = await connect();
    const plain = metric('proto', 2, { tags: { b: 'x' } });
    expect(await pushText(agent, `{"name":"proto","type":"gauge","value":1,"tags":${TAGS}}`, JSON.stringify(plain))).toMatchObject({
      processed: 2,
    });
    const bodies = await Promise.all(
      ['', '&tag=__proto__:p', '&tag=constructor:c', '&tag=toString:t', '&tag=a%00b:nul', '&tag=__proto__:x', '&tag=valueOf:x'].map((tag) =>
        server.api(`/api/v1/metrics?agentId=${agent.agentId}&metricName=proto${tag}`),
      ),
    );
    expect(bodies.map(({ body }) => body.metrics.length)).toEqual([2, 1, 1, 1, 1, 0, 0]);
    const [{ tags }] = bodies[1]?.body.metrics ?? [];
    expect(new Map(Object.entries(tags))).toEqual(new Map(Object.entries(JSON.parse(TAGS))));
    expect(Object.hasOwn(tags, '__proto__')).toBe(true);
  });

  test('in frames, values and bodies they are keys like others', async () => {
    const agent = await connect();
    const evil = '{"polluted":true,"name":"evil","type":"gauge","value":1}';
    agent.sendRaw(`{"__proto__":{"type":"pong"},"constructor":{"prototype":${evil}}}`);
    expect(await agent.nextFrame('error')).toMatchObject({
      code: 'validation_failed',
      message: expect.stringContaining('type must be a string'),
    });
    expect(await pushText(agent, `{"__proto__":${evil}}`)).toMatchObject({ processed: 0, errors: 1 });
    const object = '{"value":1,"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    expect(await pushText(agent, `{"name":"h","type":"histogram","value":${object}}`)).toMatchObject({ processed: 1 });
    expect(JSON.stringify((await samplesOf(agent))[0].value)).toBe(object);
    agent.sendRaw(`{"type":"registration","data":{"__proto__":{"version":"evil"},"location":{"__proto__":{"provider":"evil"}}}}`);
    await agent.nextFrame('registration_ack');
    expect((await server.api(`/api/v1/agents/${agent.agentId}`)).body).toMatchObject({ version: '', provider: 'gcp' });

    const send = (method: string, path: string, body: string) =>
      server.api(`/api/v1${path}`, { method, body, headers: { 'content-type': 'application/json' } });
    expect(await send('POST', '/targets', `{"__proto__":{"name":"n","type":"ping","address":"a"}}`)).toMatchObject({ status: 400 });
    expect(await send('PUT', `/agents/${agent.agentId}/config`, '{"__proto__":{"collection_interval":7}}')).toMatchObject({ status: 400 });
    expect(await send('PUT', `/agents/${agent.agentId}/config`, '{"constructor":{"prototype":{"a":1}}}')).toMatchObject({ status: 400 });
    expect(await send('POST', '/metrics', `{"__proto__":{"agent_id":"evil","metrics":[]}}`)).toMatchObject({ status: 400 });
    const args = '{"__proto__":{"a":1},"constructor":"c"}';
    expect(await send('POST', `/agents/${agent.agentId}/commands`, `{"name":"x","args":${args}}`)).toMatchObject({ status: 202 });
    expect(JSON.stringify((await agent.nextFrame('command')).args)).toBe(args);
    expect(await server.api('/api/v1/metrics?__proto__=1&constructor=2&__proto__=3&toString=4')).toMatchObject({ status: 200 });
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('values', () => {
  test('1e308 is stored and comes back; aggregates of it may be null but never fail', async () => {
    const agent = await connect();
    const at = Date.now() - 1_000;
    const metrics = count(4, (i) => metric('huge', 1e308, { timestamp: at + i }));
    expect(await agent.push([...metrics, metric('huge_low', -1e308), metric('huge_low', -1e308, { timestamp: at })])).toMatchObject({
      processed: 6,
    });
    expect((await samplesOf(agent)).filter(({ value }) => value === 1e308)).toHaveLength(4);
    expect((await samplesOf(agent)).filter(({ value }) => value === -1e308)).toHaveLength(2);
    for (const aggregation of ['avg', 'sum', 'min', 'max', 'count']) {
      const { status, body } = await server.api(`/api/v1/metrics/aggregated?metricName=huge&interval=1d&aggregation=${aggregation}`);
      expect(status).toBe(200);
      const value = { avg: null, sum: null, min: 1e308, max: 1e308, count: 4 }[aggregation];
      expect(body.metrics).toEqual([expect.objectContaining({ name: 'huge', value, count: 4 })]);
    }
    for (const path of [
      `agents/${agent.agentId}/stats`,
      'metrics/stats',
      'dashboard/overview',
      'dashboard/metrics',
      'metrics/realtime',
      'metrics/search?q=huge',
    ]) {
      expect(await server.api(`/api/v1/${path}`)).toMatchObject({ status: 200 });
    }
  });

  test('1e999 is no number: rejected by name, counted, and the rest of the batch is stored', async () => {
    const agent = await connect();
    const counted = await rejected('invalid_value', async () => {
      const ack = await pushText(
        agent,
        '{"name":"too_big","type":"gauge","value":1e999}',
        '{"name":"too_small","type":"gauge","value":-1e999}',
        '{"name":"inside","type":"histogram","value":{"value":1,"max":1e999}}',
        '{"name":"deeper","type":"histogram","value":{"value":1,"buckets":[1e999]}}',
        GOOD,
      );
      expect(ack).toMatchObject({ processed: 1, errors: 4 });
      expect(ack.details).toEqual([
        { index: 0, name: 'too_big', error: 'invalid_value: value must be a finite number (it is Infinity)' },
        { index: 1, name: 'too_small', error: 'invalid_value: value must be a finite number (it is -Infinity)' },
        { index: 2, name: 'inside', error: 'invalid_value: value.max must be a finite number (it is Infinity)' },
        { index: 3, name: 'deeper', error: expect.stringContaining('finite numbers') },
      ]);
    });
    expect(counted).toBe(4);
    expect(await samplesOf(agent)).toHaveLength(1);
  });

  test('a time of the batch that is none hurts only the metrics without one of their own', async () => {
    const agent = await connect();
    for (const timestamp of ['1e308', '-1e308', '1e999', '9e15', '"never"', '[]', '""', 'null']) {
      agent.sendRaw(
        `{"type":"metrics","data":{"timestamp":${timestamp},"metrics":[{"name":"own","type":"gauge","value":1,"timestamp":${Date.now()}},${GOOD}]}}`,
      );
      const isNone = timestamp === '""' || timestamp === 'null';
      expect(await agent.nextFrame('metrics_ack')).toMatchObject(isNone ? { processed: 2 } : { processed: 1, errors: 1 });
    }
  });
});

describe('tags', () => {
  test('10,000 on one metric: rejected by their number, counted, and the rest of the batch is stored', async () => {
    const agent = await connect();
    const tags = Object.fromEntries(count(10_000, (i) => [`key${i}`, `value${i}`]));
    const counted = await rejected('too_many_tags', async () => {
      const ack = await pushText(agent, tagged(tags), GOOD);
      expect(ack).toMatchObject({ processed: 1, errors: 1 });
      expect(ack.details).toEqual([{ index: 0, name: 'tagged', error: 'too_many_tags: tags has 10000 entries, more than 64' }]);
    });
    expect(counted).toBe(1);
  });

  test('64 of the longest: rejected by what they are together, counted', async () => {
    const agent = await connect();
    const tags = Object.fromEntries(count(64, (i) => [`key${i}`.padEnd(1_024, 'k'), 'v'.repeat(1_024)]));
    const counted = await rejected('too_many_tags', async () => {
      const ack = await pushText(agent, tagged(tags), GOOD, tagged({ a: 'x'.repeat(1_023), b: 'y'.repeat(1_023), c: 'z'.repeat(1_023) }));
      expect(ack).toMatchObject({ processed: 2, errors: 1 });
      expect(ack.details).toEqual([
        { index: 0, name: 'tagged', error: 'too_many_tags: tags has 131072 characters in all, more than 4096' },
      ]);
    });
    expect(counted).toBe(1);
  });

  test.each([
    ['a key', { ['k'.repeat(MEGABYTE)]: 'v' }],
    ['a value', { k: 'v'.repeat(MEGABYTE) }],
  ])('%s of 1 MB: rejected with a text that repeats little of it', async (_what, tags) => {
    const agent = await connect();
    const counted = await rejected('invalid_tags', async () => {
      const ack = await pushText(agent, tagged(tags), GOOD);
      expect(ack).toMatchObject({ processed: 1, errors: 1 });
      expect(ack.details[0].error).toMatch(/^invalid_tags: tag "k+…?" is longer than 1024 characters \(it is "v+…?"\)$/);
      expect(ack.details[0].error.length).toBeLessThan(250);
    });
    expect(counted).toBe(1);
  });
});

describe('batches and lists', () => {
  test('10,000 metrics are stored, 10,001 are refused whole and never to be resent', async () => {
    const agent = await connect();
    const metrics = count(10_001, (i) => ({ name: `m${i % 100}`, type: 'gauge', value: i, timestamp: Date.now() - i }));
    expect(await agent.push(metrics.slice(1), { batchId: 'b-1' })).toMatchObject({ processed: 10_000, errors: 0 });
    const counted = await badFrames('validation_failed', async () => {
      const refused = await agent.push(metrics, { batchId: 'b-2' }).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(BatchRefused);
      const message = 'metrics has 10001 entries; a batch may have 10000';
      expect(refused).toMatchObject({ data: { code: 'validation_failed', message, batch_id: 'b-2', retryable: false } });
    });
    expect(counted).toBe(1);
    const body = { agent_id: agent.agentId, metrics };
    expect(await server.api('/api/v1/metrics', { method: 'POST', body })).toMatchObject({
      status: 400,
      body: { error: { details: [{ field: 'metrics', value: '10001' }] } },
    });
  });

  test('a thousand rejected metrics are told apart, all of them are counted', async () => {
    const agent = await connect();
    const counted = await rejected('invalid_name', async () => {
      const ack = await agent.push(count(5_000, () => metric('', 1)));
      expect(ack).toMatchObject({ processed: 0, errors: 5_000 });
      expect(ack.details).toHaveLength(1_000);
    });
    expect(counted).toBe(5_000);
  });

  test('half a million wrong entries: one short answer, at once', async () => {
    const agent = await connect();
    const list = JSON.stringify(count(500_000, () => 1));
    const started = performance.now();
    agent.sendRaw(`{"type":"registration","data":{"capabilities":${list}}}`);
    const { message } = await agent.nextFrame('error');
    expect(message).toBe('registration: "capabilities[0]" must be a string (it is 1)');
    const send = (method: string, path: string, body: string) =>
      server.api(`/api/v1${path}`, { method, body, headers: { 'content-type': 'application/json' } });
    const keys = `{${count(60_000, (i) => `"key${i}":1`).join(',')}}`;
    for (const answer of [
      await send('POST', '/agents/register', `{"id":"x","capabilities":${list}}`),
      await send('POST', '/targets', `{"name":"n","type":"ping","address":"a","agent_ids":${list}}`),
      await send('POST', '/targets', keys),
      await send('PUT', `/agents/${agent.agentId}/config`, `{"targets":{"ping":${list}}}`),
      await send('PUT', `/agents/${agent.agentId}/config`, keys),
      await send('POST', `/agents/${agent.agentId}/commands`, keys),
    ]) {
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'validation_failed' } } });
      expect(JSON.stringify(answer.body).length).toBeLessThan(1_000);
    }
    // It took the server more than a second for each of them once.
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  test('a key of 1 MB is named by its beginning', async () => {
    const body = JSON.stringify({ ['k'.repeat(MAX_BODY_BYTES - 100)]: 1 });
    const { status, body: answer } = await server.api('/api/v1/targets', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(status).toBe(400);
    expect(JSON.stringify(answer).length).toBeLessThan(1_500);
    expect(answer.error.details[0].field).toMatch(/^k{100}…$/);
  });
});

describe('ids', () => {
  test.each([
    ['129 characters', 'x'.repeat(129), 'longer than 128 characters'],
    ['15,000 characters', 'x'.repeat(15_000), 'longer than 128 characters'],
    ['more than a header may hold', 'x'.repeat(30_000), 'larger than 16384 bytes'],
    ['none', '', 'agent_id is empty'],
    ['a slash', 'a/b', '"/"'],
    ['a control character', 'a\u0000b', 'control characters'],
  ])('an agent id of %s: 400 before the upgrade, in words', async (_what, agentId, reason) => {
    const refused: unknown = await TestAgent.connect(server, { agentId }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UpgradeRefused);
    const { status, body } = refused as UpgradeRefused;
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'validation_failed', message: expect.stringContaining(reason) } });
    expect(body.length).toBeLessThan(500);
  });

  test('refused upgrades are counted', async () => {
    const work = (): Promise<unknown> => TestAgent.connect(server, { agentId: 'x'.repeat(129) }).catch(() => undefined);
    expect(await growth('ccv_upgrades_refused_total', 'reason="validation_failed"', work)).toBe(1);
  });

  test('the same over HTTP names the field and shows the value shortened', async () => {
    for (const [path, field] of [
      ['/api/v1/metrics', 'agent_id'],
      ['/api/v1/agents/register', 'id'],
    ] as const) {
      const body = { [field]: 'x'.repeat(MEGABYTE), metrics: [] };
      const answer = await server.api(path, { method: 'POST', body });
      expect(answer).toMatchObject({ status: 400, body: { error: { details: [{ field, value: expect.stringMatching(/^"x{60,}…"$/) }] } } });
    }
    const long = await server.api(`/api/v1/agents/${'x'.repeat(10_000)}`);
    expect(long).toMatchObject({ status: 404, body: { error: { code: 'agent_not_found' } } });
    expect(long.body.error.message.length).toBeLessThan(200);
  });

  test('a request line that is too long is answered in the one shape', async () => {
    const { status, body } = await server.api(`/api/v1/agents/${'x'.repeat(30_000)}`);
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { error: { code: 'validation_failed', message: expect.stringContaining('16384') } },
    });
  });
});

test('frames of an unknown type, no JSON and binary ones are refused, counted and change nothing', async () => {
  const agent = await connect();
  const cases = [
    ['unknown_type', (): void => agent.send('x'.repeat(MEGABYTE), {})],
    ['invalid_json', (): void => agent.sendRaw('{'.repeat(MEGABYTE))],
    ['unsupported', (): void => agent.sendRaw(new Uint8Array(MEGABYTE))],
  ] as const;
  for (const [code, send] of cases) {
    const counted = await badFrames(code, async () => {
      send();
      const { data }: Frame = await agent.next(({ type }) => type === 'error');
      expect(data).toMatchObject({ code });
      expect(data.message.length).toBeLessThan(200);
    });
    expect(counted).toBe(1);
  }
  expect(await agent.push([metric('good', 1)])).toMatchObject({ processed: 1 });
});
