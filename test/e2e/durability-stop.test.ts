import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { type BuiltServer, startBuiltServer } from '../helpers/built-server.js';
import { withSeed } from '../helpers/seeded-random.js';
import { Spool } from '../helpers/spool.js';
import { SpoolingAgent } from '../helpers/spooling-agent.js';
import { StoredSamples } from '../helpers/stored-samples.js';

const AGENTS = 20;
const PUSHERS = 4;
const STOPS = 3;
const BATCH_SIZE = 8;
/** More than the server reads of one agent ahead of the disk would be 64; some of these wait in the kernel at the stop. */
const WINDOW = 40;
/** The server's default STOP_TIMEOUT_MS. */
const DEADLINE_MS = 10_000;

describe('SIGTERM under load', () => {
  let dir: string;
  let server: BuiltServer | null = null;
  let agents: SpoolingAgent[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ccv-stopped-'));
  });
  afterEach(async () => {
    for (const agent of agents) agent.terminate();
    agents = [];
    await server?.dispose();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Pushes batch after batch over HTTP, the open ones first, until the server does not answer any more. Answers with what it said other than 200. */
  async function pushUntilGone(target: BuiltServer, spool: Spool): Promise<number[]> {
    const refusals: number[] = [];
    for (;;) {
      const batch = spool.open()[0] ?? spool.make();
      try {
        const { status } = await target.api('/api/v1/metrics', { method: 'POST', body: spool.data(batch) });
        batch.acknowledged = status === 200;
        if (status !== 200) refusals.push(status);
      } catch {
        return refusals;
      }
    }
  }

  test('all that was read is acknowledged, sockets are closed with 1001, and the database is left clean', async () => {
    await withSeed(async (random) => {
      const baseMs = Date.now() - 1_800_000;
      const spoolOf = (i: number): Spool => new Spool({ agentNumber: i + 1, batchIds: i % 2 === 0, batchSize: BATCH_SIZE, baseMs });
      agents = Array.from({ length: AGENTS }, (_, i) => new SpoolingAgent(spoolOf(i), WINDOW));
      const pushers = Array.from({ length: PUSHERS }, (_, i) => spoolOf(AGENTS + i));
      const spools = [...agents.map(({ spool }) => spool), ...pushers];
      let openAtStop = 0;

      for (let stops = 1; stops <= STOPS; stops++) {
        server = await startBuiltServer({ dir });
        const stopped = server;
        await stopped.ready;

        // The last stop found everything it had read answered, so what has no acknowledgement is not there.
        const before = await StoredSamples.read(stopped);
        expect(before.problems(spools)).toEqual([]);
        expect(
          spools.flatMap((spool) =>
            spool
              .open()
              .filter((batch) => before.has(spool, batch))
              .map(({ number }) => [spool.agentId, number]),
          ),
        ).toEqual([]);

        const enough = new Map(agents.map((agent) => [agent, agent.spool.acknowledged + 2]));
        for (const agent of agents) agent.connect(stopped);
        const refusals = pushers.map((spool) => pushUntilGone(stopped, spool));
        await Promise.all(agents.map((agent) => agent.until(() => agent.spool.acknowledged >= enough.get(agent)!)));
        await sleep(random.between(0, 300));

        const startedMs = performance.now();
        stopped.kill('SIGTERM');
        await Promise.all(agents.map((agent) => agent.closed()));
        expect(new Set(agents.map(({ closeCode }) => closeCode))).toEqual(new Set([1001]));
        expect(await stopped.exited).toEqual({ code: 0, signal: null });
        expect(performance.now() - startedMs).toBeLessThan(DEADLINE_MS);
        expect((await Promise.all(refusals)).flat().filter((status) => status !== 503)).toEqual([]);
        openAtStop += agents.reduce((sum, { spool }) => sum + spool.open().length, 0);

        expect(readdirSync(dir).filter((name) => /-(wal|shm|journal)$/.test(name))).toEqual([]);
        const db = new Database(join(dir, 'monitoring.db'), { readonly: true });
        expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
        db.close();
      }
      // There was something to be decided at the stops.
      expect(openAtStop).toBeGreaterThan(0);

      // The rest is delivered to the next server, and everything is there once.
      server = await startBuiltServer({ dir });
      const last = server;
      await last.ready;
      for (const agent of agents) agent.connect(last);
      await Promise.all(agents.map((agent) => agent.finish()));
      for (const spool of pushers) {
        for (const batch of spool.open()) {
          expect(await last.api('/api/v1/metrics', { method: 'POST', body: spool.data(batch) })).toMatchObject({ status: 200 });
          batch.acknowledged = true;
        }
      }
      const stored = await StoredSamples.read(last);
      expect(stored.problems(spools)).toEqual([]);
      expect(stored.size).toBe(spools.reduce((sum, spool) => sum + spool.batches.length * BATCH_SIZE, 0));
      expect(agents.flatMap(({ problems }) => problems)).toEqual([]);
      expect(agents.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(0);
    });
  }, 180_000);
});
