import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Plus, Trash2 } from 'lucide';
import { Icon } from '../../shared/icon';
import type { Pair } from './pairs';

/** Lines of a name and a text. */
@Component({
  selector: 'ccv-pairs-editor',
  imports: [MatButtonModule, Icon],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `@for (pair of pairs(); track $index) {
      <div class="line" role="group" [attr.aria-label]="what() + ' ' + ($index + 1)">
        <input
          type="text"
          placeholder="name"
          aria-label="Name"
          spellcheck="false"
          autocapitalize="off"
          maxlength="100"
          [attr.aria-invalid]="isInvalid()"
          [value]="pair.name"
          (input)="change($index, { name: $any($event.target).value })"
        />
        <input
          type="text"
          placeholder="text"
          aria-label="Text"
          maxlength="4000"
          [value]="pair.value"
          (input)="change($index, { value: $any($event.target).value })"
        />
        <button matIconButton type="button" title="Remove" [attr.aria-label]="'Remove ' + what() + ' ' + ($index + 1)" (click)="remove($index)">
          <ccv-icon [icon]="removeIcon" />
        </button>
      </div>
    }
    <button class="add" matButton type="button" (click)="add()"><ccv-icon [icon]="plusIcon" /> Add {{ what() }}</button>`,
  styleUrl: '../../shared/form.scss',
  styles: `
    :host {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: 6px;
    }
    .line {
      display: grid;
      grid-template-columns: minmax(0, 1fr) minmax(0, 2fr) auto;
      gap: 6px;
      align-items: center;
    }
    .add {
      justify-self: start;
    }
  `,
})
export class PairsEditor {
  /** What a line is: `label`. */
  readonly what = input.required<string>();
  readonly pairs = input.required<readonly Pair[]>();
  readonly isInvalid = input(false);
  readonly pairsChange = output<readonly Pair[]>();
  protected readonly plusIcon = Plus;
  protected readonly removeIcon = Trash2;

  protected change(index: number, part: Partial<Pair>): void {
    this.pairsChange.emit(this.pairs().map((pair, i) => (i === index ? { ...pair, ...part } : pair)));
  }

  protected add(): void {
    this.pairsChange.emit([...this.pairs(), { name: '', value: '' }]);
  }

  protected remove(index: number): void {
    this.pairsChange.emit(this.pairs().filter((_, i) => i !== index));
  }
}
