import { setImmediate } from 'node:timers/promises';
import { monotonicMs } from '../runtime/clock.js';

const SLICE_MS = 8;

/** Lets the event loop have its turn in the middle of long work: sockets come first. */
export class Breather {
  private sinceMs = monotonicMs();

  /** To be asked now and then, before every piece of work that is done at once. */
  get isDue(): boolean {
    return monotonicMs() - this.sinceMs >= SLICE_MS;
  }

  async breathe(): Promise<void> {
    await setImmediate();
    this.sinceMs = monotonicMs();
  }
}
