/**
 * Too many of something that is fine by itself, against the built server: series, agents, bad frames, pings, connections
 * that never get anywhere. Whoever floods is limited, in words and counted; everybody else notices nothing; and memory is
 * bounded while it lasts and back when it is over.
 */
import { once } from 'node:events';
import { connect as dial, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Frame, metric, TestAgent } from '../helpers/agent-client.js';
import { connectConsole } from '../helpers/test-console.js';
import { eventually } from '../helpers/eventually.js';
import { startWatchedServer, type WatchedServer } from '../helpers/watched-server.js';

const MEGABYTE = 1_048_576;
const SERIES_PER_AGENT = 10_000;

let server: WatchedServer;
let bystander: TestAgent;
let agents: TestAgent[] = [];
let sockets: Socket[] = [];

beforeAll(async () => {
  server = await startWatchedServer();
  bystander = await TestAgent.connect(server, { agentId: 'bystander' });
  await bystander.register();
});

afterEach(async () => {
  for (const agent of agents) agent.terminate();
  for (const socket of sockets) socket.destroy();
  agents = [];
  sockets = [];
  await nobodyNoticed();
});

afterAll(async () => {
  bystander.terminate();
  await server.dispose();
});

async function connect(agentId: string): Promise<TestAgent> {
  const agent = await TestAgent.connect(server, { agentId });
  agents.push(agent);
  return agent;
}

/** The bystander's batch is on disk at once, REST answers at once, and the server has no complaints. */
async function nobodyNoticed(): Promise<void> {
  const started = performance.now();
  expect(await bystander.push([metric('quiet', 1)])).toMatchObject({ processed: 1, errors: 0 });
  expect(await server.api('/api/v1/agents/bystander')).toMatchObject({ status: 200, body: { status: 'connected' } });
  expect(performance.now() - started).toBeLessThan(2_000);
  expect(await server.problems()).toEqual([]);
}

