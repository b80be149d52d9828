import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import type { Alert } from '../../core/alert-types';
import { Api } from '../../core/api';
import { Field, FieldControl } from '../../shared/field';
import type { FieldErrors } from '../../shared/field-errors';
import { FormState } from '../../shared/form-state';
import { Notice } from '../../shared/notice';
import { labelsText } from './alert-words';
import { Person } from './person';

export { MatDialog } from '@angular/material/dialog';

const FIELDS = { by: 'The name', comment: 'The comment' };

/** Somebody says that they know of an alert; closes with the alert as the server has it then. */
@Component({
  selector: 'ccv-acknowledge-dialog',
  imports: [MatDialogModule, MatButtonModule, Field, FieldControl, Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<form (submit)="save($event)" autocomplete="off" novalidate>
    <h2 mat-dialog-title>Acknowledge {{ alert.rule_name }}</h2>
    <mat-dialog-content class="fields">
      @if (draft.problem(); as error) {
        <ccv-notice [error]="error" title="This could not be saved" [canRetry]="false" />
      }
      <p class="hint">{{ text }}. It goes on firing; nobody is told of it again before it is over, and everybody sees here that you take care of it.</p>
      <ccv-field label="Your name" [problem]="draft.errors()['by']">
        <input
          ccvControl
          type="text"
          maxlength="200"
          [class.first-focus]="!isKnown"
          [value]="draft.value().by"
          (valueChange)="draft.set({ by: $event }, 'by')"
        />
      </ccv-field>
      <ccv-field label="Comment" [problem]="draft.errors()['comment']">
        <textarea
          ccvControl
          rows="3"
          maxlength="2000"
          placeholder="What is being done about it"
          [class.first-focus]="isKnown"
          [value]="draft.value().comment"
          (valueChange)="draft.set({ comment: $event }, 'comment')"
        ></textarea>
      </ccv-field>
    </mat-dialog-content>
    <mat-dialog-actions align="end">
      <button matButton type="button" (click)="dialog.close()">Cancel</button>
      <button matButton="filled" type="submit" [disabled]="draft.isSaving()">Acknowledge</button>
    </mat-dialog-actions>
  </form>`,
  styleUrl: '../../shared/form.scss',
})
export class AcknowledgeDialog {
  private readonly api = inject(Api);
  protected readonly dialog = inject<MatDialogRef<AcknowledgeDialog, Alert>>(MatDialogRef);
  protected readonly alert = inject<Alert>(MAT_DIALOG_DATA);
  private readonly person = inject(Person);
  protected readonly isKnown = this.person.name() !== '';
  protected readonly text = labelsText(this.alert.labels);
  protected readonly draft = new FormState({ by: this.person.name(), comment: '' });

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const { by, comment } = this.draft.value();
    const body = { by: by.trim(), comment: comment.trim() };
    const missing: FieldErrors = body.by === '' ? { by: 'Say who you are.' } : {};
    const saved = await this.draft.save(FIELDS, missing, () =>
      this.api.post<Alert>(`/alerts/${encodeURIComponent(this.alert.id)}/acknowledge`, body),
    );
    if (saved === undefined) return;
    this.person.name.set(body.by);
    this.dialog.close(saved);
  }
}
