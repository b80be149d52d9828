import { afterNextRender, ChangeDetectionStrategy, Component, computed, ElementRef, inject, Injector, input } from '@angular/core';
import type { Loadable } from '../core/loadable';
import { Notice } from './notice';
import type { Outcome } from './outcome';

/**
 * The frame around a table of things that are read from the server: while they are read for the first time, when they cannot be, when
 * there are none (what is marked `empty` in its content), and what came of what was done to them.
 */
@Component({
  selector: 'ccv-listing',
  imports: [Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<p class="visually-hidden" role="status">{{ outcome()?.news() }}</p>
    @if (outcome()?.problem(); as failed) {
      <ccv-notice [error]="failed.error" [title]="failed.title" [canRetry]="false" />
    }
    @if (list().error(); as error) {
      <ccv-notice [error]="error" [title]="isRead() ? 'The ' + what() + ' could not be read again' : undefined" (retry)="list().reload()" />
    }
    @if (isRead()) {
      @if (isEmpty()) {
        <ng-content select="[empty]" />
      } @else {
        <div class="card list" role="region" tabindex="0" [attr.aria-label]="label()"><ng-content /></div>
      }
    } @else if (!list().error()) {
      <div class="card list" aria-busy="true">
        @for (row of rows; track row) {
          <div class="placeholder"></div>
        }
        <p class="visually-hidden">Reading the {{ what() }}</p>
      </div>
    }`,
  host: { tabindex: '-1' },
  styles: `
    :host {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: 12px;
      outline: none;
    }
    p {
      margin: 0;
    }
    .list {
      padding: 4px 8px;
      overflow-x: auto;
    }
    .placeholder {
      height: 12px;
      margin: 20px 8px;
      border-radius: 6px;
      background: var(--ccv-grid);
    }
  `,
})
export class Listing {
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  private readonly injector = inject(Injector);
  /** In a sentence: `rules`. */
  readonly what = input.required<string>();
  /** Of the table, for those who hear it. */
  readonly label = input.required<string>();
  readonly list = input.required<Loadable<unknown>>();
  /** There is nothing, or nothing that was looked for. */
  readonly isEmpty = input.required<boolean>();
  readonly outcome = input<Outcome>();
  protected readonly rows = [0, 1, 2];
  protected readonly isRead = computed(() => this.list().value() !== undefined);

  /** To be called when what had the focus went with its row. */
  focus(): void {
    const read = (): void => (this.host.querySelector<HTMLElement>('.list') ?? this.host).focus();
    afterNextRender({ read }, { injector: this.injector });
  }
}
