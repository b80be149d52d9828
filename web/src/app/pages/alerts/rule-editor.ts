import { ChangeDetectionStrategy, Component, computed, effect, ElementRef, inject, input, signal, untracked } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { AlertStore } from '../../core/alert-store';
import type { Rule } from '../../core/alert-types';
import { Api, ApiError } from '../../core/api';
import { loadable } from '../../core/loadable';
import { unitSymbol } from '../../core/units';
import { Confirm } from '../../shared/confirm';
import { Notice } from '../../shared/notice';
import { Picker } from '../../shared/picker';
import { Status } from '../../shared/status';
import { AGENT_CONDITION_WORDS, CONDITION_WORDS, ruleState, SEVERITIES, unitOfAggregation } from './alert-words';
import { type FieldErrors, fieldErrors, without } from './field-errors';
import { PairsEditor } from './pairs-editor';
import { RuleChoices } from './rule-choices';
import {
  AGGREGATIONS,
  bodyOf,
  copyOf,
  formErrors,
  formOf,
  hasAgentThreshold,
  hasRecovery,
  NO_DATA_WORDS,
  RULE_FIELDS,
  type RuleForm,
} from './rule-form';
import { RulePreview } from './rule-preview';
import { TextField } from './text-field';

/** Makes a rule or changes one, and shows meanwhile what it would have done. */
@Component({
  selector: 'ccv-rule-editor',
  imports: [RouterLink, MatButtonModule, Notice, PairsEditor, Picker, RulePreview, Status, TextField],
  providers: [RuleChoices],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './rule-editor.html',
  styleUrls: ['./form.scss', './rule-editor.scss'],
  host: { '(window:beforeunload)': 'warn($event)' },
})
export class RuleEditor {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly confirm = inject(Confirm);
  private readonly store = inject(AlertStore);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  protected readonly choices = inject(RuleChoices);

  /** Of the address: the rule to change; without one, a new one, like `like` if there is one. */
  readonly ruleId = input<string>();
  readonly like = input<string>();

  protected readonly aggregations = AGGREGATIONS;
  protected readonly conditions = Object.entries(CONDITION_WORDS);
  protected readonly agentConditions = Object.entries(AGENT_CONDITION_WORDS);
  protected readonly noDataWords = NO_DATA_WORDS;
  protected readonly severities = SEVERITIES;
  protected readonly hasRecovery = hasRecovery;
  protected readonly hasAgentThreshold = hasAgentThreshold;
  protected readonly templateHint = '{{ value }}, {{ threshold }} and {{ labels.agent }} stand for what they are then.';
  protected readonly example = '{{ labels.agent }} is at {{ value }}';
  protected readonly isTag = (text: string): boolean => text.indexOf(':') > 0;
  protected readonly isName = (text: string): boolean => text.length > 0;

  protected readonly loaded = loadable({
    params: () => this.ruleId() ?? this.like() ?? undefined,
    load: (id, abort) => this.api.get<Rule>(`/alerts/rules/${encodeURIComponent(id)}`, {}, abort),
  });
  protected readonly rule = computed(() => (this.ruleId() === undefined ? undefined : this.loaded.value()));
  protected readonly state = computed(() => {
    const rule = this.rule();
    return rule === undefined ? null : ruleState(rule);
  });
  protected readonly form = signal<RuleForm | null>(null);
  /** As it was when it was opened or saved: what is there to lose. */
  private original = '';
  protected readonly errors = signal<FieldErrors>({});
  /** What the server says of the fields while they are filled in. */
  private readonly early = signal<FieldErrors>({});
  protected readonly shown = computed<FieldErrors>(() => ({ ...this.early(), ...this.errors() }));
  /** What belongs to no field. */
  protected readonly problem = signal<ApiError | null>(null);
  protected readonly isSaving = signal(false);
  protected readonly unit = computed(() => unitSymbol(unitOfAggregation(this.form()?.aggregation ?? 'avg', this.choices.unit())));
  protected readonly aggregationList = computed(() => {
    const own = this.form()?.aggregation ?? 'avg';
    return AGGREGATIONS.some(([value]) => value === own) ? AGGREGATIONS : [...AGGREGATIONS, [own, `${own.slice(1)}th percentile`] as const];
  });

  constructor() {
    effect(() => {
      const rule = this.loaded.value();
      const isNew = this.ruleId() === undefined;
      untracked(() => {
        if (rule === undefined && (!isNew || this.like() !== undefined)) return;
        // Read again by itself (the server was away): what is being typed stays.
        if (this.isChanged()) return;
        const form = rule === undefined ? formOf(null) : isNew ? copyOf(rule) : formOf(rule);
        this.form.set(form);
        this.original = JSON.stringify(form);
      });
    });
    effect(() => this.choices.metricName.set(this.form()?.metricName ?? ''));
  }

  /** Of the router: asks before something that was typed is lost. */
  mayLeave(): Promise<boolean> {
    if (!this.isChanged()) return Promise.resolve(true);
    return this.confirm.ask({
      title: 'Leave without saving?',
      message: 'What you changed of this rule is lost then.',
      action: 'Leave',
      danger: true,
    });
  }

  /** The same, of the browser. */
  protected warn(event: BeforeUnloadEvent): void {
    if (this.isChanged()) event.preventDefault();
  }

  /** A field that is being mended is not complained about any longer. */
  protected set(change: Partial<RuleForm>, field: string): void {
    this.form.update((form) => (form === null ? null : { ...form, ...change }));
    this.errors.update((errors) => without(errors, field));
    this.early.update((errors) => without(errors, field));
  }

  protected refused(error: ApiError | null): void {
    this.early.set(error === null ? {} : (fieldErrors(error.details, RULE_FIELDS) ?? {}));
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const form = this.form();
    if (form === null || this.isSaving()) return;
    this.problem.set(null);
    this.errors.set(formErrors(form));
    if (Object.keys(this.errors()).length > 0) return this.showError();
    this.isSaving.set(true);
    try {
      const id = this.ruleId();
      if (id === undefined) await this.api.post<Rule>('/alerts/rules', bodyOf(form));
      else await this.api.put<Rule>(`/alerts/rules/${encodeURIComponent(id)}`, bodyOf(form));
      this.original = JSON.stringify(form);
      this.store.reload();
      await this.router.navigateByUrl('/alerts/rules');
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      const errors = fieldErrors(failure.details, RULE_FIELDS);
      if (errors === null) this.problem.set(failure);
      else this.errors.set(errors);
      this.showError();
    } finally {
      this.isSaving.set(false);
    }
  }

  private isChanged(): boolean {
    const form = this.form();
    return form !== null && JSON.stringify(form) !== this.original;
  }

  private showError(): void {
    setTimeout(() => {
      const host = this.host.nativeElement;
      const field =
        host.querySelector<HTMLElement>('[aria-invalid=true]') ?? host.querySelector<HTMLElement>('.error:not(:empty), ccv-notice');
      field?.scrollIntoView({ block: 'center' });
      field?.focus();
    });
  }
}
