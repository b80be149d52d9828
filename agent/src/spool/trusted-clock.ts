import type { Clock, Logger } from '../model.js';

const HOUR_MS = 3_600_000;
/** Far more than a clock is ever off by itself, far less than anything is kept for. */
const TOLERANCE_MS = HOUR_MS;
/** Long enough for a time server to have put it right. */
const PROBATION_MS = HOUR_MS;

/** Both clocks at the same moment. */
interface Reading {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/**
 * The wall clock for what is given up by its age: one that jumps far ahead would make all that waits look too old.
 *
 * It is held against the monotonic clock since it was last believed. One that ran ahead by more than an hour is not believed until it
 * is back, or until it has gone on evenly for an hour; meanwhile time goes on from what was believed. A clock that falls back is
 * believed: it makes everything look younger. A machine that was suspended looks like a jump ahead, which costs nothing but that hour.
 */
export class TrustedClock implements Clock {
  private believed: Reading | null = null;
  private doubted: Reading | null = null;

  /** @param monotonicMs milliseconds that never jump */
  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /**
   * It was this late before the process began: a clock that says much more has an hour to go before it is believed, since nothing tells a
   * wrong one from a machine that was off.
   */
  startFrom(wallMs: number): void {
    const monotonicMs = this.monotonicMs();
    this.believed = { wallMs, monotonicMs };
    this.doubted = { wallMs: this.clock.nowMs(), monotonicMs };
  }

  /** Unix milliseconds. Without `startFrom`, the first time is believed. */
  nowMs(): number {
    const now: Reading = { wallMs: this.clock.nowMs(), monotonicMs: this.monotonicMs() };
    const aheadMs = this.believed === null ? 0 : ahead(this.believed, now);
    if (aheadMs > TOLERANCE_MS && !this.hasHeld(now, aheadMs)) return now.wallMs - aheadMs;
    this.believed = now;
    this.doubted = null;
    return now.wallMs;
  }

  private hasHeld(now: Reading, aheadMs: number): boolean {
    if (this.doubted !== null && Math.abs(ahead(this.doubted, now)) <= TOLERANCE_MS) {
      return now.monotonicMs - this.doubted.monotonicMs >= PROBATION_MS;
    }
    this.doubted = now;
    this.logger.warn('the clock is far ahead of the time that passed: until that has lasted an hour, nothing is given up for its age', {
      aheadHours: Math.round((aheadMs / HOUR_MS) * 10) / 10,
    });
    return false;
  }
}

function ahead(since: Reading, now: Reading): number {
  return now.wallMs - since.wallMs - (now.monotonicMs - since.monotonicMs);
}
