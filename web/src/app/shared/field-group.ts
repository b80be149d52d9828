import { ChangeDetectionStrategy, Component, inject, input } from '@angular/core';
import { Ids } from './ids';

/** Several controls that are one thing together, under its name: a choice, a list of lines. What is said of it stands below. */
@Component({
  selector: 'ccv-field-group',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<fieldset [attr.aria-describedby]="id + '-error ' + id + '-hint'">
    <legend>{{ label() }}</legend>
    <ng-content />
    <p class="error" [id]="id + '-error'">{{ problem() }}</p>
    <p class="hint" [id]="id + '-hint'" [attr.role]="isHintLive() ? 'status' : null">{{ hint() }}</p>
  </fieldset>`,
  styleUrl: './field.scss',
})
export class FieldGroup {
  readonly label = input.required<string>();
  readonly hint = input('');
  /** The hint follows what is filled in: it is said aloud, and has its room also while it is empty. */
  readonly isHintLive = input(false);
  /** What is wrong with it. */
  readonly problem = input<string | null>();
  protected readonly id = inject(Ids).next('group');
}
