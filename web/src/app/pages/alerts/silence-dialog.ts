import { ChangeDetectionStrategy, Component, computed, ElementRef, inject, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import type { AlertsAnswer, Silence } from '../../core/alert-types';
import { Api, type ApiError } from '../../core/api';
import type { Tags } from '../../core/api-types';
import { loadable } from '../../core/loadable';
import { Notice } from '../../shared/notice';
import { type FieldErrors, fieldErrors, without } from './field-errors';
import { matches } from './matchers';
import { MatchersEditor } from './matchers-editor';
import { Person } from './person';
import { bodyOf, CRONS, DURATIONS, formOf, SILENCE_FIELDS, type SilenceForm, UNTIL } from './silence-form';

export { MatDialog } from '@angular/material/dialog';

export interface SilenceQuestion {
  /** Null: a new one. */
  readonly silence: Silence | null;
  /** Of the alert that a new one is to be for. */
  readonly labels: Tags | null;
}

/** Makes a silence or changes one, and closes with it as the server has it then. */
@Component({
  selector: 'ccv-silence-dialog',
  imports: [MatDialogModule, MatButtonModule, MatchersEditor, Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './silence-dialog.html',
  styleUrl: './form.scss',
  host: { '(keydown.escape)': 'dialog.close()' },
})
export class SilenceDialog {
  private readonly api = inject(Api);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  private readonly person = inject(Person);
  protected readonly dialog = inject<MatDialogRef<SilenceDialog, Silence>>(MatDialogRef);
  protected readonly question = inject<SilenceQuestion>(MAT_DIALOG_DATA);
  protected readonly durations = DURATIONS;
  protected readonly crons = CRONS;
  protected readonly until = UNTIL;
  protected readonly form = signal<SilenceForm>(
    formOf(this.question.silence, this.question.labels, this.person.name(), Intl.DateTimeFormat().resolvedOptions().timeZone),
  );
  protected readonly errors = signal<FieldErrors>({});
  /** What belongs to no field. */
  protected readonly problem = signal<ApiError | null>(null);
  protected readonly isSaving = signal(false);
  private readonly active = loadable({
    params: () => true,
    load: (_, abort) => this.api.get<AlertsAnswer>('/alerts', { limit: 1_000 }, abort),
  });
  protected readonly matchedText = computed(() => {
    const alerts = this.active.value()?.alerts;
    if (alerts === undefined) return '';
    const matchers = this.form().matchers.filter(({ label }) => label !== '');
    if (matchers.length === 0) return '';
    const found = alerts.map(({ labels }) => matches(matchers, labels));
    if (found.includes(null)) return '';
    const count = found.filter((one) => one === true).length;
    return `Of the ${alerts.length} active alerts ${count === 1 ? 'one is' : `${count} are`} meant.`;
  });

  /** A field that is being mended is not complained about any longer. */
  protected set(change: Partial<SilenceForm>, field: string): void {
    this.form.update((form) => ({ ...form, ...change }));
    this.errors.update((errors) => without(errors, field));
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    if (this.isSaving()) return;
    this.problem.set(null);
    this.errors.set({});
    this.isSaving.set(true);
    const { silence } = this.question;
    const body = bodyOf(this.form());
    try {
      const saved =
        silence === null
          ? await this.api.post<Silence>('/alerts/silences', body)
          : await this.api.put<Silence>(`/alerts/silences/${encodeURIComponent(silence.id)}`, body);
      this.person.name.set(saved.author);
      this.dialog.close(saved);
    } catch (failure) {
      const error = failure as ApiError;
      const errors = fieldErrors(error.details, SILENCE_FIELDS);
      this.isSaving.set(false);
      if (errors === null) this.problem.set(error);
      else this.errors.set(errors);
      setTimeout(() => this.host.nativeElement.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
    }
  }
}
