/** Charts against `aggregatedMetrics`, which has the same numbers in rows; and against storage that has rollups only. */
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../../src/model/errors.js';
import { aggregatedMetrics, type Interval, INTERVALS } from '../../../src/query/aggregated.js';
import type { Aggregation } from '../../../src/query/aggregation.js';
import { chart, type ChartRequest } from '../../../src/query/chart.js';
import type { AggregateQuery, GroupKey } from '../../../src/storage/ports.js';
import { NaiveReader, type PlainSample } from '../../helpers/naive-reader.js';
import { batchOf, TestStorage } from '../../helpers/storage.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const T0 = Date.UTC(2026, 0, 31, 12);

const PLACES = {
  a: { provider: 'gcp', region: 'r1', zone: '' },
  b: { provider: 'aws', region: 'r2', zone: '' },
  c: { provider: 'aws', region: 'r1', zone: '' },
};

const REQUEST: ChartRequest = {
  filter: {},
  range: { startMs: T0, endMs: T0 + 10 * MINUTE },
  aggregation: 'avg',
  groupBy: ['series'],
  interval: { stepMs: MINUTE },
  limit: 100,
  continues: false,
};

const sample: fc.Arbitrary<PlainSample> = fc.record({
  agentId: fc.constantFrom('a', 'b', 'c'),
  name: fc.constantFrom('x', 'y'),
  type: fc.constantFrom('gauge' as const, 'counter' as const),
  unit: fc.constantFrom(null, 'ms'),
  tags: fc.constantFrom({}, { t: '1' }, { t: '2', u: '1' }),
  timestampMs: fc.integer({ min: 0, max: 8 * HOUR }).map((offset) => T0 + offset),
  value: fc.oneof(fc.integer({ min: -1_000, max: 1_000 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
});

const groupBy: fc.Arbitrary<GroupKey[]> = fc.oneof(
  fc.constant<GroupKey[]>(['series']),
  fc.uniqueArray(fc.constantFrom<GroupKey>('agent', 'provider', 'region', 'name', 'type', 'unit', 'tag:t'), { maxLength: 3 }),
);

const question = fc.record({
  offsetMs: fc.integer({ min: -HOUR, max: 4 * HOUR }),
  lengthMs: fc.integer({ min: 1, max: 8 * HOUR }),
  interval: fc.constantFrom<Interval>('1m', '5m', '15m', '1h', '6h', '1d'),
  aggregation: fc.constantFrom<Aggregation>('avg', 'sum', 'min', 'max', 'count', 'rate', 'increase', 'p50', 'p99'),
  groupBy,
  filter: fc.constantFrom({}, { names: ['x'] }, { agentIds: ['a', 'c'] }, { types: ['gauge' as const] }),
  limit: fc.integer({ min: 1, max: 6 }),
});

type Drawn = Awaited<ReturnType<typeof chart>>;

/** The cells that are not null, as rows: what names the group, then time and value. */
function cells({ series, start_ms, interval_ms, count }: Drawn): string[] {
  return series.flatMap(({ values, ...group }) => {
    expect(values).toHaveLength(count);
    return values.flatMap((value, i) => (value === null ? [] : [JSON.stringify([group, start_ms + i * interval_ms, value])]));
  });
}

describe('a chart', () => {
  test('has the numbers of the aggregates in its cells, and null in all others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sample, { maxLength: 60 }), question, async (samples, asked) => {
        const reader = new NaiveReader(samples, PLACES);
        const { offsetMs, lengthMs, interval, aggregation, filter, limit } = asked;
        const range = { startMs: T0 + offsetMs, endMs: T0 + offsetMs + lengthMs };
        const rows = await aggregatedMetrics(reader, {
          filter,
          range,
          aggregations: [aggregation],
          interval,
          groupBy: asked.groupBy,
          limit: 10_000,
          offset: 0,
        });
        const expected = rows.metrics.flatMap(({ time_bucket, value, count: _count, ...group }) =>
          value === null ? [] : [JSON.stringify([group, Date.parse(time_bucket), value])],
        );
        const request = { ...REQUEST, filter, range, aggregation, groupBy: asked.groupBy, interval: { stepMs: INTERVALS[interval] } };
        const whole = await chart(reader, request);
        expect(cells(whole).sort()).toEqual(expected.sort());
        expect(whole.count).toBe(Math.ceil(range.endMs / whole.interval_ms) - Math.floor(range.startMs / whole.interval_ms));
        expect(whole).toMatchObject({ totalSeries: whole.series.length, truncated: false, interval });

        const part = await chart(reader, { ...request, limit });
        expect(part.series).toEqual(whole.series.slice(0, limit));
        expect(part).toMatchObject({ totalSeries: whole.series.length, truncated: whole.series.length > limit });
      }),
    );
  });

  test('says what it shows', async () => {
    const reader = new NaiveReader(
      [
        { agentId: 'b', name: 'x', timestampMs: T0 + 90 * SECOND, value: 5 },
        { agentId: 'a', name: 'x', unit: 'ms', tags: { t: '1' }, timestampMs: T0 + 30 * SECOND, value: 1 },
        { agentId: 'a', name: 'x', unit: 'ms', tags: { t: '1' }, timestampMs: T0 + 150 * SECOND, value: { value: 0.1, max: 3 } },
      ],
      PLACES,
    );
    const range = { startMs: T0 + 30 * SECOND, endMs: T0 + 3 * MINUTE + 1 };
    expect(await chart(reader, { ...REQUEST, filter: { names: ['x'] }, range })).toEqual({
      interval: '1m',
      interval_ms: MINUTE,
      start_ms: T0,
      count: 4,
      series: [
        {
          series: '2',
          agent_id: 'a',
          name: 'x',
          type: 'gauge',
          provider: 'gcp',
          region: 'r1',
          unit: 'ms',
          tags: { t: '1' },
          values: [1, null, 0.1, null],
        },
        {
          series: '1',
          agent_id: 'b',
          name: 'x',
          type: 'gauge',
          provider: 'aws',
          region: 'r2',
          unit: null,
          tags: {},
          values: [null, 5, null, null],
        },
      ],
      totalSeries: 2,
      truncated: false,
      query: {
        agentId: null,
        provider: null,
        region: null,
        metricName: 'x',
        metricType: null,
        tag: null,
        startTime: '2026-01-31T12:00:30.000Z',
        endTime: '2026-01-31T12:03:00.001Z',
        limit: 100,
      },
      aggregation: { type: 'avg', interval: '1m', groupBy: ['series'] },
      period: { start: '2026-01-31T12:00:30.000Z', end: '2026-01-31T12:03:00.001Z' },
    });
  });

  test('a value that overflowed is null', async () => {
    const huge = [0, 1].map((i) => ({ agentId: 'a', name: 'x', timestampMs: T0 + i, value: 1e308 }));
    const { series } = await chart(new NaiveReader(huge), { ...REQUEST, aggregation: 'sum' });
    expect(series[0]?.values).toEqual([null, null, null, null, null, null, null, null, null, null]);
  });

  test('rates and increases are of counters; without any there is nothing to draw', async () => {
    const reader = new NaiveReader([{ agentId: 'a', name: 'x', timestampMs: T0, value: 1 }]);
    for (const filter of [{}, { types: ['gauge' as const] }]) {
      const drawn = await chart(reader, { ...REQUEST, filter, aggregation: 'rate', interval: { points: 10 } });
      expect(drawn).toMatchObject({ interval: '1m', count: 10, series: [], totalSeries: 0, truncated: false });
    }
  });

  test('computes nothing of what is not shown', async () => {
    const reader = new NaiveReader(
      Array.from({ length: 40 }, (_, i) => ({ agentId: `agent-${10 + (i % 20)}`, name: `m${i}`, timestampMs: T0 + i, value: i })),
    );
    const asked: AggregateQuery[] = [];
    const watched = {
      series: reader.series.bind(reader),
      aggregate: (query: AggregateQuery) => {
        asked.push(query);
        return reader.aggregate(query);
      },
    };
    const { series, totalSeries } = await chart(watched, { ...REQUEST, limit: 5 });
    expect(series.map(({ series: id }: Record<string, unknown>) => id)).toEqual(['1', '21', '2', '22', '3']);
    expect(totalSeries).toBe(40);
    expect(asked.at(-1)?.filter.agentIds).toEqual(['agent-10', 'agent-11', 'agent-12']);
    asked.length = 0;
    await chart(watched, { ...REQUEST, limit: 40 });
    expect(asked).toHaveLength(1);
  });
});

