import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Column } from '../../src/storage/engine/column.js';
import { mergeColumns } from '../../src/storage/engine/merge.js';
import { bitsOf, columnTimes, columnValues } from '../helpers/columns.js';

const column = fc.tuple(columnTimes, columnValues, fc.array(fc.nat(), { maxLength: 6 })).map(([times, values, rows]): Column => {
  const count = Math.min(times.length, values.length);
  const objects = [...new Set(rows.map((row) => row % count))].sort((a, b) => a - b).map((row) => ({ row, json: `{"value":${row}}` }));
  return {
    timestampsMs: times.slice(0, count),
    values: values.slice(0, count),
    objectValues: objects.length === 0 ? null : objects,
  };
});

/** What a column holds, by time. */
function samplesOf({ timestampsMs, values, objectValues }: Column): Map<number, string> {
  return new Map(
    [...timestampsMs].map((time, row) => {
      const json = objectValues?.find((object) => object.row === row)?.json ?? '';
      return [time, `${bitsOf(values.subarray(row, row + 1))} ${json}`];
    }),
  );
}

function expectMerged(older: Column, newer: Column): void {
  const merged = mergeColumns(older, newer);
  const expected = new Map([...samplesOf(older), ...samplesOf(newer)]);
  expect(samplesOf(merged)).toEqual(new Map([...expected].sort(([a], [b]) => a - b)));
  expect([...merged.timestampsMs]).toEqual([...expected.keys()].sort((a, b) => a - b));
  const rows = (merged.objectValues ?? []).map((object) => object.row);
  expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
  expect(merged.objectValues).not.toEqual([]);
}

describe('merging columns', () => {
  test('the newer sample of a millisecond wins, with its object', () => {
    fc.assert(fc.property(column, column, expectMerged), { numRuns: 300 });
  });

  test('one after the other, either way round', () => {
    fc.assert(
      fc.property(column, fc.nat(1_000), (whole, place) => {
        const at = place % (whole.timestampsMs.length + 1);
        const objects = whole.objectValues ?? [];
        const before = {
          timestampsMs: whole.timestampsMs.slice(0, at),
          values: whole.values.slice(0, at),
          objectValues: objects.filter(({ row }) => row < at),
        };
        const after = {
          timestampsMs: whole.timestampsMs.slice(at),
          values: whole.values.slice(at),
          objectValues: objects.filter(({ row }) => row >= at).map(({ row, json }) => ({ row: row - at, json })),
        };
        for (const part of [before, after]) if (part.objectValues.length === 0) Object.assign(part, { objectValues: null });
        expectMerged(before, after);
        expectMerged(after, before);
      }),
    );
  });
});
