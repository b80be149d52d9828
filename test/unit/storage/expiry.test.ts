import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import type { PlainSample } from '../../helpers/naive-reader.js';
import { batchOf, TestStorage } from '../../helpers/storage.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const D = Math.floor(1_795_377_600_000 / DAY) * DAY;
const TWO_DAYS = { startMs: D, endMs: D + 2 * DAY };

let store: TestStorage;
beforeEach(async () => {
  store = await TestStorage.start();
});
afterEach(() => store.stop());

async function append(agentKey: number, ...timesMs: number[]): Promise<void> {
  const samples = timesMs.map((timestampMs, i): PlainSample => ({ agentId: 'a', name: 'x', timestampMs, value: i + 1 }));
  await store.storage.writer.append(batchOf(agentKey, samples, { receivedAtMs: D }));
}

/** A round of the housekeeper's: samples before the first limit, rollups of five minutes and of an hour before the others. */
async function expire(samplesBeforeMs: number, fiveMinutesBeforeMs = 0, oneHourBeforeMs = 0): Promise<void> {
  const limits = { samplesBeforeMs, fiveMinutesBeforeMs, oneHourBeforeMs, receiptsBeforeMs: 0, activitiesBeforeMs: 0 };
  while (await store.storage.agents.purge(limits));
}

/** Tier and day of every unit, and the rows of the log. */
function stored(): { units: unknown[]; batches: unknown } {
  const db = new Database(store.settings.path, { readonly: true });
  const units = db.prepare(`SELECT tier, (start_ms - ${D}) / ${HOUR} FROM units ORDER BY tier, start_ms`).raw().all();
  const batches = db.prepare('SELECT count(*) FROM metric_batches').pluck().get();
  db.close();
  return { units, batches };
}

async function sums(stepMs: number | null, range = TWO_DAYS): Promise<number[][]> {
  const groups = await store.storage.reader.aggregate({ filter: {}, range, stepMs, groupBy: [] });
  return groups.flatMap(({ bucketsMs, count, sum }) =>
    Array.from(bucketsMs, (bucket, i) => [bucket - D, count[i] as number, sum[i] as number]),
  );
}

