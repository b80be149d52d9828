import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Agent, type AgentDeps, type AgentOptions } from '../../../agent/src/agent.js';
import { defaultConfig } from '../../../agent/src/control/config.js';
import type { Collector, Metric } from '../../../agent/src/model.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { eventually } from '../../helpers/eventually.js';
import { type BuiltServer, startBuiltServer } from '../../helpers/built-server.js';
import { startTestApp, type TestApp } from '../../helpers/test-app.js';
import { type SpawnedAgent, spawnAgent } from '../helpers/spawned-agent.js';

/** Measures a number that goes up by one, and remembers what it handed out. Its time passes by a second with each. */
class CountingCollector implements Collector {
  readonly name = 'counting';
  readonly made: Metric[] = [];

  constructor(private readonly startMs: number) {}

  collect(): Promise<Metric[]> {
    const value = this.made.length;
    const metric: Metric = { name: 'count', type: 'gauge', value, unit: '', tags: {}, timestampMs: this.startMs + value * 1_000 };
    this.made.push(metric);
    return Promise.resolve([metric]);
  }
}

interface Api {
  api(path: string): Promise<{ body: any }>;
}

/** `[time, value]` of what the server has of this metric, oldest first. */
async function stored(server: Api, name: string): Promise<[number, unknown][]> {
  const { body } = await server.api(`/api/v1/metrics?metricName=${name}&limit=10000`);
  return body.metrics.map((metric: any) => [Date.parse(metric.timestamp), metric.value]).reverse();
}

const pairs = (metrics: readonly Metric[]): [number, unknown][] => metrics.map(({ timestampMs, value }) => [timestampMs, value]);

