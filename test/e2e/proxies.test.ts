import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type EdgeOptions, startEdge } from '../helpers/edge.js';
import { httpRequest } from '../helpers/http.js';
import { startUpstream, urlOfNobody } from '../helpers/upstream.js';

const MB = 1_048_576;
const TIMEOUT_MS = 300;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function upstream(listener: (req: IncomingMessage, res: ServerResponse) => unknown): Promise<string> {
  const started = await startUpstream(listener);
  cleanups.push(() => started.stop());
  return started.url;
}

/** Our server with all three proxies, and the address service, pointed at one upstream. */
async function edge(target: string, options: EdgeOptions = {}, timeoutMs = TIMEOUT_MS) {
  const proxies = { loggingUrl: target, computeUrl: target, cloudRunUrl: target, ipifyUrl: `${target}/ip`, timeoutMs };
  const started = await startEdge({ ...options, settings: { proxies, ...options.settings } });
  cleanups.push(() => started.stop());
  return started;
}

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** An upstream that notes what it is asked. */
async function recorder(answer: (req: IncomingMessage, res: ServerResponse) => void = (_req, res) => res.end('{}')) {
  const seen: Seen[] = [];
  const url = await upstream(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += String(chunk);
    seen.push({ method: req.method, url: req.url, headers: req.headers, body });
    answer(req, res);
  });
  return { url, seen };
}

function expectError(answer: { status: number; body: any }, status: number, code: string): void {
  expect(answer.body).toMatchObject({ error: { code, status, message: expect.any(String), timestamp: expect.any(String) } });
  expect(answer.status).toBe(status);
}

/** Counts a stream's bytes, and checks that they are the pattern that was sent. */
async function readPattern(stream: AsyncIterable<Buffer>): Promise<number> {
  let count = 0;
  for await (const chunk of stream) {
    if (chunk[0] !== count % 251 || chunk[chunk.length - 1] !== (count + chunk.length - 1) % 251)
      throw new Error(`wrong byte near ${count}`);
    count += chunk.length;
  }
  return count;
}

function* pattern(totalBytes: number): Generator<Buffer> {
  for (let at = 0; at < totalBytes; at += 65_536) {
    const chunk = Buffer.allocUnsafe(Math.min(65_536, totalBytes - at));
    for (let i = 0; i < chunk.length; i += 1) chunk[i] = (at + i) % 251;
    yield chunk;
  }
}

async function send(stream: NodeJS.WritableStream, chunks: Iterable<Buffer>): Promise<void> {
  for (const chunk of chunks) if (!stream.write(chunk)) await once(stream, 'drain');
  stream.end();
}

