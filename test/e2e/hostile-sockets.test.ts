/**
 * Bad input never hurts: the two kinds of WebSocket under random bytes, random JSON and real frames with something wrong
 * about them, against the built server. Whatever comes, the next good frame works — on the same socket while it is
 * open, and on a new one — the server logs no error, and its memory is back to where it was.
 */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Frame, metric, TestAgent } from '../helpers/agent-client.js';
import { goAgentFrames } from '../helpers/fixtures.js';
import { damaged, fuzzTimeoutMs, hostileMessage, runs } from '../helpers/hostile.js';
import { connectConsole } from '../helpers/test-console.js';
import { startWatchedServer, type WatchedServer } from '../helpers/watched-server.js';

const MEGABYTE = 1_048_576;
/** What a fuzz test may leave behind: agents and their names are known now, code is compiled, pools are filled. */
const MAX_LEFT_BYTES = 12 * MEGABYTE;
/** Close codes with which a server may end a connection over what it was sent. */
const JUST_CLOSES = [1002, 1007, 1008, 1009];
const MAX_ERROR_LENGTH = 4_000;
const AGENT_PATH = '/api/v1/agents/connect';

let server: WatchedServer;
let steady: TestAgent;
/** Every good sample has a time of its own, so that all of them can be counted in the end. */
let goodSamples = 0;
const startedMs = Date.now() - 3_000_000;

beforeAll(async () => {
  server = await startWatchedServer();
  steady = await TestAgent.connect(server, { agentId: 'steady' });
  await steady.push([metric('steady_metric', 1)]);
});

afterAll(async () => {
  steady.terminate();
  await server.dispose();
});

/** Runs the property for a while to warm everything up, and then in earnest: what is left in memory is what leaks. */
async function withoutLeaks(run: (numRuns: number) => Promise<void>, numRuns: number): Promise<void> {
  await run(Math.ceil(numRuns / 3));
  const before = await server.memory();
  await run(numRuns);
  const after = await server.memory();
  expect(after.usedBytes - before.usedBytes).toBeLessThan(MAX_LEFT_BYTES);
  expect(await server.problems()).toEqual([]);
}

/** Every frame the server sent is one of the contract's, errors are short and say what and why. */
function checkFrames(frames: readonly Frame[], known: readonly string[]): void {
  for (const frame of frames) {
    expect(known).toContain(frame.type);
    if (frame.type !== 'error') continue;
    expect(frame.data).toMatchObject({ message: expect.any(String), code: expect.stringMatching(/^[a-z_]+$/) });
    expect(frame.data.message.length).toBeLessThan(MAX_ERROR_LENGTH);
    expect(frame.data.code).not.toBe('internal');
  }
}