describe('the agent against the server', () => {
  let dir: string;
  let app: TestApp;
  let agents: Agent[] = [];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ccv-agent-'));
    app = await startTestApp();
  });

  afterEach(async () => {
    for (const agent of agents) await agent.stop();
    agents = [];
    await app.stop();
    await rm(dir, { recursive: true, force: true });
  });

  async function start(options: Partial<AgentOptions> = {}, deps: Partial<AgentDeps> = {}): Promise<Agent> {
    const agent = new Agent(
      {
        url: app.wsUrl,
        token: null,
        id: null,
        location: {
          provider: 'lab',
          region: 'r1',
          zone: 'z1',
          network: '',
          subnet: '',
          instanceId: '',
          privateIp: '10.0.0.7',
          publicIp: '',
        },
        spoolDir: dir,
        spoolLimits: { maxBytes: 10_000_000, maxAgeMs: 86_400_000 },
        config: { ...defaultConfig({ intervalS: 1 }), collectionIntervalS: 0.02, transmissionIntervalS: 0.02 },
        commands: [],
        version: '9.9.9',
        ...options,
      },
      {
        clock: { nowMs: () => Date.now() },
        logger: silentLogger,
        timings: { minBackoffMs: 20, maxBackoffMs: 100 },
        backlogPerSecond: 1_000,
        ...deps,
      },
    );
    agents.push(agent);
    await agent.start();
    return agent;
  }

  test('registers, and is acknowledged', async () => {
    const counting = new CountingCollector(Date.now() - 600_000);
    const agent = await start({ commands: ['flush'] }, { collectors: () => [counting] });
    await eventually(async () => (await stored(app, 'count')).length > 5);
    const { body } = await app.api(`/api/v1/agents/${agent.id}`);
    expect(body).toMatchObject({
      provider: 'lab',
      region: 'r1',
      zone: 'z1',
      version: '9.9.9',
      ip_address: '10.0.0.7',
      status: 'connected',
    });
    expect(body.health).toBe('healthy');
    expect(body.capabilities).toEqual(expect.arrayContaining(['spool', 'flush']));
    await agent.stop();
    expect(await stored(app, 'count')).toEqual(pairs(counting.made));
    expect(await readdir(join(dir, 'batches'))).toEqual([]);
    await eventually(async () => (await app.api(`/api/v1/agents/${agent.id}`)).body.health === 'stopped');
  });

  test('loses and doubles nothing while the server stops, is away and comes back', async () => {
    const counting = new CountingCollector(Date.now() - 600_000);
    const agent = await start({}, { collectors: () => [counting] });
    for (let round = 0; round < 3; round++) {
      const before = counting.made.length;
      await eventually(async () => (await stored(app, 'count')).length > before);
      await app.app.stop();
      const stoppedAt = counting.made.length;
      await eventually(async () => counting.made.length > stoppedAt + 10);
      await app.start();
    }
    // All that was made before and during the outages; what comes later is live, for which a stop waits.
    const made = pairs(counting.made);
    await eventually(async () => {
      const times = new Set((await stored(app, 'count')).map(([time]) => time));
      return made.every(([time]) => times.has(time));
    });
    await agent.stop();
    // A stop waits for what is live only: what was still backlog comes with the next start.
    const next = await start({}, { collectors: () => [] });
    await eventually(async () => (await readdir(join(dir, 'batches'))).length === 0);
    await next.stop();
    expect(await stored(app, 'count')).toEqual(pairs(counting.made));
    const { body } = await app.api(`/api/v1/agents/${agent.id}`);
    expect(body.total_errors).toBe(0);
    // What it sends is ten minutes old; its clock is right.
    expect(Math.abs(body.clock_skew_ms)).toBeLessThan(60_000);
  });

  test('an agent that ends and begins again is the same one, and delivers what was left', async () => {
    await app.app.stop();
    const counting = new CountingCollector(Date.now() - 600_000);
    const first = await start({}, { collectors: () => [counting] });
    await eventually(async () => counting.made.length > 10);
    await first.stop();
    const before = pairs(counting.made);
    await app.start();
    const second = await start({}, { collectors: () => [] });
    expect(second.id).toBe(first.id);
    await eventually(async () => (await stored(app, 'count')).length === before.length);
    expect(await stored(app, 'count')).toEqual(before);
  });

  test('what a full spool had to give up is reported once, and the rest arrives', async () => {
    await app.app.stop();
    const counting = new CountingCollector(Date.now() - 600_000);
    const agent = await start({ spoolLimits: { maxBytes: 12 * 4_096, maxAgeMs: 86_400_000 } }, { collectors: () => [counting] });
    await eventually(async () => counting.made.length > 40);
    await agent.stop();
    const kept = (await readdir(join(dir, 'batches'))).length;
    const given = counting.made.length - kept;
    expect(given).toBeGreaterThan(20);
    await app.start();
    await start({}, { collectors: () => [] });
    await eventually(async () => (await stored(app, 'count')).length === kept);
    expect(await stored(app, 'count')).toEqual(pairs(counting.made.slice(given)));
    const { body } = await app.api('/api/v1/dashboard/activity?limit=100');
    const reports = body.activity.filter(({ message }: { message: string }) => /had to drop/.test(message));
    expect(reports).toHaveLength(1);
    expect(reports[0].message).toContain(String(given));
    // The report was acknowledged: the next start has nothing to report.
    await agents.at(-1)?.stop();
    await start({}, { collectors: () => [] });
    await eventually(async () => (await app.api(`/api/v1/agents/${agent.id}`)).body.status === 'connected');
    const again = (await app.api('/api/v1/dashboard/activity?limit=100')).body.activity;
    expect(again.filter(({ message }: { message: string }) => /had to drop/.test(message))).toHaveLength(1);
  });

  test('takes a configuration without a restart, and says so', async () => {
    const configs: unknown[] = [];
    const agent = await start(
      {},
      {
        collectors: (config) => {
          configs.push(config.batchSize);
          return [new CountingCollector(Date.now() - 600_000)];
        },
      },
    );
    await eventually(async () => (await app.api(`/api/v1/agents/${agent.id}`)).body.status === 'connected');
    const answer = await app.api(`/api/v1/agents/${agent.id}/config`, { method: 'PUT', body: { batch_size: 7, collection_interval: 1 } });
    expect(answer.status).toBe(200);
    await eventually(async () => configs.at(-1) === 7);
    await eventually(async () => (await app.api(`/api/v1/agents/${agent.id}/config`)).body.status === 'applied');
  });

  test('obeys the commands its own file allows, and no others', async () => {
    const agent = await start({ commands: ['report_status'] }, { collectors: () => [] });
    await eventually(async () => (await app.api(`/api/v1/agents/${agent.id}`)).body.status === 'connected');
    const results: any[] = [];
    for (const name of ['report_status', 'flush']) {
      const { body } = await app.api(`/api/v1/agents/${agent.id}/commands`, { method: 'POST', body: { name } });
      const path = `/api/v1/agents/${agent.id}/commands`;
      await eventually(async () => {
        const { commands } = (await app.api(path)).body;
        const result = commands.find(({ id, command_id }: any) => (id ?? command_id) === (body.id ?? body.command_id));
        if (!['ok', 'failed', 'refused'].includes(result?.status)) return false;
        results.push(result);
        return true;
      });
    }
    expect(results.map(({ status }) => status)).toEqual(['ok', 'refused']);
    expect(JSON.parse(results[0].output)).toMatchObject({ agent_id: agent.id, version: '9.9.9', spool: { batches: 0, problem: null } });
  });
});

