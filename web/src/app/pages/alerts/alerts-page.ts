import { ChangeDetectionStrategy, Component } from '@angular/core';
import { type IsActiveMatchOptions, RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';

const SECTIONS: readonly (readonly [path: string, label: string])[] = [
  ['/alerts', 'Active'],
  ['/alerts/history', 'History'],
  ['/alerts/rules', 'Rules'],
  ['/alerts/silences', 'Silences'],
  ['/alerts/channels', 'Channels'],
];
const MATCH: IsActiveMatchOptions = { paths: 'exact', queryParams: 'ignored', matrixParams: 'ignored', fragment: 'ignored' };

/** Everything about alerts: what is wrong now and what was, what counts as wrong, and who hears of it. */
@Component({
  selector: 'ccv-alerts-page',
  imports: [RouterLink, RouterLinkActive, RouterOutlet],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<div class="head">
      <h1>Alerts</h1>
      <nav aria-label="Alerts">
        @for (section of sections; track section[0]) {
          <a
            [routerLink]="section[0]"
            routerLinkActive="is-active"
            [ariaCurrentWhenActive]="true"
            [routerLinkActiveOptions]="section[0] === '/alerts/rules' ? within : exactly"
            >{{ section[1] }}</a
          >
        }
      </nav>
    </div>
    <router-outlet />`,
  styles: `
    :host {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: 12px;
    }
    /* Stands before what it opens, and takes no room. */
    router-outlet {
      position: absolute;
    }
    .head {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 4px 24px;
    }
    nav {
      display: flex;
      gap: 4px;
      min-width: 0;
      overflow-x: auto;
    }
    a {
      padding: 8px 12px;
      color: inherit;
      text-decoration: none;
      border-bottom: 3px solid transparent;
      border-radius: 8px 8px 0 0;
    }
    a:hover {
      background: var(--mat-sys-surface-container);
    }
    a:focus-visible {
      outline-offset: -2px;
    }
    a.is-active {
      font-weight: 600;
      color: var(--mat-sys-primary);
      border-bottom-color: var(--mat-sys-primary);
    }
    @media (max-width: 500px) {
      nav {
        gap: 0;
      }
      a {
        padding: 8px 7px;
      }
    }
  `,
})
export class AlertsPage {
  protected readonly sections = SECTIONS;
  protected readonly exactly = MATCH;
  protected readonly within: IsActiveMatchOptions = { ...MATCH, paths: 'subset' };
}
