/**
 * The proxies in the whole server: whatever becomes of an upstream, agents' batches are acknowledged and questions are answered
 * meanwhile; and what goes out is Google's business alone.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { metric, TestAgent } from '../helpers/agent-client.js';
import type { ApiAnswer } from '../helpers/http.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';
import { startUpstream, urlOfNobody } from '../helpers/upstream.js';

const MB = 1_048_576;
const TOKEN = 'agent-token-0123456789abcdef';
const KEY = 'api-key-0123456789abcdef';
/** Far above what an answer takes, far below what a client waits: this is no benchmark. */
const PROMPT_MS = 3_000;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function upstream(listener: (req: IncomingMessage, res: ServerResponse) => unknown): Promise<string> {
  const started = await startUpstream(listener);
  cleanups.push(() => started.stop());
  return started.url;
}

async function start(target: string, settings: Record<string, string> = {}): Promise<TestApp> {
  const app = await startTestApp({
    LOGGING_UPSTREAM: target,
    COMPUTE_UPSTREAM: target,
    CLOUDRUN_UPSTREAM: target,
    IPIFY_UPSTREAM: target,
    ...settings,
  });
  cleanups.push(() => app.stop());
  return app;
}

async function connect(app: TestApp, agentId: string): Promise<TestAgent> {
  const agent = await TestAgent.connect(app, { agentId });
  cleanups.push(() => agent.terminate());
  await agent.register();
  return agent;
}

/** One of everything the server is there for. Each is answered rightly and in time. */
async function work(app: TestApp, agent: TestAgent, round: number): Promise<void> {
  const startedMs = performance.now();
  const ack = await agent.push([metric('proxy_round', round), metric('proxy_other', -round)], { batchId: `round-${round}` });
  expect(ack).toMatchObject({ processed: 2, errors: 0, batch_id: `round-${round}` });
  const [read, health, unread] = await Promise.all([
    app.api(`/api/v1/metrics?agentId=${agent.agentId}&metricName=proxy_round&limit=1`),
    app.api('/health'),
    app.api('/api/v1/metrics', { method: 'POST', body: { agent_id: `${agent.agentId}-http`, metrics: [metric('m', round)] } }),
  ]);
  expect(read.body.metrics).toMatchObject([{ name: 'proxy_round', value: round }]);
  expect([health.status, unread.status]).toEqual([200, 200]);
  expect(performance.now() - startedMs).toBeLessThan(PROMPT_MS);
}

/** Works until all of these are answered. */
async function workUntilSettled(app: TestApp, agent: TestAgent, answers: readonly Promise<ApiAnswer>[]): Promise<ApiAnswer[]> {
  const state = { settled: false };
  const all = Promise.all(answers).finally(() => {
    state.settled = true;
  });
  for (let round = 0; !state.settled; round++) await work(app, agent, round);
  return all;
}

interface Gate {
  readonly opened: Promise<void>;
  readonly isOpen: boolean;
  open(): void;
}

function gate(): Gate {
  let isOpen = false;
  let resolve: () => void = () => {};
  const opened = new Promise<void>((settle) => {
    resolve = settle;
  });
  return {
    opened,
    get isOpen() {
      return isOpen;
    },
    open() {
      isOpen = true;
      resolve();
    },
  };
}

