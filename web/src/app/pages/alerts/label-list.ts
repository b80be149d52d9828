import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Tags } from '../../core/api-types';
import { ownLabels } from './alert-words';

/** The labels that tell an alert from others; its agent leads to the agent's page. */
@Component({
  selector: 'ccv-label-list',
  imports: [RouterLink],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `@for (label of own(); track label[0]) {
      <li>
        <span class="name">{{ label[0] }}</span>
        @if (label[0] === 'agent') {
          <a [routerLink]="['/agents', label[1]]">{{ label[1] }}</a>
        } @else {
          {{ label[1] }}
        }
      </li>
    }`,
  host: { role: 'list' },
  styles: `
    :host {
      display: flex;
      flex-wrap: wrap;
      gap: 4px;
    }
    li {
      list-style: none;
      padding: 0 6px;
      border: 1px solid var(--ccv-grid);
      border-radius: 4px;
      background: var(--mat-sys-surface);
      font: var(--mat-sys-body-small);
      line-height: 20px;
      overflow-wrap: anywhere;
    }
    .name {
      color: var(--ccv-muted);
    }
    .name::after {
      content: ' ';
    }
  `,
})
export class LabelList {
  readonly labels = input.required<Tags>();
  protected readonly own = computed(() => ownLabels(this.labels()));
}
