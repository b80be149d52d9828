import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import type { Delivery } from '../../core/alert-types';
import { Api } from '../../core/api';
import { loadable } from '../../core/loadable';
import { Notice } from '../../shared/notice';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';

const MAX_SHOWN = 50;
const REFRESH_MS = 10_000;

/** What was sent through a channel of late, and what became of it. */
@Component({
  selector: 'ccv-delivery-log',
  imports: [RouterLink, MatButtonModule, Notice, Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<div class="head">
      <h2 id="delivery-log">Deliveries of {{ name() }}</h2>
      <a matButton routerLink="/alerts/channels" [queryParams]="{ log: null }">Close</a>
    </div>
    @if (list.error(); as error) {
      <ccv-notice [error]="error" (retry)="list.reload()" />
    }
    @if (list.value()) {
      @if (rows().length === 0) {
        <p class="muted">Nothing has been sent through it.</p>
      } @else {
        <div class="scroll" role="region" aria-labelledby="delivery-log" tabindex="0">
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">When</th>
                <th scope="col">Of</th>
                <th scope="col" class="number">Attempts</th>
                <th scope="col">What was said</th>
              </tr>
            </thead>
            <tbody>
              @for (row of rows(); track row.delivery.id) {
                <tr>
                  <td><ccv-status [status]="row.delivery.status" /></td>
                  <td><ccv-time [at]="row.delivery.created_at" /></td>
                  <td class="of">{{ row.of }}</td>
                  <td class="number">{{ row.delivery.attempts }}</td>
                  <td class="of">
                    {{ row.delivery.last_error ?? '' }}
                    @if (row.delivery.status === 'waiting' && row.delivery.next_attempt_at) {
                      <span class="muted">next attempt <ccv-time [at]="row.delivery.next_attempt_at" [relative]="true" /></span>
                    }
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      }
    } @else if (!list.error()) {
      <p class="muted" aria-busy="true">Loading …</p>
    }`,
  styles: `
    :host {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: 8px;
    }
    .head {
      display: flex;
      align-items: center;
      justify-content: space-between;
      gap: 8px;
    }
    .scroll {
      overflow-x: auto;
    }
    .of {
      min-width: 140px;
      overflow-wrap: anywhere;
    }
    p {
      margin: 0;
    }
  `,
})
export class DeliveryLog {
  private readonly api = inject(Api);
  readonly channelId = input.required<string>();
  readonly name = input.required<string>();
  protected readonly list = loadable({
    params: () => this.channelId(),
    load: (id, abort) =>
      this.api.get<{ deliveries: readonly Delivery[] }>(
        `/alerts/channels/${encodeURIComponent(id)}/deliveries`,
        { limit: MAX_SHOWN },
        abort,
      ),
    refreshMs: REFRESH_MS,
  });
  protected readonly rows = computed(() =>
    (this.list.value()?.deliveries ?? []).map((delivery) => ({ delivery, of: contentText(delivery) })),
  );
}

function contentText({ group_labels, alerts }: Delivery): string {
  const count = typeof alerts === 'number' ? alerts : alerts.length;
  const labels = Object.entries(group_labels).map(([name, value]) => (name === 'alertname' ? value : `${name}=${value}`));
  return [`${count} ${count === 1 ? 'alert' : 'alerts'}`, ...labels].join(', ');
}
