import { ChangeDetectionStrategy, Component, computed, ElementRef, inject, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import { Api, type ApiError } from '../../core/api';
import type { Target, TargetType } from '../../core/api-types';
import { Notice } from '../../shared/notice';
import { AgentPicker } from './agent-picker';
import {
  bodyOf,
  fieldErrors,
  type FieldErrors,
  formErrors,
  formOf,
  TYPE_WORDS,
  type TargetField,
  type TargetForm,
  TYPES,
} from './target-form';

export { MatDialog } from '@angular/material/dialog';

/** Makes a target or changes one, and closes with it as the server has it then. Says beside each field what the server says of it. */
@Component({
  selector: 'ccv-target-dialog',
  imports: [MatDialogModule, MatButtonModule, Notice, AgentPicker],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './target-dialog.html',
  styleUrl: './target-dialog.scss',
  host: { '(keydown.escape)': 'close()' },
})
export class TargetDialog {
  private readonly api = inject(Api);
  private readonly dialog = inject<MatDialogRef<TargetDialog, Target>>(MatDialogRef);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  protected readonly target = inject<Target | null>(MAT_DIALOG_DATA);
  protected readonly types = TYPES;
  protected readonly typeWords = TYPE_WORDS;
  protected readonly form = signal<TargetForm>(formOf(this.target));
  protected readonly errors = signal<FieldErrors>({});
  /** What belongs to no field. */
  protected readonly problem = signal<ApiError | null>(null);
  protected readonly isSaving = signal(false);
  protected readonly words = computed(() => TYPE_WORDS[this.form().type]);

  /** A field that is being mended is not complained about any longer. */
  protected set(change: Partial<TargetForm>, field?: TargetField): void {
    this.form.update((form) => ({ ...form, ...change }));
    if (field !== undefined && this.errors()[field] !== undefined) this.errors.update(({ [field]: _, ...others }) => others);
  }

  protected setType(type: TargetType): void {
    this.set({ type }, 'type');
    // What was wrong with an address or a port may be right for another type.
    this.errors.update(({ address: _, port: __, ...others }) => others);
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    if (this.isSaving()) return;
    this.problem.set(null);
    this.errors.set(formErrors(this.form()));
    if (Object.keys(this.errors()).length > 0) return this.showError();
    this.isSaving.set(true);
    try {
      const body = bodyOf(this.form());
      const saved =
        this.target === null
          ? await this.api.post<Target>('/targets', body)
          : await this.api.put<Target>(`/targets/${encodeURIComponent(this.target.id)}`, body);
      this.dialog.close(saved);
    } catch (failure) {
      const error = failure as ApiError;
      const errors = fieldErrors(error.details ?? []);
      if (errors === null) this.problem.set(error);
      else this.errors.set(errors);
      this.showError();
    } finally {
      this.isSaving.set(false);
    }
  }

  protected close(): void {
    this.dialog.close();
  }

  /** To the first field that is wrong, once it is marked. */
  private showError(): void {
    setTimeout(() => this.host.nativeElement.querySelector<HTMLElement>('[aria-invalid="true"], ccv-notice')?.focus());
  }
}
