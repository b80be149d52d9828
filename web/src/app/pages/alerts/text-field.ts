import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';

let made = 0;

/** A line to type into, with its name above, and below what is wrong with it and what is to be said of it. */
@Component({
  selector: 'ccv-text-field',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<label [for]="id">{{ label() }}</label>
    <div class="with-unit">
      <input
        type="text"
        spellcheck="false"
        maxlength="4000"
        [id]="id"
        [attr.inputmode]="isNumber() ? 'decimal' : null"
        [placeholder]="placeholder()"
        [value]="value()"
        (input)="valueChange.emit($any($event.target).value)"
        [attr.aria-invalid]="error() !== undefined"
        [attr.aria-describedby]="id + '-error ' + id + '-hint'"
      />
      @if (unit(); as unit) {
        <span aria-hidden="true">{{ unit }}</span>
      }
    </div>
    <p class="error" [id]="id + '-error'">{{ error() }}</p>
    <p class="hint" [id]="id + '-hint'">{{ hint() }}</p>`,
  styleUrl: './form.scss',
  styles: `
    :host {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: 4px;
      align-content: start;
    }
    label {
      font: var(--mat-sys-label-large);
    }
    .hint:empty {
      display: none;
    }
  `,
})
export class TextField {
  readonly label = input.required<string>();
  readonly value = input.required<string>();
  readonly error = input<string>();
  readonly hint = input('');
  readonly placeholder = input('');
  /** Stands at its end. */
  readonly unit = input('');
  readonly isNumber = input(false);
  readonly valueChange = output<string>();
  protected readonly id = `text-field-${(made += 1)}`;
}
