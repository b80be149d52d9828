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
