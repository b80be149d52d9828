/**
 * Bad input never hurts: every REST route under random methods, paths, queries, headers and bodies, against the built
 * server. Nothing is answered 500, every error has the one error shape, nothing is logged as an error, and afterwards the
 * server is as well as before. The routes are read from the routers themselves: a new one is fuzzed from its first day.
 */
import { readdirSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Router } from 'express';
import fc from 'fast-check';
import { metric, TestAgent } from '../helpers/agent-client.js';
import { goAgentFrames, httpAgentCalls } from '../helpers/fixtures.js';
import { anyJson, anyText, damaged, fuzzTimeoutMs, mutated, NASTY_TEXTS, runs } from '../helpers/hostile.js';
import { projectRoot } from '../helpers/project-root.js';
import { startWatchedServer, type WatchedServer } from '../helpers/watched-server.js';

const MEGABYTE = 1_048_576;
const MAX_LEFT_BYTES = 12 * MEGABYTE;
const MAX_ERROR_LENGTH = 20_000;
/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';

interface Route {
  readonly method: string;
  /** With parameters as Express writes them: `/api/v1/agents/:agentId`. */
  readonly path: string;
}

/** Where the routers of each file are mounted, when not at `/api/v1`. */
const MOUNTS: Readonly<Record<string, string>> = { health: '', exposition: '', ipify: '/api' };
const PROXIES: readonly Route[] = ['/api/logging/*rest', '/api/compute/*rest', '/api/cloudrun/*rest'].flatMap((path) =>
  ['GET', 'POST'].map((method) => ({ method, path })),
);

/** All routes of all routers in the build: every function `…Routes` there makes one, and needs nothing for it. */
async function allRoutes(): Promise<Route[]> {
  const folders = ['dist/http/routes', 'dist/http/proxy'].map((folder) => join(projectRoot, folder));
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.js'))
      .map((file) => join(folder, file)),
  );
  const routes: Route[] = [];
  for (const file of files) {
    const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
    for (const [name, make] of Object.entries(module)) {
      if (!name.endsWith('Routes') || typeof make !== 'function') continue;
      const mount = MOUNTS[name.slice(0, -'Routes'.length)] ?? '/api/v1';
      for (const { route } of (make as (deps: object) => Router)({}).stack) {
        if (route === undefined) continue;
        const methods = Object.keys((route as unknown as { methods: Record<string, boolean> }).methods);
        for (const path of [route.path].flat())
          for (const method of methods) routes.push({ method: methodName(method), path: `${mount}${path}` });
      }
    }
  }
  return [...routes, ...PROXIES];
}

function methodName(method: string): string {
  return method === '_all' ? 'POST' : method.toUpperCase();
}

let server: WatchedServer;
let steady: TestAgent;
let routes: Route[];
const keepAlive = new Agent({ keepAlive: true, maxSockets: 8 });

beforeAll(async () => {
  routes = await allRoutes();
  server = await startWatchedServer({
    LOGGING_UPSTREAM: NOWHERE,
    COMPUTE_UPSTREAM: NOWHERE,
    CLOUDRUN_UPSTREAM: NOWHERE,
    IPIFY_UPSTREAM: NOWHERE,
  });
  steady = await TestAgent.connect(server, { agentId: 'steady' });
  await steady.push([metric('steady_metric', 1, { tags: { target: 't1' } }), metric('h', { value: 1e308 }, { type: 'histogram' })]);
});

afterAll(async () => {
  keepAlive.destroy();
  steady.terminate();
  await server.dispose();
});

