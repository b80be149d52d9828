import type { Dropped } from '../model.js';

/** Both together; null stands for nothing. */
export function joinDropped(a: Dropped | null, b: Dropped | null): Dropped | null {
  if (a === null || b === null) return a ?? b;
  return { count: a.count + b.count, fromMs: Math.min(a.fromMs, b.fromMs), toMs: Math.max(a.toMs, b.toMs) };
}

/**
 * What was given up since the server last heard of it. What is told now is kept apart from what is dropped meanwhile, so that an
 * acknowledgement forgets only what it is about.
 */
export class DroppedLedger {
  private told: Dropped | null = null;
  private untold: Dropped | null;

  constructor(before: Dropped | null = null) {
    this.untold = before;
  }

  /** All of it. */
  get total(): Dropped | null {
    return joinDropped(this.told, this.untold);
  }

  add({ count, fromMs, toMs }: Dropped): void {
    if (count > 0) this.untold = joinDropped(this.untold, { count, fromMs, toMs });
  }

  /** What is to be told now: everything that was not acknowledged yet. */
  tell(): Dropped | null {
    this.told = this.total;
    this.untold = null;
    return this.told;
  }

  /** What was told last has arrived. True when there was something. */
  forgetTold(): boolean {
    const had = this.told !== null;
    this.told = null;
    return had;
  }
}
