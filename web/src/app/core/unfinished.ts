import { DestroyRef, inject, Injectable } from '@angular/core';
import { ApiKey } from './api-key';

/**
 * What somebody was filling in when the server asked for a key: all pages go then, and come back with the key. It is kept in memory
 * alone.
 */
@Injectable({ providedIn: 'root' })
export class Unfinished {
  private readonly key = inject(ApiKey);
  private readonly kept = new Map<string, unknown>();

  /**
   * Keeps what `state` says (null: nothing) should the caller go because of the key. Answers how to get what was kept under the name,
   * once. To be called where inject() may be.
   */
  keep<T extends object>(name: () => string, state: () => T | null): () => T | undefined {
    inject(DestroyRef).onDestroy(() => {
      const left = this.key.isNeeded() ? state() : null;
      if (left !== null) this.kept.set(name(), left);
    });
    return () => {
      const left = this.kept.get(name()) as T | undefined;
      this.kept.delete(name());
      return left;
    };
  }
}
