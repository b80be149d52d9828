import type { StorageUsage } from '../ports.js';

/** Figures this old are looked up again. */
const MAX_AGE_MS = 60_000;

/** What is stored, looked up at most once a minute, however many ask. A look-up that fails leaves the older figures. */
export class KnownUsage {
  private known: StorageUsage | null = null;
  private readAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<StorageUsage> | null = null;

  constructor(private readonly read: () => Promise<StorageUsage>) {}

  /** @throws what the look-up failed with, when there are no figures young enough */
  fresh(): Promise<StorageUsage> {
    if (this.known !== null && performance.now() - this.readAt < MAX_AGE_MS) return Promise.resolve(this.known);
    this.reading ??= this.read()
      .then((usage) => {
        this.known = usage;
        this.readAt = performance.now();
        return usage;
      })
      .finally(() => {
        this.reading = null;
      });
    return this.reading;
  }

  /** Whatever is known; looks for newer figures in the background. */
  latest(): StorageUsage | null {
    // Nobody waits for it: whoever asks next sees what came of it.
    this.fresh().catch(() => undefined);
    return this.known;
  }
}
