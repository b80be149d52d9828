/**
 * `npm run backup` beside a server that is busy all the time: agents send as fast as they are acknowledged, into hours
 * that are folded meanwhile. The copy is sound, and holds every sample that was acknowledged before the backup began.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type BuiltServer, startBuiltServer } from '../helpers/built-server.js';
import { Spool, type SpooledBatch } from '../helpers/spool.js';
import { SpoolingAgent } from '../helpers/spooling-agent.js';
import { batchOf, TestStorage } from '../helpers/storage.js';
import { StoredSamples } from '../helpers/stored-samples.js';
import { runBuiltTool, type ToolResult } from '../helpers/tool.js';

const HOUR_MS = 3_600_000;
const AGENTS = 8;
const BATCH_SIZE = 50;
const WINDOW = 4;
/** Of another agent, so that copying takes a while: objects that no codec makes smaller, 60 MB. */
const BALLAST_BATCHES = 100;
const BALLAST_SAMPLES = 200;
const BALLAST_BYTES = 3_000;
/** Acknowledgements come every few milliseconds; a copy that holds the writer up would show. */
const LONGEST_SILENCE_MS = 2_000;

interface Copying {
  readonly result: ToolResult;
  /** While the half copy was there. */
  readonly fromMs: number;
  readonly toMs: number;
}

describe('a backup under load', () => {
  let dir: string;
  let agents: SpoolingAgent[] = [];
  const servers: BuiltServer[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ccv-backup-'));
  });
  afterEach(async () => {
    for (const agent of agents) agent.terminate();
    await Promise.all(servers.splice(0).map((server) => server.dispose()));
    rmSync(dir, { recursive: true, force: true });
  });

  async function start(path: string): Promise<BuiltServer> {
    const server = await startBuiltServer({ env: { DB_PATH: path, COMPACT_INTERVAL: '10' } });
    servers.push(server);
    await server.ready;
    return server;
  }

  async function writeBallast(path: string): Promise<void> {
    const store = await TestStorage.start({ path });
    const agentKey = await store.agentKey('ballast');
    for (let batch = 0; batch < BALLAST_BATCHES; batch += 1) {
      const samples = Array.from({ length: BALLAST_SAMPLES }, (_, i) => ({
        agentId: 'ballast',
        name: 'ballast',
        tags: {},
        timestampMs: Date.now() + batch * BALLAST_SAMPLES + i,
        value: { value: i, text: 'x'.repeat(BALLAST_BYTES) },
      }));
      await store.storage.writer.append(batchOf(agentKey, samples));
    }
    await store.stop();
  }

  async function backUp(path: string, target: string): Promise<Copying> {
    const ended = new AbortController();
    const running = runBuiltTool('backup', ['--db', path, target]).finally(() => ended.abort());
    let [fromMs, toMs] = [Number.NaN, Number.NaN];
    while (!ended.signal.aborted) {
      if (existsSync(`${target}.part`)) {
        toMs = performance.now();
        if (Number.isNaN(fromMs)) fromMs = toMs;
      }
      await sleep(2);
    }
    return { result: await running, fromMs, toMs };
  }

  test('is whole, sound and in nobody’s way', async () => {
    const path = join(dir, 'busy.db');
    const target = join(dir, 'copy.db');
    await writeBallast(path);
    const server = await start(path);
    const spools = Array.from(
      { length: AGENTS },
      (_, i) => new Spool({ agentNumber: i + 1, batchIds: i % 2 === 0, batchSize: BATCH_SIZE, baseMs: Date.now() - 5 * HOUR_MS }),
    );
    agents = spools.map((spool) => new SpoolingAgent(spool, WINDOW));
    const acksMs: number[] = [];
    const over = new AbortController();
    const watched = agents.map(async (agent) => {
      for (let count = 0; !over.signal.aborted; count = agent.spool.acknowledged) {
        await agent.until(() => agent.spool.acknowledged > count || agent.closeCode !== null);
        acksMs.push(performance.now());
        expect(agent.closeCode).toBeNull();
      }
    });
    for (const agent of agents) agent.connect(server);
    await Promise.all(agents.map((agent) => agent.until(() => agent.spool.acknowledged >= 20)));

    const before = new Set<SpooledBatch>(spools.flatMap(({ batches }) => batches.filter(({ acknowledged }) => acknowledged)));
    const { result, fromMs, toMs } = await backUp(path, target);
    over.abort();
    await Promise.all(watched);
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('copied and checked') });

    // Acknowledgements came all the while.
    const during = acksMs.filter((atMs) => atMs >= fromMs && atMs <= toMs).toSorted((a, b) => a - b);
    const silencesMs = [...during, toMs].map((atMs, i) => atMs - (during[i - 1] ?? fromMs));
    expect(during.length).toBeGreaterThan(20);
    expect(Math.max(...silencesMs)).toBeLessThan(LONGEST_SILENCE_MS);

    await Promise.all(agents.map((agent) => agent.finish()));
    expect(agents.flatMap(({ problems, refusals }) => [...problems, ...refusals])).toEqual([]);
    expect((await StoredSamples.read(server, spools)).problems(spools)).toEqual([]);
    expect((await server.api<string>('/metrics')).body).toMatch(/^ccv_folded_batches_total [1-9]/m);

    // Of the copy only that is promised which was acknowledged before; of the rest, no batch may be there in part.
    for (const batch of spools.flatMap(({ batches }) => batches)) batch.acknowledged = before.has(batch);
    const copied = await runBuiltTool('verify', ['--db', target]);
    expect([copied.code, copied.stdout]).toEqual([0, expect.stringContaining('Nothing is wrong.')]);
    expect((await StoredSamples.read(await start(target), spools)).problems(spools)).toEqual([]);
  }, 90_000);
});