interface Call {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One request, with whatever Node's client can be made to send; null when the connection was cut instead of an answer. */
function send({ method, target, headers, body }: Call): Promise<Answer | null> {
  return new Promise((resolve) => {
    // Node leaves it out for a GET, and the body would be read as the next request.
    const length = body === null || 'transfer-encoding' in headers ? {} : { 'content-length': String(body.length) };
    const options = { port: server.port, host: '127.0.0.1', method, path: target, headers: { ...headers, ...length }, agent: keepAlive };
    const outgoing = request(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', () => resolve(null));
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.on('error', () => resolve(null));
    outgoing.end(body ?? undefined);
  });
}

// ------------------------------------------------------------------------------------------------ what is asked

const PARAMETERS = `
  agentId agent_id provider region metricName metric_name metricType metric_type tag status search startTime start_time
  endTime end_time timeRange time_range limit offset cursor sort q interval aggregation providers regions metrics token
  api_key __proto__ constructor hasOwnProperty a[b][c] a[]
`
  .trim()
  .split(/\s+/);
const SENSIBLE = `
  steady gcp us-central1 steady_metric gauge histogram target:t1 connected all 1h 30d 3650d 5m 1d avg count -last_seen ste
  10 10000 100000 1e3 0x10 2026-01-01T00:00:00Z 1790000000 1790000000000 -1 99999999999999999999 2026-13-45T99:99:99Z
  9999-12-31T23:59:59.999Z 0 MTc5MDAwMDAwMDAwMC4x
`
  .trim()
  .split(/\s+/);
const value = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...SENSIBLE) }, { weight: 2, arbitrary: anyText });

