import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type BuiltServer, startBuiltServer } from '../helpers/built-server.js';
import { type SeededRandom, withSeed } from '../helpers/seeded-random.js';
import { Spool } from '../helpers/spool.js';
import { SpoolingAgent } from '../helpers/spooling-agent.js';
import { StoredSamples } from '../helpers/stored-samples.js';

const AGENTS = 20;
const KILLS_UNDER_LOAD = 20;
const KILLS_WHILE_STARTING = 4;
const BATCH_SIZE = 12;
const WINDOW = 4;

/** Acknowledged means on disk: whatever happens to the process afterwards. */
describe('a server that is killed again and again', () => {
  let dir: string;
  let server: BuiltServer | null = null;
  let agents: SpoolingAgent[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ccv-killed-'));
  });
  afterEach(async () => {
    for (const agent of agents) agent.terminate();
    agents = [];
    await server?.dispose();
    rmSync(dir, { recursive: true, force: true });
  });

  async function spawnServer(): Promise<BuiltServer> {
    server = await startBuiltServer({ dir });
    return server;
  }

  async function kill(victim: BuiltServer): Promise<void> {
    victim.kill('SIGKILL');
    expect(await victim.exited).toEqual({ code: null, signal: 'SIGKILL' });
  }

  /** One life of the server under load, from the first connect on, ended at a random moment. */
  async function killUnderLoad(random: SeededRandom): Promise<void> {
    const victim = await spawnServer();
    await victim.ready;
    for (const agent of agents) agent.connect(victim);
    await sleep(random.between(5, 400));
    await kill(victim);
    await Promise.all(agents.map((agent) => agent.closed()));
  }

  /** Ends the server while it is still opening what the one before left behind. */
  async function killWhileStarting(random: SeededRandom): Promise<void> {
    const victim = await spawnServer();
    await sleep(random.between(50, 500));
    await kill(victim);
  }

  test('has every acknowledged sample exactly once, and repeats create no duplicate', async () => {
    await withSeed(async (random) => {
      const baseMs = Date.now() - 1_800_000;
      agents = Array.from({ length: AGENTS }, (_, i) => {
        const spool = new Spool({ agentNumber: i + 1, batchIds: i % 2 === 0, batchSize: BATCH_SIZE, baseMs });
        return new SpoolingAgent(spool, WINDOW);
      });
      const spools = agents.map(({ spool }) => spool);
      const named = agents.filter(({ spool }) => spool.options.batchIds);

      for (let kills = 1; kills <= KILLS_UNDER_LOAD; kills++) {
        await killUnderLoad(random);
        if (kills % (KILLS_UNDER_LOAD / KILLS_WHILE_STARTING) === 0) await killWhileStarting(random);
      }

      // What the last kill left behind, before anything is sent again.
      const last = await spawnServer();
      await last.ready;
      const acknowledged = spools.reduce((sum, spool) => sum + spool.acknowledged, 0);
      expect(acknowledged).toBeGreaterThan(AGENTS * KILLS_UNDER_LOAD);
      expect((await StoredSamples.read(last)).problems(spools)).toEqual([]);

      // The agents deliver the rest, and then everything that was ever sent is there once.
      for (const agent of agents) agent.connect(last);
      await Promise.all(agents.map((agent) => agent.finish()));
      const stored = await StoredSamples.read(last);
      const sent = spools.reduce((sum, spool) => sum + spool.batches.length * BATCH_SIZE, 0);
      expect(stored.problems(spools)).toEqual([]);
      expect(stored.size).toBe(sent);
      expect(agents.flatMap(({ problems }) => problems)).toEqual([]);

      // Nor do repeats count where samples are added up. (Batches with a name are counted once on arrival, too.)
      const { body: counts } = await last.api('/api/v1/metrics/aggregated?aggregation=count&interval=1d&time_range=2d&limit=10000');
      expect((counts.metrics as { value: number }[]).reduce((sum, { value }) => sum + value, 0)).toBe(sent);
      const { body: list } = await last.api('/api/v1/agents?limit=1000');
      const totals = new Map((list.agents as { id: string; total_metrics: number }[]).map((agent) => [agent.id, agent.total_metrics]));
      expect(totals.size).toBe(AGENTS);
      expect(named.map(({ spool }) => totals.get(spool.agentId))).toEqual(named.map(({ spool }) => spool.batches.length * BATCH_SIZE));

      // The load was such that the question came up: batches were sent again, and some of them were there already.
      expect(agents.reduce((sum, { resends }) => sum + resends, 0)).toBeGreaterThan(KILLS_UNDER_LOAD);
      expect(agents.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBeGreaterThan(0);
    });
  }, 180_000);
});
