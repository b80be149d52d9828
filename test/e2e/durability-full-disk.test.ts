import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { metric, TestAgent } from '../helpers/agent-client.js';
import { type BuiltServer, startBuiltServer } from '../helpers/built-server.js';
import type { ApiAnswer, ApiInit } from '../helpers/http.js';
import { MemoryLogger } from '../helpers/memory-logger.js';
import { SmallDisk } from '../helpers/small-disk.js';
import { Spool } from '../helpers/spool.js';
import { SpoolingAgent } from '../helpers/spooling-agent.js';
import { StoredSamples } from '../helpers/stored-samples.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';

const AGENTS = 6;
const BATCH_SIZE = 20;
const WINDOW = 2;
const ROUNDS = 3;
const PATIENCE_MS = 20_000;

interface Api {
  api(path: string, init?: ApiInit): Promise<ApiAnswer>;
}

function agentsFor(count: number): SpoolingAgent[] {
  const baseMs = Date.now() - 1_800_000;
  return Array.from(
    { length: count },
    (_, i) => new SpoolingAgent(new Spool({ agentNumber: i + 1, batchIds: i % 2 === 0, batchSize: BATCH_SIZE, baseMs }), WINDOW),
  );
}

/** Asks until the answer is the one wanted; /health looks at the database at most once a second. */
async function healthBecomes(server: Api, wanted: number): Promise<ApiAnswer> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await server.api('/health');
    if (answer.status === wanted || performance.now() > deadlineMs) return answer;
    await sleep(100);
  }
}

function pushOverHttp(server: Api, agentId: string, name: string, batchId?: string): Promise<ApiAnswer> {
  const timestamp = new Date().toISOString();
  const body = { agent_id: agentId, timestamp, metrics: [metric(name, 1)], ...(batchId === undefined ? {} : { batch_id: batchId }) };
  return server.api('/api/v1/metrics', { method: 'POST', body });
}

/** The answer to a push while the database cannot be written. */
function expectRefusedPush({ status, headers, body }: ApiAnswer, code: unknown): void {
  expect({ status, body }).toEqual({
    status: 503,
    body: { error: { code, message: expect.any(String), status: 503, timestamp: expect.any(String) } },
  });
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
}

const mayMount = SmallDisk.mayMount();
if (!mayMount) process.stderr.write('Tests on a disk that is really full are skipped: mounting a small one needs root.\n');

(mayMount ? describe : describe.skip)('a disk that is full', () => {
  let disk: SmallDisk;
  let server: BuiltServer;
  const agents = agentsFor(AGENTS);
  const spools = agents.map(({ spool }) => spool);
  beforeAll(async () => {
    disk = SmallDisk.mount(8);
    server = await startBuiltServer({ dir: disk.dir });
    await server.ready;
  });
  afterAll(async () => {
    for (const agent of agents) agent.terminate();
    try {
      await server.dispose();
    } finally {
      disk.unmount();
    }
  });

  test('refuses what it cannot store, answers reads, and goes on when there is room: nothing acknowledged is lost', async () => {
    const fullCode = expect.stringMatching(/^storage_(full|unavailable)$/);
    await pushOverHttp(server, 'pusher', 'before');
    for (const agent of agents) agent.connect(server);

    for (let round = 1; round <= ROUNDS; round++) {
      await Promise.all(agents.map((agent) => agent.until(() => agent.spool.acknowledged >= 5 * round)));

      disk.fill();
      const earlier = agents.map(({ refusals }) => refusals.length);
      await Promise.all(agents.map((agent, i) => agent.until(() => agent.refusals.length > earlier[i]!)));
      await Promise.all(agents.map((agent) => agent.answered()));
      for (const { refusals, spool } of agents) {
        expect(refusals.at(-1)).toEqual({
          message: expect.any(String),
          code: fullCode,
          timestamp: expect.any(String),
          retryable: true,
          retry_after_ms: expect.any(Number),
          ...(spool.options.batchIds ? { batch_id: expect.any(String) } : {}),
        });
        expect(refusals.at(-1).retry_after_ms).toBeGreaterThan(0);
      }

      // What a failed transaction took of the disk is there for smaller ones. The smallest uses it up.
      const setting = { method: 'PUT', body: { batch_size: 7 } };
      while ((await server.api('/api/v1/agents/pusher/config', setting)).status !== 503);

      // The others, too: pushes, newcomers, people who want something written; and the one who watches.
      expectRefusedPush(await pushOverHttp(server, 'pusher', 'refused', `refused-${round}`), fullCode);
      expectRefusedPush(await pushOverHttp(server, `newcomer-${round}`, 'refused'), fullCode);
      expect((await server.api('/api/v1/agents/pusher/config', setting)).status).toBe(503);
      const newcomer = await TestAgent.connect(server, { agentId: `socket-newcomer-${round}` });
      expect(await newcomer.nextFrame('error')).toMatchObject({ code: fullCode, retryable: true });
      const unhealthy = await healthBecomes(server, 503);
      expect(unhealthy).toMatchObject({ status: 503, body: { status: 'unhealthy', checks: { database: { status: 'unhealthy' } } } });

      // Reads do not need room.
      expect((await StoredSamples.read(server, spools)).problems(spools)).toEqual([]);
      expect((await server.api(`/api/v1/agents/newcomer-${round}`)).status).toBe(404);

      disk.free();
      expect(await pushOverHttp(server, 'pusher', 'refused', `refused-${round}`)).toMatchObject({ status: 200, body: { processed: 1 } });
      expect(await newcomer.push([metric('late', round)])).toMatchObject({ processed: 1, errors: 0 });
      await newcomer.close();
      expect(await healthBecomes(server, 200)).toMatchObject({ status: 200, body: { status: 'healthy' } });
      for (const agent of agents) agent.goOn();
    }

    await Promise.all(agents.map((agent) => agent.finish()));
    expect((await StoredSamples.read(server, spools)).problems(spools)).toEqual([]);
    expect(agents.flatMap(({ problems }) => problems)).toEqual([]);
    // What was refused had not been stored.
    expect(agents.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(0);
    // Whoever runs it has been told, and of nothing else.
    const errors = server.output.split('\n').filter((line) => line.includes('"level":"error"'));
    expect(errors.length).toBeGreaterThanOrEqual(ROUNDS);
    expect(errors.filter((line) => !line.includes('the database cannot be written'))).toEqual([]);
    expect(server.output).toContain('the database can be written again');
  }, 90_000);

  test('does not keep the server from stopping, and the next one has everything', async () => {
    disk.fill();
    server.kill('SIGTERM');
    // Not clean, and said so: the write-ahead log could not be copied into the file. It stays, with all that is in it.
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.output).toContain('a part did not stop cleanly');
    disk.free();

    server = await startBuiltServer({ dir: disk.dir });
    await server.ready;
    expect((await StoredSamples.read(server, spools)).problems(spools)).toEqual([]);
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(readdirSync(disk.dir).filter((name) => name.endsWith('-wal'))).toEqual([]);
  }, 60_000);
});

