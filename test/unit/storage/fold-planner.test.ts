import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { FoldPlanner } from '../../../src/storage/sqlite/units/fold-planner.js';
import { jobKey } from '../../../src/storage/sqlite/units/folder.js';
import { batchOf, TestStorage } from '../../helpers/storage.js';

const HOUR = 3_600_000;
/** A day begins here (UTC). */
const D = 20_700 * 24 * HOUR;

describe('FoldPlanner', () => {
  let store: TestStorage;
  let db: Database.Database;
  let agentKey: number;
  beforeEach(async () => {
    store = await TestStorage.start();
    db = new Database(store.settings.path);
    agentKey = await store.agentKey('a');
    for (const hour of [3, 1, 2, 0]) {
      await store.storage.writer.append(batchOf(agentKey, [{ agentId: 'a', name: 'x', timestampMs: D + hour * HOUR, value: hour }]));
    }
  });
  afterEach(async () => {
    db.close();
    await store.stop();
  });

  const plannedHours = (nowMs: number, everything = false, without: readonly string[] = []): number[] =>
    new FoldPlanner(db).plan({ nowMs, everything, without: new Set(without) }).map(({ startMs }) => (startMs - D) / HOUR);

  test('the newest hours come first: they are asked for', () => {
    expect(plannedHours(D + 4 * HOUR)).toEqual([3, 2, 1, 0]);
  });

  test('what is not due is left out, however it lies; so is what cannot be folded', () => {
    expect(plannedHours(D + 3 * HOUR)).toEqual([2, 1, 0]);
    expect(plannedHours(D + 3 * HOUR, true)).toEqual([3, 2, 1, 0]);
    expect(plannedHours(D)).toEqual([]);
    expect(plannedHours(D + 4 * HOUR, false, [jobKey({ agentKey, startMs: D + 2 * HOUR, spanMs: HOUR })])).toEqual([3, 1, 0]);
  });
});
