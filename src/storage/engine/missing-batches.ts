/**
 * What an agent's count of its batches (`seq`) says of batches that have not come. Pure; who keeps the result is
 * `sqlite/writer/gap-recorder.ts`.
 *
 * Ranges open and close all the time, as agents send what is new first and their backlog behind it. A missing range is
 * exact as long as `lost` is its span; one that was merged with its neighbour is not, and only counts down then.
 */

/** A batch of the count. Times are of its oldest and newest sample; null when it has none. */
export interface CountedBatch {
  readonly seq: number;
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  readonly receivedAtMs: number;
}

/** The batch with the highest number so far. */
export interface LastBatch {
  readonly seq: number;
  /** Of its newest sample; when it came, if it had none. */
  readonly newestMs: number;
}

/** Batches `firstSeq` to `lastSeq`, both included, and the time they are of: from the sample before to the sample behind. */
export interface MissingRange {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** How many of them are missing. */
  readonly lost: number;
}

export type Arrival =
  /** The first of a count, or the next: it is the last batch now. */
  | { readonly kind: 'next' }
  /** The last batch now, and those before it are missing. */
  | { readonly kind: 'ahead'; readonly missing: MissingRange }
  /** The agent has begun to count again: it is the last batch now, and what is missing of the count before will not come. */
  | { readonly kind: 'restart' }
  /** It was missing; what is left of the range it was in. */
  | { readonly kind: 'late'; readonly left: readonly MissingRange[] }
  /** It has been here before. */
  | { readonly kind: 'repeat' };

/**
 * What a batch is to the count, given the last batch and the missing range that its number lies in.
 *
 * A number that has been here begins a new count when all of the batch was measured after all of the last one: whatever was
 * counted before that is older. So an agent that lost its state is told from one that sends something again. (Of a missing
 * number this is not asked: the last batch may hold nothing but a late result of a slow check.)
 */
export function judge(batch: CountedBatch, last: LastBatch | null, holding: MissingRange | null): Arrival {
  const { seq, oldestMs } = batch;
  if (last === null || seq === last.seq + 1) return { kind: 'next' };
  if (seq > last.seq) return { kind: 'ahead', missing: between(last, batch) };
  if (holding !== null) return { kind: 'late', left: without(holding, batch) };
  return { kind: oldestMs !== null && oldestMs > last.newestMs ? 'restart' : 'repeat' };
}

function between(last: LastBatch, { seq, oldestMs, receivedAtMs }: CountedBatch): MissingRange {
  const untilMs = oldestMs ?? receivedAtMs;
  return {
    firstSeq: last.seq + 1,
    lastSeq: seq - 1,
    // Batches may overlap in time.
    fromMs: Math.min(last.newestMs, untilMs),
    toMs: Math.max(last.newestMs, untilMs),
    lost: seq - 1 - last.seq,
  };
}

function without(range: MissingRange, { seq, oldestMs, newestMs }: CountedBatch): MissingRange[] {
  const { firstSeq, lastSeq, fromMs, toMs, lost } = range;
  const within = (timeMs: number): number => Math.min(Math.max(timeMs, fromMs), toMs);
  const before = { ...range, lastSeq: seq - 1, toMs: within(oldestMs ?? toMs), lost: seq - firstSeq };
  const behind = { ...range, firstSeq: seq + 1, fromMs: within(newestMs ?? fromMs), lost: lastSeq - seq };
  if (lost === lastSeq - firstSeq + 1) return [before, behind].filter((part) => part.lost > 0);
  if (lost === 1) return [];
  if (seq === firstSeq) return [{ ...behind, lost: lost - 1 }];
  if (seq === lastSeq) return [{ ...before, lost: lost - 1 }];
  return [{ ...range, lost: lost - 1 }];
}
