import type { SampleBatch } from '../storage/ports.js';

/** However seldom an agent sends, what it sends live holds a sample that is younger. */
const LATE_MS = 90_000;

/**
 * The time of the newest sample of a batch that was kept back and comes late; null of one that comes in time. Its age is told by the
 * agent's own clock where the batch says when it was sent, so that a clock that is off makes nothing late.
 */
export function newestOfLate({
  receivedAtMs,
  clockSkewMs,
  timestampsMs,
}: Pick<SampleBatch, 'receivedAtMs' | 'clockSkewMs' | 'timestampsMs'>): number | null {
  if (timestampsMs.length === 0) return null;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < timestampsMs.length; row++) newestMs = Math.max(newestMs, timestampsMs[row] as number);
  const sentAtMs = receivedAtMs - (clockSkewMs ?? 0);
  return sentAtMs - newestMs > LATE_MS ? newestMs : null;
}

/** Up to when samples of an agent came late: of batches on disk, and of those on their way there, which readers may see at any moment. */
export class LateMark {
  private storedMs: number | null = null;
  private readonly onTheWay: number[] = [];

  /** Null: nothing came late. */
  get newestMs(): number | null {
    return this.onTheWay.reduce(newest, this.storedMs);
  }

  enter(newestMs: number): void {
    this.onTheWay.push(newestMs);
  }

  /** What entered so is there, or may be; or it is not news, because it was there already. */
  leave(newestMs: number, isNews: boolean): void {
    this.onTheWay.splice(this.onTheWay.indexOf(newestMs), 1);
    if (isNews) this.storedMs = newest(this.storedMs, newestMs);
  }
}

function newest(known: number | null, ms: number): number {
  return Math.max(known ?? ms, ms);
}
