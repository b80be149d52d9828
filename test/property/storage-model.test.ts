/**
 * The storage against a model: random batches (late, repeated, several hours apart, object values), deletions and
 * restarts; after each sequence every kind of query must answer what a naive reader over a plain list answers.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AggregateGroup, AggregateQuery, GroupKey, SampleQuery, SampleRows, SeriesFilter } from '../../src/storage/ports.js';
import { NaiveReader, type Place, type PlainSample } from '../helpers/naive-reader.js';
import { batchOf, TestStorage } from '../helpers/storage.js';

const HOUR = 3_600_000;
/** Samples lie within some three days: hourly and daily units, and the log. */
const SPAN_MS = 60 * HOUR;
const BASE = 1_795_377_600_000;
const PLACES: Record<string, Place> = {
  a: { provider: 'gcp', region: 'us-central1', zone: 'us-central1-a' },
  b: { provider: 'gcp', region: 'europe-west1', zone: '' },
  c: { provider: 'aws', region: 'us-east-1', zone: '' },
};
const AGENTS = Object.keys(PLACES);

const plainSample = fc.record({
  name: fc.constantFrom('rx_bytes', 'ping_rtt', 'PING_loss', 'job'),
  unit: fc.constantFrom(null, 'ms'),
  tags: fc.constantFrom({}, { target: 'x' }, { target: 'y', if: 'eth0' }, { ['__proto__']: 'z' } as Record<string, string>),
  // Few distinct times, on both sides of a full hour, so that the same millisecond comes often.
  timestampMs: fc.oneof(
    fc.integer({ min: 0, max: 12 }).map((step) => BASE + HOUR - 6 + step),
    fc.integer({ min: 0, max: SPAN_MS }).map((offset) => BASE + offset),
  ),
  value: fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.double({ noNaN: true, min: -1e6, max: 1e6 })),
  type: fc.constantFrom('gauge' as const, 'counter' as const),
  object: fc.boolean(),
});

const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      agentId: fc.constantFrom(...AGENTS),
      samples: fc.array(plainSample, { maxLength: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), agentId: fc.constantFrom(...AGENTS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('fold' as const),
      atMs: fc.integer({ min: 0, max: 100 * HOUR }).map((offset) => BASE + offset),
    }),
  },
);

const someOf = <T>(...values: T[]) => fc.option(fc.subarray(values), { nil: undefined, freq: 2 });
const filter: fc.Arbitrary<SeriesFilter> = fc
  .record({
    agentIds: someOf(...AGENTS, 'nobody'),
    providers: someOf('gcp', 'aws'),
    regions: someOf('us-central1', 'us-east-1'),
    names: someOf('rx_bytes', 'ping_rtt', 'job'),
    types: someOf('gauge' as const, 'counter' as const, 'histogram' as const),
    tags: fc.option(
      fc.constantFrom(
        [{ key: 'target', value: 'y' }],
        [
          { key: 'if', value: 'eth0' },
          { key: 'target', value: 'y' },
        ],
        [{ key: '__proto__', value: 'z' }],
      ),
      { nil: undefined, freq: 4 },
    ),
    nameContains: fc.option(fc.constantFrom('PING', '_', '%'), { nil: undefined, freq: 4 }),
  })
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
const edge = fc.integer({ min: -10, max: SPAN_MS + 10 }).map((offset) => BASE + offset);
const range = fc.tuple(edge, edge).map(([x, y]) => ({ startMs: Math.min(x, y), endMs: Math.max(x, y) }));
const sampleQuery: fc.Arbitrary<SampleQuery> = fc
  .record({
    filter,
    range: fc.oneof(
      range,
      fc.constant({}),
      edge.map((endMs) => ({ endMs })),
      edge.map((startMs) => ({ startMs })),
    ),
    order: fc.constantFrom('newest' as const, 'oldest' as const),
    limit: fc.integer({ min: 1, max: 60 }),
    offset: fc.integer({ min: 0, max: 30 }),
    after: fc.option(fc.record({ timestampMs: edge, seriesId: fc.integer({ min: 0, max: 20 }) }), { nil: undefined, freq: 3 }),
  })
  .map(({ after, ...rest }) => (after === undefined ? rest : { ...rest, after }));
