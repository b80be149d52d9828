import { DestroyRef, effect, inject } from '@angular/core';
import { Clock } from '../../core/clock';
import { LiveChannel } from '../../core/live-channel';

/**
 * Calls `reload` while metrics come in live, and while the channel is away (nobody says then whether something is new), each time
 * `intervalMs` after the first news and never more often; not while the page is out of sight. To be called where
 * inject() may be.
 */
export function refreshLive(intervalMs: () => number, reload: () => void): void {
  const live = inject(LiveChannel);
  const clock = inject(Clock);
  let timer: ReturnType<typeof setTimeout> | null = null;
  const soon = (): void => {
    timer ??= setTimeout(() => {
      timer = null;
      if (document.visibilityState === 'visible') reload();
    }, intervalMs());
  };
  const stop = live.on('metric_received', soon);
  effect(() => {
    clock.nowMs();
    if (!live.isLive()) soon();
  });
  inject(DestroyRef).onDestroy(() => {
    stop();
    if (timer !== null) clearTimeout(timer);
  });
}
