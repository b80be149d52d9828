/**
 * The storage against a model: random batches (late, repeated, several hours apart, object values), the same samples
 * with other values, folds, deletions, retention and restarts, many of them while a fold runs; after each sequence every
 * kind of query must answer what a naive reader over a plain list answers.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SeriesInfo, TimeRange } from '../../src/model/metric.js';
import type { AggregateQuery, MetricReader, SampleRows, TotalsQuery } from '../../src/storage/ports.js';
import { comparableGroups } from '../helpers/comparable-groups.js';
import { ModelledStorage } from '../helpers/modelled-storage.js';
import { ALL_TIME, aggregateQuery, operation, sampleQuery } from '../helpers/storage-arbitraries.js';

let storage: ModelledStorage | null = null;
afterEach(async () => {
  await storage?.stop();
  storage = null;
});

/** Series ids differ between the two (deleted agents' ids are not reused), so rows are compared by identity. */
function plain(rows: SampleRows) {
  const objects = new Map(rows.objectValues.map(({ row, json }) => [row, json]));
  return Array.from(rows.seriesIndex, (index, i) => {
    const { id: _, ...identity } = rows.series[index] as (typeof rows.series)[number];
    return {
      ...identity,
      time: rows.timestampsMs[i],
      value: rows.values[i],
      json: objects.get(i) ?? null,
    };
  });
}

/** What of a range is not older than retention reaches. */
function within<R extends Partial<TimeRange>>(range: R, fromMs: number): R {
  if (fromMs === Number.NEGATIVE_INFINITY) return range;
  const startMs = Math.max(range.startMs ?? fromMs, fromMs);
  return { ...range, startMs, ...(range.endMs === undefined ? {} : { endMs: Math.max(range.endMs, startMs) }) };
}

/** Asked again and again while things change: readers keep parts of their answers. */
const LASTING_QUESTIONS: Omit<AggregateQuery, 'range'>[] = [
  { filter: {}, stepMs: null, groupBy: ['provider'], wants: { increase: true, sumOfMeans: true } },
  { filter: {}, stepMs: 300_000, groupBy: ['name', 'type'], wants: { increase: true, sumOfMeans: true } },
  { filter: { names: ['rx_bytes'] }, stepMs: 86_400_000, groupBy: ['agent'], wants: { sumOfMeans: true } },
  // Steps that no hour or day is made of, and such that span several.
  { filter: {}, stepMs: 420_000, groupBy: ['region'], wants: { increase: true, sumOfMeans: true } },
  { filter: {}, stepMs: 5 * 3_600_000, groupBy: [], wants: { increase: true, sumOfMeans: true } },
  { filter: {}, stepMs: 6 * 3_600_000, groupBy: ['type'], wants: { increase: true, sumOfMeans: true } },
  { filter: {}, stepMs: 2 * 86_400_000, groupBy: ['name'], wants: { increase: true } },
];

async function compareAggregates(modelled: ModelledStorage): Promise<void> {
  for (const question of LASTING_QUESTIONS) {
    const range = within(ALL_TIME, modelled.keptFromMs);
    const [actual, expected] = [
      await modelled.reader.aggregate({ ...question, range }),
      await modelled.model().aggregate({ ...question, range }),
    ];
    expect(comparableGroups(actual)).toEqual(comparableGroups(expected));
  }
  const query = { filter: {}, range: within(ALL_TIME, modelled.keptFromMs) };
  expect(await comparableTotals(modelled.reader, query)).toEqual(await comparableTotals(modelled.model(), query));
}

/** Series by what they are called, because their ids may differ; what is added up only to so many digits. */
async function comparableTotals(reader: MetricReader, query: TotalsQuery) {
  const { series } = await reader.series({ filter: {}, limit: 10_000, offset: 0 });
  const names = new Map(
    series.map(({ id, agentId, name, type, unit, tagsJson }) => [id, JSON.stringify([agentId, name, type, unit, tagsJson])]),
  );
  const { seriesIds, percentiles, ...columns } = await reader.totals(query);
  const all = [...Object.values(columns), ...percentiles];
  const rounded = (value: number) => Number(value.toPrecision(9)) + 0;
  return Object.fromEntries(Array.from(seriesIds, (id, row) => [names.get(id), all.map((column) => rounded(column[row] as number))]));
}

async function compareAll(modelled: ModelledStorage): Promise<void> {
  await compareAggregates(modelled);
  const query = { filter: {}, range: within({}, modelled.keptFromMs), order: 'oldest' as const, limit: 10_000, offset: 0 };
  const identity = ({ agentId, name, type, unit, tagsJson, time }: ReturnType<typeof plain>[number]) =>
    JSON.stringify([agentId, name, type, unit, tagsJson, time]);
  const sorted = (rows: SampleRows) => plain(rows).sort((x, y) => (identity(x) < identity(y) ? -1 : 1));
  expect(sorted(await modelled.reader.samples(query))).toEqual(sorted(await modelled.model().samples(query)));
}

describe('storage answers as the model does', () => {
  test('for any sequence of batches, folds, deletions, retention and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 1, maxLength: 14 }),
        fc.array(sampleQuery, { minLength: 4, maxLength: 8 }),
        fc.array(aggregateQuery, { minLength: 4, maxLength: 8 }),
        async (operations, sampleQueries, aggregateQueries) => {
          await storage?.stop();
          const modelled = await ModelledStorage.start();
          storage = modelled;
          for (const op of operations) {
            await modelled.apply(op, () => compareAll(modelled));
            await compareAggregates(modelled);
          }
          expect(await modelled.orphans()).toBe(0);
          await compareAll(modelled);

          const { reader, renumbered, keptFromMs } = modelled;
          const model = modelled.model();
          for (const query of sampleQueries) {
            const { after: _, ...withoutCursor } = query;
            const comparableQuery = { ...(renumbered ? withoutCursor : query), range: within(query.range, keptFromMs) };
            const [actual, expected] = [await reader.samples(comparableQuery), await model.samples(comparableQuery)];
            expect(plain(actual)).toEqual(plain(expected));
            expect(actual.hasMore).toBe(expected.hasMore);
          }
          for (const query of aggregateQueries.map((given) => ({ ...given, range: within(given.range, keptFromMs) }))) {
            const comparableQuery = renumbered ? { ...query, groupBy: query.groupBy.filter((key) => key !== 'series') } : query;
            expect(comparableGroups(await reader.aggregate(comparableQuery))).toEqual(
              comparableGroups(await model.aggregate(comparableQuery)),
            );
            const { filter, range, wants } = query;
            const totalsQuery = { filter, range, ...(wants?.percentiles !== undefined && { percentiles: wants.percentiles }) };
            expect(await comparableTotals(reader, totalsQuery)).toEqual(await comparableTotals(model, totalsQuery));
            expect(plain(await reader.latest(query))).toEqual(plain(await model.latest(query)));
            expect(await reader.names(query.filter)).toEqual(await model.names(query.filter));
            const page = { filter: query.filter, limit: 5, offset: 2 };
            const [actual, expected] = [await reader.series(page), await model.series(page)];
            const named = (list: readonly SeriesInfo[]) => list.map(({ name, agentId, tagsJson }) => [name, agentId, tagsJson]);
            expect([named(actual.series), actual.total]).toEqual([named(expected.series), expected.total]);
          }
        },
      ),
      // Every run opens a database: report the first counter-example as it is rather than shrink it for minutes.
      { numRuns: 40, endOnFailure: true },
    );
  }, 300_000);
});
