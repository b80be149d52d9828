import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeUnit, type UnitColumn, UnitEncoder } from '../../src/storage/engine/unit-encoder.js';
import { cutIntoParts, PART_BYTES, partsInMemory } from '../../src/storage/engine/unit-parts.js';
import { UnitReader } from '../../src/storage/engine/unit-reader.js';
import { bitsOf, columnTimes, columnValues, WINDOW } from '../helpers/columns.js';

/** Columns of unequal length, some of which share their times. */
const columns = fc
  .tuple(
    fc.array(columnTimes, { minLength: 1, maxLength: 4 }),
    fc.uniqueArray(
      fc.record({
        seriesId: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        times: fc.nat(3),
        values: columnValues,
        isCounter: fc.boolean(),
        objects: fc.option(fc.array(fc.tuple(fc.nat(), fc.string()), { maxLength: 5 }), { freq: 3 }),
      }),
      { selector: (column) => column.seriesId, maxLength: 9 },
    ),
  )
  .map(([times, drafts]): UnitColumn[] =>
    drafts.map((draft) => {
      const timestampsMs = times[draft.times % times.length] as Float64Array;
      const count = timestampsMs.length;
      const values = new Float64Array(count);
      for (let i = 0; i < count; i += draft.values.length) values.set(draft.values.subarray(0, count - i), i);
      const byRow = new Map((draft.objects ?? []).map(([row, text]) => [row % count, JSON.stringify({ value: 1, text })]));
      const objectValues = [...byRow].map(([row, json]) => ({ row, json })).sort((a, b) => a.row - b.row);
      const { seriesId, isCounter } = draft;
      return { seriesId, isCounter, timestampsMs, values, objectValues: objectValues.length === 0 ? null : objectValues };
    }),
  );

/** Parts that hold a range, of so many bytes of payload each. */
function partsOf({ start, end }: { start: number; end: number }, payload: number): number[] {
  const first = Math.floor(start / payload);
  return Array.from({ length: Math.ceil(end / payload) - first }, (_, i) => first + i);
}

function expectColumns(reader: UnitReader, expected: readonly UnitColumn[]): void {
  const sorted = expected.toSorted((a, b) => a.seriesId - b.seriesId);
  expect(reader.directory.columns.map((entry) => entry.seriesId)).toEqual(sorted.map((column) => column.seriesId));
  for (const [i, column] of sorted.entries()) {
    const entry = reader.directory.columns[i]!;
    expect(reader.directory.indexOf(column.seriesId)).toBe(i);
    expect(bitsOf(reader.readTimes(entry.timeIndex))).toBe(bitsOf(column.timestampsMs));
    expect(bitsOf(reader.readValues(i))).toBe(bitsOf(column.values));
    const scratch = new Float64Array(column.values.length + 1);
    expect(reader.decodeInto(i, scratch)).toBe(column.values.length);
    expect(bitsOf(scratch.subarray(0, column.values.length))).toBe(bitsOf(column.values));
    expect(reader.readObjects(i)).toEqual(column.objectValues);
    expect(entry.isCounter).toBe(column.isCounter);
    expect(entry.stats.count).toBe(column.values.length);
    expect(entry.stats.first).toBe(column.values[0]);
    expect(entry.stats.last).toBe(column.values.at(-1));
    const numbers = column.values.filter((value) => !Number.isNaN(value));
    expect(entry.stats.min + 0).toBe(numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) + 0);
    expect(entry.stats.max + 0).toBe(numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) + 0);
  }
}

/** A day of one cycle's counters and the rates an agent makes of them. */
function agentDay(elapsedOf: (row: number) => number): UnitColumn[] {
  let state = 12_345;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const rows = 600;
  const timestampsMs = Float64Array.from({ length: rows }, (_, i) => WINDOW.startMs + 17 + i * 30_000 + (random() < 0.4 ? 1 : 0));
  const elapsed = Float64Array.from({ length: rows }, (_, i) => elapsedOf(i));
  return [1, 2, 3].flatMap((id) => {
    const counter = new Float64Array(rows);
    const rate = new Float64Array(rows);
    let total = Math.floor(random() * 1e12);
    for (let i = 0; i < rows; i += 1) {
      const step = i % 50 === 0 ? 0 : Math.floor(random() * 10 ** (2 + id));
      total = i === 300 ? step : total + step;
      counter[i] = total;
      rate[i] = i === 300 ? 0 : step / (elapsed[i] as number);
    }
    return [
      { seriesId: id * 2, isCounter: false, timestampsMs, values: rate, objectValues: null },
      { seriesId: id * 2 + 1, isCounter: true, timestampsMs, values: counter, objectValues: null },
    ];
  });
}

