/**
 * What goes with access, against the whole server: whose pages may use it, whose address counts, how much anybody may read,
 * and that no secret ever shows up anywhere.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentOptions, metric, TestAgent, UpgradeRefused } from '../helpers/agent-client.js';
import type { ApiAnswer, ApiInit } from '../helpers/http.js';
import { MemoryLogger } from '../helpers/memory-logger.js';
import { AGENT_ID, ROUTE_CASES } from '../helpers/route-table.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

const TOKEN = 'agent-token-0123456789abcdef';
const KEY = 'api-key-0123456789abcdef';
const CONSOLE = 'https://console.example';
const NOWHERE = 'http://127.0.0.1:9';
const UPSTREAMS = { LOGGING_UPSTREAM: NOWHERE, COMPUTE_UPSTREAM: NOWHERE, CLOUDRUN_UPSTREAM: NOWHERE, IPIFY_UPSTREAM: NOWHERE };
const CREDENTIALS = { AGENT_TOKENS: TOKEN, API_KEYS: KEY, AUTH_FAILURES_PER_MINUTE: '100000' };

const others: TestApp[] = [];

afterEach(async () => {
  for (const other of others.splice(0)) await other.stop();
});

async function startOther(settings: Record<string, string>): Promise<TestApp> {
  const other = await startTestApp({ ...UPSTREAMS, ...settings });
  others.push(other);
  return other;
}

/** `in`, or how the upgrade was refused. */
async function upgrade(server: TestApp, options: AgentOptions): Promise<'in' | UpgradeRefused> {
  try {
    (await TestAgent.connect(server, options)).terminate();
    return 'in';
  } catch (error) {
    if (error instanceof UpgradeRefused) return error;
    throw error;
  }
}

