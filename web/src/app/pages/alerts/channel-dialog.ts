import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { MAT_DIALOG_DATA, MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import type { Channel, ChannelType } from '../../core/alert-types';
import { Api } from '../../core/api';
import { Field, FieldControl } from '../../shared/field';
import { FieldGroup } from '../../shared/field-group';
import { FormState } from '../../shared/form-state';
import { Notice } from '../../shared/notice';
import { bodyOf, type ChannelForm, emptied, fieldsOf, formErrors, formOf, HIDDEN, isMasked, settingWords, typeName } from './channel-form';
import { MatchersEditor } from './matchers-editor';

export { MatDialog } from '@angular/material/dialog';

export interface ChannelQuestion {
  /** Null: a new one. */
  readonly channel: Channel | null;
  readonly types: readonly ChannelType[];
}

const WAITS = [
  { field: 'group_wait', key: 'groupWait', label: 'Waits for more, at first', usual: '30s' },
  { field: 'group_interval', key: 'groupInterval', label: 'Between news of a group', usual: '5m' },
  { field: 'repeat_interval', key: 'repeatInterval', label: 'Says it again after', usual: '4h' },
] as const;

/** Makes a channel or changes one, with the fields that its type has; closes with it as the server has it then. */
@Component({
  selector: 'ccv-channel-dialog',
  imports: [MatDialogModule, MatButtonModule, Field, FieldControl, FieldGroup, MatchersEditor, Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './channel-dialog.html',
  styleUrl: '../../shared/form.scss',
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
  protected readonly dialog = inject<MatDialogRef<ChannelDialog, Channel>>(MatDialogRef);
  protected readonly question = inject<ChannelQuestion>(MAT_DIALOG_DATA);
  protected readonly hidden = HIDDEN;
  protected readonly typeName = typeName;
  protected readonly waits = WAITS;
  protected readonly draft = new FormState<ChannelForm>(formOf(this.question.channel, this.question.types[0]?.type ?? ''));
  protected readonly form = this.draft.value;
  protected readonly errors = this.draft.errors;
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

  protected setSetting(name: string, value: string): void {
    this.draft.set({ settings: { ...this.form().settings, [name]: value } }, `settings.${name}`, 'settings');
  }

  protected setWait({ key, field }: (typeof WAITS)[number], value: string): void {
    this.draft.set({ [key]: value }, field);
  }

  /** What is wrong with settings may be right for another type; what has the same name stays. */
  protected setType(type: string): void {
    this.draft.set({ type });
    this.errors.set({});
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const { channel } = this.question;
    const form = this.form();
    const type = this.type();
    const body = bodyOf(form, type, channel === null);
    const saved = await this.draft.save(fieldsOf(type), formErrors(form, type), () =>
      channel === null
        ? this.api.post<Channel>('/alerts/channels', body)
        : this.api.put<Channel>(`/alerts/channels/${encodeURIComponent(channel.id)}`, body),
    );
    if (saved === undefined) this.form.update((value) => emptied(value, this.errors()));
    else this.dialog.close(saved);
  }
}
