import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { averageLoss, lossPerTarget, PACKET_LOSS_METRIC, packetLoss, type LossBuckets } from '../../../src/query/packet-loss.js';
import type { SampleQuery } from '../../../src/storage/ports.js';
import { NaiveReader, type PlainSample } from '../../helpers/naive-reader.js';

const T0 = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
const RANGE = { startMs: T0, endMs: T0 + 10 * MINUTE };

function loss(value: number, timestampMs: number, target = 't', agentId = 'a'): PlainSample {
  return { agentId, name: PACKET_LOSS_METRIC, tags: { target }, timestampMs, value };
}

const FILTER = { names: [PACKET_LOSS_METRIC] };

async function lossesOf(reader: NaiveReader, limits?: { pageSamples: number; maxSamples: number }): Promise<LossBuckets> {
  const [all] = await reader.aggregate({ filter: FILTER, range: RANGE, stepMs: MINUTE, groupBy: [] });
  return packetLoss(reader, {}, RANGE, MINUTE, all, limits);
}

async function averageOf(reader: NaiveReader): Promise<number | null> {
  const [all] = await reader.aggregate({ filter: FILTER, range: RANGE, stepMs: null, groupBy: [] });
  return averageLoss(reader, {}, RANGE, MINUTE, all);
}

/** By agent and target. */
async function targetLossesOf(
  reader: NaiveReader,
  limits?: { pageSamples: number; maxSamples: number },
): Promise<Map<string, number | null>> {
  const groups = await reader.aggregate({ filter: FILTER, range: RANGE, stepMs: null, groupBy: ['agent', 'tag:target'] });
  const given = groups.map((all) => ({ agentId: all.labels[0] ?? '', target: all.labels[1] ?? '', all }));
  const losses = await lossPerTarget(reader, {}, RANGE, given, limits);
  return new Map(given.map(({ agentId, target, all }) => [`${agentId} ${target}`, losses.get(all) ?? null]));
}

/** Counts how many times samples were asked for one by one. */
class CountingReader extends NaiveReader {
  sampleQueries = 0;

  override samples(query: SampleQuery): ReturnType<NaiveReader['samples']> {
    this.sampleQueries += 1;
    return super.samples(query);
  }
}

