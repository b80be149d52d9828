/** Keeps the number of an agent's gaps within a limit: those that lie closest together become one. Pure. */

export interface LimitedGap {
  readonly kind: 'missing' | 'dropped';
  /** null for what cannot come any more. */
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly lost: number;
}

/** So that sums of sums remain numbers that are exact, in JavaScript and in SQLite. */
const MOST_LOST = 2 ** 50;

/**
 * Which of one agent's gaps are to become one, so that at most `most` are left: groups of two or more, each in order. Only
 * gaps of the same kind go together, and batches that may still come only with such: they stay apart by their numbers.
 */
export function closestTogether<G extends LimitedGap>(gaps: readonly G[], most: number): G[][] {
  const sorted = gaps.toSorted((a, b) => compareText(sortOf(a), sortOf(b)) || (a.firstSeq ?? 0) - (b.firstSeq ?? 0) || a.fromMs - b.fromMs);
  const seams = sorted.flatMap((gap, i) => {
    const next = sorted[i + 1];
    return next === undefined || sortOf(gap) !== sortOf(next) ? [] : [{ index: i, distanceMs: next.fromMs - gap.toMs }];
  });
  seams.sort((a, b) => a.distanceMs - b.distanceMs || a.index - b.index);
  const closed = new Set(seams.slice(0, Math.max(0, gaps.length - most)).map(({ index }) => index));
  const groups: G[][] = [];
  for (const [i, gap] of sorted.entries()) {
    const joins = groups.at(-1);
    if (joins !== undefined && closed.has(i - 1)) joins.push(gap);
    else groups.push([gap]);
  }
  return groups.filter((group) => group.length > 1);
}

/** One gap in the place of several, as `closestTogether` groups them. */
export function together(gaps: readonly LimitedGap[]): LimitedGap {
  const [first] = gaps;
  if (first === undefined) throw new Error('there is nothing to be put together');
  return {
    kind: first.kind,
    firstSeq: first.firstSeq,
    lastSeq: gaps.at(-1)?.lastSeq ?? null,
    fromMs: Math.min(...gaps.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...gaps.map(({ toMs }) => toMs)),
    lost: Math.min(
      MOST_LOST,
      gaps.reduce((sum, { lost }) => sum + lost, 0),
    ),
  };
}

/** Gaps of the same sort may become one. */
function sortOf({ kind, firstSeq }: LimitedGap): string {
  return firstSeq === null ? kind : `${kind} open`;
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
