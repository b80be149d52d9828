import { DestroyRef, inject, Injectable } from '@angular/core';
import type { AlertCounts, AlertsAnswer } from './alert-types';
import { Api } from './api';
import { LiveChannel } from './live-channel';
import { loadable } from './loadable';

/** What is not said on the live channel: silences, acknowledgements, what is over. */
const REFRESH_MS = 30_000;
/** Many alerts may begin at the same moment. */
const NEWS_DELAY_MS = 500;

/** How many alerts there are now: read over REST, and again as soon as the live channel tells of one. */
@Injectable({ providedIn: 'root' })
export class AlertStore {
  private readonly api = inject(Api);
  private readonly answer = loadable({
    params: () => true,
    load: (_, abort) => this.api.get<AlertsAnswer>('/alerts', { limit: 1 }, abort).then(({ counts }): AlertCounts => counts),
    refreshMs: REFRESH_MS,
  });
  /** Undefined before the first answer. */
  readonly counts = this.answer.value;
  readonly error = this.answer.error;

  constructor() {
    onAlertNews(() => this.answer.reload());
  }

  /** Something was done here that changes them. */
  reload(): void {
    this.answer.reload();
  }
}

/** Calls back when the live channel has told of alerts: once for many at a time. To be called where inject() may be. */
export function onAlertNews(callback: () => void): void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const stop = inject(LiveChannel).on('system_alert', () => {
    timer ??= setTimeout(() => {
      timer = null;
      callback();
    }, NEWS_DELAY_MS);
  });
  inject(DestroyRef).onDestroy(() => {
    stop();
    if (timer !== null) clearTimeout(timer);
  });
}
