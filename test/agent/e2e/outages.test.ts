/** Servers that are killed, networks that fail in every way, agents that are killed: whatever was collected is there in the end, once. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { Agent } from '../../../agent/src/agent.js';
import { defaultConfig } from '../../../agent/src/control/config.js';
import type { Collector, Metric } from '../../../agent/src/model.js';
import { decodeBatch, parseFileName } from '../../../agent/src/spool/batch-file.js';
import { type BuiltServer, startBuiltServer } from '../../helpers/built-server.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { type SeededRandom, withSeed } from '../../helpers/seeded-random.js';
import { SettableClock } from '../helpers/metrics.js';
import { type SpawnedAgent, spawnAgent } from '../helpers/spawned-agent.js';
import { UnreliableNetwork } from '../helpers/unreliable-network.js';

const SECOND_MS = 1_000;
/** Of real time, for each second that is collected. */
const PACE_MS = 20;
const PAGE = 1_000;

let dir: string;
let spoolDir: string;
let network: UnreliableNetwork;
let server: BuiltServer;
let agents: (Agent | SpawnedAgent)[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ccv-outages-'));
  spoolDir = join(dir, 'spool');
  network = await new UnreliableNetwork().start();
  await startServer();
});

afterEach(async () => {
  network.flow();
  for (const agent of agents) await (agent instanceof Agent ? agent.stop() : agent.dispose());
  agents = [];
  await network.stop();
  await server.dispose();
  await rm(dir, { recursive: true, force: true });
});

/** Another life of the server, on the same database. */
async function startServer(): Promise<void> {
  server = await startBuiltServer({ dir, env: { WS_HEARTBEAT_INTERVAL: '500', RATE_LIMIT_MAX_REQUESTS: '100000' } });
  await server.ready;
  network.leadTo(server.port);
}

async function killServer(): Promise<void> {
  server.kill('SIGKILL');
  expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
}

/** Collects second after second, faster than they pass, until it is told to pause. What it gives is remembered. */
class FastCollector implements Collector {
  readonly name = 'fast';
  readonly made: Metric[] = [];
  private seconds = 0;
  private untilSeconds = 0;
  private reached: () => void = () => undefined;

  constructor(
    private readonly clock: SettableClock,
    private readonly values: (second: number) => Omit<Metric, 'timestampMs'>[],
  ) {}

  /** Resolves when so many more seconds have been collected and spooled. */
  go(seconds: number): Promise<void> {
    this.untilSeconds = this.seconds + seconds;
    return new Promise((resolve) => {
      this.reached = resolve;
    });
  }

  collect(nowMs: number): Promise<Metric[]> {
    // It runs again only when what it gave last is in the spool.
    if (this.seconds === this.untilSeconds) this.reached();
    if (this.seconds >= this.untilSeconds) return Promise.resolve([]);
    const metrics = this.values(this.seconds).map((metric) => ({ ...metric, timestampMs: nowMs }));
    this.seconds += 1;
    this.clock.ms += SECOND_MS;
    this.made.push(...metrics);
    return Promise.resolve(metrics);
  }
}

async function startAgent(id: string, collector: Collector, clock: SettableClock, maxBytes = 50_000_000): Promise<MemoryLogger> {
  const logger = new MemoryLogger();
  const location = { provider: 'lab', region: 'r', zone: 'z', network: '', subnet: '', instanceId: '', privateIp: '', publicIp: '' };
  const agent = new Agent(
    {
      url: network.url,
      token: null,
      id,
      location,
      spoolDir,
      spoolLimits: { maxBytes, maxAgeMs: 86_400_000 },
      config: {
        ...defaultConfig({ intervalS: 1 }),
        collectionIntervalS: PACE_MS / 1_000,
        transmissionIntervalS: PACE_MS / 1_000,
        retryAttempts: 2,
        retryDelayMs: 100,
      },
      commands: [],
      version: '1.0.0',
    },
    {
      clock,
      logger,
      collectors: () => [collector],
      timings: {
        minBackoffMs: 10,
        maxBackoffMs: 200,
        registrationMs: 700,
        handshakeMs: 700,
        silenceMs: 2_000,
        stableMs: 100,
        lossReportMs: 200,
      },
      backlogPerSecond: 1_000,
      patience: { minTimeoutMs: 100, giveUpMs: 500 },
    },
  );
  agents.push(agent);
  await agent.start();
  return logger;
}

