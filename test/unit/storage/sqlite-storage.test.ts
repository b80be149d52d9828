import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { openForPeople } from '../../../src/storage/sqlite/metrics-table.js';
import { MIGRATIONS } from '../../../src/storage/sqlite/migrations.js';
import type { PlainSample } from '../../helpers/naive-reader.js';
import { batchOf, TestStorage } from '../../helpers/storage.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T = 1_795_377_600_000;
/** Start of the day of T. */
const D = Math.floor(T / DAY) * DAY;

let store: TestStorage;
beforeEach(async () => {
  store = await TestStorage.start();
});
afterEach(() => store.stop());

const sample = (more: Partial<PlainSample> = {}): PlainSample => ({ agentId: 'a', name: 'x', timestampMs: T, value: 1, ...more });
const all = { filter: {}, range: {}, order: 'oldest' as const, limit: 1_000, offset: 0 };

/** Samples older than this go without leaving rollups. */
function withoutRollups(beforeMs: number) {
  return { samplesBeforeMs: beforeMs, fiveMinutesBeforeMs: beforeMs, oneHourBeforeMs: beforeMs };
}

async function values(): Promise<number[]> {
  return [...(await store.storage.reader.samples(all)).values];
}

describe('append', () => {
  test('answers what is on disk: the database, closed and opened again, still has it', async () => {
    const key = await store.agentKey('a');
    const result = await store.storage.writer.append(batchOf(key, [sample(), sample({ timestampMs: T + 1, value: 2 })]));
    expect(result).toEqual({ duplicate: false, processed: 2, errors: 0, newSeriesIds: [1] });
    await store.restart();
    expect(await values()).toEqual([1, 2]);
  });

  test('a batch_id counts once, also when both arrive in one group and after a restart', async () => {
    const key = await store.agentKey('a');
    const batch = batchOf(key, [sample()], { batchId: 'b-1', rejected: 2, lastError: 'invalid_value: …' });
    const [first, second] = await Promise.all([store.storage.writer.append(batch), store.storage.writer.append(batch)]);
    expect(first).toMatchObject({ duplicate: false, processed: 1, errors: 2 });
    expect(second).toEqual({ duplicate: true, processed: 1, errors: 2, newSeriesIds: [] });
    await store.restart();
    expect(await store.storage.writer.append(batch)).toMatchObject({ duplicate: true, processed: 1 });
    expect((await store.storage.agents.all())[0]).toMatchObject({ totalMetrics: 1, totalErrors: 2 });
    expect(await store.storage.health.batchErrors(0)).toEqual([{ agentId: 'a', errorCount: 2, lastError: 'invalid_value: …' }]);
  });

  test('the same batch_id of another agent is another batch', async () => {
    const [a, b] = [await store.agentKey('a'), await store.agentKey('b')];
    await store.storage.writer.append(batchOf(a, [sample()], { batchId: 'same' }));
    expect(await store.storage.writer.append(batchOf(b, [sample()], { batchId: 'same' }))).toMatchObject({ duplicate: false });
  });

  test('samples that would start a series too many are counted as errors, the others are stored', async () => {
    await store.stop();
    store = await TestStorage.start({ maxSeriesPerAgent: 2 });
    const key = await store.agentKey('a');
    const samples = ['one', 'two', 'three', 'one'].map((name, i) => sample({ name, value: i }));
    const result = await store.storage.writer.append(batchOf(key, samples));
    expect(result).toMatchObject({ processed: 3, errors: 1, newSeriesIds: [1, 2, 0] });
    expect((await values()).sort((a, b) => a - b)).toEqual([1, 3]);
    const again = await store.storage.writer.append(batchOf(key, [sample({ name: 'three' })]));
    expect(again).toMatchObject({ processed: 0, errors: 1 });
  });

  test('one call that fails does not cost the others of its group', async () => {
    const key = await store.agentKey('a');
    const results = await Promise.allSettled([
      store.storage.writer.append(batchOf(key, [sample({ name: 'before' })])),
      store.storage.writer.append(batchOf(999, [sample()])),
      store.storage.writer.append(batchOf(key, [sample({ name: 'behind', value: 2 })])),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'agent_deleted' } });
    const rows = await store.storage.reader.samples(all);
    expect(rows.series.map(({ name }) => name).sort()).toEqual(['before', 'behind']);
    expect(new Set(rows.series.map(({ id }) => id)).size).toBe(2);
  });

  test('when the database cannot be written the call fails as retryable, and the next one works once it can', async () => {
    const key = await store.agentKey('a');
    const other = new Database(store.settings.path);
    other.exec('BEGIN IMMEDIATE');
    const failed = store.storage.writer.append(batchOf(key, [sample()]));
    await expect(failed).rejects.toMatchObject({ name: 'AppError', code: 'storage_unavailable' });
    expect(store.storage.health.status().writeFailure).toContain('SQLITE_BUSY');
    other.exec('ROLLBACK');
    other.close();
    await expect(store.storage.writer.append(batchOf(key, [sample()]))).resolves.toMatchObject({ processed: 1 });
    expect(store.storage.health.status().writeFailure).toBeNull();
    expect(await values()).toEqual([1]);
  });
});

