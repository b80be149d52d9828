import type { Dropped } from '../model.js';

/** Losses that lie farther apart are told one by one: together they would look like one long gap. */
const APART_MS = 3_600_000;
/** Beyond that the two that lie closest together become one. */
const MAX_LOSSES = 8;

/** Both together; null stands for nothing. */
export function joinDropped(a: Dropped | null, b: Dropped | null): Dropped | null {
  return a === null || b === null ? (a ?? b) : joined(a, b);
}

/**
 * What was given up since the server last heard of it, as a few losses in the order of their times. They are told one after another,
 * and the one that is being told stays as it is until its acknowledgement: told again, it is the same report.
 */
export class DroppedLedger {
  private told: Dropped | null = null;
  private untold: Dropped[];

  constructor(before: Dropped | null = null) {
    this.untold = before === null ? [] : [before];
  }

  /** All of it. */
  get total(): Dropped | null {
    return this.untold.reduce(joinDropped, this.told);
  }

  add({ count, fromMs, toMs }: Dropped): void {
    if (count === 0) return;
    const losses = [...this.untold, { count, fromMs, toMs }].sort((a, b) => a.fromMs - b.fromMs);
    const distances = (): number[] => losses.slice(1).map((loss, i) => loss.fromMs - (losses[i] as Dropped).toMs);
    for (let nearest = distances(); nearest.length > 0; nearest = distances()) {
      const leastMs = Math.min(...nearest);
      if (leastMs > APART_MS && losses.length <= MAX_LOSSES) break;
      const at = nearest.indexOf(leastMs);
      losses.splice(at, 2, joined(losses[at] as Dropped, losses[at + 1] as Dropped));
    }
    this.untold = losses;
  }

  /** What is to be told now: the oldest loss that was not acknowledged yet. */
  tell(): Dropped | null {
    this.told ??= this.untold.shift() ?? null;
    return this.told;
  }

  /** What was told last has arrived. True when there was something. */
  forgetTold(): boolean {
    const had = this.told !== null;
    this.told = null;
    return had;
  }
}

function joined(a: Dropped, b: Dropped): Dropped {
  return { count: a.count + b.count, fromMs: Math.min(a.fromMs, b.fromMs), toMs: Math.max(a.toMs, b.toMs) };
}
