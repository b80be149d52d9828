import { ChangeDetectionStrategy, Component, computed, inject, Injector, input, linkedSignal, viewChild } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Router } from '@angular/router';
import { BellOff, CircleStop, Pencil, Trash2 } from 'lucide';
import { AlertStore } from '../../core/alert-store';
import type { Silence } from '../../core/alert-types';
import { Api } from '../../core/api';
import { loadable } from '../../core/loadable';
import { Confirm } from '../../shared/confirm';
import { Icon } from '../../shared/icon';
import { Listing } from '../../shared/listing';
import { Notice } from '../../shared/notice';
import { Outcome } from '../../shared/outcome';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';
import { matchersText } from './matchers';
import { openSilence } from './open-silence';
import { byState, endNow, recurrenceText, stateText } from './silence-form';

const REFRESH_MS = 15_000;

/** Which alerts nobody is told of, and when: once, or again and again. */
@Component({
  selector: 'ccv-silences-section',
  imports: [MatButtonModule, Icon, Listing, Notice, Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './silences-section.html',
  styleUrl: '../../shared/section.scss',
})
export class SilencesSection {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly injector = inject(Injector);
  private readonly confirm = inject(Confirm);
  private readonly store = inject(AlertStore);

  /** Of the address: `1` shows those that are over as well. */
  readonly expired = input<string>();

  protected readonly icons = { BellOff, CircleStop, Pencil, Trash2 };
  protected readonly matchersText = matchersText;
  protected readonly recurrenceText = recurrenceText;
  protected readonly stateText = stateText;
  protected readonly list = loadable({
    params: () => true,
    load: (_, abort) => this.api.get<{ silences: readonly Silence[] }>('/alerts/silences', {}, abort),
    refreshMs: REFRESH_MS,
  });
  private readonly silences = linkedSignal(() => this.list.value()?.silences);
  protected readonly all = computed(() => [...(this.silences() ?? [])].sort(byState));
  protected readonly expiredCount = computed(() => this.all().filter(({ state }) => state === 'expired').length);
  protected readonly rows = computed(() => (this.expired() === '1' ? this.all() : this.all().filter(({ state }) => state !== 'expired')));
  protected readonly outcome = new Outcome();
  private readonly listing = viewChild.required(Listing);

  protected showExpired(isShown: boolean): void {
    void this.router.navigate([], { queryParams: { expired: isShown ? '1' : null }, queryParamsHandling: 'merge', replaceUrl: true });
  }

  protected async edit(silence: Silence | null): Promise<void> {
    const saved = await openSilence(this.injector, { silence, labels: null });
    if (saved !== undefined) this.done('The silence is saved.');
  }

  protected async end(silence: Silence): Promise<void> {
    const isDone = await this.outcome.attempt('The silence could not be ended', () =>
      this.api.put<Silence>(`/alerts/silences/${encodeURIComponent(silence.id)}`, endNow(silence, Date.now())),
    );
    if (isDone) this.done('The silence is over.');
  }

  protected async remove(silence: Silence): Promise<void> {
    const isSure = await this.confirm.ask({
      title: 'Delete this silence?',
      message: `${matchersText(silence.matchers)}\n${silence.state === 'expired' ? 'It is over already.' : 'Alerts it is for are told again.'}`,
      action: 'Delete',
      danger: true,
    });
    if (!isSure) return;
    const isDone = await this.outcome.attemptEnd('The silence could not be deleted', () =>
      this.api.delete(`/alerts/silences/${encodeURIComponent(silence.id)}`),
    );
    if (!isDone) return;
    this.silences.update((silences) => silences?.filter(({ id }) => id !== silence.id));
    this.listing().focus();
    this.done('The silence is deleted.');
  }

  private done(news: string): void {
    this.outcome.done(news);
    this.list.reload();
    this.store.reload();
  }
}