describe('pages', () => {
  let app: TestApp;
  const headers = { 'x-api-key': KEY };
  /** By what they are called; our own host's origin is known once it listens. */
  const origins = (): Record<string, string | undefined> => ({
    'no page': undefined,
    'our own': app.url,
    'the console': CONSOLE,
    'the other console': 'http://localhost:4200',
    'a stranger': 'https://evil.example',
    'the console over http': 'http://console.example',
    'one that begins like the console': `${CONSOLE}.evil.example`,
    'another port of this machine': 'http://127.0.0.1:1',
    'no origin of its own': 'null',
  });
  const welcome = ['no page', 'our own', 'the console', 'the other console'];
  const foreign = ['a stranger', 'the console over http', 'one that begins like the console', 'another port of this machine'];

  beforeAll(async () => {
    app = await startTestApp({ ...UPSTREAMS, ...CREDENTIALS, FRONTEND_URL: `${CONSOLE}, http://localhost:4200/` });
    await app.api('/api/v1/agents/register', { method: 'POST', body: { id: AGENT_ID }, headers });
  });

  afterAll(() => app.stop());

  const changes = ROUTE_CASES.filter(({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method));
  test.each(changes.map((one) => [`${one.method} ${one.path}`, one] as const))('%s: not from foreign pages', async (_what, one) => {
    const { method, path, body } = one;
    const results: Record<string, string> = {};
    for (const [name, origin] of Object.entries(origins())) {
      const answer = await app.api(path, { method, body, headers: { ...headers, ...(origin === undefined ? {} : { origin }) } });
      results[name] = answer.status === 403 ? answer.body.error.code : 'in';
    }
    expect(results).toEqual(Object.fromEntries(Object.keys(origins()).map((name) => [name, welcome.includes(name) ? 'in' : 'forbidden'])));
  });

  test('a refused change has changed nothing', async () => {
    const body = { id: 'by-a-page', hostname: 'h' };
    const from = (origin: string): Promise<ApiAnswer> =>
      app.api('/api/v1/agents/register', { method: 'POST', body, headers: { ...headers, origin } });
    expect((await from('https://evil.example')).status).toBe(403);
    expect((await app.api('/api/v1/agents/by-a-page', { headers })).status).toBe(404);
    expect((await from(CONSOLE)).status).toBe(200);
    expect((await app.api('/api/v1/agents/by-a-page', { headers })).status).toBe(200);
  });

  test.each([
    ["the agents' socket", { agentId: 'page-1', token: TOKEN }],
    ["the consoles' socket, key in a header", { agentId: null, path: '/ws', headers }],
    ["the consoles' socket, key in the query", { agentId: null, path: '/ws', query: { api_key: KEY } }],
  ] as const)('%s: not from foreign pages', async (_what, options: AgentOptions) => {
    const results: Record<string, unknown> = {};
    for (const [name, origin] of Object.entries(origins())) {
      const result = await upgrade(app, { ...options, headers: { ...options.headers, ...(origin === undefined ? {} : { origin }) } });
      results[name] = result === 'in' ? 'in' : [result.status, JSON.parse(result.body).error.code];
    }
    expect(results).toEqual(
      Object.fromEntries(Object.keys(origins()).map((name) => [name, welcome.includes(name) ? 'in' : [403, 'forbidden']])),
    );
  });

  test('CORS: consoles may read answers, errors included, with credentials', async () => {
    for (const name of ['the console', 'the other console']) {
      const origin = origins()[name] ?? '';
      for (const [path, init, status] of [
        ['/api/v1/agents', { headers }, 200],
        ['/api/v1/agents', {}, 401],
        ['/api/v1/agents/nobody', { headers }, 404],
        ['/api/v1/metrics/search?q=x', { headers }, 400],
        ['/api/logging/v2', { headers }, 502],
      ] as const) {
        const answer = await app.api(path, { headers: { ...('headers' in init ? init.headers : {}), origin } });
        expect(answer.status).toBe(status);
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
        expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
        expect(answer.headers.get('vary')).toMatch(/\bOrigin\b/);
        expect(answer.headers.get('access-control-expose-headers')).toMatch(/X-Request-Id.*Retry-After/);
      }
    }
  });

  test('CORS: preflights need no key, because browsers send none', async () => {
    const preflight = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'content-type,x-api-key' };
    for (const path of ['/api/v1/agents/a/config', '/api/logging/v2/entries:list', '/api/ipify']) {
      const answer = await app.api(path, { method: 'OPTIONS', headers: { origin: CONSOLE, ...preflight } });
      expect(answer.status).toBe(204);
      expect(answer.headers.get('access-control-allow-origin')).toBe(CONSOLE);
      expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
      expect(answer.headers.get('access-control-allow-methods')).toMatch(/PUT.*DELETE/);
      expect(answer.headers.get('access-control-allow-headers')).toBe('content-type,x-api-key');
    }
  });

  test('CORS: foreign pages are told nothing', async () => {
    for (const name of [...foreign, 'no origin of its own']) {
      const origin = origins()[name] ?? '';
      const read = await app.api('/api/v1/agents', { headers: { ...headers, origin } });
      const asked = await app.api('/api/v1/agents', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PUT' } });
      for (const answer of [read, asked]) expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe('every answer', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ ...UPSTREAMS, ...CREDENTIALS, RATE_LIMIT_MAX_REQUESTS: '1', RATE_LIMIT_WINDOW_MS: '3600000' });
    const read = (): Promise<ApiAnswer> => app.api('/api/v1/agents', { headers: { 'x-api-key': KEY } });
    for (let status = 0; status !== 429; ) ({ status } = await read());
  });

  afterAll(() => app.stop());

  const headers = { 'x-api-key': KEY };
  test.each([
    ['200', '/health', {}, 200],
    ['of /metrics', '/metrics', { headers }, 200],
    ['400', '/api/v1/targets', { method: 'POST', body: '{', headers: { ...headers, 'content-type': 'application/json' } }, 400],
    ['401', '/api/v1/targets', {}, 401],
    ['403', '/api/v1/targets', { method: 'POST', headers: { ...headers, origin: 'https://evil.example' } }, 403],
    ['404', '/nothing', {}, 404],
    ['405', '/health', { method: 'DELETE' }, 405],
    ['413', '/api/v1/targets', { method: 'POST', body: { name: 'x'.repeat(1_100_000) }, headers }, 413],
    ['415', '/api/v1/targets', { method: 'POST', body: 'a=b', headers: { ...headers, 'content-type': 'text/plain' } }, 415],
    ['429', '/api/v1/agents', { headers }, 429],
    ['501', '/api/v1/gcp', { method: 'POST', headers }, 501],
    ['of a proxy', '/api/logging/v2', { headers }, 502],
  ] as const)('%s: has a request id and the security headers', async (_what, path, init: ApiInit, status) => {
    const answers = [
      await app.api(path, init),
      await app.api(path, init),
      await app.api(path, { ...init, headers: { ...init.headers, 'x-request-id': 'mine-1' } }),
      await app.api(path, { ...init, headers: { ...init.headers, 'x-request-id': 'not "sane" <b>' } }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(status);
      expect(answer.headers.get('x-powered-by')).toBeNull();
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
      expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'self'.*script-src 'self'.*object-src 'none'/);
      if (status >= 400) {
        expect(answer.body).toEqual({
          error: expect.objectContaining({ code: expect.any(String), message: expect.any(String), status, timestamp: expect.any(String) }),
        });
      }
    }
    const ids = answers.map((answer) => answer.headers.get('x-request-id'));
    expect(ids).toEqual([expect.stringMatching(UUID), expect.stringMatching(UUID), 'mine-1', expect.stringMatching(UUID)]);
    expect(new Set(ids).size).toBe(4);
  });

  const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

  test('refused upgrades as well', async () => {
    const refused = [await upgrade(app, {}), await upgrade(app, { headers: { 'x-request-id': 'mine-2' } })];
    for (const one of refused) expect(one).toMatchObject({ status: 401, headers: { 'x-content-type-options': 'nosniff' } });
    expect(refused).toMatchObject([
      { headers: { 'x-request-id': expect.stringMatching(UUID) } },
      { headers: { 'x-request-id': 'mine-2' } },
    ]);
  });

  test('is not for caches to keep', async () => {
    expect((await app.api('/api/v1/agents', { headers })).headers.get('cache-control')).toBe('no-store');
  });
});

describe('how often somebody may fail to show a credential', () => {
  const settings = { ...CREDENTIALS, AUTH_FAILURES_PER_MINUTE: '3', TRUST_PROXY: '1' };
  const from = (address: string, headers: Record<string, string> = {}): ApiInit => ({
    headers: { 'x-forwarded-for': address, ...headers },
  });

  test('further attempts are a 429 that says when to come again; those who have one pass, from the same address too', async () => {
    const server = await startOther(settings);
    const wrong = from('203.0.113.1', { 'x-api-key': 'wrong-key-0123456789abcdef' });
    const answers = [];
    for (const path of ['/api/v1/agents', '/api/logging/v2', '/metrics', '/api/v1/agents', '/api/ipify'])
      answers.push(await server.api(path, wrong));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 429, 429]);
    expect(answers.map(({ headers }) => headers.get('retry-after'))).toEqual([null, null, null, '60', '60']);
    expect(answers.map(({ headers }) => headers.has('www-authenticate'))).toEqual([true, true, true, false, false]);
    expect(answers[3]?.body.error).toMatchObject({
      code: 'rate_limited',
      status: 429,
      message: expect.stringContaining('without a valid token'),
    });

    const body = { agent_id: 'pusher', metrics: [metric('m', 1)] };
    for (let i = 0; i < 10; i++) {
      expect((await server.api('/api/v1/agents', from('203.0.113.1', { 'x-api-key': KEY }))).status).toBe(200);
      const push = { ...from('203.0.113.1', { authorization: `Bearer ${TOKEN}` }), method: 'POST', body };
      expect((await server.api('/api/v1/metrics', push)).status).toBe(200);
    }
    expect(await upgrade(server, { agentId: 'pusher', token: TOKEN })).toBe('in');
    expect((await server.api('/health', from('203.0.113.1'))).status).toBe(200);
    expect((await server.api('/api/v1/agents', from('203.0.113.1'))).status).toBe(429);
    expect((await server.api('/api/v1/agents', from('203.0.113.2'))).status).toBe(401);
  });

  test('those who have one do not count', async () => {
    const server = await startOther(settings);
    for (let i = 0; i < 10; i++) expect((await server.api('/api/v1/agents', from('203.0.113.1', { 'x-api-key': KEY }))).status).toBe(200);
    expect((await server.api('/api/v1/agents', from('203.0.113.1'))).status).toBe(401);
  });
});

