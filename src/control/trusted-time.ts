import { isoTime } from '../model/iso-time.js';
import { type Clock, monotonicMs } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';

const HOUR_MS = 3_600_000;
/** Far more than a clock is ever off by itself, far less than anything is kept for. */
const TOLERANCE_MS = HOUR_MS;
/** Long enough for somebody to have seen the error in the log. */
const PROBATION_MS = 24 * HOUR_MS;

/** Both clocks at the same moment. */
interface Reading {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/**
 * The wall clock for those who delete by age: one that jumps far ahead would make all that is stored look expired.
 *
 * The wall clock is held against the monotonic one since the last time it was believed. When it ran ahead by more than an
 * hour, it is not believed until it is back, or until it has gone on evenly for 24 hours: a fault is repaired by then. What it
 * says at the start is always believed, since nothing tells a wrong clock from a server that was off; so a restart is the
 * way to accept a new time at once. A clock that falls back is believed: it makes everything look younger. A machine that
 * was suspended looks like a jump ahead, because the monotonic clock stands still meanwhile.
 */
export class TrustedTime {
  private believed: Reading | null = null;
  private doubted: Reading | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly monotonic: () => number = monotonicMs,
  ) {}

  /** Believes what the clock says next, whatever it was before. */
  restart(): void {
    this.believed = null;
    this.doubted = null;
  }

  /** Unix milliseconds; null while the clock is not believed. Logs when that begins and when it ends. */
  nowMs(): number | null {
    const now: Reading = { wallMs: this.clock.nowMs(), monotonicMs: this.monotonic() };
    const aheadMs = this.believed === null ? 0 : ahead(this.believed, now);
    if (aheadMs <= TOLERANCE_MS) {
      if (this.doubted !== null) this.logger.info('the clock is right again: data that is past its time is deleted again');
      return this.believe(now);
    }
    if (this.doubted === null || Math.abs(ahead(this.doubted, now)) > TOLERANCE_MS) {
      this.doubt(now, aheadMs);
    } else if (now.monotonicMs - this.doubted.monotonicMs >= PROBATION_MS) {
      this.logger.warn('the new time has held for 24 h and is believed now: data that is past its time is deleted again');
      return this.believe(now);
    }
    return null;
  }

  private believe(now: Reading): number {
    this.believed = now;
    this.doubted = null;
    return now.wallMs;
  }

  private doubt(now: Reading, aheadMs: number): void {
    this.doubted = now;
    this.logger.error(
      'the clock jumped ahead: nothing is deleted by its age until that is settled. If the time is wrong, set it right ' +
        '(NTP); if it is right, restart the server, or wait: it is accepted after 24 h',
      { time: isoTime(now.wallMs), aheadHours: Math.round(aheadMs / (HOUR_MS / 10)) / 10 },
    );
  }
}

function ahead(since: Reading, now: Reading): number {
  return now.wallMs - since.wallMs - (now.monotonicMs - since.monotonicMs);
}
