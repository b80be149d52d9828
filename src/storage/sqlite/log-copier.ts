import type { Db } from './open.js';

/** Pages of write-ahead log from which on it is copied: 16 MB at 4 kB. */
const LONG_PAGES = 4_000;
/** What the writer copies itself, between two commits: a few milliseconds. */
const REST_PAGES = 500;

/** What SQLite answers to a checkpoint: pages in the log, and how many of them are in the file (both −1: no log). */
interface Checkpoint {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Keeps the write-ahead log short without holding up commits. Another connection than the writer's copies all that readers
 * let it, but while it does so the writer adds more; so the writer copies the little that is left and may then begin the log
 * anew. A disk that fails is for commits to tell: here it only means "not now".
 */
export class LogCopier {
  constructor(private readonly db: Db) {}

  /** Copies a log that has become long into the file, as far as readers let it. Not for the writer. */
  copyMost(): void {
    const state = this.checkpoint('NOOP');
    if (state !== null && state.log >= LONG_PAGES && state.log - state.checkpointed > REST_PAGES) this.checkpoint('PASSIVE');
  }

  /** Copies what is left of a long log when it is little. For the writer, outside of a transaction. */
  copyRest(): void {
    const state = this.checkpoint('NOOP');
    if (state === null || state.log < LONG_PAGES) return;
    const rest = state.log - state.checkpointed;
    if (rest > 0 && rest <= REST_PAGES) this.checkpoint('PASSIVE');
  }

  private checkpoint(mode: 'NOOP' | 'PASSIVE'): Checkpoint | null {
    try {
      const [state] = this.db.pragma(`wal_checkpoint(${mode})`) as Checkpoint[];
      return state ?? null;
    } catch {
      return null;
    }
  }
}