describe('how much may be read', () => {
  const LIMIT = 3;
  const WINDOW_MS = 3_600_000;
  const SETTINGS = { RATE_LIMIT_MAX_REQUESTS: String(LIMIT), RATE_LIMIT_WINDOW_MS: String(WINDOW_MS) };

  const readAs = (server: TestApp, forwardedFor: string | null): Promise<ApiAnswer> =>
    server.api('/api/v1/agents', { headers: forwardedFor === null ? {} : { 'x-forwarded-for': forwardedFor } });

  /** Statuses of as many reads as there are addresses, one after the other. */
  async function reads(server: TestApp, forwardedFor: readonly (string | null)[]): Promise<number[]> {
    const statuses: number[] = [];
    for (const one of forwardedFor) statuses.push((await readAs(server, one)).status);
    return statuses;
  }

  test('more is a 429 in the one shape that says when to come again', async () => {
    const server = await startOther(SETTINGS);
    const paths = ['/api/v1/agents', '/api/v1/metrics/names', '/api/v1/nothing', '/api/v1/agents'];
    const answers = [];
    for (const path of paths) answers.push(await server.api(path));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 429]);
    expect(answers.map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(['2', '1', '0', '0']);
    const [, , , refused] = answers;
    expect(refused?.headers.get('ratelimit-limit')).toBe(String(LIMIT));
    const retryAfter = Number(refused?.headers.get('retry-after'));
    expect(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= WINDOW_MS / 1_000).toBe(true);
    expect(refused?.headers.get('content-type')).toMatch(/^application\/json/);
    expect(refused?.body).toEqual({
      error: { code: 'rate_limited', message: expect.stringContaining('Retry-After'), status: 429, timestamp: expect.any(String) },
    });
    expect((await server.api('/api/v1/agents', { method: 'HEAD' })).status).toBe(429);
    // What watches the server, and what changes something, goes on.
    expect((await server.api('/health')).status).toBe(200);
    expect((await server.api('/metrics')).status).toBe(200);
    expect((await server.api('/api/v1/agents/nobody', { method: 'DELETE' })).status).toBe(404);
  });

  test('the window ends', async () => {
    const server = await startOther({ RATE_LIMIT_MAX_REQUESTS: '1', RATE_LIMIT_WINDOW_MS: '600' });
    while ((await readAs(server, null)).status === 200);
    let status = 429;
    while (status === 429) ({ status } = await readAs(server, null));
    expect(status).toBe(200);
  });

  test('what agents push is not counted, whoever else reads from their address', async () => {
    const server = await startOther(SETTINGS);
    const body = { agent_id: 'pusher', metrics: [metric('m', 1)] };
    const push = async (): Promise<number[]> => {
      const statuses = [];
      for (let i = 0; i < 10; i++) {
        statuses.push((await server.api('/api/v1/metrics', { method: 'POST', body })).status);
        statuses.push((await server.api('/api/v1/agents/register', { method: 'POST', body: { id: 'pusher' } })).status);
      }
      return statuses;
    };
    const allGood = Array.from({ length: 20 }, () => 200);
    expect(await push()).toEqual(allGood);
    expect(await reads(server, [null, null, null, null])).toEqual([200, 200, 200, 429]);
    expect(await push()).toEqual(allGood);
    // Nor does it keep agents from connecting: a 429 kills them.
    expect(await upgrade(server, { agentId: 'pusher' })).toBe('in');
  });

  test('who has no right is not told how much is left, and takes nothing from those who have', async () => {
    const server = await startOther({ ...SETTINGS, ...CREDENTIALS });
    expect(
      await reads(
        server,
        Array.from({ length: 10 }, () => null),
      ),
    ).toEqual(Array.from({ length: 10 }, () => 401));
    expect((await readAs(server, null)).headers.get('ratelimit-limit')).toBeNull();
    expect((await server.api('/api/v1/agents', { headers: { 'x-api-key': KEY } })).status).toBe(200);
  });

  describe('per address, of which X-Forwarded-For tells only with TRUST_PROXY', () => {
    const A = '203.0.113.1';
    const B = '203.0.113.2';

    test.each<[string, Record<string, string>, (string | null)[], number[]]>([
      ['without it: all are the one that connects', {}, [A, B, '203.0.113.3', '203.0.113.4', null], [200, 200, 200, 429, 429]],
      ['one proxy: each its own', { TRUST_PROXY: '1' }, [A, A, A, A, B, B, B, B], [200, 200, 200, 429, 200, 200, 200, 429]],
      [
        'one proxy: what clients claim in front of it counts for nothing',
        { TRUST_PROXY: '1' },
        [`198.51.100.1, ${A}`, `198.51.100.2, ${A}`, `198.51.100.3, ${A}`, `198.51.100.4, ${A}`],
        [200, 200, 200, 429],
      ],
      [
        'two proxies: the one before the last',
        { TRUST_PROXY: '2' },
        [`${A}, 10.0.0.1`, `${A}, 10.0.0.2`, `${A}, 10.0.0.3`, `${A}, 10.0.0.4`, `${B}, 10.0.0.1`],
        [200, 200, 200, 429, 200],
      ],
      ['this address: believed', { TRUST_PROXY: '127.0.0.1' }, [A, A, A, A, B], [200, 200, 200, 429, 200]],
      ['this network: believed', { TRUST_PROXY: '10.0.0.0/8, loopback' }, [A, A, A, A, B], [200, 200, 200, 429, 200]],
      ['another network: not believed', { TRUST_PROXY: '10.0.0.0/8' }, [A, B, '203.0.113.3', '203.0.113.4'], [200, 200, 200, 429]],
      [
        'IPv6: a customer is a /56',
        { TRUST_PROXY: '1' },
        ['2001:db8:0:1::1', '2001:db8:0:2::1', '2001:db8:0:3::1', '2001:db8:0:4::1', '2001:db8:1::1'],
        [200, 200, 200, 429, 200],
      ],
      ['nonsense hurts nobody', { TRUST_PROXY: '1' }, ['not an address', ',', '::::', '"', 'unknown'], [200, 200, 200, 200, 200]],
    ])('%s', async (_what, settings, forwardedFor, expected) => {
      expect(await reads(await startOther({ ...SETTINGS, ...settings }), forwardedFor)).toEqual(expected);
    });

    test.each(['nonsense', '10.0.0.0/99', '1.2.3', '10.0.0.1,,localhost', '-1'])('a setting that is none is refused: %s', async (text) => {
      await expect(startTestApp({ TRUST_PROXY: text })).rejects.toThrow(/^Configuration: "TRUST_PROXY" /);
    });
  });
});

