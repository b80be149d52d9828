import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { AppError } from '../../src/model/errors.js';
import type { UpgradeRoute } from '../../src/http/upgrade-router.js';
import { type EdgeOptions, rawExchange, startEdge } from '../helpers/edge.js';

type Edge = Awaited<ReturnType<typeof startEdge>>;

const TOKEN = 'token-0123456789abcdef';
const KEY = 'key-0123456789abcdef';
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The edge with two routes whose sockets echo, as `agents` and `live` would take them. */
async function edge(options: EdgeOptions = {}): Promise<Edge & { sockets: WebSocketServer }> {
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send((data as Buffer).toString('utf8'))));
  const accept: UpgradeRoute['accept'] = (req, socket, head) =>
    sockets.handleUpgrade(req, socket, head, (client) => sockets.emit('connection', client, req));
  const started = await startEdge({
    connections: () => sockets.clients.size,
    upgradeRoutes: new Map<string, UpgradeRoute>([
      [
        '/api/v1/agents/connect',
        {
          kind: 'agent',
          accept,
          validate: (url) => (url.searchParams.has('agent_id') ? null : new AppError('validation_failed', 'agent_id is missing')),
        },
      ],
      ['/ws', { kind: 'person', accept }],
      [
        '/throws',
        {
          kind: 'person',
          accept: () => {
            throw new Error('inside');
          },
        },
      ],
    ]),
    ...options,
  });
  cleanups.push(async () => {
    for (const client of sockets.clients) client.terminate();
    await started.stop();
  });
  return { ...started, sockets };
}