const query = fc
  .array(fc.tuple(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...PARAMETERS) }, { weight: 1, arbitrary: anyText }), value), {
    maxLength: 5,
  })
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map(([key, text]) => `${escaped(key)}=${escaped(text)}`).join('&')}`));

/** Percent-encoded; what is no Unicode goes as a broken escape. */
function escaped(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : '%ED%A0%80%';
}

/** A route's path with something in the place of its parameters, and now and then a letter or two wrong. */
function targetOf(path: string): fc.Arbitrary<string> {
  const parts = path.split('/').map((part): fc.Arbitrary<string> => {
    if (!/^[:*]/.test(part)) return fc.constant(part);
    return fc.oneof(
      fc.constantFrom('steady', 'fuzz-1', 'steady_metric', '1', '2'),
      anyText.map(escaped),
      fc.constantFrom(
        '%',
        '%00',
        '%2e%2e%2f',
        '..',
        '.',
        '%c0%ae',
        '%252e',
        '%ff',
        '[',
        '?',
        '#',
        ';',
        '//',
        '/\\',
        '{}',
        "'",
        '%0d%0aX:y',
      ),
    );
  });
  const clean = fc.tuple(...parts).map((all) => all.join('/'));
  const dirty = fc.tuple(clean, fc.nat(), fc.constantFrom('/', '//', '%', 'A', '\\', '*', '..', '%2f')).map(([text, at, extra]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + extra + text.slice(place);
  });
  return fc.oneof({ weight: 9, arbitrary: clean }, { weight: 1, arbitrary: dirty });
}

const NOW = new Date().toISOString();
const BODIES = [
  ...httpAgentCalls().map(({ body }) => ({ ...body, timestamp: Math.floor(Date.now() / 1_000) })),
  ...goAgentFrames()
    .filter(({ type }) => type === 'metrics')
    .slice(0, 2)
    .map(({ data }) => ({ ...data, timestamp: NOW, agent_id: 'fuzz-1' })),
  {
    agent_id: 'fuzz-1',
    batch_id: 'b-1',
    timestamp: NOW,
    metrics: [metric('m', 1, { tags: { a: 'b' } }), metric('t', { value: 1 }, { type: 'timing' })],
  },
  { id: 'fuzz-2', hostname: 'h', region: 'r', zone: 'z', network: 'n', subnetwork: 's', status: 'running', version: '1', started_at: 1 },
  { collection_interval: 30, batch_size: 100, targets: { ping: ['1.1.1.1'] }, filters: { interfaces: ['eth0'], metrics: [] } },
  { agent_id: 'steady', collection: { interval: 30, transmission_interval: 60, batch_size: 10 }, targets: { http: ['http://x/'] } },
  { name: 'n', type: 'tcp', address: 'example.org', port: 80, interval: 60, timeout: 5, enabled: true, agent_ids: ['steady'] },
  { name: 'restart', args: { service: 'x', nested: { a: [1] } }, expires_in: 30 },
].map((body) => JSON.stringify(body));
const validBody = fc.constantFrom(...BODIES);

const body = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: validBody.map((text) => Buffer.from(text)) },
  { weight: 6, arbitrary: mutated(validBody).map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: anyJson.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: damaged(validBody) },
  { weight: 1, arbitrary: mutated(validBody).map((text) => gzipSync(text)) },
);

const HEADERS: Readonly<Record<string, readonly string[]>> = {
  'content-type': [
    'application/json',
    'application/json; charset=utf-8',
    'application/json; charset=utf-16',
    'application/json; charset=klingon',
  ],
  'Content-Type': [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
    ';;;',
    'application/json;;;=',
    'a/b+json',
  ],
  'content-encoding': ['gzip', 'deflate', 'br', 'zstd', 'identity', 'gzip, gzip', ''],
  accept: ['*/*', 'text/html', 'image/png;q=x', ''],
  'accept-encoding': ['gzip', '*;q=0'],
  'if-none-match': ['*', 'W/"x"'],
  range: ['bytes=0-0', 'bytes=-1', 'lines=1'],
  cookie: ['a=b', '__proto__=1; ='],
  authorization: ['Bearer x', 'Basic !!!', 'Bearer'],
  'x-api-key': ['x', "' OR 1=1"],
  'x-request-id': ['abc', 'a b', 'x'.repeat(500)],
  'x-forwarded-for': ['1.2.3.4', 'unknown, ::::, ', "'"],
  'x-forwarded-host': ['evil.example'],
  'x-http-method-override': ['DELETE'],
  host: ['', 'localhost', '[::1', 'evil.example:99999', 'a b'],
  origin: ['http://localhost:4200', 'null', 'http://[', 'file://', ''],
  'access-control-request-method': ['PUT', 'x y'],
  expect: ['100-continue', 'cake'],
  connection: ['close', 'keep-alive, x-request-id', 'upgrade'],
  upgrade: ['h2c', 'websocket'],
  'transfer-encoding': ['gzip, chunked'],
  te: ['trailers'],
};
const header = fc
  .constantFrom(...Object.keys(HEADERS))
  .chain((name) => fc.constantFrom(...(HEADERS[name] ?? [])).map((text) => [name, text] as const));
const headers = fc
  .oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(header, { maxLength: 3 }) })
  .map((more): Record<string, string> => ({ 'content-type': 'application/json', ...Object.fromEntries(more) }));

const call = (): fc.Arbitrary<Call> =>
  fc.constantFrom(...routes).chain(({ method, path }) =>
    fc.record({
      method: fc.oneof(
        { weight: 7, arbitrary: fc.constant(method) },
        {
          weight: 3,
          arbitrary: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'SEARCH', 'PURGE', 'TRACE'),
        },
      ),
      target: fc.tuple(targetOf(path), query).map((both) => both.join('')),
      headers,
      body,
    }),
  );

// ------------------------------------------------------------------------------------------------ what must hold

/** 5xx that say "not here" or "not there": they are no failures of ours. */
const HONEST_5XX = [501, 502];

function check({ method }: Call, answer: Answer | null): void {
  if (answer === null) return;
  const { status, text } = answer;
  expect(status < 500 || HONEST_5XX.includes(status) ? 'fine' : `${status} ${text}`).toBe('fine');
  if (status < 400 || method === 'HEAD') return;
  const { error } = JSON.parse(text);
  expect(error).toMatchObject({ status, code: expect.stringMatching(/^[a-z_]+$/), timestamp: expect.stringMatching(/^\d{4}-.*Z$/) });
  expect(error.message).toEqual(expect.any(String));
  expect(text.length).toBeLessThan(MAX_ERROR_LENGTH);
  if (error.details !== undefined)
    expect(error.details).toEqual(error.details.map(() => expect.objectContaining({ field: expect.any(String) })));
}

async function goodCallsWork(): Promise<void> {
  const batch = {
    agent_id: 'steady',
    timestamp: new Date().toISOString(),
    metrics: [metric('steady_metric', 2, { tags: { target: 't1' } })],
  };
  expect(await server.api('/api/v1/metrics', { method: 'POST', body: batch })).toMatchObject({
    status: 200,
    body: { processed: 1, errors: 0 },
  });
  const read = await server.api('/api/v1/metrics?agentId=steady&metricName=steady_metric&tag=target:t1&limit=1');
  expect(read).toMatchObject({ status: 200, body: { metrics: [{ value: 2 }] } });
}

test('the list of routes is that of the routers', () => {
  const paths = routes.map(({ method, path }) => `${method} ${path}`);
  expect(paths).toEqual(
    expect.arrayContaining([
      'GET /health',
      'GET /metrics',
      'GET /api/ipify',
      'GET /api/v1/info',
      'POST /api/v1/metrics',
      'POST /api/v1/monitoring/metrics',
      'GET /api/v1/metrics/aggregated',
      'PUT /api/v1/agents/:agentId/config',
      'POST /api/v1/agents/:agentId/commands',
      'DELETE /api/v1/targets/:id',
      'POST /api/v1/deployments/:id/complete',
    ]),
  );
  expect(paths.length).toBeGreaterThan(45);
});

test(
  'hostile requests are refused in words, and the server is as well as before',
  async () => {
    const fuzz = (numRuns: number): Promise<void> =>
      fc.assert(
        // Several at once: what one leaves half done, the others must not feel.
        fc.asyncProperty(fc.array(call(), { minLength: 1, maxLength: 8 }), async (calls) => {
          const answers = await Promise.all(calls.map(send));
          for (const [i, answer] of answers.entries()) check(calls[i] as Call, answer);
        }),
        { numRuns },
      );
    await fuzz(runs(150));
    await steadyIsBack();
    const before = await server.memory();
    await fuzz(runs(450));
    await steadyIsBack();
    const after = await server.memory();
    await goodCallsWork();
    expect(await server.problems()).toEqual([]);
    expect(after.usedBytes - before.usedBytes).toBeLessThan(MAX_LEFT_BYTES);
  },
  fuzzTimeoutMs(90_000),
);

/** The fuzzer deletes agents and targets too: those it made are removed, so that memory compares the same with the same. */
async function steadyIsBack(): Promise<void> {
  const { body: agents } = await server.api('/api/v1/agents?limit=1000');
  for (const { id } of agents.agents) {
    if (id !== 'steady') await server.api(`/api/v1/agents/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }
  const { body: targets } = await server.api<{ id: string }[]>('/api/v1/targets');
  for (const { id } of targets) await server.api(`/api/v1/targets/${encodeURIComponent(id)}`, { method: 'DELETE' });
  await goodCallsWork();
}

test('every parameter of every reading route takes nasty texts, one by one', async () => {
  const paths = [...new Set(routes.filter(({ method }) => method === 'GET').map(({ path }) => path))];
  const texts = NASTY_TEXTS.filter((text) => text !== '' && text.length < 1_000);
  let turn = 0;
  const next = (): string => escaped(texts[turn++ % texts.length] ?? '');
  for (const path of paths) {
    const calls = PARAMETERS.flatMap((name) =>
      [1, 2, 3, 4].map(
        (): Call => ({ method: 'GET', target: `${path.replace(/[:*]\w+/g, next)}?${name}=${next()}`, headers: {}, body: null }),
      ),
    );
    const answers = await Promise.all(calls.map(send));
    for (const [i, answer] of answers.entries()) check(calls[i] as Call, answer);
  }
  expect(turn).toBeGreaterThan(3_000);
  expect(await server.problems()).toEqual([]);
});
