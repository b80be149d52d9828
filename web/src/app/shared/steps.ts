import { ChangeDetectionStrategy, Component, computed, input, type Signal, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { formatCount } from '../core/units';

/** Rows in the document at first, and more with each step: there may be a thousand. */
const ROWS = 100;

/** The first rows of a long list, and more of them when asked for. */
export class Steps<T> {
  private readonly limit = signal(ROWS);
  readonly shown = computed(() => this.all().slice(0, this.limit()));
  readonly hasMore = computed(() => this.all().length > this.limit());

  constructor(readonly all: Signal<readonly T[]>) {}

  more(): void {
    this.limit.update((limit) => limit + ROWS);
  }
}

/** Asks for more rows, where there are any. */
@Component({
  selector: 'ccv-show-more',
  imports: [MatButtonModule],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `@if (steps().hasMore()) {
    <button matButton type="button" (click)="steps().more()">Show more: {{ count(steps().shown().length) }} of {{ count(steps().all().length) }}</button>
  }`,
  styles: ':host { display: block }',
})
export class ShowMore {
  readonly steps = input.required<Steps<unknown>>();
  protected readonly count = formatCount;
}