const aggregateQuery: fc.Arbitrary<AggregateQuery> = fc.record({
  filter,
  range,
  stepMs: fc.constantFrom(null, 60_000, 300_000, HOUR, 2 * HOUR, 24 * HOUR),
  groupBy: fc.subarray<GroupKey>(['series', 'agent', 'name', 'type', 'unit', 'provider', 'region', 'tag:target']),
  wants: fc.record(
    {
      percentiles: fc.array(fc.constantFrom(1, 25, 50, 90, 99), { maxLength: 3 }),
      increase: fc.boolean(),
      sumOfMeans: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
});

let storage: TestStorage | null = null;
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

function comparable(groups: readonly AggregateGroup[]) {
  const rounded = (column: Float64Array) => Array.from(column, (value) => Number(value.toPrecision(9)));
  return groups
    .map((group) => ({
      ...group,
      bucketsMs: [...group.bucketsMs],
      count: [...group.count],
      sum: rounded(group.sum),
      min: [...group.min],
      max: [...group.max],
      sumOfMeans: group.sumOfMeans && rounded(group.sumOfMeans),
      increase: group.increase && rounded(group.increase),
      percentiles: group.percentiles?.map(rounded),
    }))
    .sort((x, y) => (JSON.stringify(x.labels) < JSON.stringify(y.labels) ? -1 : 1));
}

describe('storage answers as the model does', () => {
  test('for any sequence of batches, deletions and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 1, maxLength: 12 }),
        fc.array(sampleQuery, { minLength: 4, maxLength: 8 }),
        fc.array(aggregateQuery, { minLength: 4, maxLength: 8 }),
        async (operations, sampleQueries, aggregateQueries) => {
          await storage?.stop();
          storage = await TestStorage.start();
          let kept: PlainSample[] = [];
          let receivedAtMs = BASE;
          for (const op of operations) {
            if (op.kind === 'restart') {
              await storage.restart();
            } else if (op.kind === 'fold') {
              await storage.foldAt(op.atMs);
            } else if (op.kind === 'remove') {
              await storage.storage.agents.remove(await storage.agentKey(op.agentId, PLACES[op.agentId]));
              kept = kept.filter((sample) => sample.agentId !== op.agentId);
            } else {
              receivedAtMs += 1;
              const samples: PlainSample[] = op.samples.map(({ object, value, ...sample }) => ({
                ...sample,
                agentId: op.agentId,
                receivedAtMs,
                ...(object ? { type: 'histogram' as const, value: { value, note: receivedAtMs } } : { value }),
              }));
              const agentKey = await storage.agentKey(op.agentId, PLACES[op.agentId]);
              await storage.storage.writer.append(batchOf(agentKey, samples, { receivedAtMs }));
              kept.push(...samples);
            }
          }
          const { reader } = storage.storage;
          const model = new NaiveReader(kept, PLACES);
          // The model numbers series in the order of first appearance; so does storage, but for what was deleted.
          const renumbered = operations.some((op) => op.kind === 'remove');
          for (const query of sampleQueries) {
            const { after: _, ...withoutCursor } = query;
            const comparableQuery = renumbered ? withoutCursor : query;
            const [actual, expected] = [await reader.samples(comparableQuery), await model.samples(comparableQuery)];
            expect(plain(actual)).toEqual(plain(expected));
            expect(actual.hasMore).toBe(expected.hasMore);
          }
          for (const query of aggregateQueries) {
            const comparableQuery = renumbered ? { ...query, groupBy: query.groupBy.filter((key) => key !== 'series') } : query;
            expect(comparable(await reader.aggregate(comparableQuery))).toEqual(comparable(await model.aggregate(comparableQuery)));
          }
          for (const query of aggregateQueries) {
            expect(plain(await reader.latest(query))).toEqual(plain(await model.latest(query)));
            expect(await reader.names(query.filter)).toEqual(await model.names(query.filter));
            const ids = (list: { name: string; agentId: string; tagsJson: string }[]) => list.map((s) => [s.name, s.agentId, s.tagsJson]);
            expect(ids(await reader.series({ filter: query.filter, limit: 5 }))).toEqual(
              ids(await model.series({ filter: query.filter, limit: 5 })),
            );
          }
        },
      ),
      // Every run opens a database: report the first counter-example as it is rather than shrink it for minutes.
      { numRuns: 40, endOnFailure: true },
    );
  }, 120_000);
});