describe('a chart that continues another one', () => {
  const reader = new NaiveReader(
    Array.from({ length: 120 }, (_, i) => i * 30 * SECOND).flatMap((offsetMs) => [
      { agentId: 'a', name: 'up', type: 'counter' as const, timestampMs: T0 + offsetMs, value: offsetMs ** 1.5 },
      { agentId: 'a', name: 'level', timestampMs: T0 + offsetMs, value: Math.sin(offsetMs) },
      ...(offsetMs < 40 * MINUTE ? [{ agentId: 'b', name: 'up', type: 'counter' as const, timestampMs: T0 + offsetMs, value: 3 }] : []),
    ]),
  );

  test.each<Aggregation>(['rate', 'increase', 'avg', 'count'])('%s: the last buckets are those of the whole', async (aggregation) => {
    for (const stepMs of [10 * SECOND, MINUTE, 7 * MINUTE]) {
      const request = { ...REQUEST, aggregation, interval: { stepMs }, range: { startMs: T0, endMs: T0 + HOUR - 10 * SECOND } };
      const whole = await chart(reader, request);
      const lastMs = whole.start_ms + (whole.count - 2) * stepMs;
      const tail = await chart(reader, { ...request, range: { ...request.range, startMs: lastMs }, continues: true });
      expect(tail).toMatchObject({ start_ms: lastMs, count: 2, totalSeries: tail.series.length });
      const ofA = whole.series.filter(({ agent_id }: Record<string, unknown>) => agent_id === 'a');
      expect(tail.series.map(({ values }) => values)).toEqual(ofA.map(({ values }) => values.slice(-2)));
    }
  });
});

