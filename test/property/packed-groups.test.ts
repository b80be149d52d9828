/** Aggregates come through between threads as they are. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AggregateGroup } from '../../src/model/aggregate.js';
import { pack, unpack } from '../../src/storage/sqlite/threads/packed-groups.js';

interface Shape {
  readonly labels: number;
  readonly sumOfMeans: boolean;
  readonly increase: boolean;
  readonly percentiles: number | null;
}

const number = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 2 ** 60));
const text = fc.oneof(fc.string(), fc.constantFrom('', 'ms', '__proto__', '{"target":"t1"}'));

function groupsOf(shape: Shape): fc.Arbitrary<AggregateGroup[]> {
  const group = fc.integer({ min: 0, max: 5 }).chain((rows) => {
    const column = fc.array(number, { minLength: rows, maxLength: rows }).map((values) => Float64Array.from(values));
    const several = (length: number): fc.Arbitrary<Float64Array[]> => fc.array(column, { minLength: length, maxLength: length });
    return fc.record({
      labels: fc.array(fc.option(text), { minLength: shape.labels, maxLength: shape.labels }),
      seriesCount: fc.nat(),
      agentCount: fc.nat(),
      unit: fc.option(text),
      commonTagsJson: text,
      uniqueNames: fc.nat(),
      bucketsMs: column,
      count: column,
      sum: column,
      min: column,
      max: column,
      ...(shape.sumOfMeans && { sumOfMeans: column }),
      ...(shape.increase && { increase: column }),
      ...(shape.percentiles !== null && { percentiles: several(shape.percentiles) }),
      firstMs: number,
      lastMs: number,
    });
  });
  return fc.array(group, { maxLength: 8 });
}

const answer = fc
  .record({ labels: fc.nat(3), sumOfMeans: fc.boolean(), increase: fc.boolean(), percentiles: fc.option(fc.nat(3)) })
  .chain(groupsOf);

test('what was packed is unpacked', async () => {
  await fc.assert(
    fc.asyncProperty(answer, async (groups) => {
      expect(await unpack(structuredClone(pack(groups)))).toEqual(groups);
    }),
  );
});

test('the event loop has its turn while many groups are unpacked', async () => {
  const column = Float64Array.of(1);
  const group = { labels: ['a'], seriesCount: 1, agentCount: 1, unit: null, commonTagsJson: '{}', uniqueNames: 1, firstMs: 1, lastMs: 1 };
  const columns = { bucketsMs: column, count: column, sum: column, min: column, max: column };
  const packed = pack(Array.from({ length: 100_000 }, () => ({ ...group, ...columns })));
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  expect(await unpack(packed)).toHaveLength(100_000);
  isOver = true;
  expect(turns).toBeGreaterThan(1);
});
