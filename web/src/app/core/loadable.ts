import { computed, DestroyRef, effect, inject, type Signal, signal, untracked } from '@angular/core';
import type { ApiError } from './api';
import { LiveChannel } from './live-channel';

/** Something read from the server that may be read again. */
export interface Loadable<T> {
  /** The last good answer, also while the next one is on its way or failed; undefined before the first. */
  readonly value: Signal<T | undefined>;
  /**
   * Why the last reading failed; null when it did not. That the server is out of reach is said by the frame around all pages: with an
   * answer on the screen it is not said here as well.
   */
  readonly error: Signal<ApiError | null>;
  readonly isLoading: Signal<boolean>;
  reload(): void;
}

export interface LoadableOptions<P, T> {
  /**
   * What to ask for; read again when it says something else, not at all while it is undefined. A value of other params is dropped
   * unless `keepsValue`.
   */
  readonly params: () => P | undefined;
  readonly load: (params: P, signal: AbortSignal) => Promise<T>;
  /** Reads again after this long, while the page is in sight. */
  readonly refreshMs?: number;
  /** Shows the old answer until the new one is there, also when something else was asked for. */
  readonly keepsValue?: boolean;
}

const RETRY_MS = 5_000;

/**
 * Reads, and reads again: when what is asked for changes, every `refreshMs`, after a failure, and when the live channel comes
 * back (the server was away: who knows what happened). A reading that is overtaken is aborted. To be called where
 * inject() may be.
 */
export function loadable<P, T>({ params, load, refreshMs, keepsValue = false }: LoadableOptions<P, T>): Loadable<T> {
  const live = inject(LiveChannel);
  const value = signal<T | undefined>(undefined);
  const failure = signal<ApiError | null>(null);
  const error = computed(() => (failure()?.status === 0 && value() !== undefined && !live.isLive() ? null : failure()));
  const isLoading = signal(false);
  const wanted = computed(params, { equal: (a, b) => JSON.stringify(a) === JSON.stringify(b) });
  let asked: P | undefined;
  let controller: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  /** Its time came while the page was out of sight. */
  let isOverdue = false;

  const stop = (): void => {
    controller?.abort();
    if (timer !== null) clearTimeout(timer);
    isOverdue = false;
  };

  const schedule = (delayMs: number | undefined): void => {
    if (delayMs === undefined) return;
    timer = setTimeout(() => {
      if (document.visibilityState === 'visible') void read();
      else isOverdue = true;
    }, delayMs);
  };

  const read = async (): Promise<void> => {
    stop();
    const question = asked;
    isLoading.set(question !== undefined);
    if (question === undefined) return;
    const own = new AbortController();
    controller = own;
    try {
      const answer = await load(question, own.signal);
      if (own.signal.aborted) return;
      value.set(answer);
      failure.set(null);
      schedule(refreshMs);
    } catch (reason) {
      if (own.signal.aborted) return;
      failure.set(reason as ApiError);
      const { status } = reason as ApiError;
      // What the server refuses it will refuse again; what it could not do it may do later.
      if (status === 0 || status >= 500 || status === 429) schedule(RETRY_MS);
    }
    isLoading.set(false);
  };

  effect(() => {
    const question = wanted();
    live.comebacks();
    untracked(() => {
      if (question !== asked) {
        failure.set(null);
        if (!keepsValue) value.set(undefined);
      }
      asked = question;
      void read();
    });
  });
  const seen = (): void => {
    if (isOverdue && document.visibilityState === 'visible') void read();
  };
  document.addEventListener('visibilitychange', seen);
  inject(DestroyRef).onDestroy(() => {
    document.removeEventListener('visibilitychange', seen);
    stop();
  });
  return { value, error, isLoading, reload: () => void read() };
}
