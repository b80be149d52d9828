import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import { Api } from '../../core/api';
import type { Target, TargetType } from '../../core/api-types';
import { Field, FieldControl } from '../../shared/field';
import { FieldGroup } from '../../shared/field-group';
import { FormState } from '../../shared/form-state';
import { Notice } from '../../shared/notice';
import { AgentPicker } from './agent-picker';
import { bodyOf, formErrors, formOf, TARGET_FIELDS, type TargetForm, TYPE_WORDS, TYPES } from './target-form';

export { MatDialog } from '@angular/material/dialog';

/** Makes a target or changes one, and closes with it as the server has it then. Says beside each field what the server says of it. */
@Component({
  selector: 'ccv-target-dialog',
  imports: [MatDialogModule, MatButtonModule, AgentPicker, Field, FieldControl, FieldGroup, Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './target-dialog.html',
  styleUrl: '../../shared/form.scss',
  host: { '(keydown.escape)': 'close()' },
})
export class TargetDialog {
  private readonly api = inject(Api);
  private readonly dialog = inject<MatDialogRef<TargetDialog, Target>>(MatDialogRef);
  protected readonly target = inject<Target | null>(MAT_DIALOG_DATA);
  protected readonly types = TYPES;
  protected readonly typeWords = TYPE_WORDS;
  protected readonly draft = new FormState<TargetForm>(formOf(this.target));
  protected readonly form = this.draft.value;
  protected readonly errors = this.draft.errors;
  protected readonly words = computed(() => TYPE_WORDS[this.form().type]);

  /** What was wrong with an address or a port may be right for another type. */
  protected setType(type: TargetType): void {
    this.draft.set({ type }, 'type', 'address', 'port');
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const form = this.form();
    const body = bodyOf(form);
    const saved = await this.draft.save(TARGET_FIELDS, formErrors(form), () =>
      this.target === null
        ? this.api.post<Target>('/targets', body)
        : this.api.put<Target>(`/targets/${encodeURIComponent(this.target.id)}`, body),
    );
    if (saved !== undefined) this.dialog.close(saved);
  }

  protected close(): void {
    this.dialog.close();
  }
}
