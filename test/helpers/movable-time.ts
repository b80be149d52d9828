import { jest } from '@jest/globals';
import type { Clock } from '../../src/runtime/clock.js';

/**
 * The time of a server in this process: it goes by as always, and minutes at once when a test says so, on the wall clock and
 * the monotonic one alike. Timers do not notice: what looks at the time now and then finds that much has gone by.
 */
export class MovableTime {
  private aheadMs = 0;
  private restore: () => void = () => undefined;
  /** For the server. */
  readonly clock: Clock = { nowMs: () => Date.now() + this.aheadMs };

  start(): void {
    const real = performance.now.bind(performance);
    const spy = jest.spyOn(performance, 'now').mockImplementation(() => real() + this.aheadMs);
    this.restore = () => spy.mockRestore();
  }

  stop(): void {
    this.restore();
  }

  pass(ms: number): void {
    this.aheadMs += ms;
  }
}
