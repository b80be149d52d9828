import { ChangeDetectionStrategy, Component, computed, ElementRef, inject, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import type { Channel, ChannelType } from '../../core/alert-types';
import { Api, type ApiError } from '../../core/api';
import { Notice } from '../../shared/notice';
import { bodyOf, type ChannelForm, emptied, fieldsOf, formErrors, formOf, HIDDEN, isMasked, settingWords, typeName } from './channel-form';
import { type FieldErrors, fieldErrors, without } from './field-errors';
import { MatchersEditor } from './matchers-editor';

export { MatDialog } from '@angular/material/dialog';

export interface ChannelQuestion {
  /** Null: a new one. */
  readonly channel: Channel | null;
  readonly types: readonly ChannelType[];
}

/** Makes a channel or changes one, with the fields that its type has; closes with it as the server has it then. */
@Component({
  selector: 'ccv-channel-dialog',
  imports: [MatDialogModule, MatButtonModule, MatchersEditor, Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './channel-dialog.html',
  styleUrl: './form.scss',
  styles: `
    .kept {
      display: flex;
      gap: 8px;
      align-items: center;
    }
    .kept span {
      flex: 1;
      color: var(--ccv-muted);
    }
    details .fields {
      margin-top: 8px;
    }
    summary {
      cursor: pointer;
      font: var(--mat-sys-label-large);
      color: var(--mat-sys-on-surface);
    }
  `,
  host: { '(keydown.escape)': 'dialog.close()' },
})
export class ChannelDialog {
  private readonly api = inject(Api);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  protected readonly dialog = inject<MatDialogRef<ChannelDialog, Channel>>(MatDialogRef);
  protected readonly question = inject<ChannelQuestion>(MAT_DIALOG_DATA);
  protected readonly hidden = HIDDEN;
  protected readonly typeName = typeName;
  protected readonly form = signal<ChannelForm>(formOf(this.question.channel, this.question.types[0]?.type ?? ''));
  private readonly type = computed(() => this.question.types.find(({ type }) => type === this.form().type));
  protected readonly settings = computed(() => {
    const { type } = this.form();
    return (this.type()?.settings ?? []).map((setting) => ({
      ...setting,
      ...settingWords(type, setting.name),
      field: `settings.${setting.name}`,
      isMasked: isMasked(setting),
    }));
  });
  protected readonly errors = signal<FieldErrors>({});
  /** What belongs to no field. */
  protected readonly problem = signal<ApiError | null>(null);
  protected readonly isSaving = signal(false);

  /** A field that is being mended is not complained about any longer. */
  protected set(change: Partial<ChannelForm>, field: string): void {
    this.form.update((form) => ({ ...form, ...change }));
    this.errors.update((errors) => without(errors, field));
  }

  protected setSetting(name: string, value: string): void {
    this.set({ settings: { ...this.form().settings, [name]: value } }, `settings.${name}`);
  }

  /** What is wrong with settings may be right for another type; what has the same name stays. */
  protected setType(type: string): void {
    this.form.update((form) => ({ ...form, type }));
    this.errors.set({});
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    if (this.isSaving()) return;
    this.problem.set(null);
    this.errors.set(formErrors(this.form(), this.type()));
    if (Object.keys(this.errors()).length > 0) return this.showError();
    this.isSaving.set(true);
    const { channel } = this.question;
    const body = bodyOf(this.form(), this.type(), channel === null);
    try {
      this.dialog.close(
        channel === null
          ? await this.api.post<Channel>('/alerts/channels', body)
          : await this.api.put<Channel>(`/alerts/channels/${encodeURIComponent(channel.id)}`, body),
      );
    } catch (failure) {
      const error = failure as ApiError;
      const errors = fieldErrors(error.details, fieldsOf(this.type()));
      this.isSaving.set(false);
      if (errors === null) this.problem.set(error);
      else {
        this.errors.set(errors);
        this.form.update((form) => emptied(form, errors));
      }
      this.showError();
    }
  }

  private showError(): void {
    setTimeout(() => {
      const field = this.host.nativeElement.querySelector<HTMLElement>('[aria-invalid=true]');
      field?.closest('details')?.setAttribute('open', '');
      field?.focus();
    });
  }
}
