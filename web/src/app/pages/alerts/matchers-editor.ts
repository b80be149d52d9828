import { ChangeDetectionStrategy, Component, inject, input, output } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Plus, Trash2 } from 'lucide';
import type { Matcher } from '../../core/alert-types';
import { Icon } from '../../shared/icon';
import { Ids } from '../../shared/ids';
import { operatorOf, OPERATORS, withOperator } from './matchers';

const USUAL_LABELS = ['alertname', 'severity', 'agent', 'provider', 'region', 'target'];

/** Lines of label, comparison and value. */
@Component({
  selector: 'ccv-matchers-editor',
  imports: [MatButtonModule, Icon],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<datalist [id]="id">
      @for (label of usual; track label) {
        <option [value]="label"></option>
      }
    </datalist>
    @for (matcher of matchers(); track $index) {
      <div class="line" role="group" [attr.aria-label]="'Condition ' + ($index + 1)">
        <input
          type="text"
          placeholder="label"
          aria-label="Label"
          spellcheck="false"
          autocapitalize="off"
          maxlength="255"
          [attr.list]="id"
          [attr.aria-invalid]="isInvalid()"
          [value]="matcher.label"
          (input)="change($index, { label: $any($event.target).value })"
        />
        <select aria-label="Comparison" (change)="compare($index, $any($event.target).value)">
          @for (operator of operators; track operator.sign) {
            <option [value]="operator.sign" [selected]="operatorOf(matcher) === operator.sign">{{ operator.sign }} {{ operator.label }}</option>
          }
        </select>
        <input
          type="text"
          [placeholder]="matcher.is_regex ? 'eu-.*' : 'value'"
          aria-label="Value"
          spellcheck="false"
          autocapitalize="off"
          maxlength="1024"
          [attr.aria-invalid]="isInvalid()"
          [value]="matcher.value"
          (input)="change($index, { value: $any($event.target).value })"
        />
        <button
          matIconButton
          type="button"
          title="Remove"
          [attr.aria-label]="'Remove condition ' + ($index + 1)"
          [disabled]="matchers().length <= least()"
          (click)="remove($index)"
        >
          <ccv-icon [icon]="removeIcon" />
        </button>
      </div>
    }
    <button class="add" matButton type="button" (click)="add()"><ccv-icon [icon]="plusIcon" /> Add a condition</button>`,
  styleUrl: '../../shared/form.scss',
  styles: `
    :host {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: 6px;
    }
    .line {
      display: grid;
      grid-template-columns: minmax(0, 2fr) minmax(0, 2fr) minmax(0, 3fr) auto;
      gap: 6px;
      align-items: center;
    }
    .add {
      justify-self: start;
    }
    @media (max-width: 560px) {
      .line {
        grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) auto;
      }
      .line input:last-of-type {
        grid-column: 1 / 3;
        grid-row: 2;
      }
    }
  `,
})
export class MatchersEditor {
  readonly matchers = input.required<readonly Matcher[]>();
  readonly least = input(0);
  readonly isInvalid = input(false);
  readonly matchersChange = output<readonly Matcher[]>();
  protected readonly id = inject(Ids).next('matcher-labels');
  protected readonly usual = USUAL_LABELS;
  protected readonly operators = OPERATORS;
  protected readonly operatorOf = operatorOf;
  protected readonly plusIcon = Plus;
  protected readonly removeIcon = Trash2;

  protected change(index: number, part: Partial<Matcher>): void {
    this.matchersChange.emit(this.matchers().map((matcher, i) => (i === index ? { ...matcher, ...part } : matcher)));
  }

  protected compare(index: number, operator: string): void {
    this.matchersChange.emit(this.matchers().map((matcher, i) => (i === index ? withOperator(matcher, operator) : matcher)));
  }

  protected add(): void {
    this.matchersChange.emit([...this.matchers(), { label: '', value: '', is_regex: false, is_equal: true }]);
  }

  protected remove(index: number): void {
    this.matchersChange.emit(this.matchers().filter((_, i) => i !== index));
  }
}
