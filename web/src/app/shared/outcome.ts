import { signal } from '@angular/core';
import { ApiError } from '../core/api';

/** What came of what somebody did in a list: said aloud, or shown above it. A Listing shows it. */
export class Outcome {
  /** Said aloud. */
  readonly news = signal('');
  /** What could not be done. */
  readonly problem = signal<{ readonly title: string; readonly error: ApiError } | null>(null);

  done(news: string): void {
    this.problem.set(null);
    this.news.set(news);
  }

  /** True when it was done; otherwise the title says what was not. */
  async attempt(title: string, action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.problem.set({ title, error });
      return false;
    }
  }

  /** The same, of something that is to be gone: gone already is as good. */
  attemptEnd(title: string, action: () => Promise<unknown>): Promise<boolean> {
    return this.attempt(title, () =>
      action().catch((error: unknown) => {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      }),
    );
  }
}
