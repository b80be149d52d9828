import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import type { ReaderPool } from '../../../src/storage/sqlite/threads/reader-pool.js';
import type { ThreadHost } from '../../../src/storage/sqlite/threads/thread-host.js';
import type { WriterClient } from '../../../src/storage/sqlite/threads/writer-client.js';
import { Compactor } from '../../../src/storage/sqlite/units/compactor.js';
import { jobKey } from '../../../src/storage/sqlite/units/folder.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import type { PlainSample } from '../../helpers/naive-reader.js';
import { batchOf, TestStorage } from '../../helpers/storage.js';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A day begins here (UTC). */
const D = 20_700 * DAY;

describe('folding', () => {
  let logger: MemoryLogger;
  let store: TestStorage;
  let db: Database.Database;
  beforeEach(async () => {
    logger = new MemoryLogger();
    store = await TestStorage.start({}, logger);
    db = new Database(store.settings.path);
  });
  afterEach(async () => {
    db.close();
    await store.stop();
  });

  const count = (sql: string): number => db.prepare<[], number>(`SELECT count(*) FROM ${sql}`).pluck().get() as number;
  /** Raw units as [agent, start, hours], the start in hours since D. */
  const units = (): unknown[] =>
    db
      .prepare(`SELECT agent_key, (start_ms - ${D}) / ${HOUR}, span_ms / ${HOUR} FROM units WHERE tier = 0 ORDER BY agent_key, start_ms`)
      .raw()
      .all();

  async function append(agentKey: number, ...timesMs: number[]): Promise<void> {
    const samples = timesMs.map((timestampMs, value): PlainSample => ({ agentId: 'any', name: 'x', timestampMs, value }));
    await store.storage.writer.append(batchOf(agentKey, samples));
  }

  async function valuesIn(startMs: number, endMs: number): Promise<number[]> {
    const query = { filter: {}, range: { startMs, endMs }, order: 'oldest' as const, limit: 100, offset: 0 };
    return [...(await store.storage.reader.samples(query)).values];
  }

  test('an hour that goes on is folded when something in the log is ten minutes old, of those agents of whom it is', async () => {
    const [a, b] = [await store.agentKey('a'), await store.agentKey('b')];
    await append(a, D + MINUTE, D + 2 * MINUTE);
    await append(b, D + 9 * MINUTE);
    await store.foldAt(D + 11 * MINUTE);
    expect([units(), count('metric_batches')]).toEqual([[], 2]);
    await store.foldAt(D + 11 * MINUTE + 1);
    expect([units(), count('metric_batches')]).toEqual([[[a, 0, 1]], 1]);
    // Newer samples are read behind the unit's, older ones and repeated ones among them.
    await append(a, D + 12 * MINUTE, D + 90_000, D + 2 * MINUTE);
    await store.foldAt(D + 12 * MINUTE);
    expect(await valuesIn(D, D + 12 * MINUTE + 1)).toEqual([0, 1, 2, 0, 0]);
    await store.foldAt(D + 50 * MINUTE);
    expect([units().length, count('metric_batches')]).toEqual([2, 0]);
    expect(await valuesIn(D, D + 12 * MINUTE + 1)).toEqual([0, 1, 2, 0, 0]);
  });

  test('a question that was asked before is answered anew where something was folded since', async () => {
    const [a, b] = [await store.agentKey('a'), await store.agentKey('b')];
    const sumOf = async (): Promise<number | undefined> => {
      const query = { filter: {}, range: { startMs: D, endMs: D + DAY }, stepMs: null, groupBy: [] };
      return (await store.storage.reader.aggregate(query))[0]?.sum[0];
    };
    await append(a, D, D + MINUTE, D + 2 * MINUTE);
    await append(b, D, D + MINUTE);
    await store.foldAt(D + 2 * HOUR);
    expect([await sumOf(), await sumOf()]).toEqual([4, 4]);
    await append(a, D + 10, D + 20, D + 3 * MINUTE, D + 4 * MINUTE);
    expect(await sumOf()).toBe(10);
    await store.foldAt(D + 2 * HOUR);
    expect([await sumOf(), await sumOf()]).toEqual([10, 10]);
    const countsOf = async (wants?: { countsOnly: true }): Promise<unknown[]> => {
      const query = {
        filter: {},
        range: { startMs: D, endMs: D + DAY },
        stepMs: HOUR,
        groupBy: ['provider' as const],
        ...(wants && { wants }),
      };
      const groups = await store.storage.reader.aggregate(query);
      return groups.map((group) => [...group.labels, [...group.count], group.seriesCount, group.firstMs - D, group.lastMs - D]);
    };
    const ofA = [[7], 1, 0, 4 * MINUTE];
    const ofB = [[2], 1, 0, MINUTE];
    for (const provider of ['gcp', 'aws']) {
      await store.agentKey('a', { provider });
      for (const wants of [undefined, undefined, { countsOnly: true } as const]) {
        expect(await countsOf(wants)).toEqual([
          [provider, ...ofA],
          ['', ...ofB],
        ]);
      }
    }
    await store.storage.agents.remove(b);
    expect(await sumOf()).toBe(9);
    expect(await countsOf()).toEqual([['aws', ...ofA]]);
  });

  test('an hour that is over is folded after five minutes, not before, however young its samples are', async () => {
    const key = await store.agentKey('a');
    await append(key, D + HOUR - MINUTE, D + HOUR - 1, D + HOUR);
    await store.foldAt(D + HOUR + 5 * MINUTE - 1);
    expect([units(), count('metric_batches')]).toEqual([[], 2]);
    await store.foldAt(D + HOUR + 5 * MINUTE);
    expect([units(), count('metric_batches')]).toEqual([[[key, 0, 1]], 1]);
    expect(await valuesIn(D, D + DAY)).toEqual([0, 1, 2]);
  });

  test('a day is merged 26 hours after its end, not before; what comes late goes into it', async () => {
    const key = await store.agentKey('a');
    await append(key, D, D + 5 * HOUR, D + 23 * HOUR, D + DAY);
    await store.foldAt(D + DAY + 26 * HOUR - 1);
    expect(units()).toEqual([
      [key, 0, 1],
      [key, 5, 1],
      [key, 23, 1],
      [key, 24, 1],
    ]);
    await store.foldAt(D + DAY + 26 * HOUR);
    expect(units()).toEqual([
      [key, 0, 24],
      [key, 24, 1],
    ]);
    await append(key, D + 7 * HOUR);
    await store.foldAt(D + DAY + 26 * HOUR);
    expect([units().length, count('metric_batches')]).toEqual([2, 0]);
    expect(await valuesIn(D, D + DAY)).toEqual([0, 1, 0, 2]);
  });

  test('a damaged row stays in the log and is reported once; everything else is folded, and days are merged', async () => {
    const [a, b] = [await store.agentKey('a'), await store.agentKey('b')];
    await append(a, D);
    await append(b, D);
    await append(a, D + HOUR);
    const payload = db.prepare('SELECT payload FROM metric_batches WHERE id = 1').pluck().get() as Buffer;
    payload[5] = (payload[5] as number) ^ 1;
    db.prepare('UPDATE metric_batches SET payload = ? WHERE id = 1').run(payload);

    await store.foldAt(D + 3 * HOUR);
    await store.foldAt(D + 3 * HOUR);
    expect(units()).toEqual([
      [a, 1, 1],
      [b, 0, 1],
    ]);
    expect(logger.of('error')).toEqual([
      {
        level: 'error',
        message: expect.stringContaining('could not be folded'),
        meta: expect.objectContaining({ agentKey: a, startMs: D }),
      },
    ]);
    expect(String(logger.of('error')[0]?.meta.error)).toContain('metric_batches row 1 is damaged');
    expect(await valuesIn(D + HOUR, D + DAY)).toEqual([0]);
    await expect(valuesIn(D, D + DAY)).rejects.toThrow('metric_batches row 1 is damaged');

    await store.foldAt(D + 3 * DAY);
    expect(units()).toEqual([
      [a, 0, 24],
      [b, 0, 24],
    ]);
    expect(count('metric_batches')).toBe(1);
    expect(await valuesIn(D + HOUR, D + DAY)).toEqual([0]);
  });

  test('when the database cannot be written the round ends, and the next one goes on', async () => {
    const key = await store.agentKey('a');
    await append(key, D, D + HOUR, D + 2 * HOUR);
    db.exec('BEGIN IMMEDIATE');
    await store.foldAt(D + DAY);
    expect([units(), count('metric_batches')]).toEqual([[], 3]);
    expect(logger.of('warn').map(({ message }) => message)).toEqual(['folding stopped; it goes on at the next round']);
    db.exec('ROLLBACK');
    await store.foldAt(D + DAY);
    expect([units().length, count('metric_batches')]).toEqual([3, 0]);
    expect(await valuesIn(D, D + DAY)).toEqual([0, 1, 2]);
  });

  test('samples of a deleted agent are not folded, and leave nothing behind', async () => {
    const [a, b] = [await store.agentKey('a'), await store.agentKey('b')];
    await append(a, D, D + HOUR);
    await store.foldAt(D + HOUR + 5 * MINUTE);
    await append(b, D);
    await store.storage.agents.remove(a);
    await store.foldAt(D + 3 * DAY);
    expect(units()).toEqual([
      [a, 0, 1],
      [b, 0, 24],
    ]);
    expect(count(`metric_batches WHERE agent_key = ${a}`)).toBe(1);
    while (await store.storage.agents.eraseDeleted());
    expect(units()).toEqual([[b, 0, 24]]);
    expect([count('metric_batches'), count('unit_parts WHERE id / 4096 NOT IN (SELECT id FROM units)')]).toEqual([0, 0]);
  });

  test('a row of the log gets an id no other one had, also when the newest was deleted', async () => {
    const key = await store.agentKey('a');
    await append(key, D);
    const limits = { samplesBeforeMs: D + DAY, fiveMinutesBeforeMs: D + DAY, oneHourBeforeMs: D + DAY };
    while (await store.storage.agents.purge({ ...limits, receiptsBeforeMs: 0, activitiesBeforeMs: 0 }));
    await append(key, D + DAY);
    expect(db.prepare('SELECT id FROM metric_batches').pluck().all()).toEqual([2]);
    await store.foldAt(D + 2 * DAY);
    await store.restart();
    await append(key, D + DAY + 1);
    expect(db.prepare('SELECT id FROM metric_batches').pluck().all()).toEqual([3]);
  });

  test('deletion of an agent with two million samples goes in slices, and batches of others in between', async () => {
    const [large, other] = [await store.agentKey('large'), await store.agentKey('other')];
    const UNITS = 100;
    const PER_UNIT = 20_000;
    const newSeries = [{ name: 'x', type: 'gauge' as const, unit: null, tagsJson: '{}' }];
    const seriesIds = new Int32Array(PER_UNIT).fill(-1);
    const values = Float64Array.from(seriesIds, (_, i) => (i * 7919) % 10_007);
    for (let hour = 0; hour < UNITS; hour += 1) {
      const timestampsMs = Float64Array.from(seriesIds, (_, i) => D + hour * HOUR + i * 180);
      await store.storage.writer.append({ ...batchOf(large, []), seriesIds, timestampsMs, values, newSeries, objectValues: null });
    }
    // Not yet so late that days are merged: those would be fewer units.
    await store.foldAt(D + 49 * HOUR);
    expect(count('units')).toBeGreaterThan(40);
    await store.storage.agents.remove(large);

    const rest = (): number => count(`units WHERE agent_key = ${large}`) + count(`metric_batches WHERE agent_key = ${large}`);
    let [left, slices] = [rest(), 0];
    for (let more = true; more; slices += 1) {
      // Together in one transaction: a batch waits for one slice at the most.
      [more] = await Promise.all([store.storage.agents.eraseDeleted(), append(other, D + slices)]);
      const now = rest();
      expect(left - now).toBeLessThanOrEqual(16);
      left = now;
    }
    expect(left).toBe(0);
    expect(count('unit_parts')).toBe(0);
    expect(await valuesIn(D, D + HOUR)).toHaveLength(Math.min(slices, 100));
  }, 60_000);
});

