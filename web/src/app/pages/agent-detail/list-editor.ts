import { ChangeDetectionStrategy, Component, computed, input, linkedSignal, output } from '@angular/core';
import { isSame, linesOfText, type ListField } from './config-model';

/** A list of texts, one per line, or none at all: then it is left to the agent, which is not the same as an empty list. */
@Component({
  selector: 'ccv-list-editor',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<div class="head">
      <label [for]="id()">{{ field().label }}</label>
      <label class="set"><input type="checkbox" [checked]="isSet()" (change)="toggle($event)" /> set here<span class="visually-hidden">: {{ field().label }}</span></label>
    </div>
    <textarea
      [id]="id()"
      rows="3"
      spellcheck="false"
      autocapitalize="off"
      [disabled]="!isSet()"
      [placeholder]="isSet() ? 'none' : 'left to the agent'"
      [value]="text()"
      [attr.aria-invalid]="problem() !== null"
      [attr.aria-describedby]="id() + '-hint'"
      (input)="typed($event)"
    ></textarea>
    <span [id]="id() + '-hint'" class="hint" [class.problem]="problem() !== null">{{ problem() ?? field().hint }}</span>`,
  styleUrl: './section.scss',
  styles: `
    :host {
      gap: 4px;
      align-content: start;
    }
    .head {
      display: flex;
      justify-content: space-between;
      gap: 8px;
    }
    .set {
      font: var(--mat-sys-body-small);
    }
    textarea {
      resize: vertical;
      width: 100%;
    }
  `,
})
export class ListEditor {
  readonly field = input.required<ListField>();
  /** Undefined: not set. */
  readonly list = input.required<readonly string[] | undefined>();
  readonly problem = input<string | null>(null);
  readonly listChange = output<readonly string[] | undefined>();
  protected readonly id = computed(() => `config-${this.field().path.replace('.', '-')}`);
  protected readonly isSet = computed(() => this.list() !== undefined);
  /** As it is typed: blank lines stay until the list becomes another one elsewhere. */
  protected readonly text = linkedSignal<readonly string[], string>({
    source: () => this.list() ?? [],
    computation: (list, previous) =>
      previous !== undefined && isSame(linesOfText(previous.value), list) ? previous.value : list.join('\n'),
  });

  protected toggle(event: Event): void {
    this.listChange.emit((event.target as HTMLInputElement).checked ? [] : undefined);
  }

  protected typed(event: Event): void {
    const text = (event.target as HTMLTextAreaElement).value;
    this.text.set(text);
    this.listChange.emit(linesOfText(text));
  }
}
