import { ChangeDetectionStrategy, Component, computed, inject, Injector, input, linkedSignal, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Router } from '@angular/router';
import { BellOff, CircleStop, Pencil, Trash2 } from 'lucide';
import { AlertStore } from '../../core/alert-store';
import type { Silence } from '../../core/alert-types';
import { Api, type ApiError } from '../../core/api';
import { loadable } from '../../core/loadable';
import { Confirm } from '../../shared/confirm';
import { Icon } from '../../shared/icon';
import { Notice } from '../../shared/notice';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';
import { matchersText } from './matchers';
import { openSilence } from './open-silence';
import { byState, endNow, recurrenceText } from './silence-form';

const REFRESH_MS = 15_000;

/** Which alerts nobody is told of, and when: once, or again and again. */
@Component({
  selector: 'ccv-silences-section',
  imports: [MatButtonModule, Icon, Notice, Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './silences-section.html',
  styleUrl: './section.scss',
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
  protected readonly placeholders = [0, 1];
  protected readonly list = loadable({
    params: () => true,
    load: (_, abort) => this.api.get<{ silences: readonly Silence[] }>('/alerts/silences', {}, abort),
    refreshMs: REFRESH_MS,
  });
  private readonly silences = linkedSignal(() => this.list.value()?.silences);
  protected readonly all = computed(() => [...(this.silences() ?? [])].sort(byState));
  protected readonly expiredCount = computed(() => this.all().filter(({ state }) => state === 'expired').length);
  protected readonly rows = computed(() => (this.expired() === '1' ? this.all() : this.all().filter(({ state }) => state !== 'expired')));
  protected readonly problem = signal<{ title: string; error: ApiError } | null>(null);
  /** Said aloud. */
  protected readonly news = signal('');

  protected showExpired(isShown: boolean): void {
    void this.router.navigate([], { queryParams: { expired: isShown ? '1' : null }, queryParamsHandling: 'merge', replaceUrl: true });
  }

  protected async edit(silence: Silence | null): Promise<void> {
    const saved = await openSilence(this.injector, { silence, labels: null });
    if (saved !== undefined) this.done('The silence is saved.');
  }

  protected async end(silence: Silence): Promise<void> {
    try {
      await this.api.put<Silence>(`/alerts/silences/${encodeURIComponent(silence.id)}`, endNow(silence, Date.now()));
      this.done('The silence is over.');
    } catch (error) {
      this.problem.set({ title: 'The silence could not be ended', error: error as ApiError });
    }
  }

  protected async remove(silence: Silence): Promise<void> {
    const isSure = await this.confirm.ask({
      title: 'Delete this silence?',
      message: `${matchersText(silence.matchers)}\n${silence.state === 'expired' ? 'It is over already.' : 'Alerts it is for are told again.'}`,
      action: 'Delete',
      danger: true,
    });
    if (!isSure) return;
    try {
      await this.api.delete(`/alerts/silences/${encodeURIComponent(silence.id)}`);
    } catch (error) {
      // Gone already is as good.
      if ((error as ApiError).status !== 404) {
        this.problem.set({ title: 'The silence could not be deleted', error: error as ApiError });
        return;
      }
    }
    this.silences.update((silences) => silences?.filter(({ id }) => id !== silence.id));
    this.done('The silence is deleted.');
  }

  private done(news: string): void {
    this.problem.set(null);
    this.news.set(news);
    this.list.reload();
    this.store.reload();
  }
}