/** A WebSocket by hand, for what a WebSocket library does not do: not reading, for one. */
async function handshake(path: string): Promise<Socket> {
  const socket = raw(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
  return socket.pause();
}

/** A connection on which these bytes are sent, and nothing else. */
function raw(bytes: string): Socket {
  const socket = dial(server.port, '127.0.0.1', () => socket.write(bytes));
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** Sends `chunk` until `total` bytes are sent, or the server has had enough and cut the connection. */
function pour(socket: Socket, chunk: Buffer, total: number): Promise<void> {
  return new Promise((resolve) => {
    let sent = 0;
    const more = (): void => {
      for (; sent < total; sent += chunk.length) {
        if (socket.write(chunk)) continue;
        socket.once('drain', more);
        return;
      }
      resolve();
    };
    socket.once('close', () => resolve());
    more();
  });
}

test('100,000 series of one agent: as many as it may are stored, the rest is rejected by name and counted', async () => {
  const BATCH = 10_000;
  const agent = await connect('serial');
  const first = await agent.push([metric('before', 1)]);
  expect(first).toMatchObject({ processed: 1 });
  const before = { memory: await server.memory(), rejected: await server.counter('ccv_rejected_metrics_total', 'reason="series_limit"') };
  let processed = 1;
  let peakRssBytes = 0;
  for (let batch = 0; batch < 10; batch++) {
    const metrics = Array.from({ length: BATCH }, (_, i) => metric('wide', i, { tags: { series: `series-number-${batch * BATCH + i}` } }));
    const pushed = agent.push(metrics, { batchId: `wide-${batch}`, timeoutMs: 20_000 });
    await nobodyNoticed();
    const ack = await pushed;
    processed += ack.processed;
    expect(ack.processed + ack.errors).toBe(BATCH);
    peakRssBytes = Math.max(peakRssBytes, (await server.memory()).rssBytes);
    if (batch > 0) {
      expect(ack.details[0]).toMatchObject({ index: 0, name: 'wide' });
      expect(ack.details[0].error).toBe('series_limit: name "wide" would start another series, and this agent has as many as it may');
    }
  }
  expect(processed).toBe(SERIES_PER_AGENT);
  const counted = (await server.counter('ccv_rejected_metrics_total', 'reason="series_limit"')) - before.rejected;
  expect(counted).toBe(100_001 - SERIES_PER_AGENT);
  // The series it has go on.
  expect(await agent.push([metric('before', 2), metric('new', 1)])).toMatchObject({ processed: 1, errors: 1 });
  expect((await server.api('/api/v1/agents/serial/stats')).body.overview).toMatchObject({ total_metrics: SERIES_PER_AGENT + 1 });

  // 10,000 series are what it may have; 90,000 more must leave nothing behind.
  expect((await server.memory()).usedBytes - before.memory.usedBytes).toBeLessThan(24 * MEGABYTE);
  expect(peakRssBytes - before.memory.rssBytes).toBeLessThan(256 * MEGABYTE);
  await agent.close();
  expect((await server.memory()).usedBytes - before.memory.usedBytes).toBeLessThan(16 * MEGABYTE);
});

test('the longest tags there may be, on new series again and again, stay out of memory', async () => {
  const agent = await connect('long-tags');
  await agent.push([metric('before', 1)]);
  const before = await server.memory();
  let n = 0;
  for (let batch = 0; batch < 40; batch++) {
    const metrics = Array.from({ length: 400 }, () =>
      metric('long', 1, { tags: { id: String(++n).padEnd(1_000, 'a'), b: 'b'.repeat(1_000), c: 'c'.repeat(1_000) } }),
    );
    await agent.push(metrics, { batchId: `long-${batch}`, timeoutMs: 20_000 });
  }
  // 10,000 series of 3 kB, as sent and as JSON.
  expect((await server.memory()).usedBytes - before.usedBytes).toBeLessThan(100 * MEGABYTE);
  await agent.close();
  expect((await server.memory()).usedBytes - before.usedBytes).toBeLessThan(10 * MEGABYTE);
});

describe('bad frames', () => {
  test('a flood of them over an agent socket ends with 1008, is counted, and the agent may come again', async () => {
    const before = await server.counter('ccv_agent_bad_frames_total', 'reason="unknown_type"');
    const closed = await server.counter('ccv_agent_connections_closed_total', 'reason="too_many_bad_frames"');
    const agent = await connect('flooder');
    for (let i = 0; i < 1_000; i++) agent.send('nonsense', { i });
    expect(await agent.closed).toEqual({ code: 1008, reason: 'too many bad frames' });
    // A hundred a minute are answered, the next one ends it, and nothing behind that is read.
    expect(agent.frames.filter(({ type }) => type === 'error').length).toBeLessThanOrEqual(101);
    expect((await server.counter('ccv_agent_bad_frames_total', 'reason="unknown_type"')) - before).toBe(101);
    await eventually(
      async () => (await server.counter('ccv_agent_connections_closed_total', 'reason="too_many_bad_frames"')) === closed + 1,
    );
    const again = await connect('flooder');
    expect(await again.push([metric('good', 1)])).toMatchObject({ processed: 1 });
  });

  test('a few of them, with good ones in between, end nothing', async () => {
    const agent = await connect('clumsy');
    for (let i = 0; i < 50; i++) {
      agent.sendRaw('no json');
      await agent.nextFrame('error');
      expect(await agent.push([metric('good', i)])).toMatchObject({ processed: 1 });
    }
  });

  test('a console that says too much is closed with 1008', async () => {
    const console = await connectConsole(server);
    for (let i = 0; i < 500; i++) console.send('client_connect', {});
    expect(await console.closed).toMatchObject({ code: 1008, reason: 'too many messages' });
  });
});

describe('WebSocket pings', () => {
  /** Zero masks: 1,000 pings that are no work to write. */
  const pings = (payloadBytes: number): Buffer =>
    Buffer.concat(
      Array.from({ length: 1_000 }, () =>
        Buffer.concat([Buffer.from([0x89, 0x80 | payloadBytes, 0, 0, 0, 0]), Buffer.alloc(payloadBytes)]),
      ),
    );

  test('2,000 at once, as of an agent with 2,000 reconnects, are all answered', async () => {
    const agent = await connect('pinger');
    let pongs = 0;
    const all = new Promise<void>((resolve) => {
      agent.socket.on('pong', () => {
        if (++pongs === 2_000) resolve();
      });
    });
    for (let i = 0; i < 2_000; i++) agent.socket.ping();
    await all;
    expect(await agent.push([metric('good', 1)])).toMatchObject({ processed: 1 });
  });

  test('a flood that is read costs nobody else anything', async () => {
    const socket = await handshake('/api/v1/agents/connect?agent_id=ping-flood');
    socket.resume();
    await pour(socket, pings(0), 6 * MEGABYTE);
    await nobodyNoticed();
  });

  test.each([
    ['/api/v1/agents/connect?agent_id=ping-flood', 0],
    ['/api/v1/agents/connect?agent_id=ping-flood', 125],
    ['/ws', 0],
    ['/ws', 125],
  ])('%s: a flood of pings of %i bytes whose pongs nobody reads fills no memory', async (path, payloadBytes) => {
    const before = await server.memory();
    const socket = await handshake(path);
    // Cut, or not read any more: one of the two, as there is no other way to answer nothing.
    const poured = pour(socket, pings(payloadBytes), 100 * MEGABYTE);
    await Promise.race([poured, new Promise((resolve) => setTimeout(resolve, 1_000))]);
    expect((await server.memory()).usedBytes - before.usedBytes).toBeLessThan(16 * MEGABYTE);
    await nobodyNoticed();
    socket.destroy();
    await poured;
  });
});

describe('connections', () => {
  const KNOWN_AGENT_BYTES = 4_096;

  test('a thousand agents from one address come in, push, and leave little behind', async () => {
    const before = await server.memory();
    const fleet: TestAgent[] = [];
    for (let i = 0; i < 1_000; i += 100) {
      fleet.push(...(await Promise.all(Array.from({ length: 100 }, (_, n) => connect(`crowd-${i + n}`)))));
    }
    const acks = await Promise.all(fleet.map((agent, i) => agent.push([metric('crowd', i)], { timeoutMs: 15_000 })));
    expect(acks.filter(({ processed }) => processed === 1)).toHaveLength(1_000);
    const { body } = await server.api('/api/v1/agents?search=crowd-&status=connected&limit=1');
    expect(body.pagination.total).toBe(1_000);
    await nobodyNoticed();
    for (const agent of fleet) agent.terminate();
    await eventually(async () => (await server.counter('ccv_agent_connections')) === 1);
    expect((await server.memory()).usedBytes - before.usedBytes).toBeLessThan(1_000 * KNOWN_AGENT_BYTES + 2 * MEGABYTE);
  });

  test('half-open ones — no request, half an upgrade, half a body, half a frame — keep nobody out', async () => {
    const before = await server.memory();
    const upgrade = 'GET /api/v1/agents/connect?agent_id=slow HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: webso';
    const body =
      'POST /api/v1/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n{"agent_id":';
    for (let i = 0; i < 300; i++) {
      raw('');
      raw(upgrade);
      raw(body);
    }
    const frames = await Promise.all(Array.from({ length: 100 }, (_, i) => handshake(`/api/v1/agents/connect?agent_id=slow-${i}`)));
    // The head of a frame of 1 MB, and a little of it.
    for (const socket of frames)
      socket.write(Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]), Buffer.from('{"type":')]));
    // One letter more on each, again and again, is how a slowloris stays.
    for (let round = 0; round < 3; round++) {
      for (const socket of sockets) socket.write(' ');
      await nobodyNoticed();
      expect(await (await connect(`quick-${round}`)).push([metric('quick', round)])).toMatchObject({ processed: 1 });
    }
    for (const socket of sockets) socket.destroy();
    await eventually(async () => (await server.counter('ccv_agent_connections')) <= 4);
    expect((await server.memory()).usedBytes - before.usedBytes).toBeLessThan(8 * MEGABYTE);
  });

  test('consoles beyond LIVE_MAX_CLIENTS are told to come later, and places become free again', async () => {
    const consoles = await Promise.all(Array.from({ length: 200 }, () => connectConsole(server)));
    const late = await connectConsole(server);
    expect(await late.closed).toMatchObject({ code: 1013 });
    for (const console of consoles) console.terminate();
    await eventually(async () => (await server.counter('ccv_live_clients')) === 0);
    const next = await connectConsole(server);
    next.send('request_agents', {});
    await next.nextFrame('agent_updated');
    next.terminate();
  });
});

