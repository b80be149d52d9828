import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { AlertStore } from '../../core/alert-store';
import { Status } from '../../shared/status';
import { firingWords } from './firing-words';

/** How many alerts fire, in a line that leads to them. Takes its room also while that is not known yet. */
@Component({
  selector: 'ccv-firing-line',
  imports: [RouterLink, Status],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `@if (words(); as words) {
      <ccv-status [status]="words.mark" [text]="words.text" />
      <a routerLink="/alerts">Alerts</a>
    } @else {
      &nbsp;
    }`,
  styles: `
    :host {
      display: flex;
      flex-wrap: wrap;
      gap: 4px 16px;
      min-height: 24px;
    }
    ccv-status {
      white-space: normal;
    }
  `,
})
export class FiringLine {
  private readonly store = inject(AlertStore);
  protected readonly words = computed(() => {
    const counts = this.store.counts();
    return counts === undefined ? null : firingWords(counts);
  });
}
