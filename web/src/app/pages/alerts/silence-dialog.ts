import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import type { AlertsAnswer, Silence } from '../../core/alert-types';
import { Api } from '../../core/api';
import type { Tags } from '../../core/api-types';
import { loadable } from '../../core/loadable';
import { Field, FieldControl } from '../../shared/field';
import { FieldGroup } from '../../shared/field-group';
import { FormState } from '../../shared/form-state';
import { Notice } from '../../shared/notice';
import { matches } from './matchers';
import { MatchersEditor } from './matchers-editor';
import { Person } from './person';
import { bodyOf, CRONS, DURATIONS, formErrors, formOf, SILENCE_FIELDS, type SilenceForm, UNTIL } from './silence-form';

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
  imports: [MatDialogModule, MatButtonModule, Field, FieldControl, FieldGroup, MatchersEditor, Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './silence-dialog.html',
  styleUrl: '../../shared/form.scss',
  host: { '(keydown.escape)': 'dialog.close()' },
})
export class SilenceDialog {
  private readonly api = inject(Api);
  private readonly person = inject(Person);
  protected readonly dialog = inject<MatDialogRef<SilenceDialog, Silence>>(MatDialogRef);
  protected readonly question = inject<SilenceQuestion>(MAT_DIALOG_DATA);
  protected readonly durations = DURATIONS;
  protected readonly crons = CRONS;
  protected readonly draft = new FormState<SilenceForm>(
    formOf(this.question.silence, this.question.labels, this.person.name(), Intl.DateTimeFormat().resolvedOptions().timeZone),
  );
  protected readonly form = this.draft.value;
  protected readonly errors = this.draft.errors;
  protected readonly hasEnd = computed(() => this.form().isRecurring || this.form().duration === UNTIL);
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

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const { silence } = this.question;
    const body = bodyOf(this.form());
    const saved = await this.draft.save(SILENCE_FIELDS, silence === null ? formErrors(this.form(), Date.now()) : {}, () =>
      silence === null
        ? this.api.post<Silence>('/alerts/silences', body)
        : this.api.put<Silence>(`/alerts/silences/${encodeURIComponent(silence.id)}`, body),
    );
    if (saved === undefined) return;
    this.person.name.set(saved.author);
    this.dialog.close(saved);
  }
}
