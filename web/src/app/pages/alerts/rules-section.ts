import { ChangeDetectionStrategy, Component, computed, inject, input, linkedSignal, viewChild } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { Copy, Pencil, Plus, Trash2, TriangleAlert } from 'lucide';
import { AlertStore, onAlertNews } from '../../core/alert-store';
import type { Rule } from '../../core/alert-types';
import { Api } from '../../core/api';
import { loadable } from '../../core/loadable';
import { formatCount } from '../../core/units';
import { Confirm } from '../../shared/confirm';
import { Icon } from '../../shared/icon';
import { Listing } from '../../shared/listing';
import { Notice } from '../../shared/notice';
import { Outcome } from '../../shared/outcome';
import { Status } from '../../shared/status';
import { ShowMore, Steps } from '../../shared/steps';
import { Time } from '../../shared/time';
import { matchesRule, ruleState, ruleText } from './alert-words';

const REFRESH_MS = 15_000;

/** What counts as wrong: the rules, how they fare, and whether they are on. */
@Component({
  selector: 'ccv-rules-section',
  imports: [RouterLink, MatButtonModule, Icon, Listing, Notice, ShowMore, Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './rules-section.html',
  styleUrl: '../../shared/section.scss',
})
export class RulesSection {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly confirm = inject(Confirm);
  private readonly store = inject(AlertStore);

  /** Of the address: words to be found. */
  readonly q = input<string>();

  protected readonly icons = { Copy, Pencil, Plus, Trash2, TriangleAlert };
  protected readonly count = formatCount;
  protected readonly list = loadable({
    params: () => true,
    load: (_, abort) => this.api.get<{ rules: readonly Rule[] }>('/alerts/rules', {}, abort),
    refreshMs: REFRESH_MS,
  });
  /** As last read, with what has been changed here since. */
  protected readonly rules = linkedSignal(() => this.list.value()?.rules);
  protected readonly matching = computed(() => (this.rules() ?? []).filter((rule) => matchesRule(rule, (this.q() ?? '').trim())));
  protected readonly steps = new Steps(this.matching);
  protected readonly rows = computed(() =>
    this.steps.shown().map((rule) => ({
      rule,
      text: ruleText(rule),
      state: ruleState(rule),
      trouble: rule.status.error ?? rule.status.warning,
    })),
  );
  protected readonly outcome = new Outcome();
  private readonly listing = viewChild.required(Listing);

  constructor() {
    onAlertNews(() => this.list.reload());
  }

  protected search(text: string): void {
    const queryParams = { q: text.trim() === '' ? null : text };
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge', replaceUrl: true });
  }

  protected async enable(rule: Rule, enabled: boolean): Promise<void> {
    const state = enabled ? 'on' : 'off';
    this.put({ ...rule, enabled });
    const isDone = await this.outcome.attempt(`${rule.name} could not be switched ${state}`, async () =>
      this.put(await this.api.put<Rule>(`/alerts/rules/${encodeURIComponent(rule.id)}`, { enabled })),
    );
    if (isDone) this.outcome.done(`${rule.name} is switched ${state}.`);
    else this.put(rule);
    this.list.reload();
    this.store.reload();
  }

  protected async remove(rule: Rule): Promise<void> {
    const isSure = await this.confirm.ask({
      title: `Delete ${rule.name}?`,
      message: `Its alerts are over then; those that were stay in the history.${rule.is_default ? '\nIt came with the server and does not come back by itself. It can be switched off instead.' : ''}`,
      action: 'Delete',
      danger: true,
    });
    if (!isSure) return;
    const isDone = await this.outcome.attemptEnd(`${rule.name} could not be deleted`, () =>
      this.api.delete(`/alerts/rules/${encodeURIComponent(rule.id)}`),
    );
    if (!isDone) return;
    this.rules.update((rules) => rules?.filter(({ id }) => id !== rule.id));
    this.listing().focus();
    this.outcome.done(`${rule.name} is deleted.`);
    this.list.reload();
    this.store.reload();
  }

  private put(rule: Rule): void {
    this.rules.update((rules) => rules?.map((old) => (old.id === rule.id ? rule : old)));
  }
}