describe('whatever becomes of an upstream, everything else goes on', () => {
  test('slow: many requests wait for it and get their answer in the end', async () => {
    const release = gate();
    let arrived = 0;
    const allArrived = gate();
    const app = await start(
      await upstream(async (_req, res) => {
        if (++arrived === 60) allArrived.open();
        await release.opened;
        res.end('{"late":true}');
      }),
    );
    const agent = await connect(app, 'slow-1');
    let settled = 0;
    const paths = ['/api/logging/v2', '/api/compute/v1', '/api/cloudrun/v2'];
    const waiting = Array.from({ length: 60 }, (_, i) => {
      const answer = app.api(paths[i % 3] as string, i % 2 === 0 ? {} : { method: 'POST', body: { i } });
      void answer.finally(() => settled++);
      return answer;
    });
    await allArrived.opened;
    for (let round = 0; round < 20; round++) await work(app, agent, round);
    expect(settled).toBe(0);
    release.open();
    for (const { status, body } of await Promise.all(waiting)) expect([status, body]).toEqual([200, '{"late":true}']);
  });

  test('too slow: 504 for each, addresses included', async () => {
    const app = await start(await upstream(() => {}), { PROXY_TIMEOUT_MS: '400' });
    const agent = await connect(app, 'slow-2');
    const waiting = [...Array.from({ length: 30 }, () => '/api/compute/v1'), '/api/ipify'].map((path) => app.api(path));
    for (const { status, body } of await workUntilSettled(app, agent, waiting)) {
      expect([status, body.error]).toEqual([504, expect.objectContaining({ code: 'gateway_timeout', status: 504 })]);
    }
  });

  test('gone: 502 for each, addresses included', async () => {
    const app = await start(await urlOfNobody());
    const agent = await connect(app, 'gone-1');
    const upload = { method: 'PUT', body: 'x'.repeat(100_000) };
    const waiting = Array.from({ length: 100 }, (_, i) =>
      app.api(i % 2 === 0 ? '/api/logging/v2' : '/api/cloudrun/v2', i % 4 === 0 ? upload : {}),
    );
    waiting.push(app.api('/api/ipify'));
    for (const { status, body } of await workUntilSettled(app, agent, waiting)) {
      expect([status, body.error]).toEqual([502, expect.objectContaining({ code: 'bad_gateway', status: 502 })]);
    }
    await work(app, agent, 1_000);
  });

  test('breaks off in the middle of an answer: its client is cut off, nobody else', async () => {
    const app = await start(
      await upstream((_req, res) => {
        res.writeHead(200, { 'content-length': '1000' });
        res.write('half', () => res.destroy());
      }),
    );
    const agent = await connect(app, 'broken-1');
    const cut = await Promise.allSettled(Array.from({ length: 20 }, () => app.api('/api/logging/v2')));
    expect(new Set(cut.map(({ status }) => status))).toEqual(new Set(['rejected']));
    await work(app, agent, 1);
  });

  test('streams 50 MB up and 50 MB down: both arrive whole, and the work is done in between', async () => {
    const total = 50 * MB;
    const up = { hash: createHash('sha256'), bytes: 0 };
    const halfUp = gate();
    const goOnDown = gate();
    const app = await start(
      await upstream(async (req, res) => {
        for await (const chunk of req as AsyncIterable<Buffer>) {
          up.hash.update(chunk);
          up.bytes += chunk.length;
          // Some of it is still in the pipes: what was sent before the pause is far more than they hold.
          if (up.bytes > total / 4) halfUp.open();
        }
        res.writeHead(200, { 'content-type': 'application/octet-stream' });
        await stream(res, total, goOnDown);
      }),
      { PROXY_TIMEOUT_MS: '60000' },
    );
    const agent = await connect(app, 'stream-1');

    const goOnUp = gate();
    const req = request(`${app.url}/api/logging/big`, { method: 'POST', headers: { 'content-type': 'application/json' } });
    const answered = once(req, 'response') as Promise<[IncomingMessage]>;
    const sent = stream(req, total, goOnUp);
    await halfUp.opened;
    for (let round = 0; round < 10; round++) await work(app, agent, round);
    expect(up.bytes).toBeLessThan(total);
    goOnUp.open();
    let round = 10;
    for (let done = false; !done; round++) {
      await work(app, agent, round);
      done = up.bytes === total;
    }
    expect(up.hash.digest('hex')).toBe(await sent);

    const [res] = await answered;
    const down = { hash: createHash('sha256'), bytes: 0 };
    const halfDown = gate();
    res.on('data', (chunk: Buffer) => {
      down.hash.update(chunk);
      down.bytes += chunk.length;
      if (down.bytes > total / 4) halfDown.open();
    });
    const ended = once(res, 'end');
    await halfDown.opened;
    for (const last = round + 10; round < last; round++) await work(app, agent, round);
    expect(down.bytes).toBeLessThan(total);
    goOnDown.open();
    for (; down.bytes < total; round++) await work(app, agent, round);
    await ended;
    expect(down.bytes).toBe(total);
    expect(down.hash.digest('hex')).toBe(patternDigest(total));
    expect(agent.frames.filter(({ type }) => type === 'metrics_ack')).toHaveLength(round);
  }, 60_000);

  test('uploads that an upstream does not read wait with their clients', async () => {
    const app = await start(await upstream((req) => void req.pause()), { PROXY_TIMEOUT_MS: '60000' });
    const agent = await connect(app, 'stuck-1');
    const chunk = Buffer.alloc(65_536);
    let sent = 0;
    for (let i = 0; i < 5; i++) {
      const req = request(`${app.url}/api/compute/big`, { method: 'POST' });
      cleanups.push(() => req.destroy());
      const asMuchAsGoes = (): void => {
        do sent += chunk.length;
        while (req.write(chunk) && sent < 500 * MB);
      };
      req.on('error', () => {});
      req.on('drain', asMuchAsGoes);
      asMuchAsGoes();
    }
    let round = 0;
    for (let quietRounds = 0; quietRounds < 10; round++) {
      const before = sent;
      await work(app, agent, round);
      quietRounds = sent === before ? quietRounds + 1 : 0;
    }
    // What the kernel holds on two hops for five connections, and no more.
    expect(sent).toBeLessThan(5 * 20 * MB);
    await work(app, agent, round);
  });
});

