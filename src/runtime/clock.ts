/** The wall clock, in Unix milliseconds. It may jump: use it for what is stored and shown, never for time-outs. */
export interface Clock {
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Monotonic milliseconds, for durations and deadlines. */
export function monotonicMs(): number {
  return performance.now();
}