/** A metric as one line, to be compared. */
function lineOf(name: string, type: string, tags: object, unit: string, timestampMs: number, value: unknown): string {
  return JSON.stringify([name, type, tags, unit, new Date(timestampMs).toISOString(), value]);
}

const linesOf = (metrics: readonly Metric[]): string[] =>
  metrics.map(({ name, type, tags, unit, timestampMs, value }) => lineOf(name, type, tags, unit, timestampMs, value)).sort();

/** All the server has of an agent, as lines. */
async function storedLines(agentId: string): Promise<string[]> {
  const lines: string[] = [];
  for (let cursor = '', hasMore = true; hasMore; ) {
    const { status, body } = await server.api(`/api/v1/metrics?agent_id=${agentId}&limit=${PAGE}&cursor=${cursor}`);
    expect(status).toBe(200);
    for (const { name, type, tags, unit, timestamp, value } of body.metrics) {
      lines.push(lineOf(name, type, tags, unit ?? '', Date.parse(timestamp), value));
    }
    ({ cursor, hasMore } = body.pagination);
  }
  return lines.sort();
}

/** Those of `lines` that are missing in `others`, as often as they are there. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = counts.get(line) ?? 0;
    counts.set(line, count - 1);
    return count <= 0;
  });
}

async function spooledFiles(): Promise<string[]> {
  const names = await readdir(join(spoolDir, 'batches')).catch(() => []);
  return names.filter((name) => name.endsWith('.json')).sort();
}

/** Resolves once it holds; rejects after 30 s. */
async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await check()); ) {
    if (Date.now() > deadline) throw new Error(`${what}: not so in time`);
    await sleep(20);
  }
}

const gapsOf = async (agentId: string): Promise<any[]> => (await server.api(`/api/v1/agents/${agentId}/gaps`)).body.gaps;

type Trouble = (random: SeededRandom) => Promise<void>;

const killed: Trouble = async (random) => {
  await killServer();
  await sleep(random.between(0, 300));
  await startServer();
};
const killedWhileStarting: Trouble = async (random) => {
  await killServer();
  server = await startBuiltServer({ dir });
  await sleep(random.between(50, 500));
  await killServer();
  await startServer();
};
const cut: Trouble = () => Promise.resolve(network.cut());
const refused: Trouble = async (random) => {
  network.isRefusing = true;
  network.cut();
  await sleep(random.between(50, 400));
};
const stalled =
  (newOnesToo: boolean): Trouble =>
  async (random) => {
    network.stall(newOnesToo);
    await sleep(random.between(100, 1_200));
  };
/** Nothing may be under way in that direction just then. */
const torn =
  (direction: 'up' | 'down'): Trouble =>
  async (random) => {
    await Promise.race([network.tearNext(direction, random.next()), sleep(1_000)]);
  };
const lossy =
  (direction: 'up' | 'down'): Trouble =>
  async (random) => {
    network.losing = direction;
    await sleep(random.between(50, 300));
    // A connection that lost something in the middle cannot go on.
    network.cut();
  };
const TROUBLES: readonly Trouble[] = [
  killed,
  killedWhileStarting,
  cut,
  refused,
  stalled(false),
  stalled(true),
  torn('up'),
  torn('up'),
  torn('down'),
  torn('down'),
  lossy('up'),
  lossy('down'),
];

/** Every trouble at least once, in another order each time, until `isOver`. */
async function makeTrouble(random: SeededRandom, isOver: () => boolean): Promise<void> {
  let left: Trouble[] = [...TROUBLES];
  for (let count = 0; !isOver() || count < TROUBLES.length; count++) {
    if (left.length === 0) left = [...TROUBLES];
    const [trouble] = left.splice(random.between(0, left.length - 1), 1) as [Trouble];
    await trouble(random);
    network.flow();
    await sleep(random.between(0, 250));
  }
}