describe('samples that had their time', () => {
  test('a merged day has its hourly rollup; five minutes take the place of samples when all of the day is past its time', async () => {
    const key = await store.agentKey('a');
    await append(key, D, D + 4 * MINUTE, D + 5 * HOUR);
    await store.foldAt(D + 3 * DAY);
    expect(stored()).toEqual({
      units: [
        [0, 0],
        [2, 0],
      ],
      batches: 0,
    });
    await expire(D + DAY - 1);
    expect(stored().units).toHaveLength(2);
    await expire(D + DAY);
    expect(stored().units).toEqual([
      [1, 0],
      [2, 0],
    ]);
    expect(await sums(5 * MINUTE)).toEqual([
      [0, 2, 3],
      [5 * HOUR, 1, 3],
    ]);
    await expire(D + DAY, D + DAY);
    expect(stored().units).toEqual([[2, 0]]);
    expect(await sums(null)).toEqual([[0, 3, 6]]);
    await expect(sums(5 * MINUTE)).rejects.toMatchObject({
      code: 'validation_failed',
      message: 'of 2026-11-22 intervals that are no multiple of an hour need the samples, and there are none',
    });
    await expire(D + DAY, D + DAY, D + DAY);
    expect(stored().units).toEqual([]);
    expect(await sums(5 * MINUTE)).toEqual([]);
  });

  test('hours that were never merged, and rows that were never folded, go the same way', async () => {
    const key = await store.agentKey('a');
    await append(key, D + HOUR, D + DAY);
    await store.foldAt(D + 3 * HOUR);
    await append(key, D + 7 * HOUR);
    expect(stored()).toEqual({ units: [[0, 1]], batches: 2 });
    await expire(D + DAY);
    expect(stored()).toEqual({
      units: [
        [1, 0],
        [2, 0],
      ],
      batches: 1,
    });
    expect(await sums(HOUR)).toEqual([
      [HOUR, 1, 1],
      [7 * HOUR, 1, 1],
      [DAY, 1, 2],
    ]);
  });

  test('no tier wants them: they are deleted', async () => {
    await append(await store.agentKey('a'), D, D + DAY);
    await expire(D + DAY, D + DAY, D + DAY);
    expect(stored()).toEqual({ units: [], batches: 1 });
  });

  test('what comes late goes into the rollups, and is not seen twice meanwhile', async () => {
    const key = await store.agentKey('a');
    await append(key, D, D + HOUR);
    await expire(D + DAY);
    await append(key, D + MINUTE, D + 2 * HOUR);
    expect(await sums(DAY)).toEqual([[0, 2, 3]]);
    await store.foldAt(D + 3 * DAY);
    expect(stored()).toEqual({
      units: [
        [1, 0],
        [2, 0],
      ],
      batches: 0,
    });
    expect(await sums(HOUR)).toEqual([
      [0, 2, 2],
      [HOUR, 1, 2],
      [2 * HOUR, 1, 2],
    ]);
  });

  test('a range that cuts a row has it when its start is in the range; five minutes are asked where hours are cut', async () => {
    await append(await store.agentKey('a'), D + 2 * MINUTE, D + 58 * MINUTE, D + 61 * MINUTE);
    await expire(D + DAY);
    expect(await sums(null, { startMs: D + 1, endMs: D + 2 * HOUR })).toEqual([[1, 2, 5]]);
    await expire(D + DAY, D + DAY);
    expect(await sums(null, { startMs: D + 1, endMs: D + 2 * HOUR })).toEqual([[1, 1, 3]]);
  });

  test('percentiles are refused only for series that are concerned', async () => {
    await append(await store.agentKey('a'), D, D + DAY);
    await expire(D + DAY);
    const query = { filter: { names: ['x'] }, range: TWO_DAYS, stepMs: null, groupBy: [], wants: { percentiles: [50] } };
    await expect(store.storage.reader.aggregate(query)).rejects.toThrow(
      'of 2026-11-22 percentiles need the samples, which are there from 2026-11-23T00:00:00.000Z on',
    );
    expect(await store.storage.reader.aggregate({ ...query, filter: { names: ['y'] } })).toEqual([]);
    expect(await store.storage.reader.aggregate({ ...query, range: { startMs: D + DAY, endMs: D + 2 * DAY } })).toHaveLength(1);
  });
});

test('agents that lived for a day stay as long as anything of them does, others go with their samples', async () => {
  const day = await store.agentKey('long');
  await append(day, D);
  const db = new Database(store.settings.path);
  const crashed = await store.agentKey('short');
  await append(crashed, D);
  db.prepare('UPDATE agents SET created_at_ms = ?, last_seen_ms = ? WHERE id = ?').run(D - HOUR, D, 'short');
  db.close();
  await expire(D + DAY);
  const expired = async () => (await store.storage.agents.expired(D + DAY)).map(({ id }) => id).sort();
  expect(await expired()).toEqual(['short']);
  await expire(D + DAY, D + DAY, D + DAY);
  expect(await expired()).toEqual(['long', 'short']);
});

test('usage says what each tier and the log occupy', async () => {
  const key = await store.agentKey('a');
  await append(key, D, D + HOUR);
  await expire(D + DAY);
  await append(key, D + DAY);
  expect(await store.storage.health.usage()).toEqual({
    tiers: [
      { tier: 'raw', units: 0, samples: 0, bytes: 0, oldestMs: null, newestMs: null },
      { tier: '5m', units: 1, samples: 2, bytes: expect.any(Number), oldestMs: D, newestMs: D + DAY },
      { tier: '1h', units: 1, samples: 2, bytes: expect.any(Number), oldestMs: D, newestMs: D + DAY },
    ],
    log: { batches: 1, bytes: expect.any(Number) },
    series: 1,
  });
});