describe('the socket of an agent', () => {
  const KNOWN = ['welcome', 'registration_ack', 'metrics_ack', 'ping', 'config_update', 'command', 'error'];
  const NOW = new Date().toISOString();
  const validFrame = fc.constantFrom(
    ...goAgentFrames().map(({ text }) => text.replace(/"\d{4}-\d\d-\d\dT[^"]*"/g, JSON.stringify(NOW))),
    ...[
      { type: 'metrics', data: { agent_id: 'a', batch_id: 'b-1', seq: 1, timestamp: NOW, metrics: [histogram('h'), metric('m', 1)] } },
      { type: 'registration', data: { capabilities: ['ping'], config: { a: 1 }, dropped: { count: 1, from: NOW, to: NOW } } },
      { type: 'status', data: { status: 'healthy', message: 'fine', details: { cpu: 1 } } },
      { type: 'config_status', data: { version: 1, status: 'applied', error: '' } },
      { type: 'command_result', data: { command_id: 'c-1', status: 'ok', output: 'done', error: '' } },
      { type: 'pong', data: {} },
    ].map((frame) => JSON.stringify(frame)),
  );

  function histogram(name: string): object {
    return metric(name, { value: 1, min: 0, max: 2, avg: 1, count: 3, buckets: [[1, 2]] }, { type: 'histogram', tags: { a: 'b' } });
  }

  /** A good batch; the answer to it, or how the connection ended before it. */
  async function survives(agent: TestAgent): Promise<Frame | { code: number }> {
    const n = ++goodSamples;
    const batchId = `good-${n}`;
    const timestamp = startedMs + n;
    agent.send('metrics', { timestamp: new Date(timestamp).toISOString(), batch_id: batchId, metrics: [metric('survivor', n)] });
    const answer = await Promise.race([
      agent.next((frame) => frame.data?.batch_id === batchId, 10_000).catch(() => agent.closed),
      agent.closed,
    ]);
    if ('type' in answer) expect(answer).toMatchObject({ type: 'metrics_ack', data: { processed: 1, errors: 0 } });
    else goodSamples--;
    return answer;
  }

  const session = fc.record({ id: fc.nat(9), messages: fc.array(hostileMessage(validFrame), { minLength: 1, maxLength: 12 }) });

  test(
    'hostile frames change nothing for the next good one',
    async () => {
      await withoutLeaks(
        (numRuns) =>
          fc.assert(
            fc.asyncProperty(session, async ({ id, messages }) => {
              const options = { agentId: `fuzz-${id}` };
              const agent = await TestAgent.connect(server, options);
              for (const { bytes, binary } of messages) agent.socket.send(bytes, { binary });
              const answer = await survives(agent);
              checkFrames(agent.frames, KNOWN);
              if (!('type' in answer)) {
                expect(JUST_CLOSES).toContain(answer.code);
                const next = await TestAgent.connect(server, options);
                expect(await survives(next)).toHaveProperty('type', 'metrics_ack');
                await next.close();
              }
              await agent.close();
            }),
            { numRuns },
          ),
        runs(200),
      );
      const { body } = await server.api(`/api/v1/metrics?metricName=survivor&limit=10000&endTime=${startedMs + goodSamples + 1}`);
      const values = body.metrics.map(({ value }: { value: number }) => value).sort((a: number, b: number) => a - b);
      expect(values).toHaveLength(Math.min(goodSamples, 10_000));
      expect(await steady.push([metric('steady_metric', 2)])).toMatchObject({ processed: 1 });
    },
    fuzzTimeoutMs(60_000),
  );

  test(
    'bytes that are no WebSocket frames end their own connection at the most',
    async () => {
      // Headers of frames as they may and may not be: opcodes, reserved bits, lengths, no mask, control frames too long.
      const frameHead = fc.record({ first: fc.nat(255), second: fc.nat(255) }).map(({ first, second }) => Buffer.from([first, second]));
      const piece = fc.oneof(
        frameHead,
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        validFrame.map((text) => masked(0x81, Buffer.from(text))),
        damaged(validFrame).map((bytes) => masked(0x81, bytes)),
        fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 130 })).map(([first, bytes]) => masked(first, Buffer.from(bytes))),
      );
      await withoutLeaks(
        (numRuns) =>
          fc.assert(
            fc.asyncProperty(
              fc.array(piece, { minLength: 1, maxLength: 8 }),
              fc.constantFrom(`${AGENT_PATH}?agent_id=raw`, '/ws'),
              async (pieces, path) => {
                const answer = await exchange(Buffer.concat([Buffer.from(upgradeRequest(path)), ...pieces]));
                expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
              },
            ),
            { numRuns },
          ),
        runs(150),
      );
      const agent = await TestAgent.connect(server, { agentId: 'raw' });
      expect(await survives(agent)).toHaveProperty('type', 'metrics_ack');
      await agent.close();
    },
    fuzzTimeoutMs(60_000),
  );

  test(
    'a damaged upgrade is let in, refused in the one error shape, or cut',
    async () => {
      const request = fc.constantFrom(upgradeRequest(`${AGENT_PATH}?agent_id=raw&provider=gcp`), upgradeRequest('/ws'));
      await fc.assert(
        fc.asyncProperty(damaged(request), async (bytes) => {
          const answer = (await exchange(bytes)).toString('latin1');
          if (answer === '' || /^HTTP\/1\.1 (101|2\d\d) /.test(answer)) return;
          const [head = '', body = ''] = answer.split('\r\n\r\n');
          const status = Number(/^HTTP\/1\.1 (4\d\d) /.exec(head)?.[1]);
          expect(JSON.parse(body)).toMatchObject({ error: { status, code: expect.any(String), message: expect.any(String) } });
        }),
        { numRuns: runs(300) },
      );
      expect(await server.problems()).toEqual([]);
    },
    fuzzTimeoutMs(30_000),
  );

  function upgradeRequest(path: string): string {
    const headers =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
  }

  /** A client's frame with this first byte. The mask is zero: the payload is readable as it is. */
  function masked(first: number, payload: Buffer): Buffer {
    const head = Buffer.alloc(payload.length < 126 ? 6 : 8);
    head[0] = first;
    head[1] = 0x80 | Math.min(payload.length, 126);
    if (payload.length >= 126) head.writeUInt16BE(Math.min(payload.length, 0xffff), 2);
    return Buffer.concat([head, payload.subarray(0, 0xffff)]);
  }

  /** Sends the bytes, says that this was all, and answers what came until the server closed. */
  function exchange(bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      const received: Buffer[] = [];
      const socket: Socket = connect(server.port, '127.0.0.1', () => socket.end(bytes));
      socket.on('data', (chunk: Buffer) => received.push(chunk));
      // Cut by the server: that is an answer too.
      socket.on('error', () => undefined);
      socket.once('close', () => resolve(Buffer.concat(received)));
    });
  }
});

describe('the socket of a console', () => {
  const KNOWN = ['agent_connected', 'agent_disconnected', 'agent_updated', 'metric_received', 'system_alert', 'error'];
  const validMessage = fc.constantFrom(
    ...[
      { type: 'client_connect', data: { client: 'console' } },
      { type: 'request_agents', data: {} },
      { type: 'request_metrics', data: { agent_id: 'steady', metric_type: 'gauge' } },
      { type: 'subscribe_agent', data: { agent_id: 'steady' } },
      { type: 'unsubscribe_agent', data: { agentId: 'steady' } },
    ].map((message) => JSON.stringify(message)),
  );

  /** Asks for something that only an answer to this question can bring; what came, or how the connection ended. */
  function survives(console: TestAgent): Promise<Frame | { code: number }> {
    console.send('request_metrics', { agent_id: 'steady' });
    const isAnswer = (frame: Frame): boolean => frame.type === 'metric_received' && frame.data.name === 'steady_metric';
    return Promise.race([console.next(isAnswer, 10_000).catch(() => console.closed), console.closed]);
  }

  test(
    'hostile messages change nothing for the next good one',
    async () => {
      await withoutLeaks(
        (numRuns) =>
          fc.assert(
            fc.asyncProperty(fc.array(hostileMessage(validMessage), { minLength: 1, maxLength: 6 }), async (messages) => {
              const console = await connectConsole(server);
              for (const { bytes, binary } of messages) console.socket.send(bytes, { binary });
              const answer = await survives(console);
              checkFrames(console.frames, KNOWN);
              if (!('type' in answer)) {
                expect(JUST_CLOSES).toContain(answer.code);
                const next = await connectConsole(server);
                expect(await survives(next)).toHaveProperty('type', 'metric_received');
                await next.close();
              }
              await console.close();
            }),
            { numRuns },
          ),
        runs(150),
      );
    },
    fuzzTimeoutMs(60_000),
  );
});
