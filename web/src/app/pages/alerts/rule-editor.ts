import { ChangeDetectionStrategy, Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Router, RouterLink } from '@angular/router';
import { AlertStore } from '../../core/alert-store';
import type { Rule } from '../../core/alert-types';
import { Api, type ApiError } from '../../core/api';
import { loadable } from '../../core/loadable';
import { Unfinished } from '../../core/unfinished';
import { unitSymbol } from '../../core/units';
import { Confirm } from '../../shared/confirm';
import { Field, FieldControl } from '../../shared/field';
import { type FieldErrors, fieldErrors, without } from '../../shared/field-errors';
import { FieldGroup } from '../../shared/field-group';
import { FormState } from '../../shared/form-state';
import { Notice } from '../../shared/notice';
import { Picker } from '../../shared/picker';
import { Status } from '../../shared/status';
import { AGENT_CONDITION_WORDS, CONDITION_WORDS, ruleState, SEVERITIES, unitOfAggregation } from './alert-words';
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

/** Makes a rule or changes one, and shows meanwhile what it would have done. */
@Component({
  selector: 'ccv-rule-editor',
  imports: [RouterLink, MatButtonModule, Field, FieldControl, FieldGroup, Notice, PairsEditor, Picker, RulePreview, Status],
  providers: [RuleChoices],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './rule-editor.html',
  styleUrls: ['../../shared/form.scss', './rule-editor.scss'],
  host: { '(window:beforeunload)': 'warn($event)' },
})
export class RuleEditor {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly confirm = inject(Confirm);
  private readonly store = inject(AlertStore);
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
  protected readonly draft = new FormState<RuleForm>(formOf(null));
  /** The rule to begin with has been read, if there is one. */
  private readonly isReady = signal(false);
  protected readonly form = computed(() => (this.isReady() ? this.draft.value() : null));
  /** As it was when it was opened or saved: what is there to lose. */
  private original = '';
  /** What the server says of the fields while they are filled in. */
  private readonly early = signal<FieldErrors>({});
  protected readonly shown = computed<FieldErrors>(() => ({ ...this.early(), ...this.draft.errors() }));
  protected readonly unit = computed(() => unitSymbol(unitOfAggregation(this.draft.value().aggregation, this.choices.unit())));
  protected readonly aggregationList = computed(() => {
    const own = this.draft.value().aggregation;
    return AGGREGATIONS.some(([value]) => value === own) ? AGGREGATIONS : [...AGGREGATIONS, [own, `${own.slice(1)}th percentile`] as const];
  });

  constructor() {
    const takeLeft = inject(Unfinished).keep(
      () => `the rule ${this.ruleId() ?? ''}`,
      () => (this.isChanged() ? { form: this.draft.value(), original: this.original } : null),
    );
    effect(() => {
      const rule = this.loaded.value();
      const isNew = this.ruleId() === undefined;
      untracked(() => {
        if (rule === undefined && (!isNew || this.like() !== undefined)) return;
        // Read again by itself (the server was away): what is being typed stays.
        if (this.isChanged()) return;
        const left = takeLeft();
        if (left !== undefined) return this.begin(left.form, left.original);
        const form = rule === undefined ? formOf(null) : isNew ? copyOf(rule) : formOf(rule);
        this.begin(form, JSON.stringify(form));
      });
    });
    effect(() => this.choices.metricName.set(this.draft.value().metricName));
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
  protected set(change: Partial<RuleForm>, ...fields: readonly string[]): void {
    this.draft.set(change, ...fields);
    this.early.update((errors) => fields.reduce(without, errors));
  }

  protected refused(error: ApiError | null): void {
    this.early.set(error === null ? {} : fieldErrors(error.details, RULE_FIELDS).fields);
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const form = this.draft.value();
    const id = this.ruleId();
    const saved = await this.draft.save(RULE_FIELDS, formErrors(form), () =>
      id === undefined
        ? this.api.post<Rule>('/alerts/rules', bodyOf(form))
        : this.api.put<Rule>(`/alerts/rules/${encodeURIComponent(id)}`, bodyOf(form)),
    );
    if (saved === undefined) return;
    this.original = JSON.stringify(form);
    this.store.reload();
    await this.router.navigateByUrl('/alerts/rules');
  }

  private begin(form: RuleForm, original: string): void {
    this.draft.value.set(form);
    this.original = original;
    this.isReady.set(true);
  }

  private isChanged(): boolean {
    return this.isReady() && JSON.stringify(this.draft.value()) !== this.original;
  }
}