describe('units', () => {
  test('give back every column, bit for bit, whatever the size of the parts', () => {
    const encoder = new UnitEncoder();
    fc.assert(
      fc.property(columns, fc.integer({ min: 20, max: 2_000 }), (given, partBytes) => {
        const parts = cutIntoParts(encoder.encode(WINDOW, given), partBytes);
        expectColumns(new UnitReader(partsInMemory(parts), partBytes), given);
      }),
      { numRuns: 300 },
    );
  });

  test('a reader asks only for the parts that hold what it reads', () => {
    fc.assert(
      fc.property(columns, fc.nat(), (given, pick) => {
        fc.pre(given.length > 0);
        const partBytes = 64;
        const parts = cutIntoParts(encodeUnit(WINDOW, given), partBytes);
        const asked = new Set<number>();
        const source = {
          partCount: parts.length,
          read: (part: number) => {
            asked.add(part);
            return parts[part] as Uint8Array;
          },
        };
        const reader = new UnitReader(source, partBytes);
        const column = pick % given.length;
        const { directory } = reader;
        const { timeIndex, quotient, values, objects } = directory.entry(column);
        const counter = quotient === null ? null : directory.entry(quotient.counter).values;
        const divisor = quotient === null ? null : directory.divisors[quotient.divisor]!.range;
        // A time column may follow the one before it, and that one the one before.
        const times = { start: directory.times[0]!.range.start, end: directory.times[timeIndex]!.range.end };
        const needed = new Set(
          [times, values, objects, counter, divisor].flatMap((range) => (range === null ? [] : partsOf(range, partBytes - 4))),
        );
        asked.clear();
        reader.readColumn(column);
        expect([...asked].filter((part) => !needed.has(part))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('any flipped bit is an error that names the part', () => {
    fc.assert(
      fc.property(columns, fc.nat(), fc.nat(7), (given, place, bit) => {
        const partBytes = 128;
        const parts = cutIntoParts(encodeUnit(WINDOW, given), partBytes);
        const part = place % parts.length;
        const bytes = parts[part] as Uint8Array;
        bytes[Math.floor(place / parts.length) % bytes.length]! ^= 1 << bit;
        const reader = new UnitReader(partsInMemory(parts), partBytes);
        let message = '';
        try {
          for (const i of reader.directory.columns.keys()) reader.readColumn(i);
        } catch (error) {
          expect((error as Error).name).toBe('CorruptDataError');
          message = (error as Error).message;
        }
        expect(message).toBe(`part ${part}: checksum mismatch`);
      }),
      { numRuns: 300 },
    );
  });

  test('parts that are missing, swapped or of another unit are errors', () => {
    const given = agentDay(() => 30);
    const partBytes = 500;
    const parts = cutIntoParts(encodeUnit(WINDOW, given), partBytes);
    const readAll = (some: Uint8Array[]) => () => {
      const reader = new UnitReader(partsInMemory(some), partBytes);
      for (const i of reader.directory.columns.keys()) reader.readColumn(i);
    };
    const [first, second, third, ...rest] = parts as [Uint8Array, Uint8Array, Uint8Array, ...Uint8Array[]];
    expect(readAll(parts)).not.toThrow();
    expect(readAll([first, third, second, ...rest])).toThrow('part 1: checksum mismatch');
    expect(readAll(parts.slice(0, -1))).toThrow('parts');
    expect(readAll([])).toThrow('part 0 of 0');
    expect(readAll([first, second.subarray(0, 3), third, ...rest])).toThrow('part 1: only 3 bytes');
  });

  test('directories that lie are errors', () => {
    fc.assert(
      fc.property(columns, fc.nat(), fc.nat(255), (given, place, byte) => {
        const bytes = encodeUnit(WINDOW, given);
        bytes[place % Math.min(bytes.length, 200)] = byte;
        // Checksums are right here: the structure itself must hold.
        const reader = new UnitReader(partsInMemory(cutIntoParts(bytes)));
        try {
          for (const i of reader.directory.columns.keys()) reader.readColumn(i);
        } catch (error) {
          expect((error as Error).name).toBe('CorruptDataError');
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('a rate costs next to nothing beside its counter', () => {
    const elapsed = (row: number): number => 30 + Math.sin(row * row) / 1000;
    const given = agentDay(elapsed);
    const unit = encodeUnit(WINDOW, given);
    const reader = new UnitReader(partsInMemory(cutIntoParts(unit)));
    expectColumns(reader, given);
    expect(reader.directory.divisors).toHaveLength(1);
    for (const { quotient, values } of reader.directory.columns) {
      if (quotient !== null) expect(values.end - values.start).toBeLessThan(50);
    }
    expect(reader.directory.columns.filter((column) => column.quotient !== null)).toHaveLength(3);
  });

  test("divisors measured in nanoseconds, divided as Go's clock does, are short", () => {
    const given = agentDay((row) => 29 + (999_000_000 + Math.floor(Math.abs(Math.sin(row * row)) * 2_000_000)) / 1e9);
    const reader = new UnitReader(partsInMemory(cutIntoParts(encodeUnit(WINDOW, given))));
    expectColumns(reader, given);
    const { start, end } = reader.directory.divisors[0]!.range;
    expect(end - start).toBeLessThan(600 * 3);
  });

  test('refuses columns that are none', () => {
    const column = (times: number[], seriesId = 1): UnitColumn => ({
      seriesId,
      isCounter: false,
      timestampsMs: Float64Array.from(times, (time) => WINDOW.startMs + time),
      values: new Float64Array(times.length),
      objectValues: null,
    });
    for (const bad of [[], [5, 5], [5, 4], [-1], [86_400_000], [0.5], [Number.NaN]]) {
      expect(() => encodeUnit(WINDOW, [column(bad)])).toThrow(/rows|time/);
    }
    expect(() => encodeUnit(WINDOW, [column([1]), column([2])])).toThrow('two columns of series 1');
    expect(() => encodeUnit(WINDOW, [column([1], 0)])).toThrow('a series id of 0');
  });

  test('a part and its row fill overflow pages exactly', () => {
    // SQLite: what does not fit on the leaf page is cut so that overflow pages of 4092 bytes are full.
    for (const recordBytes of [5, 9, 12, 13]) {
      const payload = PART_BYTES + recordBytes;
      const local = 489 + ((payload - 489) % 4_092);
      expect((payload - local) / 4_092).toBe(8);
      // Eight such cells on a leaf: payload size (3), rowid (up to 3), first overflow page (4), pointer (2).
      expect(8 * (local + 3 + 3 + 4 + 2)).toBeLessThanOrEqual(4_096 - 8);
    }
  });
});