describe('more agents than MAX_AGENTS', () => {
  let small: WatchedServer;

  beforeAll(async () => {
    small = await startWatchedServer({ MAX_AGENTS: '10' });
  });

  afterAll(async () => {
    await small.dispose();
  });

  test('new ones are told so and may stay, known ones go on, and a place that becomes free is taken', async () => {
    const known = await Promise.all(Array.from({ length: 10 }, (_, i) => TestAgent.connect(small, { agentId: `known-${i}` })));
    await Promise.all(known.map((agent) => agent.register()));
    const late = await TestAgent.connect(small, { agentId: 'late' });
    const told: Frame = await late.next(({ type }) => type === 'error');
    expect(told.data).toMatchObject({ code: 'overloaded', message: expect.stringContaining('MAX_AGENTS'), retryable: true });
    await expect(late.push([metric('m', 1)], { batchId: 'b' })).rejects.toMatchObject({
      data: { code: 'overloaded', batch_id: 'b', retryable: true },
    });
    const body = { id: 'late-http', region: 'r' };
    expect(await small.api('/api/v1/agents/register', { method: 'POST', body })).toMatchObject({
      status: 503,
      body: { error: { code: 'overloaded' } },
    });
    expect((await small.api('/api/v1/agents')).body.pagination.total).toBe(10);
    for (const agent of known) expect(await agent.push([metric('m', 1)])).toMatchObject({ processed: 1 });

    expect(await small.api('/api/v1/agents/known-0', { method: 'DELETE' })).toMatchObject({ status: 200 });
    expect(await late.push([metric('m', 1)], { batchId: 'b' })).toMatchObject({ processed: 1, batch_id: 'b' });
    for (const agent of [...known, late]) agent.terminate();
    expect(await small.problems()).toEqual([]);
  });
});