describe('Compactor', () => {
  const job = (startMs: number) => ({ agentKey: 1, startMs, spanMs: HOUR, unitIds: [], batchIds: [1] });
  const LIMITS = { samplesBeforeMs: D, fiveMinutesBeforeMs: 0, oneHourBeforeMs: 0 };

  /** A compactor with threads that answer when the test lets them. */
  function setUp(planned: object[][], expiring: object[][] = []) {
    const events: string[] = [];
    const waiting: (() => void)[] = [];
    const told: number[] = [];
    const outdated = new Set<number>();
    const due = (op: string, without: ReadonlySet<string> = new Set()): object[] =>
      ((op === 'planExpiry' ? expiring : planned).shift() ?? []).filter((one) => !without.has(jobKey(one as ReturnType<typeof job>)));
    const host = {
      running: false,
      start: async () => {
        host.running = true;
        events.push('thread started');
      },
      stop: async () => {
        if (host.running) events.push('thread stopped');
        host.running = false;
      },
      send: async ([{ op, args }]: [{ op: string; args: [{ startMs: number; without?: ReadonlySet<string> }] }]) => {
        if (op !== 'fold') return [{ value: due(op, args[0].without) }];
        events.push(`fold ${args[0].startMs}`);
        await new Promise<void>((resolve) => waiting.push(resolve));
        return [{ value: { job: args[0], units: [] } }];
      },
    };
    const read = { call: async (op: string, { without }: { without?: ReadonlySet<string> }) => due(op, without) };
    const write = {
      call: async (_: string, { job: { startMs } }: { job: { startMs: number } }) => {
        if (outdated.has(startMs)) return false;
        events.push(`commit ${startMs}`);
        return true;
      },
    };
    const compactor = new Compactor(
      host as unknown as ThreadHost,
      read as unknown as ReaderPool,
      write as unknown as WriterClient,
      { compactIntervalMs: HOUR },
      { nowMs: () => D },
      new MemoryLogger(),
      ({ job: { startMs } }) => told.push(startMs),
    );
    compactor.start();
    /** Lets the fold that is under way finish, once there is one. */
    const finishFold = async (): Promise<void> => {
      while (waiting.length === 0) await new Promise(setImmediate);
      waiting.shift()?.();
    };
    return { compactor, events, finishFold, told, outdated };
  }

  test('the thread lives as long as there is something to fold, and does not start for nothing', async () => {
    const { compactor, events, finishFold } = setUp([[], [job(1), job(2)], [job(3)]]);
    await compactor.compact();
    expect(events).toEqual([]);
    const round = compactor.compact();
    for (let i = 0; i < 3; i += 1) await finishFold();
    await round;
    expect(events).toEqual(['thread started', 'fold 1', 'commit 1', 'fold 2', 'commit 2', 'fold 3', 'commit 3', 'thread stopped']);
    await compactor.stop();
  });

  test('a stretch that is due again and again has one turn a round: others have theirs, and the round ends', async () => {
    const { compactor, events, finishFold } = setUp([[job(1)], [job(1), job(2)], [job(1)], [job(1)]]);
    const round = compactor.compact();
    for (let i = 0; i < 2; i += 1) await finishFold();
    await round;
    expect(events.filter((event) => event.startsWith('fold'))).toEqual(['fold 1', 'fold 2']);
    const next = compactor.compact();
    await finishFold();
    await next;
    expect(events.filter((event) => event.startsWith('fold'))).toEqual(['fold 1', 'fold 2', 'fold 1']);
    await compactor.stop();
  });

  test('a stop lets the fold under way finish and begins no other', async () => {
    const { compactor, events, finishFold } = setUp([[job(1), job(2), job(3)]]);
    void compactor.compact();
    while (events.length < 2) await new Promise(setImmediate);
    const stopped = compactor.stop();
    await finishFold();
    await stopped;
    expect(events).toEqual(['thread started', 'fold 1', 'commit 1', 'thread stopped']);
    await compactor.compact();
    expect(events).toHaveLength(4);
  });

  test('however much there is to fold, what expires has its turns; the thread goes when neither needs it', async () => {
    const { compactor, events, finishFold } = setUp([[job(1), job(2), job(3), job(4)]], [[job(101), job(102)]]);
    const round = compactor.compact();
    while (events.length < 2) await new Promise(setImmediate);
    const expired = compactor.expire(LIMITS);
    for (let i = 0; i < 6; i += 1) await finishFold();
    expect(await expired).toEqual({ due: 2, done: 2 });
    await round;
    const folds = ['fold 1', 'fold 2', 'fold 101', 'fold 3', 'fold 102', 'fold 4'];
    expect(events.filter((event) => event.startsWith('fold'))).toEqual(folds);
    expect(events.filter((event) => event.startsWith('thread'))).toEqual(['thread started', 'thread stopped']);
    expect(events.at(-1)).toBe('thread stopped');
    await compactor.stop();
  });

  test('a stop waits for the one fold that is under way, whoever wanted it', async () => {
    const { compactor, events, finishFold } = setUp([[job(1), job(2)]], [[job(101), job(102)]]);
    void compactor.compact();
    while (events.length < 2) await new Promise(setImmediate);
    const expired = compactor.expire(LIMITS).catch((error: unknown) => error);
    const stopped = compactor.stop();
    await finishFold();
    await stopped;
    expect(events.filter((event) => event.startsWith('commit'))).toHaveLength(1);
    expect(events.at(-1)).toBe('thread stopped');
    // Not "nothing is due": then samples would be deleted that are not rollups yet.
    expect(await expired).toMatchObject({ code: 'storage_unavailable' });
    await expect(compactor.expire(LIMITS)).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  test('tells of what it has folded, and not of what somebody else was quicker with', async () => {
    const { compactor, finishFold, told, outdated } = setUp([[job(1), job(2)]]);
    outdated.add(1);
    const round = compactor.compact();
    for (let i = 0; i < 2; i += 1) await finishFold();
    await round;
    expect(told).toEqual([2]);
    await compactor.stop();
  });
});