describe('what passes', () => {
  test.each([
    ['/api/logging', 'GET', '/v2/entries?x=1&y=a%2Fb'],
    ['/api/compute', 'DELETE', '/compute/v1/projects/p/zones/z/instances/i'],
    ['/api/cloudrun', 'PATCH', '/v2/projects/p?updateMask=a'],
    ['/api/logging', 'PUT', '/v2/entries:list'],
    ['/api/logging', 'OPTIONS', '/v2'],
  ])('%s: %s %s, prefix stripped', async (prefix, method, path) => {
    const { url, seen } = await recorder((_req, res) => {
      res.writeHead(201, 'Made', {
        'content-type': 'text/plain',
        'x-upstream': 'yes',
        'set-cookie': 'a=1',
        'access-control-allow-origin': '*',
      });
      res.end('from upstream');
    });
    const { url: own } = await edge(url);
    const answer = await httpRequest(`${own}${prefix}${path}`, { method });
    expect(answer.status).toBe(201);
    expect(answer.body).toBe('from upstream');
    expect(answer.headers.get('x-upstream')).toBe('yes');
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(seen).toMatchObject([{ method, url: path, headers: { host: url.slice('http://'.length) } }]);
  });

  test("Google's token arrives unchanged, ours stay here", async () => {
    const { url, seen } = await recorder();
    const { url: own } = await edge(url, { apiKeys: ['key-0123456789abcdef'], agentTokens: ['token-0123456789abcdef'] });
    const authorization = 'Bearer ya29.A0ARrdaM-_token~with+all/kinds=of==characters';
    const answer = await httpRequest(`${own}/api/logging/v2/entries:list`, {
      method: 'POST',
      body: '{ "untouched" : 1.0 }',
      headers: {
        authorization,
        'x-api-key': 'key-0123456789abcdef',
        cookie: 'session=secret',
        'x-forwarded-for': '10.1.2.3',
        'x-forwarded-proto': 'https',
        forwarded: 'for=10.1.2.3',
        via: '1.1 proxy',
        'x-real-ip': '10.1.2.3',
        origin: 'http://localhost:4200',
        referer: 'http://localhost:4200/logs',
        'content-type': 'application/json',
        'x-goog-user-project': 'project-1',
      },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:4200');
    expect(seen[0]).toMatchObject({
      body: '{ "untouched" : 1.0 }',
      headers: { authorization, 'x-goog-user-project': 'project-1', 'content-type': 'application/json' },
    });
    const arrived = JSON.stringify(seen[0]?.headers);
    expect(arrived).not.toMatch(/key-0123|session|10\.1\.2\.3|localhost:4200|forwarded|"via"/);
  });

  test('a body of any type, chunked or not, also with DELETE', async () => {
    const { url, seen } = await recorder();
    const { port } = await edge(url);
    for (const headers of [{ 'transfer-encoding': 'chunked' }, { 'content-length': '9' }]) {
      const req = request({ port, method: 'DELETE', path: '/api/compute/x', headers: { ...headers, 'content-type': 'application/xml' } });
      req.end('not: json');
      const [res] = (await once(req, 'response')) as [IncomingMessage];
      expect(res.statusCode).toBe(200);
      res.resume();
    }
    const arrived = { method: 'DELETE', body: 'not: json' };
    expect(seen).toMatchObject([arrived, arrived]);
  });

  test.each([
    ['/api/logging/../../x'],
    ['/api/logging/a/%2e%2e/%2E./x'],
    ['/api/logging/..%2fx'],
    ['/api/logging/..\\x'],
    ['/api/logging/.'],
  ])('a path that climbs is refused: %s', async (path) => {
    const { url, seen } = await recorder();
    const { port } = await edge(url);
    const req = request({ port, path });
    req.end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    expect(res.statusCode).toBe(400);
    res.resume();
    expect(seen).toEqual([]);
  });

  test.each([['/api/logging//evil.example/x'], ['/api/logging/@evil.example/x'], ['http://evil.example/api/logging/x']])(
    'nothing in a path changes the host: %s',
    async (path) => {
      const { url, seen } = await recorder();
      const { port } = await edge(url);
      const req = request({ port, path });
      req.end();
      const [res] = (await once(req, 'response')) as [IncomingMessage];
      res.resume();
      expect(res.statusCode).toBe(200);
      expect(seen[0]?.headers.host).toBe(url.slice('http://'.length));
    },
  );

  test('an upstream with a base path', async () => {
    const { url, seen } = await recorder();
    const { url: own } = await edge(`${url}/base`);
    await httpRequest(`${own}/api/logging/v2?x=1`);
    expect(seen[0]?.url).toBe('/base/v2?x=1');
  });
});

describe('large bodies', () => {
  test('50 MB up and down, streamed', async () => {
    let received = 0;
    const url = await upstream(async (req, res) => {
      received = await readPattern(req);
      res.writeHead(200);
      await send(res, pattern(50 * MB));
    });
    const { port } = await edge(url, {}, 5_000);
    const req = request({ port, method: 'POST', path: '/api/logging/big', headers: { 'content-type': 'application/json' } });
    const answered = once(req, 'response') as Promise<[IncomingMessage]>;
    await send(req, pattern(50 * MB));
    const [res] = await answered;
    expect(await readPattern(res)).toBe(50 * MB);
    expect(received).toBe(50 * MB);
  });

  test('an answer nobody reads stays with the upstream', async () => {
    let sent = 0;
    const stuck = deferred<void>();
    const url = await upstream((_req, res) => {
      for (const chunk of pattern(50 * MB)) {
        sent += chunk.length;
        if (!res.write(chunk)) break;
      }
      const more = pattern(50 * MB);
      const push = (): void => {
        for (let next = more.next(); !next.done; next = more.next()) {
          sent += next.value.length;
          if (!res.write(next.value)) return;
        }
      };
      res.on('drain', push);
      const watch = setInterval(() => {
        const before = sent;
        setTimeout(() => before === sent && stuck.resolve(), 100);
      }, 150);
      res.on('close', () => clearInterval(watch));
    });
    const { port, url: own } = await edge(url);
    const req = request({ port, path: '/api/logging/big' });
    req.end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    res.pause();
    const rssBefore = process.memoryUsage().rss;
    await stuck.promise;
    // What the kernel's buffers on two hops hold, far from 50 MB.
    expect(sent).toBeLessThan(20 * MB);
    expect(process.memoryUsage().rss - rssBefore).toBeLessThan(40 * MB);
    // A slow reader is not a slow upstream: much later than the time-out it is still served, and so is everybody else.
    await new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS * 2));
    expect((await httpRequest(`${own}/health`)).status).toBe(200);
    const before = sent;
    res.resume();
    await new Promise<void>((resolve) => {
      res.on('data', () => {
        if (sent > before + MB) resolve();
      });
    });
    req.destroy();
  });

  test('an upload the upstream does not read stays with the client', async () => {
    const url = await upstream((req) => void req.pause());
    const { port } = await edge(url, {}, 2_000);
    const req = request({ port, method: 'POST', path: '/api/logging/big' });
    req.on('error', () => {});
    const answered = once(req, 'response') as Promise<[IncomingMessage]>;
    let sent = 0;
    for (const chunk of pattern(50 * MB)) {
      if (!req.write(chunk) && !(await Promise.race([once(req, 'drain').then(() => true), answered.then(() => false)]))) break;
      sent += chunk.length;
    }
    expect(sent).toBeLessThan(20 * MB);
    const [res] = await answered;
    expect(res.statusCode).toBe(504);
    req.destroy();
  });

  test('a client that sends slowly is not taken for a slow upstream', async () => {
    const { url, seen } = await recorder();
    const { port } = await edge(url);
    const req = request({ port, method: 'POST', path: '/api/logging/slow' });
    req.write('first ');
    await new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS * 2));
    req.end('second');
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    res.resume();
    expect(res.statusCode).toBe(200);
    expect(seen[0]?.body).toBe('first second');
  });
});

