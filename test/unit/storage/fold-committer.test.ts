import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { FoldPlanner } from '../../../src/storage/sqlite/units/fold-planner.js';
import { type Fold, Folder } from '../../../src/storage/sqlite/units/folder.js';
import { FoldCommitter } from '../../../src/storage/sqlite/writer/fold-committer.js';
import { batchOf, TestStorage } from '../../helpers/storage.js';

const HOUR = 3_600_000;
const D = 20_700 * 24 * HOUR;

/** What happens between the reading of a fold's sources and its commit. */
describe('a fold that is out of date', () => {
  let store: TestStorage;
  let db: Database.Database;
  let agentKey: number;
  beforeEach(async () => {
    store = await TestStorage.start();
    db = new Database(store.settings.path);
    agentKey = await store.agentKey('a');
    await append(D, 1);
    await append(D + 1, 2);
  });
  afterEach(async () => {
    db.close();
    await store.stop();
  });

  const append = (timestampMs: number, value: number) =>
    store.storage.writer.append(batchOf(agentKey, [{ agentId: 'a', name: 'x', timestampMs, value }]));
  const count = (table: string): number => db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  const plan = () => new FoldPlanner(db).plan({ nowMs: D + 2 * HOUR, everything: false, without: new Set() });
  const fold = (): Fold => {
    const [job] = plan();
    return new Folder(db).fold(job as NonNullable<typeof job>) as Fold;
  };
  const commit = (late: Fold) => db.transaction(() => new FoldCommitter(db).commit(late)).immediate();

  test.each([
    ['the agent is deleted', false, false],
    ['the agent is deleted and erased', true, false],
    ['the agent is deleted, erased and back', true, true],
  ])('leaves nothing when %s', async (_, erased, back) => {
    const late = fold();
    await store.storage.agents.remove(agentKey);
    if (erased) while (await store.storage.agents.eraseDeleted());
    if (back) {
      agentKey = await store.agentKey('a');
      await append(D, 7);
    }
    const rows = count('metric_batches');
    expect(commit(late)).toBe(false);
    expect([count('units'), count('unit_parts'), count('metric_batches')]).toEqual([0, 0, rows]);
  });

  test('leaves nothing when a row was deleted, also when another one came since', async () => {
    const late = fold();
    db.prepare('DELETE FROM metric_batches WHERE id = 2').run();
    await append(D + 2, 3);
    expect(commit(late)).toBe(false);
    expect([count('units'), count('unit_parts'), count('metric_batches')]).toEqual([0, 0, 2]);
  });

  test('is committed once', () => {
    const late = fold();
    expect(commit(late)).toBe(true);
    expect([count('units'), count('metric_batches')]).toEqual([1, 0]);
    expect(commit(late)).toBe(false);
    expect(count('units')).toBe(1);
  });

  test('leaves samples alone that came since', async () => {
    const late = fold();
    await append(D, 9);
    commit(late);
    const query = { filter: {}, range: {}, order: 'oldest' as const, limit: 10, offset: 0 };
    expect([...(await store.storage.reader.samples(query)).values]).toEqual([9, 2]);
    commit(fold());
    expect(count('metric_batches')).toBe(0);
    expect([...(await store.storage.reader.samples(query)).values]).toEqual([9, 2]);
  });

  test('is not even made when a source is gone', async () => {
    const [job] = plan();
    db.prepare('DELETE FROM metric_batches WHERE id = 1').run();
    expect(new Folder(db).fold(job as NonNullable<typeof job>)).toBeNull();
  });
});