describe('a database that cannot be written for a while', () => {
  let app: TestApp;
  let other: Database.Database;
  const logger = new MemoryLogger();
  beforeAll(async () => {
    app = await startTestApp({}, { logger });
    // Somebody else's transaction keeps the writer out, whose patience is two seconds.
    other = new Database(app.dbPath);
  });
  afterAll(async () => {
    other.close();
    await app.stop();
  });

  test('batches are refused as retryable, pushes with 503, reads go on; and it recovers by itself', async () => {
    const [named, nameless] = [await TestAgent.connect(app), await TestAgent.connect(app)];
    await named.push([metric('load', 1)], { batchId: 'first' });
    await nameless.push([metric('load', 1)]);
    await pushOverHttp(app, 'pusher', 'load');
    const timestamp = Date.now();

    other.exec('BEGIN IMMEDIATE');
    const refusedNamed = named.push([metric('load', 2), metric('new', 2)], { batchId: 'second', timestamp });
    const refusedNameless = nameless.push([metric('load', 2), metric('new', 2)], { timestamp });
    const refusedPush = pushOverHttp(app, 'pusher', 'late', 'push');
    const health = app.api('/health');
    const before = performance.now();
    expect((await app.api(`/api/v1/metrics?agent_id=${named.agentId}`)).body.metrics).toMatchObject([{ name: 'load', value: 1 }]);
    expect(performance.now() - before).toBeLessThan(1_000);

    const refusal = {
      message: expect.any(String),
      code: 'storage_unavailable',
      timestamp: expect.any(String),
      retryable: true,
      retry_after_ms: 5_000,
    };
    await expect(refusedNamed).rejects.toMatchObject({ name: 'BatchRefused', data: { ...refusal, batch_id: 'second' } });
    await expect(refusedNameless).rejects.toMatchObject({ name: 'BatchRefused', data: refusal });
    expectRefusedPush(await refusedPush, 'storage_unavailable');
    expect(await health).toMatchObject({ status: 503, body: { status: 'unhealthy', checks: { database: { status: 'unhealthy' } } } });
    expect(logger.of('error').map(({ message }) => message)).toEqual(['the database cannot be written']);
    other.exec('ROLLBACK');

    // The same again: none of it had been stored, none of it is a duplicate.
    const ack = { processed: 2, errors: 0 };
    expect(await named.push([metric('load', 2), metric('new', 2)], { batchId: 'second', timestamp })).toEqual({
      ...ack,
      batch_id: 'second',
      timestamp: expect.any(String),
    });
    expect(await nameless.push([metric('load', 2), metric('new', 2)], { timestamp })).toMatchObject(ack);
    expect((await pushOverHttp(app, 'pusher', 'late', 'push')).body).toMatchObject({ processed: 1, errors: 0 });
    expect((await healthBecomes(app, 200)).body).toMatchObject({ status: 'healthy' });
    expect(logger.of('info').map(({ message }) => message)).toContain('the database can be written again');
    for (const { agentId } of [named, nameless]) {
      const { body } = await app.api(`/api/v1/metrics?agent_id=${agentId}`);
      const found = (body.metrics as { name: string; value: number }[]).map(({ name, value }) => `${name} ${value}`);
      expect(found.sort()).toEqual(['load 1', 'load 2', 'new 2']);
    }
    await Promise.all([named.close(), nameless.close()]);
  });

  test('a shorter wait is only a wait', async () => {
    const agent = await TestAgent.connect(app);
    await agent.register();
    other.exec('BEGIN IMMEDIATE');
    const acknowledged = agent.push([metric('patient', 1)]);
    // A batch before this moment could not have been committed.
    await sleep(300);
    expect(agent.frames.filter(({ type }) => type === 'metrics_ack' || type === 'error')).toEqual([]);
    other.exec('ROLLBACK');
    expect(await acknowledged).toMatchObject({ processed: 1, errors: 0 });
    await agent.close();
  });
});
