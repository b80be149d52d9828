/**
 * An aggregate's groups on their way between threads. Each has half a dozen small columns, and cloning tens of thousands of
 * those keeps the event loop from its sockets for longer than finding them out took: so all columns travel as one, and
 * texts, which groups have in common, once. What is unpacked are views of it.
 */
import { setImmediate } from 'node:timers/promises';
import type { AggregateGroup } from '../../../model/aggregate.js';
import { TextPlaces } from './text-places.js';

export interface PackedGroups {
  readonly labels: number;
  readonly sumOfMeans: boolean;
  readonly increase: boolean;
  readonly percentiles: number | null;
  /** Labels, units and tags; places count from here. */
  readonly texts: readonly string[];
  /** A few numbers per group: see `pack`. */
  readonly heads: Float64Array;
  /** The columns of one group behind those of the other. */
  readonly columns: Float64Array;
}

const FIXED_HEAD = 8;
const SLICE_MS = 5;
/** So many groups are unpacked between two looks at the clock. */
const GROUPS_PER_LOOK = 250;

/** All groups must hold the same columns, and the same number of labels: as those of one answer do. */
export function pack(groups: readonly AggregateGroup[]): PackedGroups {
  const [first] = groups;
  const labels = first?.labels.length ?? 0;
  const places = new TextPlaces();
  const place = (text: string | null): number => places.of(text);
  const heads = new Float64Array(groups.length * (FIXED_HEAD + labels));
  const columns = new Float64Array(groups.reduce((sum, group) => sum + columnsOf(group).length * group.bucketsMs.length, 0));
  let head = 0;
  let at = 0;
  for (const group of groups) {
    const { bucketsMs, seriesCount, agentCount, uniqueNames, firstMs, lastMs } = group;
    const fixed = [bucketsMs.length, seriesCount, agentCount, uniqueNames, firstMs, lastMs, place(group.unit), place(group.commonTagsJson)];
    heads.set(fixed, head);
    heads.set(group.labels.map(place), head + FIXED_HEAD);
    head += FIXED_HEAD + labels;
    for (const column of columnsOf(group)) {
      columns.set(column, at);
      at += column.length;
    }
  }
  return {
    labels,
    sumOfMeans: first?.sumOfMeans !== undefined,
    increase: first?.increase !== undefined,
    percentiles: first?.percentiles?.length ?? null,
    texts: places.texts,
    heads,
    columns,
  };
}

/** With breaths in between: of tens of thousands of groups that takes a while. */
export async function unpack(packed: PackedGroups): Promise<AggregateGroup[]> {
  const { labels, sumOfMeans, increase, percentiles, texts, heads, columns } = packed;
  const groups: AggregateGroup[] = [];
  let at = 0;
  let sinceMs = performance.now();
  for (let head = 0; head < heads.length; head += FIXED_HEAD + labels) {
    if (groups.length % GROUPS_PER_LOOK === 0 && performance.now() - sinceMs >= SLICE_MS) {
      await setImmediate();
      sinceMs = performance.now();
    }
    const number = (i: number): number => heads[head + i] as number;
    const text = (i: number): string | null => texts[number(i)] ?? null;
    const rows = number(0);
    const column = (): Float64Array => columns.subarray(at, (at += rows));
    groups.push({
      labels: Array.from({ length: labels }, (_, i) => text(FIXED_HEAD + i)),
      seriesCount: number(1),
      agentCount: number(2),
      unit: text(6),
      commonTagsJson: text(7) as string,
      uniqueNames: number(3),
      bucketsMs: column(),
      count: column(),
      sum: column(),
      min: column(),
      max: column(),
      ...(sumOfMeans && { sumOfMeans: column() }),
      ...(increase && { increase: column() }),
      ...(percentiles !== null && { percentiles: Array.from({ length: percentiles }, column) }),
      firstMs: number(4),
      lastMs: number(5),
    });
  }
  return groups;
}

/** In the order in which they are unpacked. */
function columnsOf({ bucketsMs, count, sum, min, max, sumOfMeans, increase, percentiles }: AggregateGroup): Float64Array[] {
  return [bucketsMs, count, sum, min, max, ...(sumOfMeans ? [sumOfMeans] : []), ...(increase ? [increase] : []), ...(percentiles ?? [])];
}
