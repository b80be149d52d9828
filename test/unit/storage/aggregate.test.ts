import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SeriesInfo } from '../../../src/model/metric.js';
import { Aggregator, MAX_PERCENTILE_VALUES } from '../../../src/storage/engine/aggregate.js';
import { AggregateBudget, GroupRows } from '../../../src/storage/engine/group-rows.js';
import { Grouping } from '../../../src/storage/engine/grouping.js';
import type { RollupRow } from '../../../src/storage/engine/sample-fold.js';
import type { AggregateGroup, AggregateQuery, GroupKey } from '../../../src/storage/ports.js';
import { comparableGroups } from '../../helpers/comparable-groups.js';
import { NaiveReader } from '../../helpers/naive-reader.js';

const HOUR = 3_600_000;
const T = 1_795_377_600_000;

function seriesOf(count: number, type: SeriesInfo['type'] = 'counter'): SeriesInfo[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    agentId: `agent-${i % 2}`,
    name: `name-${i % 3}`,
    type,
    unit: null,
    tagsJson: '{}',
    provider: '',
    region: '',
    zone: '',
  }));
}

function aggregatorOf(
  series: SeriesInfo[],
  range: AggregateQuery['range'],
  stepMs: number | null,
  groupBy: readonly GroupKey[],
  wants: AggregateQuery['wants'] = {},
): Aggregator {
  return new Aggregator(series, range, stepMs, new Grouping(series, groupBy), wants);
}

interface Column {
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** One ascending column per series: few distinct gaps, so that buckets are full, empty and just touched. */
const column = fc
  .array(
    fc.record({
      gap: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 900_000 })),
      value: fc.integer({ min: -3, max: 1000 }),
    }),
    { maxLength: 60 },
  )
  .map((samples): Column => {
    let time = T - 1;
    return { times: Float64Array.from(samples, ({ gap }) => (time += gap)), values: Float64Array.from(samples, ({ value }) => value) };
  });
const edge = fc.integer({ min: -10, max: 4 * HOUR }).map((offset) => T + offset);
const range = fc.tuple(edge, edge).map(([x, y]) => ({ startMs: Math.min(x, y), endMs: Math.max(x, y) }));
const groupBy = fc.subarray<GroupKey>(['series', 'agent', 'name']);
const wants = fc.record(
  {
    percentiles: fc.array(fc.constantFrom(0, 1, 33, 50, 99, 100), { maxLength: 3 }),
    increase: fc.boolean(),
    sumOfMeans: fc.boolean(),
  },
  { requiredKeys: [] },
);

const comparable = (groups: readonly AggregateGroup[]) => comparableGroups(groups, 12);

function fold(columns: readonly Column[], query: Omit<AggregateQuery, 'filter'>, pieceLength = Infinity): AggregateGroup[] {
  const aggregator = aggregatorOf(seriesOf(columns.length), query.range, query.stepMs, query.groupBy, query.wants);
  const longest = Math.max(0, ...columns.map(({ times }) => times.length));
  const piece = Math.min(pieceLength, Math.max(longest, 1));
  for (let from = 0; from < longest; from += piece) {
    for (const [slot, { times, values }] of columns.entries()) {
      aggregator.add(slot, times, values, Math.min(from, times.length), Math.min(from + piece, times.length));
    }
  }
  return aggregator.result();
}

function rollupOf(times: readonly number[], values: readonly number[]): RollupRow {
  return {
    count: values.length,
    sum: values.reduce((total, value) => total + value),
    min: Math.min(...values),
    max: Math.max(...values),
    first: values[0]!,
    last: values.at(-1)!,
    firstMs: times[0]!,
    lastMs: times.at(-1)!,
    increase: values.slice(1).reduce((total, value, i) => total + (value >= values[i]! ? value - values[i]! : Math.max(value, 0)), 0),
  };
}