describe('what goes out', () => {
  test("with keys configured: only with one, which stays here, while Google's token passes unchanged", async () => {
    const seen: { readonly url: string | undefined; readonly raw: readonly string[] }[] = [];
    const app = await start(
      await upstream((req, res) => {
        seen.push({ url: req.url, raw: req.rawHeaders });
        req.resume();
        res.setHeader('set-cookie', 'theirs=1');
        res.end('{"ip":"203.0.113.7"}');
      }),
      { API_KEYS: KEY, AGENT_TOKENS: TOKEN, FRONTEND_URL: 'https://console.example' },
    );
    const authorization = 'Bearer ya29.A0ARrdaM-_~+/odd==';
    const refused: ApiAnswer[] = [];
    for (const headers of [{}, { authorization }, { authorization: `Bearer ${KEY}` }, { 'x-api-key': `${KEY}x` }, { 'x-api-key': TOKEN }]) {
      for (const path of ['/api/logging/v2', '/api/compute/v1', '/api/cloudrun/v2', '/api/ipify'])
        refused.push(await app.api(path, { headers }));
    }
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([401]));
    expect(seen).toEqual([]);

    const paths = ['/api/logging/v2/entries:list?a=1&b=%2F', '/api/compute/v1/x', '/api/cloudrun/v2/y', '/api/ipify'];
    for (const path of paths) {
      const answer = await app.api(path, {
        headers: {
          authorization,
          'x-api-key': KEY,
          cookie: 'session=ours; other=1',
          'x-forwarded-for': '198.51.100.9',
          origin: 'https://console.example',
        },
      });
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([200, null]);
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://console.example');
    }
    expect(seen.map(({ url }) => url)).toEqual(['/v2/entries:list?a=1&b=%2F', '/v1/x', '/v2/y', '/']);
    for (const { url, raw } of seen) {
      const arrived = raw.filter((_value, i) => raw[i - 1]?.toLowerCase() === 'authorization');
      // The address service is asked by the server itself: no Google token is for it.
      expect(arrived).toEqual(url === '/' ? [] : [authorization]);
      expect(raw.join('\n')).not.toMatch(/x-api-key|api-key-0123|cookie|session|forwarded|198\.51\.100|console\.example/i);
    }
  });
});

/** Sends a pattern of so many bytes, the second half once the gate is open; answers its digest. */
async function stream(to: NodeJS.WritableStream, total: number, half: Gate): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < total; at += 65_536) {
    if (at >= total / 2 && !half.isOpen) await half.opened;
    const chunk = pattern(at, Math.min(65_536, total - at));
    hash.update(chunk);
    if (!to.write(chunk)) await once(to, 'drain');
  }
  to.end();
  return hash.digest('hex');
}

/** Differs from place to place, so that a chunk that is lost, doubled or out of order shows. */
function pattern(at: number, length: number): Buffer {
  const chunk = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) chunk.writeUInt32LE((at + i) >>> 0, i);
  return chunk;
}

function patternDigest(total: number): string {
  const hash = createHash('sha256');
  for (let at = 0; at < total; at += 65_536) hash.update(pattern(at, Math.min(65_536, total - at)));
  return hash.digest('hex');
}