describe('a chart that would be too large', () => {
  const reader = new NaiveReader(
    Array.from({ length: 30 }, (_, i) => ({ agentId: 'a', name: 'x', tags: { t: String(i) }, timestampMs: T0 + i, value: i })),
  );
  const range = { startMs: T0 - 40_000 * SECOND, endMs: T0 + SECOND };

  test('is refused, with what to do', async () => {
    const all = chart(reader, { ...REQUEST, range, interval: { stepMs: SECOND } });
    await expect(all).rejects.toMatchObject({
      code: 'validation_failed',
      message: expect.stringMatching(/^30 series in 40001 buckets of 1s are more than 1000000 values: choose/),
      details: [{ field: 'interval', value: '1s' }],
    });
    expect((await chart(reader, { ...REQUEST, range, interval: { stepMs: SECOND }, limit: 20 })).series).toHaveLength(20);
    const long = { startMs: T0 - 50_000 * SECOND, endMs: T0 + 1 };
    await expect(chart(reader, { ...REQUEST, range: long, interval: { stepMs: SECOND } })).rejects.toThrow(/50001 buckets of 1s/);
  });

  test('is not so large when it chooses its interval', async () => {
    const { interval, count } = await chart(reader, { ...REQUEST, range, interval: { points: 40_001 } });
    expect([interval, count]).toEqual(['5s', 8_001]);
  });
});

describe('where only rollups are left', () => {
  let storage: TestStorage | null = null;
  afterEach(async () => {
    await storage?.stop();
    storage = null;
  });

  /** A day of samples, of which the rollups of these tiers are left; and what was sent. */
  async function retired(tiers: { fiveMinutes: boolean }): Promise<PlainSample[]> {
    const dayMs = Math.floor(T0 / DAY) * DAY;
    const samples = Array.from({ length: 24 * 60 }, (_, i) => ({
      agentId: 'a',
      name: 'x',
      timestampMs: dayMs + i * MINUTE,
      value: i % 97,
    }));
    storage = await TestStorage.start();
    const { agents, writer } = storage.storage;
    await writer.append(batchOf(await storage.agentKey('a'), samples));
    const limits = { oneHourBeforeMs: 0, receiptsBeforeMs: 0, activitiesBeforeMs: 0 };
    const afterMs = dayMs + 3 * DAY;
    await storage.foldAt(afterMs);
    while (await agents.purge({ ...limits, samplesBeforeMs: afterMs, fiveMinutesBeforeMs: tiers.fiveMinutes ? 0 : afterMs }));
    return samples;
  }

  test.each([
    [true, '5m'],
    [false, '1h'],
  ])('the interval is what these allow (five minutes: %s)', async (fiveMinutes, interval) => {
    const model = new NaiveReader(await retired({ fiveMinutes }));
    const { reader } = (storage as TestStorage).storage;
    const range = { startMs: T0 - 2 * HOUR, endMs: T0 };
    const request = { ...REQUEST, range, interval: { points: 1_000 } };
    const drawn = await chart(reader, request);
    const expected = await chart(model, { ...request, interval: { stepMs: drawn.interval_ms } });
    expect(drawn.interval).toBe(interval);
    expect(drawn.series.map(({ values }) => values)).toEqual(expected.series.map(({ values }) => values));
    await expect(chart(reader, { ...request, interval: { stepMs: MINUTE } })).rejects.toThrow(/no multiple of .* need the samples/);
    await expect(chart(reader, { ...request, aggregation: 'p95' })).rejects.toThrow(/percentiles need the samples/);
  });

  test('other failures are not taken for that', async () => {
    const reader = new NaiveReader([{ agentId: 'a', name: 'x', timestampMs: T0, value: 1 }]);
    let tries = 0;
    const failing = {
      series: reader.series.bind(reader),
      aggregate: () => {
        tries += 1;
        return Promise.reject(new AppError('query_timeout', 'too slow'));
      },
    };
    await expect(chart(failing, { ...REQUEST, interval: { points: 1_000 } })).rejects.toMatchObject({ code: 'query_timeout' });
    expect(tries).toBe(1);
  });
});
