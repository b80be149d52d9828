/**
 * Who gets in: every route and socket of the whole server, with no, wrong and right credentials, and with the right one in the
 * wrong place. The table is held to what the running app has mounted, so that no route is forgotten.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { TestAgent, UpgradeRefused } from '../helpers/agent-client.js';
import { mountedRoutes, socketPaths } from '../helpers/mounted-routes.js';
import { type Access, AGENT_ID, ROUTE_CASES, type RouteCase } from '../helpers/route-table.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

const TOKEN = 'agent-token-0123456789abcdef';
const TOKEN_2 = 'agent-token-fedcba9876543210';
const KEY = 'api-key-0123456789abcdef';
const KEY_2 = 'api-key-fedcba9876543210';
const WRONG = 'wrong-secret-0123456789';
const AGENT_SOCKET = '/api/v1/agents/connect';
const LIVE_SOCKET = '/ws';

interface Credential {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

const key = (value: string): Credential => ({ headers: { 'x-api-key': value } });
const bearer = (value: string): Credential => ({ headers: { authorization: `Bearer ${value}` } });
const query = (name: string, value: string): Credential => ({ query: { [name]: value } });

const CREDENTIALS: Readonly<Record<string, Credential>> = {
  nothing: {},
  'a wrong key': key(WRONG),
  'a wrong token': query('token', WRONG),
  'a wrong bearer': bearer(WRONG),
  'a wrong api_key': query('api_key', WRONG),
  'an empty key': key(''),
  'an empty token': query('token', ''),
  'half the key': key(KEY.slice(0, -1)),
  'more than the key': key(`${KEY}0`),
  'the key in capitals': key(KEY.toUpperCase()),
  'both keys at once': key(`${KEY},${KEY_2}`),
  'the key': key(KEY),
  'the second key': key(KEY_2),
  'the key as bearer': bearer(KEY),
  'the key as basic': { headers: { authorization: `Basic ${KEY}` } },
  'the key as api_key': query('api_key', KEY),
  'the key as apiKey': query('apiKey', KEY),
  'the key as token': query('token', KEY),
  'the key as cookie': { headers: { cookie: `api_key=${KEY}; x-api-key=${KEY}` } },
  'the token': query('token', TOKEN),
  'the second token': query('token', TOKEN_2),
  'the token as bearer': bearer(TOKEN),
  'the token as key': key(TOKEN),
  'the token as api_key': query('api_key', TOKEN),
  'half the token': query('token', TOKEN.slice(1)),
  'a wrong key and the token as bearer': { headers: { 'x-api-key': WRONG, authorization: `Bearer ${TOKEN}` } },
  'the key and a foreign bearer': { headers: { 'x-api-key': KEY, authorization: 'Bearer ya29.google' } },
};

const BY_TOKEN = ['the token', 'the second token', 'the token as bearer', 'a wrong key and the token as bearer'];
const BY_KEY = ['the key', 'the second key', 'the key and a foreign bearer'];
const LETS_IN: Readonly<Record<Access | typeof AGENT_SOCKET | typeof LIVE_SOCKET, readonly string[]>> = {
  open: Object.keys(CREDENTIALS),
  agent: [...BY_TOKEN, ...BY_KEY],
  person: BY_KEY,
  scrape: [...BY_KEY, 'the key as bearer'],
  [AGENT_SOCKET]: BY_TOKEN,
  [LIVE_SOCKET]: [...BY_KEY, 'the key as api_key', 'the key as apiKey'],
};

/** Middlewares that are mounted at a path and answer nothing by themselves. */
const NOT_ROUTES = ['USE /api', 'USE /api/v1'];

const atUpstream: IncomingMessage['headers'][] = [];
const upstream = createServer((req, res) => {
  atUpstream.push(req.headers);
  req.resume();
  res.end('{"ip":"203.0.113.7"}');
});
let upstreams: Record<string, string>;
let app: TestApp;
const others: TestApp[] = [];

