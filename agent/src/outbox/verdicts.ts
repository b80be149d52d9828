/**
 * Whether it is believed that a batch can never be delivered. One that is refused for good, or cannot be read, must not hold up the
 * others; but a server that has gone wrong, or a disk, says so of every batch, and then the spool would be emptied into the bin.
 *
 * So a few in a row are believed. After those nothing is until one of the batches that wait is taken: they are put off instead, each time
 * for longer. Failures that may pass (the server's own, and reading) are not final until a batch met them a few times.
 */
import type { Logger } from '../model.js';

/** Batches given up without one in between that was taken. */
const MAX_IN_A_ROW = 5;
/** Failures of one batch that might have passed. */
const MAX_TRIES = 3;
/** Batches whose failures are counted. */
const MAX_COUNTED = 100;
const MIN_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 600_000;
const JITTER = 0.25;

export class Verdicts {
  private inARow = 0;
  private pauses = 0;
  private readonly tries = new Map<string, number>();

  /** @param random in [0, 1) */
  constructor(
    private readonly logger: Logger,
    private readonly random: () => number,
  ) {}

  /** True: the batch is to be given up, which is noted. False: it is to be put off. */
  isFinal(batchId: string, mayPass: boolean): boolean {
    if (this.inARow >= MAX_IN_A_ROW) return false;
    const tries = this.tries.get(batchId) ?? 0;
    this.tries.delete(batchId);
    if (mayPass && tries < MAX_TRIES) {
      this.tries.set(batchId, tries + 1);
      for (const [oldest] of this.tries) if (this.tries.size > MAX_COUNTED) this.tries.delete(oldest);
      return false;
    }
    this.inARow += 1;
    if (this.inARow === MAX_IN_A_ROW) {
      this.logger.error('one batch after the other cannot be delivered: from now on they are kept, and tried again now and then', {
        givenUp: MAX_IN_A_ROW,
      });
    }
    return true;
  }

  /** A batch was taken. While batches are put off, a live one proves nothing about them. */
  taken(batchId: string, isBacklog: boolean, hasBacklog: boolean): void {
    this.tries.delete(batchId);
    const isDoubtful = this.inARow >= MAX_IN_A_ROW;
    if (isDoubtful && !isBacklog && hasBacklog) return;
    if (isDoubtful) this.logger.info('batches are taken again');
    this.inARow = 0;
    this.pauses = 0;
  }

  /** How long those that were put off wait this time. */
  nextPauseMs(): number {
    const pauseMs = Math.min(MIN_PAUSE_MS * 2 ** this.pauses, MAX_PAUSE_MS);
    this.pauses += 1;
    return pauseMs * (1 + JITTER * this.random());
  }
}
