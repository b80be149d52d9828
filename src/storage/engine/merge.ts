/** Two columns of one series made into one: how log rows are folded into a unit, and hourly units into a daily one. */
import type { ObjectValue } from './codec/batch-payload.js';
import { wordsOf } from './codec/value-codec.js';
import type { Column } from './column.js';

/**
 * Merges two columns, each strictly ascending. Where both have a sample of the same millisecond, the newer column's is
 * kept, and its object or lack of one with it. Neither input is changed; the result may share their arrays.
 */
export function mergeColumns(older: Column, newer: Column): Column {
  const olderCount = older.timestampsMs.length;
  const newerCount = newer.timestampsMs.length;
  if (olderCount === 0) return newer;
  if (newerCount === 0) return older;
  if ((older.timestampsMs[olderCount - 1] as number) < (newer.timestampsMs[0] as number)) return append(older, newer);
  if ((newer.timestampsMs[newerCount - 1] as number) < (older.timestampsMs[0] as number)) return append(newer, older);
  return interleave(older, newer);
}

function append(before: Column, after: Column): Column {
  const shift = before.timestampsMs.length;
  const objects = [...(before.objectValues ?? []), ...(after.objectValues ?? []).map(({ row, json }) => ({ row: row + shift, json }))];
  return {
    timestampsMs: joined(before.timestampsMs, after.timestampsMs),
    values: joined(before.values, after.values),
    objectValues: objects.length === 0 ? null : objects,
  };
}

function joined(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function interleave(older: Column, newer: Column): Column {
  const times = new Float64Array(older.timestampsMs.length + newer.timestampsMs.length);
  const values = new Float64Array(times.length);
  // By words: a NaN's payload does not survive being a number in between.
  const words = wordsOf(values);
  const inputs = [
    { times: older.timestampsMs, words: wordsOf(older.values), objects: jsonByRow(older.objectValues) },
    { times: newer.timestampsMs, words: wordsOf(newer.values), objects: jsonByRow(newer.objectValues) },
  ] as const;
  const objects: ObjectValue[] = [];
  const at = [0, 0];
  let count = 0;
  for (;;) {
    const [a, b] = at as [number, number];
    const olderTime = inputs[0].times[a] ?? Number.POSITIVE_INFINITY;
    const newerTime = inputs[1].times[b] ?? Number.POSITIVE_INFINITY;
    if (olderTime === Number.POSITIVE_INFINITY && newerTime === Number.POSITIVE_INFINITY) break;
    const takesNewer = newerTime <= olderTime;
    const input = takesNewer ? inputs[1] : inputs[0];
    const row = takesNewer ? b : a;
    times[count] = takesNewer ? newerTime : olderTime;
    words[count * 2] = input.words[row * 2] as number;
    words[count * 2 + 1] = input.words[row * 2 + 1] as number;
    const json = input.objects?.get(row);
    if (json !== undefined) objects.push({ row: count, json });
    count += 1;
    if (takesNewer) at[1] = b + 1;
    if (!takesNewer || newerTime === olderTime) at[0] = a + 1;
  }
  return {
    timestampsMs: times.subarray(0, count),
    values: values.subarray(0, count),
    objectValues: objects.length === 0 ? null : objects,
  };
}

function jsonByRow(objects: readonly ObjectValue[] | null): Map<number, string> | null {
  return objects === null ? null : new Map(objects.map(({ row, json }) => [row, json]));
}
