import { Injectable, signal } from '@angular/core';

/** The time of day for what is shown as "5 s ago": one timer for all of them. */
@Injectable({ providedIn: 'root' })
export class Clock {
  private readonly now = signal(Date.now());
  /** Milliseconds since 1970; changes once a second. */
  readonly nowMs = this.now.asReadonly();

  constructor() {
    setInterval(() => {
      if (document.visibilityState === 'visible') this.now.set(Date.now());
    }, 1_000);
    document.addEventListener('visibilitychange', () => this.now.set(Date.now()));
  }
}
