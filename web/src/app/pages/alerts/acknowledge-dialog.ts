import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import type { Alert } from '../../core/alert-types';
import { Api, type ApiError } from '../../core/api';
import { Notice } from '../../shared/notice';
import { labelsText } from './alert-words';
import { Person } from './person';

export { MatDialog } from '@angular/material/dialog';

/** Somebody says that they know of an alert; closes with the alert as the server has it then. */
@Component({
  selector: 'ccv-acknowledge-dialog',
  imports: [MatDialogModule, MatButtonModule, Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<form (submit)="save($event)" autocomplete="off" novalidate>
    <h2 mat-dialog-title>Acknowledge {{ alert.rule_name }}</h2>
    <mat-dialog-content class="fields">
      @if (problem(); as error) {
        <ccv-notice [error]="error" title="This could not be saved" [canRetry]="false" />
      }
      <p class="hint">{{ text }}. It goes on firing; nobody is told of it again before it is over, and everybody sees here that you take care of it.</p>
      <div>
        <label for="ack-by">Your name</label>
        <input
          id="ack-by"
          type="text"
          maxlength="200"
          [class.first-focus]="person.name() === ''"
          [value]="person.name()"
          (input)="person.name.set($any($event.target).value)"
          [attr.aria-invalid]="isNameMissing()"
          aria-describedby="ack-by-error"
        />
        <p id="ack-by-error" class="error">{{ isNameMissing() ? 'Say who you are.' : '' }}</p>
      </div>
      <div>
        <label for="ack-comment">Comment</label>
        <textarea
          id="ack-comment"
          rows="3"
          maxlength="2000"
          placeholder="What is being done about it"
          [class.first-focus]="person.name() !== ''"
          [value]="comment()"
          (input)="comment.set($any($event.target).value)"
        ></textarea>
      </div>
    </mat-dialog-content>
    <mat-dialog-actions align="end">
      <button matButton type="button" (click)="dialog.close()">Cancel</button>
      <button matButton="filled" type="submit" [disabled]="isSaving()">Acknowledge</button>
    </mat-dialog-actions>
  </form>`,
  styleUrl: './form.scss',
})
export class AcknowledgeDialog {
  private readonly api = inject(Api);
  protected readonly dialog = inject<MatDialogRef<AcknowledgeDialog, Alert>>(MatDialogRef);
  protected readonly alert = inject<Alert>(MAT_DIALOG_DATA);
  protected readonly person = inject(Person);
  protected readonly text = labelsText(this.alert.labels);
  protected readonly comment = signal('');
  protected readonly isNameMissing = signal(false);
  protected readonly isSaving = signal(false);
  protected readonly problem = signal<ApiError | null>(null);

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    if (this.isSaving()) return;
    const by = this.person.name().trim();
    this.isNameMissing.set(by === '');
    if (by === '') return;
    this.isSaving.set(true);
    this.problem.set(null);
    try {
      const body = { by, comment: this.comment().trim() };
      this.dialog.close(await this.api.post<Alert>(`/alerts/${encodeURIComponent(this.alert.id)}/acknowledge`, body));
    } catch (error) {
      this.problem.set(error as ApiError);
      this.isSaving.set(false);
    }
  }
}
