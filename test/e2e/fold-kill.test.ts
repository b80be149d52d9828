import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { type BuiltServer, startBuiltServer } from '../helpers/built-server.js';
import { RewritingAgent } from '../helpers/rewriting-agent.js';
import { SeededRandom, withSeed } from '../helpers/seeded-random.js';
import { StoredSamples } from '../helpers/stored-samples.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Several at once: most of a kill's time is the start of the next server. */
const SERVERS = 2;
const KILLS = 26;
const AGENTS = 4;
const LOOK_EVERY_KILLS = 10;
const UNITS_MADE = `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'units'`;

/** Old and late samples all the time: hours are folded, folded again and merged into days while the process dies. */
class Fleet {
  readonly dir = mkdtempSync(join(tmpdir(), 'ccv-folding-'));
  readonly agents: readonly RewritingAgent[];
  private server: BuiltServer | null = null;

  constructor(private readonly random: SeededRandom) {
    const today = Math.floor(Date.now() / DAY) * DAY;
    const thisHour = Math.floor(Date.now() / HOUR) * HOUR;
    const hours = [
      today - 4 * DAY,
      today - 4 * DAY + HOUR,
      today - 3 * DAY - HOUR,
      today - 3 * DAY,
      thisHour - 3 * HOUR,
      thisHour - 2 * HOUR,
    ];
    this.agents = Array.from({ length: AGENTS }, (_, i) => new RewritingAgent(`agent-${i + 1}`, hours, random));
  }

  async start(): Promise<BuiltServer> {
    this.server = await startBuiltServer({ dir: this.dir, env: { COMPACT_INTERVAL: '10' } });
    await this.server.ready;
    return this.server;
  }

  /** One life of the server: ended at a random moment once it folds, which it then does all the time. */
  async live(): Promise<void> {
    const victim = await this.start();
    let over = false;
    const pushing = Promise.all(this.agents.map((agent) => agent.push(victim, () => over)));
    await this.folding();
    await sleep(this.random.between(0, 100));
    victim.kill('SIGKILL');
    expect(await victim.exited).toEqual({ code: null, signal: 'SIGKILL' });
    over = true;
    await pushing;
  }

  /** Resolves when a unit was written that was not there before. */
  private async folding(): Promise<void> {
    const units = this.look((count) => count(UNITS_MADE));
    while (this.look((count) => count(UNITS_MADE)) === units) await sleep(10);
  }

  /** Everything that was ever acknowledged, with its last value. */
  get acknowledged(): Map<string, number> {
    return new Map(this.agents.flatMap((agent) => [...agent.acknowledged]));
  }

  /** A connection of ours, as long as it takes. */
  look<T>(at: (count: (sql: string) => number, db: Database.Database) => T): T {
    const db = new Database(join(this.dir, 'monitoring.db'), { fileMustExist: true });
    try {
      return at((sql) => db.prepare<[], number>(sql).pluck().get() as number, db);
    } finally {
      db.close();
    }
  }

  /** What is wrong with the file itself. */
  damages(): string[] {
    return this.look((count, db) => {
      const damages: string[] = [];
      const expectNone = (what: string, sql: string): void => {
        const found = count(`SELECT count(*) FROM ${sql}`);
        if (found > 0) damages.push(`${found} ${what}`);
      };
      expectNone('units without all their parts', 'units u WHERE part_count <> (SELECT count(*) FROM unit_parts WHERE id / 4096 = u.id)');
      expectNone(
        'parts without a unit',
        'unit_parts p WHERE NOT EXISTS (SELECT 1 FROM units u WHERE u.id = p.id / 4096 AND p.id % 4096 < part_count)',
      );
      expectNone(
        'units within another one',
        `units a JOIN units b ON a.tier = 0 AND b.tier = 0 AND a.agent_key = b.agent_key AND a.id <> b.id
           AND a.start_ms >= b.start_ms AND a.start_ms < b.start_ms + b.span_ms`,
      );
      const integrity = db.pragma('integrity_check', { simple: true });
      return integrity === 'ok' ? damages : [...damages, String(integrity)];
    });
  }

  async dispose(): Promise<void> {
    await this.server?.dispose();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

describe('a server that is killed again and again while it folds', () => {
  const fleets: Fleet[] = [];
  afterEach(async () => {
    await Promise.all(fleets.splice(0).map((fleet) => fleet.dispose()));
  });

  /** What speaks against "every acknowledged sample is there once, with its last value, or the one under way". */
  async function problems(fleet: Fleet, server: BuiltServer): Promise<string[]> {
    const stored = await StoredSamples.read(server);
    const values = stored.values();
    const open = new Map(fleet.agents.flatMap((agent) => [...agent.open()]));
    const { acknowledged } = fleet;
    return [
      ...stored.repeats.map((key) => `twice: ${key}`),
      ...[...acknowledged].flatMap(([key, value]) => {
        const is = values.get(key);
        return is === value || (is !== undefined && is === open.get(key)) ? [] : [`${key} is ${String(is)} and was sent as ${value}`];
      }),
      ...[...values].flatMap(([key, is]) => (acknowledged.has(key) || open.get(key) === is ? [] : [`never sent: ${key}`])),
    ].slice(0, 20);
  }

  async function outlive(fleet: Fleet): Promise<void> {
    for (let kills = 1; kills <= KILLS; kills += 1) {
      await fleet.live();
      // Not every time: closing our connection would tidy up what the next server is to recover from.
      if (kills % LOOK_EVERY_KILLS === 0) expect(fleet.damages()).toEqual([]);
    }
    const last = await fleet.start();
    expect(await problems(fleet, last)).toEqual([]);

    // The agents deliver what is open. Then all is folded, and there once.
    expect(await Promise.all(fleet.agents.map((agent) => agent.push(last, () => true)))).toEqual(fleet.agents.map(() => true));
    const unfolded = `SELECT (SELECT count(*) FROM metric_batches)
      + (SELECT count(*) FROM units WHERE tier = 0 AND span_ms = ${HOUR} AND start_ms < ${Math.floor(Date.now() / DAY - 2) * DAY})`;
    while (fleet.look((count) => count(unfolded)) > 0) await sleep(20);
    expect(await problems(fleet, last)).toEqual([]);
    expect(fleet.look((count) => count('SELECT sum(sample_count) FROM units WHERE tier = 0'))).toBe(fleet.acknowledged.size);

    last.kill('SIGTERM');
    expect(await last.exited).toEqual({ code: 0, signal: null });
    expect(fleet.damages()).toEqual([]);
    // It was about folding: hours were folded over and over, and days are there.
    const made = fleet.look((count) => count(UNITS_MADE));
    expect(made).toBeGreaterThan(2 * KILLS);
    expect(fleet.look((count) => count(`SELECT count(*) FROM units WHERE tier = 0 AND span_ms = ${DAY}`))).toBe(2 * AGENTS);
  }

  test('has every acknowledged sample once, with its last value, and no orphan', async () => {
    await withSeed(async (random) => {
      for (let i = 0; i < SERVERS; i += 1) fleets.push(new Fleet(new SeededRandom(random.between(1, 2 ** 30))));
      await Promise.all(fleets.map(outlive));
    });
  }, 180_000);
});