describe('folding columns', () => {
  test('answers as the model does, in pieces of any length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(column, { minLength: 1, maxLength: 5 }),
        fc.record({
          range,
          stepMs: fc.constantFrom(null, 2, 60_000, 300_000, HOUR),
          groupBy: fc.subarray<GroupKey>(['agent', 'name']),
          wants,
        }),
        fc.integer({ min: 1, max: 70 }),
        async (columns, query, pieceLength) => {
          const model = new NaiveReader();
          for (const [slot, { name, agentId }] of seriesOf(columns.length).entries()) {
            const { times, values } = columns[slot]!;
            // Two series may share agent and name here: a tag tells them apart.
            for (const [i, timestampMs] of times.entries()) {
              model.add({ agentId, name, type: 'counter', tags: { slot: String(slot) }, timestampMs, value: values[i]! });
            }
          }
          const untagged = (groups: readonly AggregateGroup[]) => comparable(groups).map((group) => ({ ...group, commonTagsJson: '' }));
          const expected = await model.aggregate({ ...query, filter: {} });
          expect(untagged(fold(columns, query, pieceLength))).toEqual(untagged(expected));
        },
      ),
    );
  });

  test('only what is wanted is in the answer', () => {
    const columns = [{ times: Float64Array.of(T), values: Float64Array.of(1) }];
    const [group] = fold(columns, { range: { startMs: T, endMs: T + 1 }, stepMs: null, groupBy: [] });
    expect(group).not.toHaveProperty('sumOfMeans');
    expect(group).not.toHaveProperty('increase');
    expect(group).not.toHaveProperty('percentiles');
  });
});

describe('increase', () => {
  const ofValues = (values: number[], stepMs: number | null, startMs = T) => {
    const columns = [{ times: Float64Array.from(values, (_, i) => T + i * 1_000), values: Float64Array.from(values) }];
    const [group] = fold(columns, { range: { startMs, endMs: T + HOUR }, stepMs, groupBy: [], wants: { increase: true } });
    return [...(group?.increase ?? [])];
  };

  test('steps up, and the new value after a reset; the first sample in the range has no step', () => {
    expect(ofValues([100, 103, 103, 110], null)).toEqual([10]);
    expect(ofValues([100, 110, 4, 6], null)).toEqual([10 + 4 + 2]);
    expect(ofValues([100, 110, 0, 0], null)).toEqual([10]);
    expect(ofValues([5, -2, 3], null)).toEqual([0 + 5]);
    expect(ofValues([7], null)).toEqual([0]);
    expect(ofValues([100, 110, 120], null, T + 1_000)).toEqual([10]);
  });

  test('a step belongs to the bucket of its later sample', () => {
    expect(ofValues([100, 103, 110, 2, 5, 9], 2_000)).toEqual([3, 7 + 2, 3 + 4]);
  });

  test('buckets add up to the whole range', () => {
    fc.assert(
      fc.property(fc.array(column, { minLength: 1, maxLength: 4 }), range, fc.constantFrom(2, 60_000, HOUR), (columns, within, stepMs) => {
        const total = (step: number | null): number =>
          fold(columns, { range: within, stepMs: step, groupBy: [], wants: { increase: true } })
            .flatMap(({ increase }) => [...(increase ?? [])])
            .reduce((sum, part) => sum + part, 0);
        expect(total(stepMs)).toBe(total(null));
      }),
    );
  });

  test('is of counters: NaN where a bucket holds none', () => {
    const aggregator = aggregatorOf([...seriesOf(1, 'gauge'), ...seriesOf(1)], { startMs: T, endMs: T + 10 }, 5, [], { increase: true });
    aggregator.add(0, Float64Array.of(T, T + 6), Float64Array.of(1, 9), 0, 2);
    aggregator.add(1, Float64Array.of(T + 5, T + 7), Float64Array.of(1, 3), 0, 2);
    expect([...(aggregator.result()[0]?.increase ?? [])]).toEqual([NaN, 2]);
  });
});

describe('percentiles', () => {
  // What numpy.percentile answers.
  test.each([
    [[1, 2, 3, 4], 50, 2.5],
    [[15, 20, 35, 40, 50], 40, 29],
    [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 90, 9.1],
    [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 25, 3.25],
    [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 99, 9.91],
    [[-5, 100], 1, -3.95],
    [[7], 99, 7],
  ])('%j at %d', (values, percentile, expected) => {
    const columns = [{ times: Float64Array.from(values, (_, i) => T + i), values: Float64Array.from(values) }];
    const [group] = fold(columns, {
      range: { startMs: T, endMs: T + HOUR },
      stepMs: null,
      groupBy: [],
      wants: { percentiles: [percentile] },
    });
    expect(group?.percentiles?.[0]?.[0]).toBeCloseTo(expected, 12);
  });
});

