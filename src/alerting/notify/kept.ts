import type { Clock } from '../../runtime/clock.js';

const MAX_AGE_MS = 60_000;

/** Something read from storage and used often: read again when it is forgotten, and after a minute in any case. */
export class Kept<T> {
  private value: { readonly promise: Promise<T>; readonly readAtMs: number } | null = null;

  constructor(
    private readonly read: () => Promise<T>,
    private readonly clock: Clock,
  ) {}

  /** @throws what reading throws; the next call reads again */
  get(): Promise<T> {
    const nowMs = this.clock.nowMs();
    if (this.value === null || Math.abs(nowMs - this.value.readAtMs) >= MAX_AGE_MS) {
      const promise = this.read();
      const value = { promise, readAtMs: nowMs };
      this.value = value;
      promise.catch(() => {
        if (this.value === value) this.value = null;
      });
    }
    return this.value.promise;
  }

  forget(): void {
    this.value = null;
  }
}
