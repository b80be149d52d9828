import { ChangeDetectionStrategy, Component, computed, inject, Injector, input, linkedSignal, viewChild } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { BellOff, ChartLine, Check, CircleX, Undo2 } from 'lucide';
import { firstValueFrom } from 'rxjs';
import { AlertStore, onAlertNews } from '../../core/alert-store';
import type { Alert, AlertsAnswer, Rule } from '../../core/alert-types';
import { Api } from '../../core/api';
import { Clock } from '../../core/clock';
import { loadable } from '../../core/loadable';
import { formatCount, formatValue } from '../../core/units';
import { Confirm } from '../../shared/confirm';
import { Icon } from '../../shared/icon';
import { Listing } from '../../shared/listing';
import { Notice } from '../../shared/notice';
import { Outcome } from '../../shared/outcome';
import { Status } from '../../shared/status';
import { ShowMore, Steps } from '../../shared/steps';
import { Time } from '../../shared/time';
import { explorerParams, isQuiet, keepSame, labelsText, nameOf, SEVERITIES, sinceOf, summaryOf, unitOfRule } from './alert-words';
import { LabelList } from './label-list';
import { openSilence } from './open-silence';

const REFRESH_MS = 10_000;
const RULES_REFRESH_MS = 60_000;
const MAX_ALERTS = 1_000;
const DISMISS_WORDS =
  'It is over then: those who were told of it are told that it is over, and the history says that it was dismissed by hand. ' +
  'This is for what nobody measures any more. If it is still measured and still bad, it begins anew.';

/** What is wrong now, the worst first; taken care of or silenced from here. */
@Component({
  selector: 'ccv-active-section',
  imports: [RouterLink, MatButtonModule, Icon, LabelList, Listing, Notice, ShowMore, Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './active-section.html',
  styleUrl: '../../shared/section.scss',
})
export class ActiveSection {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly injector = inject(Injector);
  private readonly clock = inject(Clock);
  private readonly confirm = inject(Confirm);
  private readonly store = inject(AlertStore);

  /** Of the address. */
  readonly state = input<string>();
  readonly severity = input<string>();
  readonly silenced = input<string>();
  readonly rule = input<string>();
  readonly agent = input<string>();

  protected readonly icons = { BellOff, ChartLine, Check, CircleX, Undo2 };
  protected readonly severities = SEVERITIES;
  protected readonly count = formatCount;
  protected readonly isQuiet = isQuiet;
  protected readonly sinceOf = sinceOf;

  protected readonly list = loadable({
    params: () => ({
      state: this.state() ?? 'all',
      severity: this.severity(),
      silenced: this.silenced(),
      rule_id: this.rule(),
      agent_id: this.agent(),
      limit: MAX_ALERTS,
    }),
    load: (params, abort) => this.api.get<AlertsAnswer>('/alerts', params, abort),
    refreshMs: REFRESH_MS,
    keepsValue: true,
  });
  private readonly rules = loadable({
    params: () => true,
    load: (_, abort) => this.api.get<{ rules: readonly Rule[] }>('/alerts/rules', {}, abort),
    refreshMs: RULES_REFRESH_MS,
  });
  private readonly ruleById = computed(() => new Map((this.rules.value()?.rules ?? []).map((rule) => [rule.id, rule])));
  /** As last read, with what has been done here since. */
  protected readonly alerts = linkedSignal<readonly Alert[], readonly Alert[]>({
    source: () => this.list.value()?.alerts ?? [],
    computation: (read, previous) => keepSame(previous?.value ?? [], read),
  });
  protected readonly steps = new Steps(this.alerts);
  /** Until when an alert's values are looked at: it must not be another address each second. */
  private readonly minuteMs = computed(() => Math.floor(this.clock.nowMs() / 60_000) * 60_000);
  protected readonly rows = computed(() => {
    const rules = this.ruleById();
    const nowMs = this.minuteMs();
    return this.steps.shown().map((alert) => {
      const rule = rules.get(alert.rule_id);
      return {
        alert,
        name: nameOf(alert),
        summary: summaryOf(alert.annotations),
        value: formatValue(alert.value, unitOfRule(rule)),
        explorer: explorerParams(alert, rule, nowMs),
      };
    });
  });
  /** What the address narrows the list to, besides what can be chosen above it. */
  protected readonly only = computed(() => {
    const [rule, agent] = [this.rule(), this.agent()];
    const parts = [rule && (this.ruleById().get(rule)?.name ?? 'one rule'), agent && `agent ${agent}`];
    return parts.filter((part) => part).join(', ');
  });
  protected readonly isFiltered = computed(() =>
    [this.state(), this.severity(), this.silenced(), this.rule(), this.agent()].some((value) => value !== undefined),
  );
  protected readonly total = computed(() => this.list.value()?.pagination.total ?? this.alerts().length);
  protected readonly outcome = new Outcome();
  private readonly listing = viewChild.required(Listing);

  constructor() {
    onAlertNews(() => this.list.reload());
  }

  protected filter(params: Record<string, string>): void {
    const queryParams = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value === '' ? null : value]));
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge', replaceUrl: true });
  }

  protected showAll(): void {
    void this.router.navigate([], { queryParams: {}, replaceUrl: true });
  }

  /** Opens the form; its code comes when it is first needed. */
  protected async acknowledge(alert: Alert): Promise<void> {
    const { AcknowledgeDialog, MatDialog } = await import('./acknowledge-dialog');
    const dialog = this.injector.get(MatDialog).open<unknown, Alert, Alert>(AcknowledgeDialog, {
      data: alert,
      ariaModal: true,
      autoFocus: '.first-focus',
      width: '460px',
      maxWidth: 'calc(100vw - 24px)',
    });
    const saved = await firstValueFrom(dialog.afterClosed());
    if (saved !== undefined) this.changed(saved, `${saved.rule_name} is acknowledged.`);
  }

  protected async takeBack(alert: Alert): Promise<void> {
    await this.outcome.attempt('The acknowledgement could not be taken back', async () => {
      const saved = await this.api.delete<Alert>(`/alerts/${encodeURIComponent(alert.id)}/acknowledge`);
      this.changed(saved, `${saved.rule_name} is not acknowledged any more.`);
    });
  }

  protected async silence(alert: Alert): Promise<void> {
    const saved = await openSilence(this.injector, { silence: null, labels: alert.labels });
    if (saved === undefined) return;
    this.done('The silence is saved.');
  }

  /** For what nobody measures any more: it would go on as it was. */
  protected async dismiss(alert: Alert): Promise<void> {
    const isSure = await this.confirm.ask({
      title: `Dismiss ${alert.rule_name}?`,
      message: `${labelsText(alert.labels)}\n${DISMISS_WORDS}`,
      action: 'Dismiss',
    });
    if (!isSure) return;
    const isDone = await this.outcome.attemptEnd(`${alert.rule_name} could not be dismissed`, () =>
      this.api.post<Alert>(`/alerts/${encodeURIComponent(alert.id)}/resolve`, {}),
    );
    if (!isDone) return;
    this.alerts.update((alerts) => alerts.filter(({ id }) => id !== alert.id));
    this.listing().focus();
    this.done(`${alert.rule_name} is dismissed.`);
  }

  private changed(saved: Alert, news: string): void {
    this.alerts.update((alerts) => alerts.map((old) => (old.id === saved.id ? saved : old)));
    this.done(news);
  }

  private done(news: string): void {
    this.outcome.done(news);
    this.list.reload();
    this.store.reload();
  }
}