describe('opening', () => {
  test('a second server on the same file is refused, and let in when the first is gone', async () => {
    const second = TestStorage.start({ path: store.settings.path });
    await expect(second).rejects.toMatchObject({ code: 'storage_unavailable', message: expect.stringContaining('another server') });
    await store.storage.stop();
    const third = await TestStorage.start({ path: store.settings.path });
    await third.stop();
    await store.storage.start();
  });

  test('a database of a newer version is refused and left as it is', async () => {
    await store.storage.stop();
    const db = new Database(store.settings.path);
    db.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    db.close();
    await expect(store.storage.start()).rejects.toThrow('newer version');
    const after = new Database(store.settings.path);
    expect(after.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length + 1);
    after.pragma(`user_version = ${MIGRATIONS.length}`);
    after.close();
    await store.storage.start();
  });

  test.each([
    [
      'is not an SQLite database',
      (path: string) => writeFileSync(path, 'something else entirely, long enough to be looked at as a header'.repeat(20)),
    ],
    [
      'holds something else',
      (path: string) => {
        const db = new Database(path);
        db.exec('CREATE TABLE mine (x)');
        db.close();
      },
    ],
  ])('a file that %s is refused', async (message, make) => {
    const path = join(store.dir, 'other.db');
    make(path);
    await expect(TestStorage.start({ path })).rejects.toThrow(message);
  });

  test('a clean stop leaves the one file, without a write-ahead log', async () => {
    await store.agentKey('a');
    await store.storage.stop();
    expect(readdirSync(store.dir).sort()).toEqual(['test.db', 'test.db.lock']);
    await store.storage.start();
  });
});

describe('deletion and expiry', () => {
  test('a deleted agent is out of sight at once and erased afterwards; its namesake starts empty', async () => {
    const key = await store.agentKey('a');
    const samples = Array.from({ length: 50 }, (_, i) => sample({ timestampMs: T + i * 10 * 60_000, value: i }));
    await store.storage.writer.append(batchOf(key, samples, { batchId: 'b', rejected: 1, lastError: 'x' }));
    expect(await store.storage.agents.remove(key)).toBe(true);
    expect(await store.storage.agents.remove(key)).toBe(false);
    expect(await values()).toEqual([]);
    expect(await store.storage.reader.series({ filter: {}, limit: 10, offset: 0 })).toEqual({ series: [], total: 0 });

    const back = await store.agentKey('a');
    expect(back).not.toBe(key);
    await store.storage.writer.append(batchOf(back, [sample({ value: 7 })], { batchId: 'b' }));
    let slices = 0;
    while (await store.storage.agents.eraseDeleted()) slices += 1;
    expect(slices).toBeGreaterThan(3);
    expect(await values()).toEqual([7]);

    const db = new Database(store.settings.path, { readonly: true });
    const left = (table: string) => db.prepare(`SELECT count(*) FROM ${table} WHERE agent_key = ?`).pluck().get(key);
    expect(['metric_batches', 'metric_series', 'batch_receipts', 'batch_errors', 'agent_totals', 'deleted_agents'].map(left)).toEqual([
      0, 0, 0, 0, 0, 0,
    ]);
    db.close();
  });

  test('erasing an agent without samples does not go through the windows of the others', async () => {
    const other = await store.agentKey('other');
    const hours = Array.from({ length: 20 }, (_, i) => sample({ timestampMs: T + i * HOUR }));
    await store.storage.writer.append(batchOf(other, hours));
    const [never, before] = [await store.agentKey('never'), await store.agentKey('before')];
    await store.storage.writer.append(batchOf(before, [sample({ timestampMs: T - DAY })]));
    while (await store.storage.agents.purge({ ...withoutRollups(T), receiptsBeforeMs: 0, activitiesBeforeMs: 0 }));
    await store.storage.agents.remove(never);
    await store.storage.agents.remove(before);
    expect([await store.storage.agents.eraseDeleted(), await store.storage.agents.eraseDeleted()]).toEqual([true, false]);
    expect(await values()).toHaveLength(20);
  });

  test('purge removes days that are wholly past the limit, forgotten receipts and old activities', async () => {
    const key = await store.agentKey('a');
    const times = [D, D + DAY - 1, D + DAY];
    for (const [i, timestampMs] of times.entries()) {
      await store.storage.writer.append(batchOf(key, [sample({ timestampMs, value: i })], { batchId: `b${i}`, receivedAtMs: timestampMs }));
      store.storage.activities.record({ timestampMs, type: 'agent_status', agentId: 'a', message: String(i) }, key);
    }
    const limits = { receiptsBeforeMs: D + DAY - 1, activitiesBeforeMs: D + DAY };
    while (await store.storage.agents.purge({ ...limits, ...withoutRollups(D + DAY - 1) }));
    expect(await values()).toEqual([0, 1, 2]);
    while (await store.storage.agents.purge({ ...limits, ...withoutRollups(D + DAY) }));
    expect(await values()).toEqual([2]);
    expect((await store.storage.activities.recent({ limit: 10 })).map(({ message }) => message)).toEqual(['2']);
    expect(await store.storage.writer.append(batchOf(key, [], { batchId: 'b0' }))).toMatchObject({ duplicate: false });
    expect(await store.storage.writer.append(batchOf(key, [], { batchId: 'b1' }))).toMatchObject({ duplicate: true });
  });

  test('an agent expires when it was not seen and holds no samples since the limit', async () => {
    const key = await store.agentKey('old');
    await store.agentKey('older');
    await store.storage.writer.append(batchOf(key, [sample()], { receivedAtMs: T }));
    expect((await store.storage.agents.expired(T)).map(({ id }) => id)).toEqual(['older']);
    expect((await store.storage.agents.expired(T + 1)).map(({ id }) => id).sort()).toEqual(['old', 'older']);
  });
});

