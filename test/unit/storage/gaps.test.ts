/** What storage keeps of batches that have not come and samples that were dropped; the arithmetic is in test/property/missing-batches. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { AppError } from '../../../src/model/errors.js';
import type { AgentGap, AppendResult, PurgeLimits } from '../../../src/storage/ports.js';
import { KnownGaps } from '../../../src/storage/sqlite/known-gaps.js';
import { batchOf, TestStorage } from '../../helpers/storage.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 20);
const EVER = { startMs: 0, endMs: Number.MAX_SAFE_INTEGER };
const NOTHING_GOES: PurgeLimits = {
  samplesBeforeMs: 0,
  fiveMinutesBeforeMs: 0,
  oneHourBeforeMs: 0,
  receiptsBeforeMs: 0,
  activitiesBeforeMs: 0,
};

let store: TestStorage;
let agentKey: number;
beforeEach(async () => {
  store = await TestStorage.start();
  agentKey = await store.agentKey('a');
});
afterEach(() => store.stop());

/** Batch `seq`: two samples, a second apart, at minute `seq`. */
function send(seq: number | null, { batchId = null as string | null, key = agentKey, atMs = START_MS } = {}): Promise<AppendResult> {
  const timeMs = atMs + (seq ?? 0) * MINUTE_MS;
  const samples = [timeMs, timeMs + 1_000].map((timestampMs) => ({ agentId: 'a', name: 'm', timestampMs, value: 1 }));
  return store.storage.writer.append(batchOf(key, samples, { seq, batchId, receivedAtMs: START_MS + DAY_MS }));
}

function missing(first: number, last: number, key = agentKey): AgentGap {
  const fromMs = START_MS + (first - 1) * MINUTE_MS + 1_000;
  return { agentKey: key, reason: 'missing', fromMs, toMs: START_MS + (last + 1) * MINUTE_MS, lost: last - first + 1 };
}

async function gaps(range = EVER, agentKeys: readonly number[] | null = null, limit = 100): Promise<AgentGap[]> {
  const found = await store.storage.gaps.within({ agentKeys, range, limit });
  return found.toSorted((a, b) => a.fromMs - b.fromMs);
}

const agentsWithGaps = (): number[] => [...store.storage.gaps.agents];

test('an agent that does not count has no gaps, nor has one whose batches all come', async () => {
  for (const seq of [null, 5, 6, null, 7]) expect(await send(seq)).not.toHaveProperty('hasGaps');
  expect(await gaps()).toEqual([]);
  expect(agentsWithGaps()).toEqual([]);
});

test('what is missing is known until it comes, also over a restart', async () => {
  await send(1);
  expect(await send(6)).toMatchObject({ hasGaps: true });
  expect(await gaps()).toEqual([missing(2, 5)]);
  await send(3);
  expect(await gaps()).toEqual([missing(2, 2), missing(4, 5)]);

  await store.restart();
  expect(agentsWithGaps()).toEqual([agentKey]);
  await send(7);
  for (const seq of [5, 2]) expect(await send(seq)).toMatchObject({ hasGaps: true });
  expect(await gaps()).toEqual([missing(4, 4)]);
  expect(await send(4)).toMatchObject({ hasGaps: false });
  expect(await gaps()).toEqual([]);
  expect(agentsWithGaps()).toEqual([]);
});

test('a batch that is known by its id is not counted again', async () => {
  await send(1, { batchId: 'one' });
  await send(2, { batchId: 'two' });
  await send(5, { batchId: 'five' });
  // The agent has its own reasons for another number; the first one holds.
  expect(await send(3, { batchId: 'two' })).toMatchObject({ duplicate: true });
  expect(await gaps()).toEqual([missing(3, 4)]);
});

test('of a group in which one batch fails, the others are counted once', async () => {
  const gone = await store.agentKey('gone');
  await store.storage.agents.remove(gone);
  const sent = await Promise.allSettled([send(1), send(4), send(1, { key: gone }), send(2), send(6, { key: gone }), send(5)]);
  expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
  expect(await gaps()).toEqual([missing(3, 3)]);
  expect(agentsWithGaps()).toEqual([agentKey]);
});

test('a batch without a sample that is stored counts all the same', async () => {
  const nothing = (seq: number): Promise<AppendResult> =>
    store.storage.writer.append(batchOf(agentKey, [], { seq, rejected: 3, lastError: 'bad', receivedAtMs: START_MS + 3 * MINUTE_MS }));
  await send(1);
  await nothing(3);
  expect(await gaps()).toEqual([missing(2, 2)]);
  await nothing(2);
  expect(await gaps()).toEqual([]);
});

test('numbers as large as they may be are kept exactly, also beside each other', async () => {
  const most = 2 ** 48;
  await store.storage.writer.append(batchOf(agentKey, [{ agentId: 'a', name: 'm', timestampMs: 1, value: 1 }], { seq: 0 }));
  await store.storage.writer.append(batchOf(agentKey, [{ agentId: 'a', name: 'm', timestampMs: 2, value: 1 }], { seq: most }));
  expect(await gaps()).toEqual([{ agentKey, reason: 'missing', fromMs: 1, toMs: 2, lost: most - 1 }]);
});