describe('the agent as a process', () => {
  let dir: string;
  let server: BuiltServer;
  const spawned: SpawnedAgent[] = [];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ccv-agent-'));
    server = await startBuiltServer();
    await server.ready;
  });

  afterEach(async () => {
    for (const agent of spawned.splice(0)) await agent.dispose();
    await server.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  function spawn(...args: string[]): SpawnedAgent {
    const agent = spawnAgent(['--spool', dir, '--interval', '1', ...args]);
    spawned.push(agent);
    return agent;
  }

  test('SIGKILL: the spool survives and the next start delivers it', async () => {
    const nobody = spawn('--url', 'http://127.0.0.1:9', '--id', 'killed');
    await eventually(
      async () => (await readdir(join(dir, 'batches')).catch(() => [])).filter((name) => name.endsWith('.json')).length >= 3,
    );
    nobody.kill('SIGKILL');
    await nobody.exited;
    const kept = (await readdir(join(dir, 'batches'))).filter((name) => name.endsWith('.json'));
    const samples = kept.reduce((sum, name) => sum + Number(name.split('-')[1]), 0);

    const next = spawn('--url', server.url, '--id', 'killed', '--provider', 'lab');
    await eventually(async () => (await readdir(join(dir, 'batches'))).every((name) => !kept.includes(name)));
    await eventually(async () => (await server.api('/api/v1/agents/killed')).body.total_metrics > samples);
    next.kill('SIGTERM');
    expect(await next.exited).toEqual({ code: 0, signal: null });
    const { body } = await server.api('/api/v1/agents/killed');
    expect(body).toMatchObject({ provider: 'lab', status: 'disconnected', health: 'stopped', total_errors: 0 });
    const uptimes = await stored(server, 'system_uptime_seconds');
    expect(new Set(uptimes.map(([time]) => time)).size).toBe(uptimes.length);
    expect(uptimes.length).toBeGreaterThanOrEqual(2);
    // Readings of before the kill are there in their own time.
    expect(uptimes[0]?.[0]).toBe(Math.min(...kept.map((name) => Number(name.split('-')[2]))));
  });

  test('a second agent on the same spool does not start', async () => {
    const first = spawn('--url', server.url);
    await eventually(() => Promise.resolve(first.stderr.includes('agent started')));
    // Nor does it touch anything of the first one's.
    await writeFile(join(dir, 'config.json'), 'being written');
    const before = await readdir(dir);
    const second = spawn('--url', server.url);
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.stderr).toContain('uses this spool already');
    expect(await readdir(dir)).toEqual(before);
  });

  test('--help, and what is wrong with a command line', async () => {
    const help = spawn('--help');
    expect(await help.exited).toEqual({ code: 0, signal: null });
    expect(help.stdout).toContain('--spool DIR');
    const wrong = spawn('--intervall', '3');
    expect(await wrong.exited).toEqual({ code: 1, signal: null });
    expect(wrong.stderr).toContain('--intervall');
  });
});