/** Values of all kinds, each series different. */
function measured(random: SeededRandom): (second: number) => Omit<Metric, 'timestampMs'>[] {
  return (second) => [
    { name: 'round_trip_ms', type: 'gauge', value: random.next() * 100, unit: 'ms', tags: { target: 'a.example' } },
    { name: 'round_trip_ms', type: 'gauge', value: random.next() * 1e-9, unit: 'ms', tags: { target: 'b.example', target_ip: '::1' } },
    { name: 'bytes_total', type: 'counter', value: second * 1_500 + random.between(0, 1_499), unit: 'bytes', tags: { interface: 'eth0' } },
    { name: 'rate', type: 'gauge', value: second % 50 === 0 ? 3_688_315_836_977_406_000 : -random.between(0, 9), unit: '', tags: {} },
    { name: 'steady', type: 'gauge', value: 1, unit: 'boolean', tags: { 'odd key "=': 'ünïcode' } },
  ];
}

describe('ten minutes of outages', () => {
  test('every collected sample is in the database exactly once, in its own time', async () => {
    await withSeed(async (random) => {
      const startMs = Date.now() - 3_600_000;
      const clock = new SettableClock(startMs);
      const collector = new FastCollector(clock, measured(random));
      const collected = collector.go(600);
      const logger = await startAgent('a', collector, clock);
      let isOver = false;
      void collected.then(() => {
        isOver = true;
      });
      await makeTrouble(random, () => isOver);
      expect(new Set(collector.made.map(({ timestampMs }) => timestampMs))).toEqual(
        new Set(Array.from({ length: 600 }, (_, second) => startMs + second * SECOND_MS)),
      );
      // And once more, while the backlog of the last outage is on its way.
      await killed(random);
      await until('the spool is empty', async () => (await spooledFiles()).length === 0);

      const stored = await storedLines('a');
      const made = linesOf(collector.made);
      expect({ lost: without(made, stored), twiceOrWrong: without(stored, made) }).toEqual({ lost: [], twiceOrWrong: [] });
      const { body: agent } = await server.api('/api/v1/agents/a');
      expect(agent).toMatchObject({ total_metrics: made.length, total_errors: 0 });
      expect(await gapsOf('a')).toEqual([]);
      const { body } = await server.api('/api/v1/metrics/history/bytes_total?agent_id=a');
      expect(body.gaps).toEqual([]);
      expect(body.history.map(({ timestamp, value }: any) => [Date.parse(timestamp), value])).toEqual(
        collector.made.filter(({ name }) => name === 'bytes_total').map(({ timestampMs, value }) => [timestampMs, value]),
      );

      // The question came up, and nothing was called lost or damaged on the way.
      expect(network.torn).toBeGreaterThan(0);
      expect(logger.entries.filter(({ message }) => message === 'sending what was kept meanwhile').length).toBeGreaterThan(3);
      expect(logger.of('error')).toEqual([]);
    });
  }, 60_000);
});