describe('upstreams that fail', () => {
  test('gone: 502', async () => {
    const { url: own, logger } = await edge(await urlOfNobody());
    expectError(await httpRequest(`${own}/api/logging/v2`), 502, 'bad_gateway');
    expectError(await httpRequest(`${own}/api/compute/v1`, { method: 'POST', body: 'x'.repeat(MB) }), 502, 'bad_gateway');
    expect(logger.of('error')).toEqual([]);
  });

  test('slow: 504, and others are answered meanwhile', async () => {
    const url = await upstream(() => {});
    const { url: own } = await edge(url);
    const startedMs = performance.now();
    const slow = httpRequest(`${own}/api/logging/v2`).then((answer) => ({ answer, afterMs: performance.now() - startedMs }));
    expect((await httpRequest(`${own}/health`)).status).toBe(200);
    expect(performance.now() - startedMs).toBeLessThan(TIMEOUT_MS);
    const { answer, afterMs } = await slow;
    expectError(answer, 504, 'gateway_timeout');
    expect(afterMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 1);
    expect(afterMs).toBeLessThan(TIMEOUT_MS * 4);
  });

  test('accepts and closes: 502', async () => {
    const { url: own } = await edge(await tcp((socket) => socket.destroy()));
    expectError(await httpRequest(`${own}/api/logging/v2`), 502, 'bad_gateway');
  });

  test('speaks something else: 502', async () => {
    const { url: own } = await edge(await tcp((socket) => socket.end('220 mail.example ESMTP\r\n')));
    expectError(await httpRequest(`${own}/api/logging/v2`), 502, 'bad_gateway');
  });

  test('switches protocols unasked: 502', async () => {
    const { url: own } = await edge(
      await tcp((socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')),
    );
    const answer = await httpRequest(`${own}/api/logging/v2`);
    expectError(answer, 502, 'bad_gateway');
  });

  test.each([
    ['dies in the middle', (res: ServerResponse) => void res.destroy()],
    ['stands still in the middle', () => {}],
  ])('%s of its answer: the client is cut off, never left hanging', async (_what, then) => {
    const url = await upstream((_req, res) => {
      res.writeHead(200, { 'content-length': '100' });
      res.write('some', () => then(res));
    });
    const { url: own } = await edge(url);
    await expect(httpRequest(`${own}/api/logging/v2`)).rejects.toThrow();
    expect((await httpRequest(`${own}/health`)).status).toBe(200);
  });

  test('a client that goes away ends the upstream request', async () => {
    const arrived = deferred<IncomingMessage>();
    const url = await upstream((req) => arrived.resolve(req));
    const { port } = await edge(url, {}, 20_000);
    const req = request({ port, path: '/api/logging/v2' });
    req.on('error', () => {});
    req.end();
    const upstreamReq = await arrived.promise;
    const closed = once(upstreamReq.socket, 'close');
    req.destroy();
    await closed;
  });

  test('an early answer to an upload gets through', async () => {
    const url = await upstream((req, res) => {
      res.writeHead(413, { connection: 'close' });
      res.end('too much', () => setTimeout(() => req.socket.destroy(), 50));
    });
    const { port } = await edge(url);
    const req = request({ port, method: 'POST', path: '/api/logging/big' });
    req.on('error', () => {});
    req.write('x'.repeat(1_000));
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    expect(res.statusCode).toBe(413);
    res.resume();
    await once(res, 'end');
    // Once it has its answer, Node's client no longer tells when to go on: so all at once.
    for (const chunk of pattern(5 * MB)) req.write(chunk);
    req.end();
    await once(req, 'close');
  });
});

describe('GET /api/ipify', () => {
  test.each([
    ['{"ip":"203.0.113.7"}', '203.0.113.7'],
    ['2001:db8::1\n', '2001:db8::1'],
  ])('%s', async (text, ip) => {
    const { url: own } = await edge(await upstream((_req, res) => res.end(text)));
    const answer = await httpRequest(`${own}/api/ipify`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ ip });
  });

  test.each([
    ['no address', (_req: IncomingMessage, res: ServerResponse) => void res.end('{"ip":"<script>"}'), 502, 'bad_gateway'],
    ['a failure', (_req: IncomingMessage, res: ServerResponse) => void res.writeHead(500).end('203.0.113.7'), 502, 'bad_gateway'],
    ['far too much', (_req: IncomingMessage, res: ServerResponse) => void res.end(' '.repeat(MB)), 502, 'bad_gateway'],
    ['nothing', () => {}, 504, 'gateway_timeout'],
  ])('%s', async (_what, listener, status, code) => {
    const { url: own } = await edge(await upstream(listener));
    expectError(await httpRequest(`${own}/api/ipify`), status, code);
  });

  test('gone', async () => {
    const { url: own } = await edge(await urlOfNobody());
    expectError(await httpRequest(`${own}/api/ipify`), 502, 'bad_gateway');
    expectError(await httpRequest(`${own}/api/ipify`, { method: 'POST' }), 405, 'method_not_allowed');
  });
});

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** An upstream that speaks raw TCP, once somebody sent something. */
async function tcp(onRequest: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => onRequest(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