test('of what was dropped, a repeated report says nothing new, a grown one takes its place', async () => {
  const report = { count: 10, fromMs: START_MS, toMs: START_MS + MINUTE_MS };
  const { agents } = store.storage;
  expect(await agents.recordDropped(agentKey, report)).toBe(true);
  expect(await agents.recordDropped(agentKey, report)).toBe(false);
  expect(agentsWithGaps()).toEqual([agentKey]);
  await store.restart();
  expect(await store.storage.agents.recordDropped(agentKey, report)).toBe(false);
  const grown = { ...report, count: 15, toMs: START_MS + 2 * MINUTE_MS };
  expect(await store.storage.agents.recordDropped(agentKey, grown)).toBe(true);
  expect(await store.storage.agents.recordDropped(agentKey, report)).toBe(false);
  const older = { ...grown, count: 20, fromMs: START_MS - MINUTE_MS };
  expect(await store.storage.agents.recordDropped(agentKey, older)).toBe(true);
  const later = { count: 1, fromMs: grown.toMs + 1, toMs: grown.toMs + 1 };
  expect(await store.storage.agents.recordDropped(agentKey, later)).toBe(true);
  expect(await gaps()).toEqual([
    { agentKey, reason: 'dropped', fromMs: older.fromMs, toMs: older.toMs, lost: 20 },
    { agentKey, reason: 'dropped', fromMs: later.fromMs, toMs: later.toMs, lost: 1 },
  ]);
});

test('reports beyond a thousand are put together with their neighbours, and not with what is missing', async () => {
  const { agents } = store.storage;
  await send(1);
  await send(3);
  for (let n = 0; n < 1_050; n += 1) {
    const fromMs = START_MS + (n + 10) * MINUTE_MS;
    await agents.recordDropped(agentKey, { count: 2, fromMs, toMs: fromMs + 1_000 });
  }
  const found = await gaps(EVER, [agentKey], 5_000);
  expect(found.length).toBeLessThanOrEqual(1_000);
  expect(found[0]).toEqual(missing(2, 2));
  expect(found.slice(1).reduce((sum, { lost }) => sum + lost, 0)).toBe(2_100);
});

test('of a deleted agent nothing is kept, and nothing is recorded', async () => {
  await send(1);
  await send(3);
  await store.storage.agents.remove(agentKey);
  expect(agentsWithGaps()).toEqual([]);
  expect(await store.storage.agents.recordDropped(agentKey, { count: 1, fromMs: 1, toMs: 2 })).toBe(false);
  while (await store.storage.agents.eraseDeleted());
  const db = new Database(store.settings.path, { readonly: true });
  expect(db.prepare('SELECT count(*) FROM agent_gaps').pluck().get()).toBe(0);
  db.close();
  // Its namesake begins to count anew.
  const next = await store.agentKey('a');
  await send(9, { key: next });
  expect(await gaps()).toEqual([]);
});

test('gaps go with the days of samples around them', async () => {
  const other = await store.agentKey('b');
  await send(1);
  await send(3);
  await send(1, { key: other });
  await send(3, { key: other });
  await send(4, { key: other });
  const nextDay = START_MS + DAY_MS;
  await send(6, { key: other, atMs: nextDay });
  const purge = async (samplesBeforeMs: number): Promise<void> => {
    while (await store.storage.agents.purge({ ...NOTHING_GOES, samplesBeforeMs }));
  };
  await purge(nextDay - 1);
  expect(await gaps()).toHaveLength(3);
  await purge(nextDay + 1);
  expect((await gaps()).map(({ agentKey: key, toMs }) => [key, toMs])).toEqual([[other, nextDay + 6 * MINUTE_MS]]);
  expect(agentsWithGaps()).toEqual([other]);
});

test('a range holds the gaps that touch it, of those agents, the newest', async () => {
  const other = await store.agentKey('b');
  for (const seq of [1, 3, 5, 7]) await send(seq);
  for (const seq of [1, 3]) await send(seq, { key: other });
  const [two, four, six] = [missing(2, 2), missing(4, 4), missing(6, 6)];
  expect(await gaps({ startMs: four.fromMs, endMs: four.toMs }, [agentKey])).toEqual([four]);
  expect(await gaps({ startMs: two.toMs, endMs: six.fromMs }, [agentKey])).toEqual([four]);
  expect(await gaps({ startMs: two.toMs - 1, endMs: six.fromMs + 1 }, [agentKey])).toEqual([two, four, six]);
  expect(await gaps(EVER, [other])).toEqual([missing(2, 2, other)]);
  expect(await gaps(EVER, [other, agentKey], 2)).toEqual([four, six]);
  expect(await gaps(EVER, null, 2)).toEqual([four, six]);
});

test('a gap of no length is where it is', async () => {
  const at = (seq: number, timestampMs: number): Promise<AppendResult> =>
    store.storage.writer.append(batchOf(agentKey, [{ agentId: 'a', name: 'm', timestampMs, value: 1 }], { seq }));
  await at(1, START_MS);
  await at(3, START_MS);
  const gap = { agentKey, reason: 'missing', fromMs: START_MS, toMs: START_MS, lost: 1 };
  expect(await gaps({ startMs: START_MS, endMs: START_MS + 1 })).toEqual([gap]);
  expect(await gaps({ startMs: START_MS - 1, endMs: START_MS })).toEqual([]);
  expect(await gaps({ startMs: START_MS + 1, endMs: START_MS + 2 })).toEqual([]);
});

test('an agent counts as one with gaps when nobody knows what became of a write', async () => {
  const known = new KnownGaps();
  const failing = (agent: number, code: 'storage_unavailable' | 'storage_full'): Promise<unknown> =>
    known.watch(agent, Promise.reject(new AppError(code, 'no')), () => null).catch((error: unknown) => error);
  expect(await failing(1, 'storage_unavailable')).toMatchObject({ code: 'storage_unavailable' });
  await failing(2, 'storage_full');
  expect([...known.keys]).toEqual([1]);
});