describe('an agent that is killed again and again', () => {
  const LIVES = 7;

  function spawn(): SpawnedAgent {
    const agent = spawnAgent(['--spool', spoolDir, '--interval', '1', '--id', 'k', '--url', network.url]);
    agents.push(agent);
    return agent;
  }

  test('what is in its spool and what the server has are all there was, each once', async () => {
    await withSeed(async (random) => {
      /** Whatever was seen in the spool, by `seq`. */
      const seen = new Map<number, { batchId: string; metrics: readonly Metric[] }>();
      /** Batches a kill left half written: they are lost, and their numbers are not given again. */
      let halves = 0;
      for (let life = 0; life < LIVES; life++) {
        // The first finds nobody; others now and then.
        network.isRefusing = life === 0 || random.next() < 0.3;
        const agent = spawn();
        const trouble = life === 3 ? killed(random) : Promise.resolve();
        await until('the agent has started', () => agent.stderr.includes('agent started'));
        await sleep(random.between(0, 1_500));
        agent.kill('SIGKILL');
        await agent.exited;
        await trouble;
        halves += (await readdir(join(spoolDir, 'batches'))).filter((name) => name.endsWith('.tmp')).length;
        for (const name of await spooledFiles()) {
          const text = await readFile(join(spoolDir, 'batches', name), 'utf8');
          const file = parseFileName(name, text.length);
          expect([name, file]).not.toEqual([name, null]);
          if (file === null) continue;
          const { seq, batchId, metrics } = decodeBatch(text, file);
          expect(seen.get(seq) ?? { batchId, metrics }).toEqual({ batchId, metrics });
          seen.set(seq, { batchId, metrics });
        }
      }
      // What falls due at one moment is one batch: some lives are too short for any.
      expect(seen.size).toBeGreaterThan(1);

      network.flow();
      const { total_metrics: before = 0 } = (await server.api('/api/v1/agents/k')).body;
      const last = spawn();
      await until('new data arrives', async () => (await server.api('/api/v1/agents/k')).body.total_metrics > before);
      await until('the spool is empty', async () => (await spooledFiles()).length === 0);
      last.kill('SIGTERM');
      expect(await last.exited).toEqual({ code: 0, signal: null });
      expect(await spooledFiles()).toEqual([]);

      const stored = await storedLines('k');
      const spooled = linesOf([...seen.values()].flatMap(({ metrics }) => metrics));
      expect(without(spooled, stored)).toEqual([]);
      const { body } = await server.api('/api/v1/agents/k');
      expect(body).toMatchObject({ total_metrics: stored.length, total_errors: 0 });
      const missing = (await gapsOf('k')).reduce((sum, { batches }) => sum + batches, 0);
      expect(missing).toBeLessThanOrEqual(halves);
      const { nextSeq, dropped } = JSON.parse(await readFile(join(spoolDir, 'state.json'), 'utf8'));
      expect(dropped).toBeNull();
      // No other number is missing up to the last one, and that has arrived.
      await server.dispose();
      const db = new Database(server.dbPath, { readonly: true });
      const lastSeq = db.prepare('SELECT last_seq FROM agent_totals').pluck().get();
      db.close();
      expect(lastSeq).toBe(nextSeq - 1);
    });
  }, 60_000);
});

describe('a spool too small for the outage', () => {
  test('what was dropped is counted, reported once, and shown as a gap', async () => {
    const startMs = Math.floor(Date.now() / 1_000) * 1_000 - 3_600_000;
    const clock = new SettableClock(startMs);
    const collector = new FastCollector(clock, (second) => [{ name: 'count', type: 'gauge', value: second, unit: '', tags: {} }]);
    const at = (second: number): string => new Date(startMs + second * SECOND_MS).toISOString();
    await startAgent('d', collector, clock, 16 * 4_096);
    await collector.go(20);
    await until('the spool is empty', async () => (await spooledFiles()).length === 0);

    network.isRefusing = true;
    network.cut();
    await collector.go(60);
    const dropped = 60 - (await spooledFiles()).length;
    expect(dropped).toBeGreaterThan(30);

    // The report is lost; then it arrives, and the agent does not hear of it.
    network.losing = 'up';
    network.isRefusing = false;
    await until('the report is lost', () => network.lost > 0);
    expect(await gapsOf('d')).toEqual([]);
    network.losing = 'down';
    network.cut();
    await until('the report has arrived', async () => (await gapsOf('d')).length > 0);
    expect(await gapsOf('d')).toEqual([{ agent_id: 'd', from: at(20), to: at(19 + dropped), reason: 'dropped', samples: dropped }]);
    network.isRefusing = true;
    network.cut();
    await collector.go(30);
    const kept = await spooledFiles();
    const lost = 90 - kept.length;
    expect(lost).toBeGreaterThan(dropped + 20);

    network.flow();
    await until('the spool is empty', async () => (await spooledFiles()).length === 0);
    const made = linesOf(collector.made.filter((_, second) => second < 20 || second >= 20 + lost));
    expect(await storedLines('d')).toEqual(made);
    const gap = { agent_id: 'd', from: at(19), to: at(20 + lost), reason: 'dropped', batches: lost, samples: lost };
    // The report that got lost was repeated; the rest is a report of its own, over the connection there is by then.
    await until('all of it is told', async () => JSON.stringify(await gapsOf('d')).includes(`"samples":${lost}`));
    expect(await gapsOf('d')).toEqual([gap]);
    const { body } = await server.api('/api/v1/metrics/history/count?agent_id=d');
    expect(body.gaps).toEqual([gap]);
    expect(body.history).toHaveLength(110 - lost);
  }, 30_000);
});