function open(one: Edge, path: string, headers: Record<string, string> = {}): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${one.port}${path}`, { headers });
  socket.on('error', () => {});
  return socket;
}

/** What an upgrade is refused with, or null when it came through. */
async function refusal(one: Edge, path: string, headers: Record<string, string> = {}): Promise<any> {
  const socket = open(one, path, headers);
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.terminate();
      resolve(null);
    });
    socket.once('unexpected-response', (_req, res) => {
      let text = '';
      res.on('data', (chunk) => {
        text += String(chunk);
      });
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, error: JSON.parse(text).error }));
      res.on('error', reject);
    });
  });
}

describe('refusals are HTTP answers in the one error shape', () => {
  const options = { agentTokens: [TOKEN], apiKeys: [KEY] };
  test.each([
    ['unknown path', '/nowhere', {}, 404, 'not_found'],
    ['a path below', '/ws/x', {}, 404, 'not_found'],
    ['foreign page, console', `/ws?api_key=${KEY}`, { origin: 'https://evil.example' }, 403, 'forbidden'],
    ['foreign page, agent', `/api/v1/agents/connect?agent_id=a&token=${TOKEN}`, { origin: 'null' }, 403, 'forbidden'],
    ['no key', '/ws', {}, 401, 'unauthorized'],
    ['no token', '/api/v1/agents/connect?agent_id=a', {}, 401, 'unauthorized'],
    ['wrong token', '/api/v1/agents/connect?agent_id=a&token=nope', {}, 401, 'unauthorized'],
    ['the route says no', `/api/v1/agents/connect?token=${TOKEN}`, {}, 400, 'validation_failed'],
  ])('%s', async (_what, path, headers, status, code) => {
    const one = await edge(options);
    const refused = await refusal(one, path, headers);
    expect(refused).toMatchObject({ status, headers: { connection: 'close' }, error: { code, status, message: expect.any(String) } });
    expect(JSON.stringify(refused.error)).not.toMatch(/nope|0123456789/);
    expect(refused.headers['www-authenticate'] !== undefined).toBe(status === 401);
    expect(await one.metrics.upgradesRefused.get()).toMatchObject({ values: [{ labels: { reason: code }, value: 1 }] });
  });

  test.each([
    ['agent', `/api/v1/agents/connect?agent_id=a&token=${TOKEN}`, {}],
    ['agent, trailing slash', `/api/v1/agents/connect/?agent_id=a&token=${TOKEN}`, {}],
    ['agent, bearer', '/api/v1/agents/connect?agent_id=a', { authorization: `Bearer ${TOKEN}` }],
    ['console, header', '/ws', { 'x-api-key': KEY }],
    ['console, query', `/ws?apiKey=${KEY}`, { origin: 'http://localhost:4200' }],
  ])('%s comes in', async (_what, path, headers) => {
    expect(await refusal(await edge(options), path, headers as Record<string, string>)).toBeNull();
  });

  test('other upgrades', async () => {
    const { port } = await edge();
    const answer = await rawExchange(port, 'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    const odd = await rawExchange(port, 'GET //ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(odd).toMatch(/^HTTP\/1\.1 404 /);
    const worse = await rawExchange(port, 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(worse).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('a route that fails costs its own socket and is logged', async () => {
    const one = await edge();
    const socket = open(one, '/throws');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(one.logger.of('error')).toHaveLength(1);
    expect(await refusal(one, '/ws')).toBeNull();
  });
});

describe('waiting', () => {
  const path = '/api/v1/agents/connect?agent_id=a';
  const handshake = (extra = ''): string =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n${extra}`;

  async function untilWaiting(one: Edge, count: number): Promise<void> {
    while (one.gate.waiting !== count) await new Promise(setImmediate);
  }

  test('agents wait for a place and get it; consoles do not wait', async () => {
    const one = await edge({ gate: { maxConnections: 1, upgradeWaitMs: 10_000 } });
    const first = open(one, path);
    await once(first, 'open');
    const second = open(one, path);
    const opened = once(second, 'open');
    await untilWaiting(one, 1);
    expect(await refusal(one, '/ws')).toBeNull();
    expect(one.gate.waiting).toBe(1);
    first.terminate();
    await opened;
    second.send('hello');
    expect(String((await once(second, 'message'))[0])).toBe('hello');
  });

  test('what came right behind the handshake is not lost while waiting', async () => {
    const one = await edge({ gate: { maxConnections: 1, upgradeWaitMs: 10_000 } });
    const first = open(one, path);
    await once(first, 'open');
    const socket = connect(one.port, '127.0.0.1');
    // A masked text frame "hi" (mask 0) in the same packet, and another one a little later.
    const frame = '\x81\x82\x00\x00\x00\x00hi';
    socket.write(handshake(frame), 'latin1');
    await untilWaiting(one, 1);
    socket.write(frame, 'latin1');
    let received = '';
    const both = new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
        if (received.split('\x81\x02hi').length === 3) resolve();
      });
    });
    first.terminate();
    await both;
    expect(received).toMatch(/^HTTP\/1\.1 101 /);
    socket.destroy();
  });

  test.each([
    ['closes', (socket: Socket) => socket.end()],
    ['is cut off', (socket: Socket) => socket.resetAndDestroy()],
  ])('a client that %s while waiting loses its place', async (_what, leave) => {
    const one = await edge({ gate: { maxConnections: 0, upgradeWaitMs: 10_000 } });
    const socket = connect(one.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(handshake());
    await untilWaiting(one, 1);
    leave(socket);
    await untilWaiting(one, 0);
  });

  test('waiting too long, too many waiting, and the stop: 503 with Retry-After', async () => {
    const one = await edge({ gate: { maxConnections: 0, upgradeWaitMs: 300, maxWaitingUpgrades: 1 } });
    const late = refusal(one, path);
    await untilWaiting(one, 1);
    expect(await refusal(one, path)).toMatchObject({ status: 503, error: { code: 'overloaded' }, headers: { 'retry-after': '1' } });
    expect(await late).toMatchObject({ status: 503, error: { code: 'overloaded' } });
    const stopped = refusal(one, path);
    await untilWaiting(one, 1);
    one.server.refuseUpgrades();
    expect(await stopped).toMatchObject({ status: 503, error: { code: 'shutting_down' }, headers: { 'retry-after': '5' } });
    expect(await refusal(one, '/ws')).toMatchObject({ status: 503, error: { code: 'shutting_down' } });
  });
});
