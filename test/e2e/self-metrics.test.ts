/**
 * What the server tells about itself: known traffic gives exact figures on `GET /metrics`, in valid Prometheus text, and
 * `/health` follows the database.
 */
import { statSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { BatchRefused, metric, TestAgent, UpgradeRefused } from '../helpers/agent-client.js';
import type { ApiAnswer } from '../helpers/http.js';
import { mountedRoutes } from '../helpers/mounted-routes.js';
import { PromText } from '../helpers/prometheus.js';
import { startTestApp, type TestApp } from '../helpers/test-app.js';
import { connectConsole } from '../helpers/test-console.js';

const PAGE_BYTES = 4_096;
const HOUR_MS = 3_600_000;

let app: TestApp;
const agents: TestAgent[] = [];
const blockers: Database.Database[] = [];

afterEach(async () => {
  for (const blocker of blockers.splice(0)) blocker.close();
  for (const agent of agents.splice(0)) agent.terminate();
  await app.stop();
});

async function connect(agentId: string): Promise<TestAgent> {
  const agent = await TestAgent.connect(app, { agentId });
  agents.push(agent);
  return agent;
}

async function scrape(): Promise<PromText> {
  const { status, headers, body } = await app.api<string>('/metrics');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return PromText.parse(body);
}

/** Scrapes until it holds: a socket's end reaches its two sides one after the other. */
async function scrapeUntil(holds: (figures: PromText) => boolean): Promise<PromText> {
  for (const deadline = Date.now() + 10_000; ; ) {
    const figures = await scrape();
    if (holds(figures) || Date.now() > deadline) return figures;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function healthUntil(status: number): Promise<ApiAnswer> {
  for (const deadline = Date.now() + 15_000; ; ) {
    const answer = await app.api('/health');
    if (answer.status === status || Date.now() > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Another connection to the same file, as `sqlite3` on the command line is. */
function openDatabase(): Database.Database {
  const database = new Database(app.dbPath);
  blockers.push(database);
  return database;
}

const some = (count: number, name = 'self_gauge'): object[] =>
  Array.from({ length: count }, (_, i) => metric(name, i, { tags: { i: String(i) } }));

describe('GET /metrics', () => {
  test('agents: connections, frames, batches, samples, rejections, acks', async () => {
    app = await startTestApp();
    const [one, two, three] = [await connect('metrics-1'), await connect('metrics-2'), await connect('metrics-3')];
    for (const agent of agents) await agent.register();
    const browser = await connectConsole(app);
    agents.push(browser);

    await one.push(some(5), { batchId: 'b-1' });
    await one.push(some(7), { batchId: 'b-2' });
    expect(await one.push(some(7), { batchId: 'b-2' })).toMatchObject({ duplicate: true });
    expect(
      await two.push([
        metric('good', 1),
        metric('', 1),
        metric('bad_value', 'much'),
        metric('bad_value', null),
        metric('bad_type', 1, { type: 'guess' }),
        metric('too_old', 1, { timestamp: Date.now() - 40 * 24 * HOUR_MS }),
        metric('too_early', 1, { timestamp: Date.now() + 2 * HOUR_MS }),
      ]),
    ).toMatchObject({ processed: 1, errors: 6 });
    expect(await two.push([metric('bad_value', 'all of it')])).toMatchObject({ processed: 0, errors: 1 });
    const pushed = { agent_id: 'metrics-http', metrics: some(3) };
    expect((await app.api('/api/v1/metrics', { method: 'POST', body: pushed })).body).toMatchObject({ processed: 3 });
    expect((await app.api('/api/v1/metrics', { method: 'POST', body: { agent_id: 'metrics-http' } })).status).toBe(400);
    two.sendRaw('not json');
    two.send('gossip', {});
    two.send('status', { status: 'healthy' });
    two.send('pong', {});
    for (let i = 0; i < 2; i++) await two.nextFrame('error');
    await expect(two.push([], { extra: { metrics: 5 } })).rejects.toThrow(BatchRefused);
    await expect(connect('')).rejects.toThrow(UpgradeRefused);
    await three.close();

    const figures = await scrapeUntil((now) => now.value('ccv_agent_connections') === 2);
    const acks = agents.flatMap(({ frames }) => frames.filter(({ type }) => type === 'metrics_ack')).length;
    expect(acks).toBe(5);
    expect(figures.value('ccv_ack_seconds_count')).toBe(acks + 1);
    expect(figures.value('ccv_ack_seconds_sum')).toBeGreaterThan(0);
    expect(figures.by('ccv_batches_total', 'outcome')).toEqual({ stored: 5, duplicate: 1 });
    expect(figures.value('ccv_samples_total')).toBe(5 + 7 + 1 + 3);
    expect(figures.by('ccv_rejected_metrics_total', 'reason')).toEqual({
      invalid_name: 1,
      invalid_value: 3,
      invalid_type: 1,
      timestamp_out_of_range: 2,
    });
    expect(figures.by('ccv_agent_frames_total', 'type')).toEqual({ registration: 3, metrics: 6, status: 1, pong: 1 });
    expect(figures.by('ccv_agent_bad_frames_total', 'reason')).toEqual({ invalid_json: 1, unknown_type: 1, validation_failed: 1 });
    expect(figures.value('ccv_agent_connections')).toBe(2);
    expect(figures.value('ccv_agent_connections_opened_total')).toBe(3);
    expect(figures.by('ccv_agent_connections_closed_total', 'reason')).toEqual({ closed: 1 });
    expect(figures.by('ccv_upgrades_refused_total', 'reason')).toEqual({ validation_failed: 1 });
    expect(figures.value('ccv_agents')).toBe(4);
    expect(figures.value('ccv_live_clients')).toBe(1);
  });

  test('queues: there, of the right kind, and empty when nothing waits', async () => {
    app = await startTestApp();
    const agent = await connect('metrics-queues');
    await agent.push(some(50));
    const figures = await scrape();
    for (const name of [
      'ccv_ingest_queue_batches',
      'ccv_ingest_queue_bytes',
      'ccv_upgrades_waiting',
      'ccv_reader_queue',
      'ccv_socket_pauses_total',
      'ccv_live_dropped_total',
      'ccv_activities_dropped_total',
    ]) {
      expect([name, figures.value(name)]).toEqual([name, 0]);
      expect(figures.types.get(name)).toBe(name.endsWith('_total') ? 'counter' : 'gauge');
    }
    // A write of the agent's last activity may be on its way at any time.
    expect(figures.value('ccv_writer_queue')).toBeGreaterThanOrEqual(0);
  });

  test('queues: show what waits for the disk, and drain', async () => {
    app = await startTestApp();
    const agent = await connect('metrics-waiting');
    await agent.push(some(3));
    const blocker = openDatabase();
    blocker.exec('BEGIN IMMEDIATE');
    // Storage gives up on a locked database after a while: should that be over before anybody looked, once more.
    let pushed = 0;
    let answers: Promise<unknown>[] = [];
    const waitingNow = async (): Promise<PromText> => {
      answers = [10, 20, 30].map((count) => agent.push(some(count), { batchId: `w-${pushed++}`, timeoutMs: 15_000 }).catch(() => null));
      let over = false;
      void Promise.all(answers).then(() => {
        over = true;
      });
      return scrapeUntil((now) => over || now.value('ccv_ingest_queue_batches') === 3);
    };
    let full = await waitingNow();
    for (let again = 0; again < 3 && full.value('ccv_ingest_queue_batches') !== 3; again++) full = await waitingNow();
    expect(full.value('ccv_ingest_queue_batches')).toBe(3);
    expect(full.value('ccv_ingest_queue_bytes')).toBeGreaterThan(60 * 8);
    blocker.exec('ROLLBACK');
    await Promise.all(answers);
    const drained = await scrape();
    expect(drained.value('ccv_ingest_queue_batches')).toBe(0);
    expect(drained.value('ccv_ingest_queue_bytes')).toBe(0);
    // However soon the lock was gone: every batch ended one way or the other, and was counted.
    const { stored = 0, failed = 0 } = drained.by('ccv_batches_total', 'outcome');
    expect(stored + failed).toBe(1 + pushed);
    expect(drained.value('ccv_ack_seconds_count')).toBe(stored);
  }, 60_000);

  test('the process: event loop lag, memory, CPU', async () => {
    app = await startTestApp();
    const figures = await scrape();
    for (const name of ['nodejs_eventloop_lag_seconds', 'process_cpu_seconds_total', 'process_resident_memory_bytes']) {
      expect([name, Number.isFinite(figures.value(name))]).toEqual([name, true]);
    }
    expect(figures.types.get('nodejs_eventloop_lag_p99_seconds')).toBe('gauge');
    expect(figures.value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  });

  test('the database: the sizes of its files', async () => {
    app = await startTestApp();
    const agent = await connect('metrics-size');
    for (let i = 0; i < 20; i++) await agent.push(some(200));
    agent.terminate();
    await scrapeUntil((now) => now.value('ccv_agent_connections') === 0);
    openDatabase().pragma('wal_checkpoint(TRUNCATE)');
    const figures = await scrape();
    const size = figures.value('ccv_database_bytes');
    expect(size).toBe(statSync(app.dbPath).size);
    expect(size).toBeGreaterThan(10 * PAGE_BYTES);
    // The log is young now; what it holds at most is the end of the connection.
    expect(figures.value('ccv_database_wal_bytes')).toBeLessThan(50 * PAGE_BYTES);
    expect(figures.types.get('ccv_database_bytes')).toBe('gauge');
  });

  test('folding: rows of the log that went into units, units and samples by tier', async () => {
    app = await startTestApp({ COMPACT_INTERVAL: '50' });
    expect((await scrape()).value('ccv_folded_batches_total')).toBe(0);
    const agent = await connect('metrics-folded');
    const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 3 * HOUR_MS;
    const at = (timestamp: number): object[] => [metric('old', 1, { timestamp }), metric('older', 2, { timestamp: timestamp + 1 })];
    await agent.push([...at(hour), ...at(hour + 5)]);
    await scrapeUntil((now) => now.value('ccv_folded_batches_total') === 1);
    // Late ones go into the same unit: another one takes its place.
    await agent.push(at(hour + 10));
    const figures = await scrapeUntil((now) => now.value('ccv_folded_batches_total') === 2);
    expect(figures.value('ccv_folded_batches_total')).toBe(2);
    expect(figures.by('ccv_units_written_total', 'tier')).toEqual({ raw: 2 });
    expect(figures.by('ccv_unit_samples_written_total', 'tier')).toEqual({ raw: 4 + 6 });
  });

  test('HTTP: durations by method, route template and status; no label is for callers to choose', async () => {
    app = await startTestApp({ LOGGING_UPSTREAM: 'http://127.0.0.1:9' });
    const agent = await connect('raw-id-7f3a');
    await agent.push(some(3, 'raw_name_7f3a'));
    const get = (path: string): Promise<ApiAnswer> => app.api(path);
    for (const id of ['raw-id-7f3a', 'raw-id-nobody', 'raw%2Did%2D7f3a']) await get(`/api/v1/agents/${id}`);
    await get('/api/v1/agents/raw-id-7f3a/stats?timeRange=1h');
    await get('/api/v1/agents/raw-id-7f3a/commands/raw-command');
    await get('/api/v1/agents?search=raw-search');
    await get('/API/v1/Agents/');
    await get('/api/v1/metrics/history/raw_name_7f3a');
    await get('/api/v1/metrics/agent/raw-id-7f3a');
    await app.api('/api/v1/agents', { method: 'HEAD' });
    await app.api('/api/v1/agents/raw-id-nobody', { method: 'DELETE' });
    await app.api('/api/v1/agents/raw-id-7f3a/config', { method: 'PUT', body: '{', headers: { 'content-type': 'application/json' } });
    await app.api('/api/v1/monitoring/metrics', { method: 'POST', body: { agent_id: 'raw-id-7f3a', metrics: some(1) } });
    for (const path of ['/raw-path/1', '/api/v1/raw-path/2', '/api/v1/agents/raw-id-7f3a/raw-path']) await get(path);
    await get('/api/v1/gcp/raw-path/3');
    await get('/api/logging/raw-path/4?raw=5');
    await get('/api/v1/deployments/raw-path/complete');

    const expected = {
      'GET /api/v1/agents/:agentId 200': 2,
      'GET /api/v1/agents/:agentId 404': 1,
      'GET /api/v1/agents/:agentId/stats 200': 1,
      'GET /api/v1/agents/:agentId/commands/:commandId 404': 1,
      'GET /api/v1/agents 200': 2,
      'GET /api/v1/metrics/history/:name 200': 1,
      'GET /api/v1/metrics/agent/:agentId 200': 1,
      'HEAD /api/v1/agents 200': 1,
      'DELETE /api/v1/agents/:agentId 404': 1,
      'PUT unmatched 400': 1,
      'POST /api/v1/metrics 200': 1,
      'GET unmatched 404': 3,
      'GET unmatched 405': 1,
      'GET /api/v1/gcp 501': 1,
      'GET /api/logging/* 502': 1,
    };
    const asked = Object.values(expected).reduce((sum, count) => sum + count, 0);
    const figures = await scrapeUntil((now) => now.sum('ccv_http_request_seconds_count') >= asked);
    const counts = figures.of('ccv_http_request_seconds_count', {}).filter(({ labels }) => labels.route !== '/metrics');
    const found = counts.map(({ labels: { method, route, status }, value }) => [[method, route, status].join(' '), value]);
    expect(Object.fromEntries(found)).toEqual(expected);
    for (const { labels } of figures.samples) expect(JSON.stringify(labels)).not.toMatch(/raw/i);
    const templates = (await mountedRoutes(app)).map((route) => route.replace(/^USE (.*)$/, '$1/*').replace(/^\w+ /, ''));
    for (const { labels } of figures.of('ccv_http_request_seconds_count')) expect([...templates, 'unmatched']).toContain(labels.route);
    expect(figures.of('ccv_http_request_seconds_bucket', { method: 'HEAD', le: '+Inf' })).toHaveLength(1);
  });

  test('a restarted app, and a second one beside it, count from zero', async () => {
    app = await startTestApp();
    const agent = await connect('metrics-again');
    await agent.push(some(2));
    expect((await scrape()).value('ccv_samples_total')).toBe(2);
    const second = await startTestApp();
    try {
      expect(PromText.parse((await second.api<string>('/metrics')).body).value('ccv_samples_total')).toBe(0);
    } finally {
      await second.stop();
    }
    expect(await app.restart()).toBe(true);
    const figures = await scrape();
    expect(figures.value('ccv_samples_total')).toBe(0);
    expect(figures.value('ccv_agents')).toBe(1);
  });
});

describe('GET /health', () => {
  test('200 with its checks', async () => {
    app = await startTestApp();
    await connect('health-1');
    const { status, body } = await app.api('/health');
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'healthy',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      uptime: expect.any(Number),
      checks: {
        database: { status: 'healthy', latency_ms: expect.any(Number) },
        ingest: { status: 'healthy', queued_batches: 0, connections: 1 },
      },
    });
  });

  test('503 when the database cannot be written, 200 when it can again; batches are told to come again', async () => {
    app = await startTestApp();
    const agent = await connect('health-2');
    await agent.push(some(4), { batchId: 'before' });
    expect((await app.api('/health')).status).toBe(200);

    const blocker = openDatabase();
    blocker.exec('BEGIN IMMEDIATE');
    const refused = agent.push(some(4), { batchId: 'during', timeoutMs: 15_000 }).then(
      () => null,
      (error: unknown) => error,
    );
    const startedMs = performance.now();
    const sick = await healthUntil(503);
    expect(sick.status).toBe(503);
    expect(sick.body).toMatchObject({
      status: 'unhealthy',
      checks: { database: { status: 'unhealthy', error: expect.any(String) }, ingest: { connections: 1 } },
    });
    expect(sick.body.checks.database).not.toHaveProperty('latency_ms');
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(await refused).toMatchObject({
      name: 'BatchRefused',
      data: { code: 'storage_unavailable', batch_id: 'during', retryable: true, retry_after_ms: expect.any(Number) },
    });
    // What only reads goes on.
    expect((await app.api('/api/v1/metrics?agentId=health-2')).body.metrics).toHaveLength(4);
    const figures = await scrape();
    expect(figures.by('ccv_batches_total', 'outcome')).toEqual({ stored: 1, failed: 1 });
    expect(figures.value('ccv_samples_total')).toBe(4);
    expect(figures.value('ccv_ack_seconds_count')).toBe(1);

    blocker.exec('ROLLBACK');
    const well = await healthUntil(200);
    expect(well.body).toMatchObject({ status: 'healthy', checks: { database: { status: 'healthy' } } });
    expect(await agent.push(some(4), { batchId: 'during' })).toMatchObject({ processed: 4, errors: 0 });
    expect((await scrape()).by('ccv_batches_total', 'outcome')).toEqual({ stored: 2, failed: 1 });
  }, 60_000);

  test('a flood of it is not a flood of writes', async () => {
    app = await startTestApp();
    const walBytes = (): number => statSync(`${app.dbPath}-wal`).size;
    await app.api('/health');
    const before = walBytes();
    const startedMs = performance.now();
    const statuses = new Set<number>();
    for (let round = 0; round < 20; round++) {
      for (const { status } of await Promise.all(Array.from({ length: 50 }, () => app.api('/health')))) statuses.add(status);
    }
    const seconds = Math.ceil((performance.now() - startedMs) / 1_000);
    expect([...statuses]).toEqual([200]);
    // Every commit adds a page or two to the log, and nothing takes away from it: at most a commit a second for 1,000 requests.
    expect((walBytes() - before) / PAGE_BYTES).toBeLessThan(3 * (seconds + 1));
  });
});