describe('packet loss', () => {
  test('of well-behaved agents comes from aggregates alone', async () => {
    const reader = new CountingReader([loss(0, T0), loss(50, T0 + 1), loss(100, T0 + MINUTE)]);
    const losses = await lossesOf(reader);
    expect([...losses]).toEqual([
      [T0, { sum: 50, count: 2 }],
      [T0 + MINUTE, { sum: 100, count: 1 }],
    ]);
    expect(await averageOf(reader)).toBe(50);
    expect(reader.sampleQueries).toBe(0);
  });

  test('above 100 is hundredths of a percent', async () => {
    const reader = new CountingReader([loss(3333, T0), loss(100, T0 + 1), loss(6667, T0 + MINUTE), loss(0, T0 + MINUTE, 'other')]);
    const losses = await lossesOf(reader);
    expect(losses.get(T0)?.sum).toBeCloseTo(133.33, 9);
    expect(losses.get(T0 + MINUTE)).toEqual({ sum: 66.67, count: 2 });
    expect(reader.sampleQueries).toBe(1);
  });

  test('nothing measured', async () => {
    const losses = await lossesOf(new NaiveReader());
    expect(losses.size).toBe(0);
    expect(await averageOf(new NaiveReader())).toBeNull();
  });

  test('what would take too many samples is left out, the newest is read first', async () => {
    const mixedMinute = (minute: number): PlainSample[] =>
      Array.from({ length: 10 }, (_, i) => loss(i % 2 === 0 ? 0 : 3333, T0 + minute * MINUTE + i));
    const plain = loss(7, T0 + 5 * MINUTE);
    const reader = new NaiveReader([...mixedMinute(0), ...mixedMinute(1), ...mixedMinute(2), plain]);
    // 12 samples reach through the newest mixed minute and into the one before it.
    const losses = await lossesOf(reader, { pageSamples: 4, maxSamples: 12 });
    expect(losses.get(T0 + 5 * MINUTE)).toEqual({ sum: 7, count: 1 });
    expect(losses.get(T0 + 2 * MINUTE)?.sum).toBeCloseTo(5 * 33.33, 9);
    expect(losses.get(T0 + MINUTE)).toBeNull();
    expect(losses.get(T0)).toBeNull();
  });

  test('always equals the average of the corrected samples', async () => {
    const sample = fc.record({
      value: fc.constantFrom(0, 0, 0, 33.25, 100, 3333, 6667),
      offset: fc.integer({ min: 0, max: 10 * MINUTE - 1 }),
      target: fc.constantFrom('t1', 't2'),
      agentId: fc.constantFrom('a', 'b'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(sample, { maxLength: 60 }), async (given) => {
        const distinct = new Map(given.map((one) => [`${one.agentId} ${one.target} ${one.offset}`, one]));
        const samples = [...distinct.values()].map((one) => loss(one.value, T0 + one.offset, one.target, one.agentId));
        const losses = await lossesOf(new NaiveReader(samples));
        const expected = new Map<number, number[]>();
        for (const { value, offset } of distinct.values()) {
          const bucket = T0 + Math.floor(offset / MINUTE) * MINUTE;
          expected.set(bucket, [...(expected.get(bucket) ?? []), value > 100 ? value / 100 : value]);
        }
        expect(new Set(losses.keys())).toEqual(new Set(expected.keys()));
        const all = [...expected.values()].flat();
        const average = await averageOf(new NaiveReader(samples));
        if (all.length === 0) expect(average).toBeNull();
        else expect(average).toBeCloseTo(all.reduce((a, b) => a + b, 0) / all.length, 6);
        for (const [bucket, values] of expected) {
          expect(losses.get(bucket)?.count).toBe(values.length);
          expect(losses.get(bucket)?.sum).toBeCloseTo(
            values.reduce((a, b) => a + b, 0),
            6,
          );
        }
      }),
    );
  });
});

describe('packet loss of one agent and target', () => {
  test('of well-behaved agents, and of such that are never within 1 %, comes from the aggregate alone', async () => {
    const reader = new CountingReader([loss(0, T0), loss(50, T0 + 1), loss(3333, T0, 'odd'), loss(6667, T0 + 1, 'odd')]);
    expect(await targetLossesOf(reader)).toEqual(
      new Map([
        ['a odd', 50],
        ['a t', 25],
      ]),
    );
    expect(reader.sampleQueries).toBe(0);
  });

  test('is left out where it would take too many samples', async () => {
    const mixed = Array.from({ length: 10 }, (_, i) => loss(i % 2 === 0 ? 0 : 3333, T0 + i));
    const reader = new NaiveReader([...mixed, loss(7, T0, 'plain')]);
    expect((await targetLossesOf(reader, { pageSamples: 4, maxSamples: 12 })).get('a t')).toBeCloseTo(16.665, 9);
    expect(await targetLossesOf(reader, { pageSamples: 4, maxSamples: 8 })).toEqual(
      new Map([
        ['a plain', 7],
        ['a t', null],
      ]),
    );
  });

  test('always equals the average of the corrected samples', async () => {
    const sample = fc.record({
      value: fc.constantFrom(0, 0, 33.25, 100, 3333, 6667),
      offset: fc.integer({ min: 0, max: 10 * MINUTE - 1 }),
      target: fc.constantFrom('t1', 't2'),
      agentId: fc.constantFrom('a', 'b'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(sample, { maxLength: 60 }), async (given) => {
        const distinct = [...new Map(given.map((one) => [`${one.agentId} ${one.target} ${one.offset}`, one])).values()];
        const samples = distinct.map((one) => loss(one.value, T0 + one.offset, one.target, one.agentId));
        const losses = await targetLossesOf(new NaiveReader(samples), { pageSamples: 7, maxSamples: 70 });
        const expected = new Map<string, number[]>();
        for (const { value, agentId, target } of distinct) {
          const key = `${agentId} ${target}`;
          expected.set(key, [...(expected.get(key) ?? []), value > 100 ? value / 100 : value]);
        }
        expect(new Set(losses.keys())).toEqual(new Set(expected.keys()));
        for (const [key, values] of expected) {
          expect(losses.get(key)).toBeCloseTo(values.reduce((a, b) => a + b, 0) / values.length, 6);
        }
      }),
    );
  });
});
