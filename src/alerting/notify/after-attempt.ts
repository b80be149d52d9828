import type { Delivery } from '../../model/alert.js';
import type { SendResult } from './send-result.js';

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;
/** What the other side may ask for. */
const LONGEST_ASKED_PAUSE_MS = 3_600_000;
const GIVE_UP_AFTER_MS = 86_400_000;

/**
 * A delivery after an attempt. A failed one is tried again after 5 s, then after twice as long each time up to ten
 * minutes, or as long as the other side asks for (an hour at the most); a random share of up to a quarter is added,
 * so that channels that failed together do not come back together. After a day it is given up.
 * @param random in [0, 1)
 */
export function afterAttempt(delivery: Delivery, result: SendResult, nowMs: number, random: number): Delivery {
  const attempts = delivery.attempts + 1;
  if (result.outcome === 'delivered') {
    return { ...delivery, attempts, status: 'delivered', finishedAtMs: nowMs, lastError: result.warning ?? null };
  }
  const failed: Delivery = { ...delivery, attempts, status: 'failed', finishedAtMs: nowMs, lastError: result.error };
  if (result.outcome === 'failed') return failed;
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 20));
  const jitteredMs = Math.min(LONGEST_PAUSE_MS, Math.round(pauseMs * (1 + random / 4)));
  const nextAttemptAtMs = nowMs + Math.max(jitteredMs, askedPauseMs(result));
  if (nextAttemptAtMs - delivery.createdAtMs > GIVE_UP_AFTER_MS) return { ...failed, lastError: `given up after a day: ${result.error}` };
  return { ...delivery, attempts, nextAttemptAtMs, lastError: result.error };
}

/** For how long the other side wants to be left alone; 0: it did not say. */
export function askedPauseMs(result: SendResult): number {
  return result.outcome === 'retry' ? Math.min(LONGEST_ASKED_PAUSE_MS, result.retryAfterMs ?? 0) : 0;
}

/** How long a delivery has still to wait: never longer than any pause, because the clock may have been put back since. */
export function remainingPauseMs({ attempts, nextAttemptAtMs }: Delivery, nowMs: number): number {
  return attempts === 0 ? 0 : Math.min(LONGEST_ASKED_PAUSE_MS, Math.max(0, nextAttemptAtMs - nowMs));
}
