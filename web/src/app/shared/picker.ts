import { ChangeDetectionStrategy, Component, computed, type ElementRef, inject, input, output, signal, viewChild } from '@angular/core';
import { X } from 'lucide';
import { Field } from './field';
import { Icon } from './icon';
import { Ids } from './ids';

export interface PickerOption {
  readonly value: string;
  /** Said behind it: how much there is of it, where it is. */
  readonly hint?: string;
}

/** So many are offered at once; typing narrows them. */
const MAX_OFFERED = 50;

/**
 * Chooses several of many by typing: a combobox with a list that takes more than one (ARIA Authoring Practices). What is chosen
 * stands before the field and is taken out again by its button, or by Backspace in the empty field. In a `ccv-field` that one's label is
 * its own.
 */
@Component({
  selector: 'ccv-picker',
  imports: [Icon],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './picker.html',
  styleUrl: './picker.scss',
})
export class Picker {
  /** Needed unless it is in a field. */
  readonly label = input('');
  /** What an empty choice means. */
  readonly placeholder = input('all');
  readonly options = input.required<readonly PickerOption[]>();
  readonly chosen = input.required<readonly string[]>();
  /** More than this cannot be chosen. */
  readonly max = input(100);
  /** Whether text that is not offered may be chosen. */
  readonly accepts = input<(text: string) => boolean>(() => false);
  /** What is offered is what others found for the text, not to be narrowed here. */
  readonly isLoading = input(false);
  readonly chosenChange = output<readonly string[]>();
  readonly typed = output<string>();

  private readonly field = viewChild.required<ElementRef<HTMLInputElement>>('field');
  protected readonly inField = inject(Field, { optional: true });
  protected readonly name = computed(() => this.inField?.label() ?? this.label());
  protected readonly id = this.inField?.id ?? inject(Ids).next('picker');
  protected readonly removeIcon = X;
  protected readonly text = signal('');
  protected readonly isOpen = signal(false);
  /** The option that Enter takes; -1: none. */
  protected readonly active = signal(-1);
  protected readonly isFull = computed(() => this.chosen().length >= this.max());

  private readonly matching = computed<readonly PickerOption[]>(() => {
    const text = this.text().trim();
    const words = text.toLowerCase().split(/\s+/);
    const found = this.options().filter(({ value }) => words.every((word) => value.toLowerCase().includes(word)));
    const isOffered = found.some(({ value }) => value === text);
    return !isOffered && text !== '' && this.accepts()(text) ? [{ value: text, hint: 'as typed' }, ...found] : found;
  });
  protected readonly offered = computed(() => this.matching().slice(0, MAX_OFFERED));
  protected readonly more = computed(() => this.matching().length - this.offered().length);
  protected readonly activeId = computed(() => (this.isOpen() && this.active() >= 0 ? `${this.id}-${this.active()}` : null));
  protected readonly news = computed(() => {
    if (!this.isOpen()) return '';
    const count = this.matching().length;
    return count === 0 ? (this.isLoading() ? 'Loading' : 'Nothing found') : `${count} found`;
  });

  protected isChosen(value: string): boolean {
    return this.chosen().includes(value);
  }

  protected type(text: string): void {
    this.text.set(text);
    this.active.set(text.trim() === '' ? -1 : 0);
    this.isOpen.set(true);
    this.typed.emit(text.trim());
  }

  protected open(): void {
    if (this.isOpen()) return;
    this.isOpen.set(true);
    this.typed.emit(this.text().trim());
  }

  protected close(): void {
    this.isOpen.set(false);
    this.active.set(-1);
  }

  protected leave(): void {
    this.close();
    this.text.set('');
  }

  protected toggle(value: string): void {
    const chosen = this.chosen();
    if (chosen.includes(value)) this.chosenChange.emit(chosen.filter((one) => one !== value));
    else if (!this.isFull()) this.chosenChange.emit([...chosen, value]);
    else return;
    if (this.text() !== '') this.type('');
  }

  protected remove(value: string): void {
    this.chosenChange.emit(this.chosen().filter((one) => one !== value));
    this.field().nativeElement.focus();
    this.close();
  }

  protected key(event: KeyboardEvent): void {
    switch (event.key) {
      case 'ArrowDown':
        if (this.isOpen() && !event.altKey) this.move(1);
        else this.open();
        break;
      case 'ArrowUp':
        if (event.altKey) this.close();
        else if (this.isOpen()) this.move(-1);
        else this.open();
        break;
      case 'Enter': {
        const option = this.offered()[this.active()];
        if (!this.isOpen() || option === undefined) return;
        this.toggle(option.value);
        break;
      }
      case 'Escape':
        if (this.isOpen()) this.close();
        else if (this.text() !== '') this.type('');
        else return;
        event.stopPropagation();
        break;
      case 'Backspace': {
        const last = this.chosen().at(-1);
        if (this.text() !== '' || last === undefined) return;
        this.remove(last);
        break;
      }
      default:
        return;
    }
    event.preventDefault();
  }

  private move(by: 1 | -1): void {
    const count = this.offered().length;
    if (count === 0) return;
    const next = this.active() + by;
    this.active.set(next < 0 ? count - 1 : next >= count ? 0 : next);
    queueMicrotask(() => document.getElementById(`${this.id}-${this.active()}`)?.scrollIntoView({ block: 'nearest' }));
  }
}
