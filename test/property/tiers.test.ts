/**
 * Tiers against a model: random samples of several days, folded and retired at random points. Whole days must add up to
 * what a naive reader says of all samples ever taken, whatever is left of them; what rollups cannot tell is refused.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import type { AggregateQuery, PurgeLimits } from '../../src/storage/ports.js';
import { comparableGroups } from '../helpers/comparable-groups.js';
import { NaiveReader, type PlainSample } from '../helpers/naive-reader.js';
import { SeededRandom } from '../helpers/seeded-random.js';
import { batchOf, TestStorage } from '../helpers/storage.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const D = Math.floor(1_795_377_600_000 / DAY) * DAY;
const DAYS = 6;
const PLACE = { provider: 'gcp', region: 'r', zone: 'z' };
const PLACES = { a: PLACE, b: PLACE };
const WHOLE = { startMs: D, endMs: D + DAYS * DAY };

let storage: TestStorage | null = null;
afterEach(async () => {
  await storage?.stop();
  storage = null;
});

const plainSample = fc.record({
  name: fc.constantFrom('rx', 'rtt', 'up'),
  type: fc.constantFrom('gauge' as const, 'counter' as const),
  tags: fc.constantFrom({}, { if: 'eth0' }),
  offsetMs: fc.oneof(
    fc.integer({ min: 0, max: DAY - 1 }),
    fc.integer({ min: 0, max: 23 }).chain((hour) => fc.integer({ min: 0, max: 20 }).map((step) => hour * HOUR + step * MINUTE)),
  ),
  // Quarters add up to the same in any order.
  value: fc.oneof(
    fc.integer({ min: -100, max: 1_000 }),
    fc.integer({ min: -4_000_000, max: 4_000_000 }).map((n) => n / 4),
  ),
});

/** What happens in one day: samples of it and of the days before that are still taken, and then a look at what is due. */
const oneDay = fc.array(
  fc.record({
    agentId: fc.constantFrom('a' as const, 'b' as const),
    daysAgo: fc.constantFrom(0, 0, 0, 1, 2),
    samples: fc.array(plainSample, { minLength: 1, maxLength: 25 }),
    fold: fc.boolean(),
  }),
  { maxLength: 3 },
);

const retention = fc.record({
  rawDays: fc.constantFrom(2, 3),
  fiveMinuteDays: fc.constantFrom(0, 3, 400),
  oneHourDays: fc.constantFrom(3, 400),
});

const query: fc.Arbitrary<AggregateQuery> = fc.record({
  filter: fc.constantFrom({}, { agentIds: ['a'] }, { names: ['rx'] }),
  range: fc.tuple(fc.integer({ min: 0, max: DAYS - 1 }), fc.integer({ min: 1, max: DAYS })).map(([from, days]) => ({
    startMs: D + from * DAY,
    endMs: D + Math.min(DAYS, from + days) * DAY,
  })),
  stepMs: fc.constantFrom(null, 5 * MINUTE, HOUR, 6 * HOUR, DAY),
  groupBy: fc.constantFrom([], ['agent' as const], ['name' as const, 'type' as const]),
  wants: fc.constantFrom({}, { increase: true }, { increase: true, sumOfMeans: true }),
});

/** Means of parts are rounded: a tie of the last digit may fall either way. */
function nearly(group: ReturnType<typeof comparableGroups>[number]) {
  return { ...group, sumOfMeans: group.sumOfMeans?.map((mean) => expect.closeTo(mean, 1)) };
}

interface Retention {
  readonly rawDays: number;
  readonly fiveMinuteDays: number;
  readonly oneHourDays: number;
}

function limitsAt(nowMs: number, { rawDays, fiveMinuteDays, oneHourDays }: Retention): PurgeLimits {
  return {
    samplesBeforeMs: nowMs - rawDays * DAY,
    fiveMinutesBeforeMs: nowMs - fiveMinuteDays * DAY,
    oneHourBeforeMs: nowMs - oneHourDays * DAY,
    receiptsBeforeMs: 0,
    activitiesBeforeMs: 0,
  };
}

/** Tiers that hold something of each day, from a database nobody else looks at this way. */
function tiersByDay(path: string): Map<number, Set<string>> {
  const db = new Database(path, { readonly: true });
  const found = new Map<number, Set<string>>();
  const rows = db
    .prepare<[], { dayMs: number; agentId: string; tier: number }>(
      `SELECT u.start_ms / ${DAY} * ${DAY} AS dayMs, a.id AS agentId, u.tier FROM units u JOIN agents a USING (agent_key)
       UNION SELECT b.window_ms / ${DAY} * ${DAY}, a.id, 0 FROM metric_batches b JOIN agents a USING (agent_key)`,
    )
    .all();
  db.close();
  for (const { dayMs, agentId, tier } of rows) {
    const ofDay = found.get(dayMs) ?? new Set<string>();
    found.set(dayMs, ofDay.add(`${agentId}${tier}`));
  }
  return found;
}

