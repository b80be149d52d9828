import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { formatCount } from '../../core/units';
import type { FleetGroup } from './fleet-counts';

/** Providers or regions with their agents: how many, and how many of them are connected. Each leads to its agents. */
@Component({
  selector: 'ccv-fleet-bars',
  imports: [RouterLink],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<ul>
      @for (group of groups(); track group.name) {
        <li>
          <a class="name" routerLink="/agents" [queryParams]="queryOf(group.name)">{{ group.name === '' ? 'not known' : group.name }}</a>
          <span class="figures" [class.is-short]="group.connected < group.total">
            {{ count(group.connected) }}<span aria-hidden="true"> / </span><span class="visually-hidden"> of </span>{{ count(group.total) }}
            <span class="visually-hidden"> connected</span>
          </span>
          <span class="track" aria-hidden="true">
            <span class="all" [style.width.%]="(100 * group.total) / largest()">
              <span class="connected" [style.width.%]="(100 * group.connected) / group.total"></span>
            </span>
          </span>
        </li>
      }
    </ul>`,
  styles: `
    ul {
      list-style: none;
      margin: 0;
      padding: 0;
    }
    li {
      display: grid;
      grid-template-columns: 1fr auto;
      gap: 3px 10px;
      padding-bottom: 10px;
    }
    .name {
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    .track {
      grid-column: 1 / -1;
      height: 8px;
    }
    .all {
      display: block;
      height: 100%;
      min-width: 4px;
      border-radius: 3px;
      overflow: hidden;
      background: repeating-linear-gradient(135deg, var(--ccv-error) 0 3px, transparent 3px 6px);
    }
    .connected {
      display: block;
      height: 100%;
      background: var(--ccv-ok);
    }
    .figures {
      text-align: right;
      white-space: nowrap;
    }
    .is-short {
      font-weight: 600;
    }
  `,
})
export class FleetBars {
  /** Largest first. */
  readonly groups = input.required<readonly FleetGroup[]>();
  /** The agents page's parameter that takes a group's name, the empty one too. */
  readonly param = input.required<'provider' | 'region'>();
  protected readonly count = formatCount;
  protected readonly queryOf = (name: string): Record<string, string> => ({ [this.param()]: name });
  protected readonly largest = computed(() => Math.max(1, ...this.groups().map(({ total }) => total)));
}