beforeAll(async () => {
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  upstreams = {
    LOGGING_UPSTREAM: url,
    COMPUTE_UPSTREAM: url,
    CLOUDRUN_UPSTREAM: url,
    IPIFY_UPSTREAM: url,
    // Each credential is tried on each route here, from one address.
    AUTH_FAILURES_PER_MINUTE: '100000',
  };
  app = await startTestApp({ ...upstreams, AGENT_TOKENS: `${TOKEN}, ${TOKEN_2}`, API_KEYS: `${KEY},${KEY_2}` });
  const registered = await app.api('/api/v1/agents/register', { method: 'POST', body: { id: AGENT_ID }, headers: { 'x-api-key': KEY } });
  expect(registered.status).toBe(200);
});

afterEach(async () => {
  for (const other of others.splice(0)) await other.stop();
});

afterAll(async () => {
  await app.stop();
  upstream.closeAllConnections();
  upstream.close();
});

async function startOther(settings: Record<string, string>): Promise<TestApp> {
  const other = await startTestApp({ ...upstreams, ...settings });
  others.push(other);
  return other;
}

function withQuery(path: string, { query: pairs = {} }: Credential): string {
  const more = new URLSearchParams(pairs).toString();
  return more === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${more}`;
}

/** The status, and for a 401 that it is a whole one: the error shape and the challenge. */
async function ask(server: TestApp, { method, path, body }: RouteCase, credential: Credential): Promise<number> {
  const answer = await server.api(withQuery(path, credential), { method, body, headers: credential.headers ?? {} });
  if (answer.status === 401) {
    expect(answer.headers.get('www-authenticate')).toMatch(/^(Bearer|ApiKey) realm="/);
    if (method !== 'HEAD') {
      expect(answer.body).toEqual({
        error: { code: 'unauthorized', message: expect.any(String), status: 401, timestamp: expect.any(String) },
      });
    }
  }
  return answer.status;
}

/** `in`, or the status of the HTTP answer that refuses the upgrade. */
async function upgrade(server: TestApp, path: string, credential: Credential): Promise<'in' | number> {
  try {
    const agentId = path === AGENT_SOCKET ? 'access-socket' : null;
    const { headers = {}, query: pairs = {} } = credential;
    const socket = await TestAgent.connect(server, { agentId, path, headers, query: pairs });
    socket.terminate();
    return 'in';
  } catch (error) {
    if (!(error instanceof UpgradeRefused)) throw error;
    const { code } = (JSON.parse(error.body) as { error: { code: string } }).error;
    if (error.status === 401) expect([code, typeof error.headers['www-authenticate']]).toEqual(['unauthorized', 'string']);
    return error.status;
  }
}

/** What every credential leads to: `inside` for those that are let in, 401 for all others. */
function outcomes<T>(inside: T, letIn: readonly string[]): Record<string, T | number> {
  return Object.fromEntries(Object.keys(CREDENTIALS).map((name) => [name, letIn.includes(name) ? inside : 401]));
}

describe('the table', () => {
  test('holds every route the running app has, and no other', async () => {
    const named = ROUTE_CASES.flatMap(({ route }) => (route === null ? [] : [route]));
    expect(await mountedRoutes(app)).toEqual([...named, ...NOT_ROUTES].sort());
  });

  test('holds every socket', async () => {
    expect(await socketPaths(app)).toEqual([AGENT_SOCKET, LIVE_SOCKET]);
  });

  test('holds what GET /info lists', async () => {
    const { body } = await app.api('/api/v1/info', { headers: { 'x-api-key': KEY } });
    const known = [AGENT_SOCKET, LIVE_SOCKET, ...ROUTE_CASES.flatMap(({ path, route }) => [path, route?.split(' ')[1] ?? path])];
    for (const path of Object.values<string>(body.endpoints)) expect(known.some((one) => one.startsWith(path))).toBe(true);
  });
});

describe('every route, with every credential', () => {
  test.each(ROUTE_CASES.map((one) => [`${one.method} ${one.path}`, one] as const))('%s', async (_what, one) => {
    const names = Object.keys(CREDENTIALS);
    const seenBefore = atUpstream.length;
    const statuses = await Promise.all(names.map((name) => ask(app, one, CREDENTIALS[name] ?? {})));
    const expected = outcomes(one.status, LETS_IN[one.access]);
    expect(Object.fromEntries(names.map((name, i) => [name, statuses[i]]))).toEqual(expected);
    // What is refused gets no further: an upstream hears of those who were let in, and of no key or token of ours.
    const isProxied = one.status < 400 && /^\/api\/(?!v1)/.test(one.path);
    expect(atUpstream.length - seenBefore).toBe(isProxied ? LETS_IN[one.access].length : 0);
    expect(JSON.stringify(atUpstream.slice(seenBefore))).not.toMatch(/0123456789|fedcba/);
  });

  test('what was refused has changed nothing', async () => {
    const refused = [
      ['POST', '/api/v1/agents/register', { id: 'intruder' }],
      ['POST', '/api/v1/metrics', { agent_id: 'intruder', metrics: [{ name: 'm', type: 'gauge', value: 1 }] }],
      ['POST', '/api/v1/targets', { name: 'intruder', type: 'ping', address: '192.0.2.1' }],
      ['PUT', `/api/v1/agents/${AGENT_ID}/config`, { batch_size: 1 }],
      ['DELETE', `/api/v1/agents/${AGENT_ID}`, undefined],
    ] as const;
    for (const [method, path, body] of refused) expect((await app.api(path, { method, body })).status).toBe(401);
    const headers = { 'x-api-key': KEY };
    expect((await app.api('/api/v1/agents/intruder', { headers })).status).toBe(404);
    expect((await app.api('/api/v1/targets', { headers })).body).toEqual([]);
    expect((await app.api(`/api/v1/agents/${AGENT_ID}`, { headers })).status).toBe(200);
    expect((await app.api(`/api/v1/agents/${AGENT_ID}/config`, { headers })).status).toBe(404);
  });

  test('a body is not read before the credential is: a bad one makes no difference', async () => {
    const answer = await app.api('/api/v1/targets', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } });
    expect(answer.status).toBe(401);
  });

  /** Spellings that one part of a server may take for another path than another part does. */
  test.each([
    ['/api/v1//agents'],
    ['//api/v1/agents'],
    ['/%61pi/v1/agents'],
    ['/api/v1/%61gents'],
    ['/api%2fv1%2fagents'],
    ['/api/v1/agents#x'],
    ['/api/v1/agents%00'],
    ['/api\\v1\\agents'],
    ['/./api/v1/agents'],
    ['/x/../api/v1/agents'],
    ['/health/../api/v1/agents'],
    ['/api/v1/agents;x=1'],
    ['/api/v1/agents?x-api-key='],
    ['http://elsewhere.example/api/v1/agents'],
    ['http://elsewhere.example/health/../api/v1/agents'],
    ['/api/logging/%2e%2e/v1/agents'],
    ['//api/logging/v2'],
    ['/API/LOGGING/v2'],
    ['/metrics#x'],
    ['//metrics'],
    ['/%6detrics'],
  ])('no spelling gets around it: %s', async (path) => {
    const seenBefore = atUpstream.length;
    const req = request({ port: new URL(app.url).port, path, agent: false });
    req.end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    res.resume();
    expect([400, 401, 404]).toContain(res.statusCode);
    expect(atUpstream.length).toBe(seenBefore);
  });
});

describe('every socket, with every credential', () => {
  test.each([AGENT_SOCKET, LIVE_SOCKET] as const)('%s', async (path) => {
    const names = Object.keys(CREDENTIALS);
    const results = await Promise.all(names.map((name) => upgrade(app, path, CREDENTIALS[name] ?? {})));
    expect(Object.fromEntries(names.map((name, i) => [name, results[i]]))).toEqual(outcomes('in', LETS_IN[path]));
  });

  test('no spelling gets around it', async () => {
    const spellings = [`${AGENT_SOCKET}/`, '/api/v1/agents//connect', '/API/v1/agents/connect', '/ws/', '/%77s', '/WS', '/x/../ws'];
    for (const path of spellings) expect([401, 404]).toContain(await upgrade(app, path, {}));
  });
});

describe('what is not configured is not asked for, what is always is', () => {
  const TOKENS = { AGENT_TOKENS: TOKEN };
  const KEYS = { API_KEYS: KEY };
  const WANTS_TOKEN = { push: 401, read: 200, change: 404, scrape: 200, proxy: 200, agentSocket: 401, liveSocket: 'in' };
  const WANTS_KEY = { push: 200, read: 401, change: 401, scrape: 401, proxy: 401, agentSocket: 'in', liveSocket: 401 };
  const WANTS_BOTH = { ...WANTS_KEY, push: 401, agentSocket: 401 };
  const WANTS_NOTHING = { ...WANTS_TOKEN, push: 200, agentSocket: 'in' };

  /** What somebody with this credential may do. */
  async function probe(server: TestApp, credential: Credential): Promise<object> {
    const asked = (method: string, path: string, body?: unknown): Promise<number> =>
      ask(server, { route: null, access: 'open', status: 0, method, path, body }, credential);
    return {
      push: await asked('POST', '/api/v1/metrics', { agent_id: 'probe', metrics: [] }),
      read: await asked('GET', '/api/v1/agents'),
      change: await asked('DELETE', '/api/v1/agents/nobody'),
      scrape: await asked('GET', '/metrics'),
      proxy: await asked('GET', '/api/logging/v2'),
      agentSocket: await upgrade(server, AGENT_SOCKET, credential),
      liveSocket: await upgrade(server, LIVE_SOCKET, credential),
    };
  }

  test.each([
    ['neither, on this machine alone', {}, WANTS_NOTHING],
    ['tokens alone', TOKENS, WANTS_TOKEN],
    ['keys alone', KEYS, WANTS_KEY],
    ['both', { ...TOKENS, ...KEYS }, WANTS_BOTH],
    ['both, and ALLOW_UNAUTHENTICATED', { ...TOKENS, ...KEYS, ALLOW_UNAUTHENTICATED: 'true' }, WANTS_BOTH],
    ['tokens alone, and ALLOW_UNAUTHENTICATED', { ...TOKENS, ALLOW_UNAUTHENTICATED: 'true', HOST: '0.0.0.0' }, WANTS_TOKEN],
    ['keys alone, and ALLOW_UNAUTHENTICATED', { ...KEYS, ALLOW_UNAUTHENTICATED: 'true', HOST: '0.0.0.0' }, WANTS_KEY],
    ['ALLOW_UNAUTHENTICATED', { ALLOW_UNAUTHENTICATED: 'true', HOST: '0.0.0.0' }, WANTS_NOTHING],
  ])('%s', async (_what, settings, expected) => {
    const server = await startOther(settings);
    expect(await probe(server, {})).toEqual(expected);
    expect(server.app.address().host).toBe('HOST' in settings ? settings.HOST : '127.0.0.1');
  });

  test('a key that nobody set stands in for no token, and the other way round', async () => {
    const tokens = await startOther(TOKENS);
    expect(await probe(tokens, key(WRONG))).toEqual(WANTS_TOKEN);
    expect(await probe(tokens, bearer(TOKEN))).toEqual(WANTS_NOTHING);
    const keys = await startOther(KEYS);
    expect(await probe(keys, bearer(WRONG))).toEqual(WANTS_KEY);
    expect(await probe(keys, key(KEY))).toEqual(WANTS_NOTHING);
  });

  test.each([
    ['neither', {}, 'AGENT_TOKENS and API_KEYS are not set'],
    ['tokens alone', TOKENS, 'API_KEYS is not set'],
    ['keys alone', KEYS, 'AGENT_TOKENS is not set'],
  ])('%s: does not start on an address others can reach, and says the three ways out', async (_what, settings, missing) => {
    const start = startTestApp({ ...settings, HOST: '0.0.0.0' });
    await expect(start).rejects.toThrow(missing);
    await expect(start).rejects.toThrow(/1\. set AGENT_TOKENS[^]*2\. set HOST=127\.0\.0\.1[^]*3\. set ALLOW_UNAUTHENTICATED=true/);
  });

  test('both: starts on an address others can reach', async () => {
    const server = await startOther({ ...TOKENS, ...KEYS, HOST: '0.0.0.0' });
    expect(await probe(server, {})).toEqual(WANTS_BOTH);
    expect(server.app.address().host).toBe('0.0.0.0');
  });
});