describe('tiers', () => {
  test('whole days add up to all samples ever taken, as far back as a tier reaches', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(oneDay, { minLength: DAYS, maxLength: DAYS }),
        retention,
        fc.array(query, { minLength: 6, maxLength: 12 }),
        async (days, kept, queries) => {
          await storage?.stop();
          storage = await TestStorage.start();
          const { agents } = storage.storage;
          let all: PlainSample[] = [];
          for (const [index, deliveries] of days.entries()) {
            const dayMs = D + index * DAY;
            for (const { agentId, daysAgo, samples, fold } of deliveries) {
              // As ingest does: what is older than retention is not taken.
              const sampleDayMs = Math.max(D, dayMs - Math.min(daysAgo, kept.rawDays - 1) * DAY);
              const taken = samples.map(({ offsetMs, ...sample }) => ({ ...sample, agentId, timestampMs: sampleDayMs + offsetMs }));
              await storage.storage.writer.append(batchOf(await storage.agentKey(agentId, PLACE), taken));
              all.push(...taken);
              if (fold) await storage.foldAt(dayMs + DAY + 10 * MINUTE);
            }
            while (await agents.purge(limitsAt(dayMs + DAY, kept)));
          }
          const tiers = tiersByDay(storage.settings.path);
          // Days no tier holds any more are gone for the model as well.
          all = all.filter(({ agentId, timestampMs }) => {
            const held = tiers.get(Math.floor(timestampMs / DAY) * DAY);
            return [0, 1, 2].some((tier) => held?.has(`${agentId}${tier}`));
          });
          const nowMs = D + DAYS * DAY;
          const longest = Math.max(kept.rawDays, kept.fiveMinuteDays, kept.oneHourDays);
          for (const { timestampMs } of all) expect(timestampMs).toBeGreaterThanOrEqual(nowMs - (longest + 1) * DAY);
          const model = new NaiveReader(all, PLACES);
          for (const asked of queries) {
            const served = (stepMs: number | null) =>
              [...tiers].every(
                ([dayMs, held]) =>
                  dayMs < asked.range.startMs ||
                  dayMs >= asked.range.endMs ||
                  Object.keys(PLACES).every(
                    (id) =>
                      held.has(`${id}0`) ||
                      (!held.has(`${id}1`) && !held.has(`${id}2`)) ||
                      (held.has(`${id}1`) && (stepMs === null || stepMs % (5 * MINUTE) === 0)) ||
                      (held.has(`${id}2`) && (stepMs === null || stepMs % HOUR === 0)),
                  ),
              );
            const outcome = await storage.storage.reader.aggregate(asked).catch((error: Error) => error);
            if (Array.isArray(outcome))
              expect(comparableGroups(outcome)).toEqual(comparableGroups(await model.aggregate(asked)).map(nearly));
            else {
              expect(served(asked.stepMs)).toBe(false);
              expect(outcome).toMatchObject({
                code: 'validation_failed',
                message: expect.stringMatching(/no multiple of an hour need the samples/),
              });
            }
          }
          const anyGone = [...tiers.values()].some((held) =>
            ['a', 'b'].some((id) => !held.has(`${id}0`) && (held.has(`${id}1`) || held.has(`${id}2`))),
          );
          const percentiles = storage.storage.reader.aggregate({
            filter: {},
            range: WHOLE,
            stepMs: DAY,
            groupBy: [],
            wants: { percentiles: [50] },
          });
          if (anyGone)
            await expect(percentiles).rejects.toThrow(/percentiles need the samples, (which are there from 2026-|and there are none)/);
          else await percentiles;
        },
      ),
      // Every run folds and retires six days in threads.
      { numRuns: 12, endOnFailure: true },
    );
  }, 240_000);

  test('a fortnight at a steady load ends with a steady file', async () => {
    storage = await TestStorage.start();
    const random = new SeededRandom(7);
    const kept = { rawDays: 3, fiveMinuteDays: 5, oneHourDays: 7 };
    const keys = [await storage.agentKey('a', PLACE), await storage.agentKey('b', PLACE)];
    const used: number[] = [];
    const pages: number[] = [];
    for (let day = 0; day < 14; day += 1) {
      for (let hour = 0; hour < 24; hour += 1) {
        const hourMs = D + day * DAY + hour * HOUR;
        for (const [i, key] of keys.entries()) {
          const samples = Array.from({ length: 200 }, (_, n) => ({
            agentId: i === 0 ? 'a' : 'b',
            name: `m${n % 20}`,
            timestampMs: hourMs + Math.floor(n / 20) * 6 * MINUTE,
            value: random.next() * 1_000,
          }));
          await storage.storage.writer.append(batchOf(key, samples));
        }
        if (hour % 12 === 11) await storage.foldAt(hourMs + HOUR + 6 * MINUTE);
      }
      while (await storage.storage.agents.purge(limitsAt(D + (day + 1) * DAY, kept)));
      const db = new Database(storage.settings.path, { readonly: true });
      const figure = (name: string): number => db.pragma(name, { simple: true }) as number;
      pages.push(figure('page_count'));
      used.push(figure('page_count') - figure('freelist_count'));
      db.close();
    }
    // Full after the longest retention; what is used then stays within the size of single pages that are more or less full.
    const [middle, last] = [used.slice(9, 11), used.slice(12)];
    expect(Math.max(...last)).toBeLessThanOrEqual(1.02 * Math.max(...middle));
    expect(pages.at(-1)).toBeLessThanOrEqual(1.02 * (pages[10] as number));
    const { tiers, log } = await storage.storage.health.usage();
    expect(tiers.map(({ tier, newestMs, oldestMs }) => [tier, ((newestMs ?? 0) - (oldestMs ?? 0)) / DAY])).toEqual([
      ['raw', 3],
      ['5m', 2],
      // The days before the newest two are merged, and get theirs then.
      ['1h', 5],
    ]);
    expect(tiers[0]?.samples).toBe(3 * 24 * 2 * 200 - log.batches * 200);
  }, 240_000);
});
