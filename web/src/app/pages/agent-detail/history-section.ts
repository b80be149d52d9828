import { ChangeDetectionStrategy, Component, computed, DestroyRef, inject, input, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Api } from '../../core/api';
import type { Activity } from '../../core/api-types';
import { LiveChannel } from '../../core/live-channel';
import { loadable } from '../../core/loadable';
import { Notice } from '../../shared/notice';
import { Time } from '../../shared/time';

const FIRST = 50;
const MOST = 500;
const REFRESH_MS = 30_000;

/** What happened to an agent: connected, disconnected, configured, told to do something. Newest first. */
@Component({
  selector: 'ccv-history-section',
  imports: [MatButtonModule, Notice, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<section class="card" aria-labelledby="history-heading">
    <h2 id="history-heading">History</h2>
    @if (answer.error(); as error) {
      <ccv-notice [error]="error" (retry)="answer.reload()" />
    }
    @if (activity().length > 0) {
      <div class="scroll" tabindex="0" role="group" aria-label="Table of what happened">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col" class="wide">What</th>
              <th scope="col">In words</th>
            </tr>
          </thead>
          <tbody>
            @for (event of activity(); track $index) {
              <tr>
                <td><ccv-time [at]="event.timestamp" /></td>
                <td class="wide">{{ event.type.replaceAll('_', ' ') }}</td>
                <td class="wrap">{{ event.message }}</td>
              </tr>
            }
          </tbody>
        </table>
      </div>
      @if (activity().length === limit() && limit() < most) {
        <button matButton="outlined" type="button" (click)="limit.set(most)">Show up to {{ most }}</button>
      }
    } @else if (answer.value()) {
      <p class="muted">Nothing is known of yet.</p>
    } @else if (!answer.error()) {
      <p class="muted later" aria-busy="true">Loading …</p>
    }
  </section>`,
  styleUrl: './section.scss',
})
export class HistorySection {
  private readonly api = inject(Api);
  readonly agentId = input.required<string>();
  protected readonly most = MOST;
  protected readonly limit = signal(FIRST);
  protected readonly answer = loadable({
    params: () => ({ agentId: this.agentId(), limit: this.limit() }),
    load: ({ agentId, limit }, abort) =>
      this.api.get<{ activity: readonly Activity[] }>(`/agents/${encodeURIComponent(agentId)}/activity`, { limit }, abort),
    refreshMs: REFRESH_MS,
    keepsValue: true,
  });
  protected readonly activity = computed(() => this.answer.value()?.activity ?? []);

  constructor() {
    const live = inject(LiveChannel);
    const stops = (['agent_connected', 'agent_disconnected'] as const).map((type) =>
      live.on(type, ({ id }) => {
        if (id === this.agentId()) this.answer.reload();
      }),
    );
    inject(DestroyRef).onDestroy(() => {
      for (const stop of stops) stop();
    });
  }
}
