export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Full jitter: each wait is anywhere from nothing to a bound that doubles, so that a fleet that was cut off together does not come back together. */
export class Backoff {
  private attempts = 0;

  constructor(private readonly options: BackoffOptions) {}

  /** How long to wait before the next attempt, in milliseconds. */
  next(): number {
    const { minMs, maxMs, random } = this.options;
    const boundMs = Math.min(minMs * 2 ** Math.min(this.attempts++, 30), maxMs);
    return Math.round(random() * boundMs);
  }

  /** It worked: the next wait is short again. */
  reset(): void {
    this.attempts = 0;
  }
}