describe('secrets', () => {
  /** Wrong ones are secrets too: they may be right elsewhere, or right but for a slip. */
  const WRONG = 'wrong-secret-5f1c2e';
  const GOOGLE = 'ya29-google-secret-77aa';
  const SECRETS = [TOKEN, KEY, WRONG, GOOGLE];

  test('are in no answer, no frame, no log line, no metric, and in no file', async () => {
    const logger = new MemoryLogger();
    const server = await startTestApp({ ...UPSTREAMS, ...CREDENTIALS, LOG_LEVEL: 'debug' }, { logger });
    const answers: unknown[] = [];
    try {
      const ask = async (path: string, init: ApiInit = {}): Promise<void> => {
        const { status, body, headers } = await server.api(path, init);
        answers.push({ status, body, headers: [...headers] });
      };
      const key = { 'x-api-key': KEY };

      for (const { method, path, body } of ROUTE_CASES) {
        const url = (pairs: string): string => `${path}${path.includes('?') ? '&' : '?'}${pairs}`;
        for (const name of ['token', 'api_key', 'apiKey', 'TOKEN', 'api%5Fkey', 'access_token', 'key', 'x-api-key']) {
          await ask(url(`${name}=${WRONG}`), { method, body });
          await ask(url(`${name}=${WRONG}&${name}=${KEY}`), { method, body, headers: key });
        }
        await ask(url(`token=${TOKEN}`), { method, body });
        await ask(path, { method, body, headers: { 'x-api-key': WRONG, authorization: `Bearer ${WRONG}`, cookie: `session=${WRONG}` } });
        await ask(path, { method, body, headers: { ...key, authorization: `Bearer ${GOOGLE}` } });
        await ask(path, { method, body, headers: { ...key, origin: 'https://evil.example' } });
      }
      await ask('/api/v1/targets', { method: 'POST', body: '{', headers: { ...key, 'content-type': 'application/json' } });

      const frames: unknown[] = [];
      for (const options of [
        { agentId: 'secret-1', token: WRONG },
        { agentId: 'secret-1', headers: { authorization: `Bearer ${WRONG}` } },
        { agentId: '', token: TOKEN },
        { agentId: 'secret-1', token: TOKEN, headers: { origin: 'https://evil.example' } },
        { agentId: null, path: '/ws', query: { api_key: WRONG } },
        { agentId: null, path: '/ws', query: { apiKey: WRONG }, headers: { 'x-api-key': WRONG } },
        { agentId: null, path: '/nowhere', query: { api_key: KEY, token: TOKEN } },
      ] satisfies AgentOptions[]) {
        const refused = await upgrade(server, options);
        if (refused === 'in') throw new Error(`let in: ${JSON.stringify(options)}`);
        answers.push({ body: refused.body, headers: refused.headers });
      }
      const agent = await TestAgent.connect(server, { agentId: 'secret-1', token: TOKEN, query: { api_key: KEY } });
      await agent.register();
      await agent.push([metric('m', 1)]);
      agent.sendRaw('not json');
      await agent.nextFrame('error');
      const browser = await TestAgent.connect(server, { agentId: null, path: '/ws', query: { api_key: KEY } });
      browser.send('request_agents', {});
      await browser.nextFrame('agent_updated');
      frames.push(agent.frames, browser.frames);
      agent.terminate();
      browser.terminate();
      for (const path of [
        '/api/v1/agents',
        '/api/v1/agents/secret-1',
        '/api/v1/dashboard/activity',
        '/metrics',
        '/health',
        '/api/v1/info',
      ]) {
        await ask(path, { headers: key });
      }

      expect(logger.entries.length).toBeGreaterThan(ROUTE_CASES.length);
      expect(logger.entries.some(({ meta }) => String(meta.url).includes('token=REDACTED'))).toBe(true);
      const seen = { answers, frames, log: logger.entries };
      for (const [where, what] of Object.entries(seen)) expect([where, leaksIn(text(what))]).toEqual([where, []]);

      expect(await server.app.stop()).toBe(true);
      const files = await readdir(server.dir);
      expect(files).toContain('monitoring.db');
      for (const file of files) expect([file, leaksIn(await readFile(join(server.dir, file), 'latin1'))]).toEqual([file, []]);
      expect(leaksIn(text(logger.entries))).toEqual([]);
    } finally {
      await server.stop();
    }
  }, 120_000);

  /** Everything that is in there, also behind `toJSON`, in errors and their causes. */
  function text(value: unknown): string {
    return inspect(value, { depth: 20, maxArrayLength: null, maxStringLength: null, showHidden: true, breakLength: Infinity });
  }

  /** The surroundings of what should not be there. */
  function leaksIn(haystack: string): string[] {
    return SECRETS.flatMap((secret) => {
      const at = haystack.indexOf(secret);
      return at === -1 ? [] : [haystack.slice(Math.max(0, at - 200), at + secret.length + 20)];
    });
  }
});
