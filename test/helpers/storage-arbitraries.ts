/** What the storage is asked to do in property tests, at random: sequences of changes, some of them while a fold runs, and queries. */
import fc from 'fast-check';
import type { AggregateQuery, GroupKey, SampleQuery, SeriesFilter } from '../../src/storage/ports.js';
import type { Place } from './naive-reader.js';

const HOUR = 3_600_000;
/** Samples lie within some three days: hourly and daily units, and the log. */
const SPAN_MS = 60 * HOUR;
const BASE = 1_795_377_600_000;
/** All samples lie in it. */
export const ALL_TIME = { startMs: BASE - HOUR, endMs: BASE + SPAN_MS + HOUR };
export const PLACES: Record<string, Place> = {
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

const agentId = fc.constantFrom(...AGENTS);
const samples = (maxLength: number) => fc.array(plainSample, { maxLength });
const time = (hours: number) => fc.integer({ min: 0, max: hours * HOUR }).map((offset) => BASE + offset);

const append = fc.record({ kind: fc.constant('append' as const), agentId, samples: samples(40) });
/** The agent's newest samples again, with other values. */
const rewrite = fc.record({ kind: fc.constant('rewrite' as const), agentId, count: fc.integer({ min: 1, max: 15 }) });
/** The agent may be back at once, with these samples. */
const remove = fc.record({ kind: fc.constant('remove' as const), agentId, samples: fc.oneof(fc.constant([]), samples(10)) });
const erase = fc.record({ kind: fc.constant('erase' as const), slices: fc.integer({ min: 1, max: 6 }) });
const purge = fc.record({ kind: fc.constant('purge' as const), beforeMs: time(50) });
const restart = fc.record({ kind: fc.constant('restart' as const) });
const fold = fc.record({ kind: fc.constant('fold' as const), atMs: time(100) });
/** Compares all there is with the model, at once. */
const look = fc.record({ kind: fc.constant('look' as const) });

/** One change after the other; `pauseMs` before it says where in the fold it comes. */
const change = fc.oneof(
  { weight: 8, arbitrary: append },
  { weight: 3, arbitrary: rewrite },
  { weight: 2, arbitrary: remove },
  { weight: 2, arbitrary: erase },
  { weight: 1, arbitrary: purge },
  { weight: 1, arbitrary: restart },
  { weight: 2, arbitrary: look },
);
const foldWith = fc.record({
  kind: fc.constant('fold with' as const),
  atMs: time(100),
  changes: fc.array(fc.record({ pauseMs: fc.integer({ min: 0, max: 60 }), change }), { minLength: 1, maxLength: 5 }),
});

export const operation = fc.oneof({ weight: 16, arbitrary: change }, { weight: 4, arbitrary: fold }, { weight: 4, arbitrary: foldWith });
export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
export type PlannedSample = typeof plainSample extends fc.Arbitrary<infer T> ? T : never;

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
export const sampleQuery: fc.Arbitrary<SampleQuery> = fc
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
export const aggregateQuery: fc.Arbitrary<AggregateQuery> = fc.record({
  filter,
  range,
  stepMs: fc.constantFrom(null, 60_000, 300_000, 420_000, HOUR, 2 * HOUR, 5 * HOUR, 24 * HOUR, 48 * HOUR, 168 * HOUR),
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
