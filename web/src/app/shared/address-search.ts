import { computed, effect, inject, type Signal, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { ActivatedRoute, type Params, Router } from '@angular/router';

/** Words that are looked for on a page: `q` in its address. */
export interface AddressSearch {
  /** What the field shows. */
  readonly text: Signal<string>;
  /** What the address says: only this is looked for. */
  readonly words: Signal<string>;
  /** As it is typed. */
  type(text: string): void;
}

/**
 * A field whose words are in the address. What comes back from there while somebody goes on typing is not put over it. `besides`
 * changes with the words: a page number means nothing among other rows. To be called where inject() may be.
 */
export function addressSearch(besides: Params = {}): AddressSearch {
  const router = inject(Router);
  const route = inject(ActivatedRoute);
  const address = toSignal(route.queryParamMap, { requireSync: true });
  const words = computed(() => address().get('q') ?? '');
  const text = signal('');
  /** Of what was typed, so many words are on their way into the address. */
  let pending = 0;
  effect(() => {
    const now = words();
    if (pending === 0) text.set(now);
  });
  return {
    text: text.asReadonly(),
    words,
    type: (typed) => {
      text.set(typed);
      const queryParams = { q: typed.trim() === '' ? null : typed, ...besides };
      pending += 1;
      void router
        .navigate([], { relativeTo: route, queryParams, queryParamsHandling: 'merge', replaceUrl: true })
        .finally(() => (pending -= 1));
    },
  };
}
