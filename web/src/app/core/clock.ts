import { Injectable, signal } from '@angular/core';
import { type ClockReading, differenceAfter } from './clock-difference';

/**
 * The server's time of day, by which all that it tells is dated: a browser whose clock is wrong would call what happened just now
 * old, or to come. One timer for all that is shown as "5 s ago".
 */
@Injectable({ providedIn: 'root' })
export class Clock {
  private aheadMs = 0;
  private readonly shown = signal(Date.now());
  /** Milliseconds since 1970; changes once a second, while the page is in sight. */
  readonly nowMs = this.shown.asReadonly();

  constructor() {
    setInterval(() => {
      if (document.visibilityState === 'visible') this.shown.set(this.now());
    }, 1_000);
    document.addEventListener('visibilitychange', () => this.shown.set(this.now()));
  }

  /** Milliseconds since 1970, to the millisecond. */
  now(): number {
    return Date.now() + this.aheadMs;
  }

  /** An answer of the server says what time it is there. */
  hear(reading: ClockReading): void {
    const aheadMs = differenceAfter(this.aheadMs, reading);
    if (aheadMs === this.aheadMs) return;
    this.aheadMs = aheadMs;
    this.shown.set(this.now());
  }
}
