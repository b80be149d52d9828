import { ChangeDetectionStrategy, Component, computed, inject, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import type { Question } from './confirm';

export { MatDialog } from '@angular/material/dialog';

/** A question with two answers; see `Confirm`, which opens it. */
@Component({
  selector: 'ccv-confirm-dialog',
  imports: [MatDialogModule, MatButtonModule],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<form (submit)="submit($event)" autocomplete="off">
    <h2 mat-dialog-title>{{ question.title }}</h2>
    <mat-dialog-content>
      <div id="confirm-message">
        @for (paragraph of paragraphs; track $index) {
          <p>{{ paragraph }}</p>
        }
      </div>
      @if (question.mustType; as wanted) {
        <label>
          <span>Type <strong>{{ wanted }}</strong> to confirm</span>
          <input
            class="first-focus"
            type="text"
            name="confirmation"
            spellcheck="false"
            autocapitalize="off"
            (input)="typed.set($any($event.target).value)"
          />
        </label>
      }
    </mat-dialog-content>
    <mat-dialog-actions align="end">
      <button matButton type="button" [class.first-focus]="!question.mustType && question.danger" (click)="close(false)">Cancel</button>
      <button
        matButton="filled"
        type="submit"
        [class.danger]="question.danger"
        [class.first-focus]="!question.mustType && !question.danger"
        [disabled]="!isAllowed()"
      >
        {{ question.action }}
      </button>
    </mat-dialog-actions>
  </form>`,
  styles: `
    p {
      margin: 0 0 8px;
      overflow-wrap: anywhere;
    }
    label {
      display: grid;
      gap: 6px;
      margin-top: 12px;
      overflow-wrap: anywhere;
    }
    .danger:not(:disabled) {
      --mat-button-filled-container-color: var(--mat-sys-error);
      --mat-button-filled-label-text-color: var(--mat-sys-on-error);
    }
  `,
})
export class ConfirmDialog {
  private readonly dialog = inject<MatDialogRef<ConfirmDialog, boolean>>(MatDialogRef);
  protected readonly question = inject<Question>(MAT_DIALOG_DATA);
  protected readonly paragraphs = this.question.message.split('\n').filter((paragraph) => paragraph !== '');
  protected readonly typed = signal('');
  protected readonly isAllowed = computed(() => this.question.mustType === undefined || this.typed().trim() === this.question.mustType);

  protected submit(event: Event): void {
    event.preventDefault();
    if (this.isAllowed()) this.close(true);
  }

  protected close(answer: boolean): void {
    this.dialog.close(answer);
  }
}
