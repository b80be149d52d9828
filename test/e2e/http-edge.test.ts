import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Router } from 'express';
import { AppError } from '../../src/model/errors.js';
import { type EdgeOptions, rawExchange, startEdge } from '../helpers/edge.js';
import { httpRequest } from '../helpers/http.js';

type Edge = Awaited<ReturnType<typeof startEdge>>;
const running: Edge[] = [];

async function edge(options: EdgeOptions = {}): Promise<Edge> {
  const started = await startEdge({ routers: [{ path: '/api/v1/things', router: things() }], ...options });
  running.push(started);
  return started;
}

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

/** A router as the others write them. */
function things(): Router {
  const router = Router();
  router.get('/', (_req, res) => void res.json({ things: [] }));
  router.get('/broken', () => {
    throw new TypeError('secret inner words');
  });
  router.get('/full', async () => {
    throw new AppError('storage_full', 'the disk is full');
  });
  router.get('/half', (_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.write('{"half":');
    throw new Error('too late');
  });
  router.get('/:id', (req, res) => void res.json({ id: req.params.id }));
  router.post(['/', '/alias'], (req, res) => void res.json({ got: req.body }));
  return router;
}

function expectError(answer: { status: number; body: any; headers: Headers }, status: number, code: string): void {
  expect(answer.body).toMatchObject({ error: { code, status, message: expect.any(String), timestamp: expect.stringMatching(/Z$/) } });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
}

