import { ChangeDetectionStrategy, Component, computed, input, output } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { CircleAlert, Info, type IconNode } from 'lucide';
import type { ApiError } from '../core/api';
import { Icon } from './icon';

/**
 * Says in place what is the matter: an error of the API with its words and a way to try again, or (without an error) that there
 * is nothing, and what to do about it (its content).
 */
@Component({
  selector: 'ccv-notice',
  imports: [MatButtonModule, Icon],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<ccv-icon [icon]="icon()" />
    <div class="words">
      <strong>{{ heading() }}</strong>
      @if (message(); as text) {
        <p>{{ text }}</p>
      }
      @for (detail of error()?.details ?? []; track $index) {
        <p>{{ detail.message }}</p>
      }
      <ng-content />
    </div>
    @if (error() && canRetry()) {
      <button matButton="outlined" type="button" (click)="retry.emit()">Try again</button>
    }`,
  host: { '[attr.role]': 'error() ? "alert" : "status"', '[class.is-error]': 'error() !== null' },
  styles: `
    :host {
      display: flex;
      gap: 12px;
      align-items: flex-start;
      padding: 12px 16px;
      border-radius: 12px;
      border: 1px solid var(--ccv-grid);
      background: var(--ccv-card);
    }
    :host(.is-error) {
      border-color: var(--ccv-error);
      color: var(--ccv-error);
    }
    .words {
      flex: 1;
      min-width: 0;
    }
    p {
      margin: 4px 0 0;
      overflow-wrap: anywhere;
    }
  `,
})
export class Notice {
  readonly error = input<ApiError | null>(null);
  /** Without one, an error has a usual heading. */
  readonly title = input<string>();
  readonly canRetry = input(true);
  readonly retry = output();
  protected readonly icon = computed<IconNode>(() => (this.error() === null ? Info : CircleAlert));
  protected readonly message = computed(() => this.error()?.message ?? null);
  protected readonly heading = computed(() => {
    const title = this.title();
    if (title !== undefined) return title;
    const error = this.error();
    if (error === null) return '';
    return error.status === 0 ? 'No connection' : error.status === 404 ? 'Not found' : 'This could not be loaded';
  });
}