describe('rollups', () => {
  test('fold to the same as the samples they are of, also with samples behind them', () => {
    fc.assert(
      fc.property(
        fc.array(column, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(null, HOUR, 2 * HOUR, 24 * HOUR),
        groupBy,
        fc.integer({ min: 0, max: 4 }),
        (columns, stepMs, by, rolledHours) => {
          const all = { startMs: T, endMs: T + 24 * HOUR };
          const query = { range: all, stepMs, groupBy: by, wants: { increase: true, sumOfMeans: true } };
          const aggregator = aggregatorOf(seriesOf(columns.length), all, stepMs, by, query.wants);
          for (let hour = 0; hour < 24; hour += 1) {
            const startMs = T + hour * HOUR;
            for (const [slot, { times, values }] of columns.entries()) {
              const rows = [...times.keys()].filter((i) => times[i]! >= startMs && times[i]! < startMs + HOUR);
              if (rows.length === 0) continue;
              if (hour >= rolledHours) aggregator.add(slot, times, values, rows[0]!, rows.at(-1)! + 1);
              else
                aggregator.addRollup(
                  slot,
                  startMs,
                  rollupOf(
                    rows.map((i) => times[i]!),
                    rows.map((i) => values[i]!),
                  ),
                );
            }
          }
          expect(comparable(aggregator.result())).toEqual(comparable(fold(columns, query)));
        },
      ),
    );
  });

  test('know no percentiles', () => {
    const aggregator = aggregatorOf(seriesOf(1), { startMs: T, endMs: T + HOUR }, null, [], { percentiles: [50] });
    expect(() => aggregator.addRollup(0, T, rollupOf([T], [1]))).toThrow('percentiles');
  });
});

describe('limits', () => {
  test('samples that percentiles are of', () => {
    const half = MAX_PERCENTILE_VALUES / 2;
    const times = Float64Array.from({ length: half }, (_, i) => T + i);
    const aggregator = aggregatorOf(seriesOf(3), { startMs: T, endMs: T + 1e9 }, null, [], { percentiles: [50] });
    aggregator.add(0, times, times, 0, half);
    aggregator.add(1, times, times, 0, half);
    expect(() => aggregator.add(2, times, times, 0, 1)).toThrow(
      expect.objectContaining({ name: 'AggregateLimitError', message: expect.stringContaining('shorter range') }),
    );
  });

  test('buckets, over all groups', () => {
    const budget = new AggregateBudget(3, 0);
    const [one, other] = [new GroupRows({}, budget), new GroupRows({}, budget)];
    for (const bucket of [10, 5, 10]) one.add(one.rowOf(bucket), 1, bucket, bucket, bucket);
    other.rowOf(5);
    expect(() => one.rowOf(15)).toThrow(
      expect.objectContaining({ name: 'AggregateLimitError', message: expect.stringContaining('longer interval') }),
    );
    const { bucketsMs, count, sum } = one.columns();
    expect([[...bucketsMs], [...count], [...sum]]).toEqual([
      [5, 10],
      [1, 2],
      [5, 20],
    ]);
  });
});

describe('parts', () => {
  test('told hour by hour, some of them twice, an answer is the same', () => {
    fc.assert(
      fc.property(
        fc.array(column, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(null, 60_000, 300_000, HOUR, 6 * HOUR),
        groupBy,
        fc.record({ increase: fc.boolean(), sumOfMeans: fc.boolean(), countsOnly: fc.boolean() }, { requiredKeys: [] }),
        fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
        (columns, stepMs, by, wanted, inParts) => {
          const all = { startMs: T, endMs: T + 24 * HOUR };
          const series = seriesOf(columns.length);
          const whole = aggregatorOf(series, all, stepMs, by, wanted);
          for (const [hour, isPart] of inParts.entries()) {
            const startMs = T + hour * HOUR;
            const into = isPart ? aggregatorOf(series, { startMs, endMs: startMs + HOUR }, stepMs, by, wanted) : whole;
            for (const [slot, { times, values }] of columns.entries()) {
              const rows = [...times.keys()].filter((i) => times[i]! >= startMs && times[i]! < startMs + HOUR);
              if (rows.length > 0) into.add(slot, times, values, rows[0]!, rows.at(-1)! + 1);
            }
            if (isPart) whole.addPartial(into.partial());
          }
          const expected = fold(columns, { range: all, stepMs, groupBy: by, wants: wanted });
          expect(comparable(whole.result())).toEqual(comparable(expected));
        },
      ),
    );
  });

  test('of percentiles there are none', () => {
    expect(() => aggregatorOf(seriesOf(1), { startMs: T, endMs: T + HOUR }, null, [], { percentiles: [50] }).partial()).toThrow(
      'percentiles',
    );
  });

  test('where only counts are wanted, values are not looked at', () => {
    const columns = [{ times: Float64Array.of(T, T + 1, T + 2), values: new Float64Array(0) }];
    const [group] = fold(columns, { range: { startMs: T, endMs: T + 2 }, stepMs: null, groupBy: [], wants: { countsOnly: true } });
    expect(group).toMatchObject({ count: Float64Array.of(2), sum: Float64Array.of(0), firstMs: T, lastMs: T + 1 });
  });
});
