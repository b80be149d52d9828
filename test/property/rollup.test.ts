import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ROLLUP_FIELDS, type RollupColumn, rollUp } from '../../src/storage/engine/rollup.js';
import { encodeRollups, RollupReader } from '../../src/storage/engine/rollup-unit.js';
import { cutIntoParts, partsInMemory } from '../../src/storage/engine/unit-parts.js';
import { columnTimes, columnValues, WINDOW } from '../helpers/columns.js';

const HOUR = 3_600_000;
const samples = fc.tuple(columnTimes, columnValues).map(([times, values]) => {
  const count = Math.min(times.length, values.length);
  return { timestampsMs: times.slice(0, count), values: values.slice(0, count) };
});
const rollups = fc
  .uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 2 ** 31 - 1 }), samples, isCounter: fc.boolean() }), {
    selector: (draft) => draft.id,
    minLength: 1,
    maxLength: 6,
  })
  .map((drafts) => drafts.map(({ id, isCounter, samples: column }) => rollUp(id, isCounter, column, HOUR)));

function expectSame(actual: RollupColumn, expected: RollupColumn): void {
  expect(actual.seriesId).toBe(expected.seriesId);
  expect(actual.isCounter).toBe(expected.isCounter);
  for (const field of ROLLUP_FIELDS) expect([field, ...actual[field]]).toEqual([field, ...expected[field]]);
}

function readAll(bytes: Uint8Array, partBytes: number): RollupColumn[] {
  const reader = new RollupReader(partsInMemory(cutIntoParts(bytes, partBytes)), partBytes);
  return reader.directory.series.map((_, i) => reader.readColumn(i));
}

const window = { ...WINDOW, stepMs: HOUR };

describe('rollups', () => {
  test('are what the samples of each step amount to', () => {
    fc.assert(
      fc.property(samples, fc.constantFrom(300_000, HOUR, 86_400_000), fc.boolean(), (column, stepMs, isCounter) => {
        const rollup = rollUp(7, isCounter, column, stepMs);
        const bySteps = new Map<number, number[]>();
        for (const [row, time] of column.timestampsMs.entries()) {
          const step = Math.floor(time / stepMs) * stepMs;
          bySteps.set(step, [...(bySteps.get(step) ?? []), row]);
        }
        expect([...rollup.bucketsMs]).toEqual([...bySteps.keys()]);
        for (const [i, rows] of [...bySteps.values()].entries()) {
          const values = rows.map((row) => column.values[row]!);
          const numbers = values.filter((value) => !Number.isNaN(value));
          expect(rollup.count[i]).toBe(rows.length);
          expect(rollup.firstMs[i]).toBe(column.timestampsMs[rows[0]!]);
          expect(rollup.lastMs[i]).toBe(column.timestampsMs[rows.at(-1)!]);
          expect(rollup.first[i]).toBe(isCounter ? values[0] : Number.NaN);
          expect(rollup.last[i]).toBe(isCounter ? values.at(-1) : Number.NaN);
          expect(rollup.min[i]! + 0).toBe(Math.min(...numbers) + 0);
          expect(rollup.max[i]! + 0).toBe(Math.max(...numbers) + 0);
          const naiveSum = values.reduce((sum, value) => sum + value, 0);
          const magnitude = values.reduce((sum, value) => sum + Math.abs(value), 0);
          if (Number.isFinite(magnitude)) expect(Math.abs(rollup.sum[i]! - naiveSum)).toBeLessThanOrEqual(magnitude * 1e-12);
          else if (magnitude !== Number.POSITIVE_INFINITY) expect(rollup.sum[i]).toBe(naiveSum);
          const steps = values.slice(1).map((value, k) => {
            const before = values[k]!;
            if (Number.isNaN(value) || Number.isNaN(before)) return 0;
            return value >= before ? value - before : Math.max(0, value);
          });
          const increase = steps.reduce((sum, step) => sum + step, 0);
          expect(rollup.increase[i]).toBe(isCounter ? increase : 0);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('come back from their stored form', () => {
    fc.assert(
      fc.property(rollups, fc.integer({ min: 30, max: 1_000 }), (given, partBytes) => {
        const sorted = given.toSorted((a, b) => a.seriesId - b.seriesId);
        const read = readAll(encodeRollups(window, given), partBytes);
        expect(read).toHaveLength(sorted.length);
        for (const [i, column] of sorted.entries()) expectSame(read[i]!, column);
      }),
      { numRuns: 300 },
    );
  });

  test('any flipped bit is an error that names the part', () => {
    fc.assert(
      fc.property(rollups, fc.nat(), fc.nat(7), (given, place, bit) => {
        const parts = cutIntoParts(encodeRollups(window, given), 100);
        const part = place % parts.length;
        const bytes = parts[part] as Uint8Array;
        bytes[Math.floor(place / parts.length) % bytes.length]! ^= 1 << bit;
        const reader = new RollupReader(partsInMemory(parts), 100);
        expect(() => reader.directory.series.map((_, i) => reader.readColumn(i))).toThrow(`part ${part}: checksum mismatch`);
      }),
    );
  });

  test('directories that lie are errors', () => {
    fc.assert(
      fc.property(rollups, fc.nat(), fc.nat(255), (given, place, byte) => {
        const bytes = encodeRollups(window, given);
        bytes[place % bytes.length] = byte;
        try {
          readAll(bytes, 10_000);
        } catch (error) {
          expect((error as Error).name).toBe('CorruptDataError');
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('a reader asks only for the parts that hold what it reads', () => {
    fc.assert(
      fc.property(rollups, fc.nat(), (given, pick) => {
        const parts = cutIntoParts(encodeRollups(window, given), 40);
        const asked: number[] = [];
        const reader = new RollupReader({ partCount: parts.length, read: (part) => (asked.push(part), parts[part] as Uint8Array) }, 40);
        const { series, groups } = reader.directory;
        const { group, range } = series[pick % given.length]!;
        const holds = (part: number): boolean =>
          [groups[group]!.range, range].some(({ start, end }) => part * 36 < end && (part + 1) * 36 > start);
        asked.length = 0;
        reader.readColumn(pick % given.length);
        expect(asked.filter((part) => !holds(part))).toEqual([]);
      }),
    );
  });

  test('refuses rollups that are none', () => {
    const rollup = rollUp(1, false, { timestampsMs: Float64Array.of(WINDOW.startMs), values: Float64Array.of(1) }, HOUR);
    expect(() => encodeRollups(window, [rollup, rollup])).toThrow('two rollups of series 1');
    expect(() => encodeRollups({ ...window, startMs: WINDOW.startMs + HOUR }, [rollup])).toThrow(RangeError);
    expect(() => encodeRollups({ ...window, startMs: WINDOW.startMs - 1 }, [rollup])).toThrow('a step at');
  });
});