describe('reading', () => {
  test('a damaged row is an error that names it, not a wrong value', async () => {
    const key = await store.agentKey('a');
    await store.storage.writer.append(batchOf(key, [sample()]));
    await store.storage.stop();
    const db = new Database(store.settings.path);
    const payload = db.prepare('SELECT payload FROM metric_batches').pluck().get() as Buffer;
    payload[5] = (payload[5] as number) ^ 1;
    db.prepare('UPDATE metric_batches SET payload = ?').run(payload);
    db.close();
    await store.storage.start();
    await expect(store.storage.reader.samples(all)).rejects.toThrow('metric_batches row 1 is damaged: checksum mismatch');
  });

  test('a query past its deadline is ended as query_timeout', async () => {
    await store.stop();
    store = await TestStorage.start({ queryTimeoutMs: 0 });
    await store.storage.writer.append(batchOf(await store.agentKey('a'), [sample()]));
    await expect(store.storage.reader.samples(all)).rejects.toMatchObject({ code: 'query_timeout' });
  });

  test('queries beyond the limit are refused as overloaded, those within are answered', async () => {
    await store.stop();
    store = await TestStorage.start({ maxQueuedQueries: 3 });
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => store.storage.reader.names({})));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(6);
    expect(refused[0]).toMatchObject({ reason: { code: 'overloaded' } });
  });

  test('people see the samples as a table', async () => {
    const key = await store.agentKey('a', { provider: 'gcp' });
    await store.agentKey('b');
    await store.storage.writer.append(
      batchOf(key, [
        sample({ value: 4, tags: { target: 'h' }, unit: 'ms' }),
        sample({ value: 2, timestampMs: T + 2 * HOUR }),
        sample({ name: 'h', type: 'histogram', value: { value: 9, max: 10 } }),
      ]),
    );
    const people = openForPeople(store.settings.path);
    const query = (sql: string) => people.db.prepare(sql).all();
    expect(query(`select name, avg(value) as mean from metrics('a', '', '', '') group by name order by name`)).toEqual([
      { name: 'h', mean: 9 },
      { name: 'x', mean: 3 },
    ]);
    expect(
      query(
        `select value, timestamp, unit, tags, provider from metrics where metric = 'x' and until = '${new Date(T + HOUR).toISOString()}'`,
      ),
    ).toEqual([{ value: 4, timestamp: new Date(T).toISOString(), unit: 'ms', tags: '{"target":"h"}', provider: 'gcp' }]);
    expect(query(`select object_value from metrics('', 'h')`)).toEqual([{ object_value: '{"value":9,"max":10}' }]);
    expect(query(`select * from metrics('b')`)).toEqual([]);
    expect(() => query(`select * from metrics('a', '', 'yesterday')`)).toThrow('since must be an ISO 8601 time');
    people.close();
  });
});

test('what people ask beside a server is answered as of one moment, whatever is folded meanwhile', async () => {
  for (const id of ['a', 'b']) await store.storage.writer.append(batchOf(await store.agentKey(id), [sample()]));
  const people = openForPeople(store.settings.path);
  const server = new Database(store.settings.path);
  const read: unknown[] = [];
  people.atOneMoment(() => {
    for (const row of people.db.prepare('select agent_id from metrics').pluck().iterate()) {
      read.push(row);
      server.exec('DELETE FROM metric_batches');
    }
  });
  expect(read).toEqual(['a', 'b']);
  people.atOneMoment(() => expect(people.db.prepare('select agent_id from metrics').all()).toEqual([]));
  server.close();
  people.close();
});

describe('reader threads', () => {
  test('further ones are started when there is more to do than one can', async () => {
    await store.stop();
    store = await TestStorage.start({ readerThreads: 3 });
    await store.storage.writer.append(batchOf(await store.agentKey('a'), [sample()]));
    const answers = await Promise.all(Array.from({ length: 30 }, () => store.storage.reader.samples(all)));
    expect(answers.map(({ values: [value] }) => value)).toEqual(Array(30).fill(1));
    await store.restart();
    expect(await values()).toEqual([1]);
  });
});
