import { ChangeDetectionStrategy, Component, Directive, inject, input, output } from '@angular/core';
import { Ids } from './ids';

/**
 * One thing to be filled in: its name above, the control that is put into it (`ccvControl`, or a `ccv-picker`), and below what is wrong
 * with it and what is to be said of it. That the control is called, described and marked by these is done here.
 */
@Component({
  selector: 'ccv-field',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<label [for]="id">{{ label() }}</label>
    <div class="control">
      <ng-content />
      @if (unit(); as unit) {
        <span aria-hidden="true">{{ unit }}</span>
      }
    </div>
    <p class="error" [id]="id + '-error'">{{ problem() }}</p>
    <p class="hint" [id]="id + '-hint'">{{ hint() }}</p>`,
  styleUrl: './field.scss',
})
export class Field {
  readonly label = input.required<string>();
  readonly hint = input('');
  /** What is wrong with it. */
  readonly problem = input<string | null>();
  /** Stands at the end of its line. */
  readonly unit = input('');
  /** Of the control. */
  readonly id = inject(Ids).next('field');
  readonly describedBy = `${this.id}-error ${this.id}-hint`;
}

/** What is filled in: an `input`, `select` or `textarea` in a `ccv-field`. */
@Directive({
  selector: '[ccvControl]',
  host: {
    '[id]': 'field.id',
    '[attr.aria-invalid]': 'field.problem() ? true : null',
    '[attr.aria-describedby]': 'field.describedBy',
    '(input)': 'valueChange.emit($any($event.target).value)',
  },
})
export class FieldControl {
  protected readonly field = inject(Field);
  readonly valueChange = output<string>();
}