describe('every answer', () => {
  test('has a request id, security headers, and no advertisement', async () => {
    const { url } = await edge();
    const answer = await httpRequest(`${url}/api/v1/things`, { headers: { 'x-request-id': 'mine-1' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-request-id')).toBe('mine-1');
    expect(answer.headers.get('x-powered-by')).toBeNull();
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(/script-src ([^;]*)/.exec(policy)?.[1]).toBe("'self'");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect((await httpRequest(`${url}/api/v1/things`)).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('CORS: the console may, with credentials; others may not', async () => {
    const { url } = await edge({ apiKeys: ['key-0123456789abcdef'] });
    const preflight = await httpRequest(`${url}/api/v1/things`, {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:4200', 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-api-key' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('http://localhost:4200');
    expect(preflight.headers.get('access-control-allow-credentials')).toBe('true');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('x-api-key');
    const stranger = await httpRequest(`${url}/api/v1/things`, {
      headers: { origin: 'https://evil.example', 'x-api-key': 'key-0123456789abcdef' },
    });
    expect(stranger.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('a foreign page cannot change anything', async () => {
    const { url } = await edge();
    const from = (origin: string) => httpRequest(`${url}/api/v1/things`, { method: 'POST', headers: { origin }, body: {} });
    expectError(await from('https://evil.example'), 403, 'forbidden');
    expectError(await from('null'), 403, 'forbidden');
    expect((await from('http://localhost:4200')).status).toBe(200);
    expect((await from(url)).status).toBe(200);
  });
});

describe('errors', () => {
  test('404 and 405', async () => {
    const { url } = await edge();
    expectError(await httpRequest(`${url}/api/v1/nothing`), 404, 'not_found');
    expectError(await httpRequest(`${url}/nothing`), 404, 'not_found');
    expectError(await httpRequest(`${url}/`, { method: 'POST' }), 404, 'not_found');
    const wrongMethod = await httpRequest(`${url}/api/v1/things`, { method: 'DELETE' });
    expectError(wrongMethod, 405, 'method_not_allowed');
    expect(wrongMethod.headers.get('allow')).toBe('GET, HEAD, POST');
    expectError(await httpRequest(`${url}/health`, { method: 'POST' }), 405, 'method_not_allowed');
  });

  test('a bad escape in the path', async () => {
    const { url } = await edge();
    expectError(await httpRequest(`${url}/api/v1/things/%E0%A4%A`), 400, 'validation_failed');
  });

  test('bodies: type, JSON, size', async () => {
    const { url } = await edge();
    const post = (body: string, type?: string, path = '/api/v1/things') =>
      httpRequest(`${url}${path}`, { method: 'POST', body, headers: type === undefined ? {} : { 'content-type': type } });
    expect((await post('{"a":1}', 'application/json')).body).toEqual({ got: { a: 1 } });
    expect((await post('{"a":1}', 'application/json; charset=utf-8')).body).toEqual({ got: { a: 1 } });
    expectError(await post('a=1', 'application/x-www-form-urlencoded'), 415, 'unsupported_media_type');
    expectError(await post('{"a":1}', 'text/plain'), 415, 'unsupported_media_type');
    expectError(await post('{"a":1}', 'application/json; charset=klingon'), 415, 'unsupported_media_type');
    expectError(await post('{"a":', 'application/json'), 400, 'invalid_json');
    expectError(await post('5', 'application/json'), 400, 'invalid_json');
    const large = JSON.stringify({ a: 'x'.repeat(2_000) });
    expectError(await post(large, 'application/json'), 413, 'payload_too_large');
    // What agents push has its own, larger limit; there is no such route here, but it was read.
    expectError(await post(large, 'application/json', '/api/v1/metrics'), 404, 'not_found');
    expectError(await post(JSON.stringify({ a: 'x'.repeat(9_000) }), 'application/json', '/api/v1/metrics'), 413, 'payload_too_large');
  });

  test('a bug is a 500 that tells nothing, with its stack in the log', async () => {
    const { url, logger } = await edge();
    const answer = await httpRequest(`${url}/api/v1/things/broken?token=hidden`);
    expectError(answer, 500, 'internal');
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(logger.of('error')).toHaveLength(1);
    expect(logger.of('error')[0]?.meta).toMatchObject({
      url: '/api/v1/things/broken?token=REDACTED',
      error: { message: 'secret inner words' },
    });
  });

  test('4xx are not logged as errors, what heals itself is a warning', async () => {
    const { url, logger } = await edge();
    await httpRequest(`${url}/api/v1/nothing`);
    const full = await httpRequest(`${url}/api/v1/things/full`);
    expectError(full, 503, 'storage_full');
    expect(full.headers.get('retry-after')).toBe('30');
    expect(logger.of('error')).toEqual([]);
    expect(logger.of('warn')).toHaveLength(1);
  });

  test('a failure behind the headers cuts the connection', async () => {
    const { url } = await edge();
    await expect(httpRequest(`${url}/api/v1/things/half`)).rejects.toThrow();
    expect((await httpRequest(`${url}/api/v1/things`)).status).toBe(200);
  });

  test('what is no HTTP gets a 400 in the same shape', async () => {
    const { port } = await edge();
    for (const bytes of ['garbage\r\n\r\n', `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`]) {
      const answer = await rawExchange(port, bytes);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ error: { code: 'validation_failed', status: 400 } });
    }
  });
});

describe('bodies that are no object', () => {
  test.each(['"text"', '7', 'null', ' true'])('%s is told so, not called invalid JSON', async (text) => {
    const { url } = await edge();
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/api/v1/things`, { method: 'POST', headers, body: text });
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_json', status: 400, message: 'the body must be a JSON object' } });
  });
});

describe('DNS rebinding', () => {
  const rebound = 'Host: evil.example:8080\r\nConnection: close';
  const to = async (one: Edge, head: string): Promise<string> => await rawExchange(one.port, `${head}\r\n\r\n`);

  test('a page that lets its name point to this machine gets nothing', async () => {
    const one = await edge({ settings: { localOnly: true } });
    const read = await to(one, `GET /api/v1/things HTTP/1.1\r\n${rebound}`);
    expect(read).toMatch(/^HTTP\/1\.1 403 [^]*"code":"forbidden"[^]*not by \\"evil\.example:8080\\"/);
    const change = `POST /api/v1/things HTTP/1.1\r\n${rebound}\r\nOrigin: http://evil.example:8080\r\nContent-Length: 0`;
    expect(await to(one, change)).toMatch(/^HTTP\/1\.1 403 /);
    expect((await httpRequest(`${one.url}/api/v1/things`)).status).toBe(200);
  });

  test('programs that push are no pages, and keys make the name a matter of taste', async () => {
    const local = await edge({ settings: { localOnly: true } });
    const push = `POST /api/v1/things HTTP/1.1\r\n${rebound}\r\nContent-Length: 0`;
    expect(await to(local, push)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await to(await edge(), `GET /api/v1/things HTTP/1.1\r\n${rebound}`)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('requests that are put unusually', () => {
  const answerTo = async (port: number, head: string, body = ''): Promise<string> =>
    await rawExchange(port, `${head}\r\nConnection: close\r\n\r\n${body}`);

  test.each([
    ['http://other.example/api/v1/things/7?x=1', '{"id":"7"}'],
    ['HTTP://other.example:80/api/v1/things', '{"things":[]}'],
    ['http://other.example?/api/v1/things', 'The console is not built'],
    ['http://other.example', 'The console is not built'],
  ])('%s is a path', async (target, expected) => {
    const { port } = await edge();
    expect(await answerTo(port, `GET ${target} HTTP/1.1\r\nHost: x`)).toContain(expected);
  });

  test('two Host headers are one too many', async () => {
    const { port } = await edge();
    const answer = await answerTo(port, 'GET /api/v1/things HTTP/1.1\r\nHost: a\r\nHost: b');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('more than one Host header');
  });

  test('an offer to upgrade to anything but WebSocket is ignored, as HTTP wants it', async () => {
    const { port } = await edge();
    const offer = 'Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA';
    expect(await answerTo(port, `GET /api/v1/things HTTP/1.1\r\n${offer}`)).toMatch(/^HTTP\/1\.1 200 [^]*{"things":\[\]}$/);
    const body = '{"n":1}';
    const post = `POST /api/v1/things HTTP/1.1\r\n${offer}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    expect(await answerTo(port, post, body)).toMatch(/^HTTP\/1\.1 200 [^]*{"got":{"n":1}}$/);
  });

  test('behind such an offer the connection goes on', async () => {
    const { port } = await edge();
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    let answers = '';
    socket.on('data', (text: string) => {
      answers += text;
    });
    for (const [i, more] of ['Connection: Upgrade\r\nUpgrade: h2c', 'Connection: Upgrade\r\nUpgrade: h2c', 'Connection: close'].entries()) {
      socket.write(`GET /api/v1/things/${i} HTTP/1.1\r\nHost: x\r\n${more}\r\n\r\n`);
      while (!answers.endsWith(`{"id":"${i}"}`)) await once(socket, 'data');
    }
    await once(socket, 'close');
  });
});

describe('limits of reads', () => {
  test('reads are limited, posts are not', async () => {
    const { url } = await edge({ settings: { rateLimit: { windowMs: 60_000, maxRequests: 3 } } });
    for (let i = 0; i < 3; i += 1) {
      const answer = await httpRequest(`${url}/api/v1/things`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('ratelimit-remaining')).toBe(String(2 - i));
    }
    const refused = await httpRequest(`${url}/api/v1/things`);
    expectError(refused, 429, 'rate_limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    for (let i = 0; i < 5; i += 1) expect((await httpRequest(`${url}/api/v1/things`, { method: 'POST', body: {} })).status).toBe(200);
    expect((await httpRequest(`${url}/health`)).status).toBe(200);
  });
});

describe('keys', () => {
  const apiKeys = ['key-0123456789abcdef'];
  test.each([
    ['/api/v1/things', 401],
    ['/api/v1/info', 401],
    ['/api/logging/v2', 401],
    ['/api/ipify', 401],
    ['/metrics', 401],
    ['/health', 200],
  ])('%s without one: %i', async (path, status) => {
    const { url } = await edge({ apiKeys });
    const answer = await httpRequest(`${url}${path}`);
    expect(answer.status).toBe(status);
    if (status !== 401) return;
    expectError(answer, 401, 'unauthorized');
    expect(answer.headers.get('www-authenticate')).toContain('realm');
  });

  test('with one', async () => {
    const { url } = await edge({ apiKeys });
    expect((await httpRequest(`${url}/api/v1/things`, { headers: { 'x-api-key': apiKeys[0] ?? '' } })).status).toBe(200);
    expect((await httpRequest(`${url}/metrics`, { headers: { authorization: `Bearer ${apiKeys[0] ?? ''}` } })).status).toBe(200);
  });
});

describe('the small routes', () => {
  test('info, deployments', async () => {
    const { url } = await edge();
    expect((await httpRequest(`${url}/api/v1/info`)).body).toEqual({
      service: 'cloudconsolevibe-backend',
      version: '1.2.3',
      endpoints: expect.objectContaining({
        console: '/',
        agentActivity: '/api/v1/agents/:agentId/activity',
        series: '/api/v1/metrics/series',
        chart: '/api/v1/metrics/chart',
        topology: '/api/v1/topology',
      }),
    });
    expectError(await httpRequest(`${url}/api/v1/gcp/projects/1`, { method: 'PATCH', body: 'x' }), 501, 'not_implemented');
    expectError(await httpRequest(`${url}/api/v1/gcp`), 501, 'not_implemented');
    expectError(await httpRequest(`${url}/api/v1/monitoring/deploy/7`, { method: 'DELETE' }), 501, 'not_implemented');
    expectError(await httpRequest(`${url}/api/v1/monitoring/deploy`, { method: 'POST', body: {} }), 501, 'not_implemented');
    const complete = await httpRequest(`${url}/api/v1/deployments/d-1/complete`, { method: 'POST', body: 'status=ok' });
    expect(complete.status).toBe(200);
    expect(complete.body).toMatchObject({ message: expect.any(String), deploymentId: 'd-1' });
  });

  test('health follows the database, and asks it at most once a second', async () => {
    let probes = 0;
    let broken = false;
    const { url } = await edge({
      probe: async () => {
        probes += 1;
        if (broken) throw new AppError('storage_unavailable', 'the disk is gone');
      },
    });
    const answers = await Promise.all(Array.from({ length: 50 }, () => httpRequest(`${url}/health`)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    expect(answers[0]?.body).toMatchObject({
      status: 'healthy',
      version: '1.2.3',
      uptime: expect.any(Number),
      checks: { database: { status: 'healthy' } },
    });
    expect(probes).toBe(1);
    broken = true;
    let answer = answers[0];
    while (answer?.status === 200) answer = await httpRequest(`${url}/health`);
    expect(answer?.status).toBe(503);
    expect(answer?.body).toMatchObject({ status: 'unhealthy', checks: { database: { status: 'unhealthy', error: 'the disk is gone' } } });
    expect(probes).toBe(2);
  });

  test('health answers although the database does not', async () => {
    const { url } = await edge({ probe: () => new Promise(() => {}) });
    expect((await httpRequest(`${url}/health`)).status).toBe(503);
  });

  test('durations are counted by template, never by path', async () => {
    const { url, metrics } = await edge({ apiKeys: ['key-0123456789abcdef'] });
    const headers = { 'x-api-key': 'key-0123456789abcdef' };
    await httpRequest(`${url}/api/v1/things/id-one`, { headers });
    await httpRequest(`${url}/API/V1/things/id-two`, { headers });
    await httpRequest(`${url}/api/v1/things/broken`, { headers });
    await httpRequest(`${url}/api/v1/made-up-path`, { headers });
    await httpRequest(`${url}/api/logging/some/path`, { headers });
    await httpRequest(`${url}/api/v1/things/alias`, { method: 'POST', headers, body: {} });
    const text: string = (await httpRequest(`${url}/metrics`, { headers })).body;
    expect(text).toContain('ccv_http_request_seconds_count{method="GET",route="/api/v1/things/:id",status="200"} 2');
    expect(text).toContain('ccv_http_request_seconds_count{method="GET",route="/api/v1/things/broken",status="500"} 1');
    expect(text).toContain('ccv_http_request_seconds_count{method="GET",route="unmatched",status="404"} 1');
    expect(text).toContain('ccv_http_request_seconds_count{method="GET",route="/api/logging/*",status="502"} 1');
    expect(text).toContain('ccv_http_request_seconds_count{method="POST",route="/api/v1/things",status="200"} 1');
    expect(text).not.toMatch(/id-one|made-up/);
    expect(metrics.httpSeconds).toBeDefined();
  });
});

describe('stopping', () => {
  test('a running request is answered, an idle connection closed, a new one refused', async () => {
    let release: () => void = () => {};
    const entered = new Promise<void>((resolve) => {
      const router = Router();
      router.get('/', (_req, res) => {
        release = () => void res.json({ done: true });
        resolve();
      });
      void edge({ routers: [{ path: '/api/v1/slow', router }] });
    });
    while (running.length === 0) await new Promise(setImmediate);
    const [one] = running;
    if (one === undefined) throw new Error('not started');
    const idle = connect(one.port, '127.0.0.1');
    await once(idle, 'connect');
    const answer = httpRequest(`${one.url}/api/v1/slow`);
    await entered;
    const stopped = one.stop();
    release();
    expect((await answer).body).toEqual({ done: true });
    await stopped;
    await expect(httpRequest(`${one.url}/health`)).rejects.toThrow();
    idle.destroy();
  });

  test('a taken port is named', async () => {
    const { server, port, logger } = await edge();
    const { HttpServer } = await import('../../src/http/http-server.js');
    const second = new HttpServer({
      settings: { host: '127.0.0.1', port, inactivityTimeoutMs: 1_000 },
      app: () => {},
      upgrades: { handle: () => {}, refuseAll: () => {} },
      logger,
      clock: { nowMs: () => 0 },
    });
    await expect(second.start()).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
    expect(() => second.address()).toThrow('not listening');
    await second.stop();
    expect(server.address().port).toBe(port);
  });
});
