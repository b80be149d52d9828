import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import type { ConfigState } from '../../core/api-types';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';

/** Which version of its configuration an agent is to run, which one it tried, and which one it runs. */
@Component({
  selector: 'ccv-config-state',
  imports: [Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<section class="card" aria-labelledby="state-heading" aria-live="polite">
    <h2 id="state-heading">What the agent runs</h2>
    @if (state(); as it) {
      <dl>
        <div>
          <dt>State</dt>
          <dd><ccv-status [status]="it.status" [text]="words()" /></dd>
        </div>
        <div>
          <dt>Desired</dt>
          <dd>version {{ it.desired_version }}<br /><ccv-time [at]="it.desired_since" class="muted" /></dd>
        </div>
        <div>
          <dt>Attempted</dt>
          <dd>
            @if (it.attempted_version !== null) {
              version {{ it.attempted_version }}<br /><ccv-time [at]="it.attempted_at" class="muted" />
            } @else {
              <span class="muted">nothing heard</span>
            }
          </dd>
        </div>
        <div>
          <dt>Effective</dt>
          <dd>
            @if (it.effective_version !== null) {
              version {{ it.effective_version }}<br /><ccv-time [at]="it.effective_since" class="muted" />
            } @else {
              <span class="muted">its own settings, or not told</span>
            }
          </dd>
        </div>
      </dl>
      @if (it.error; as reason) {
        <p class="problem">Why version {{ it.attempted_version }} failed: {{ reason }}</p>
      }
      @if (it.status === 'pending' && it.attempted_version === null) {
        <p class="hint">Agents that cannot be configured never say anything: the state stays “pending”.</p>
      }
    } @else {
      <p class="muted">Nothing is meant for this agent: it runs its own settings.</p>
    }
  </section>`,
  styleUrl: './section.scss',
  styles: `
    dl {
      display: grid;
      grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
      gap: 12px 16px;
      margin: 0;
      justify-self: stretch;
    }
    dt {
      font: var(--mat-sys-label-medium);
      color: var(--ccv-muted);
    }
    dd {
      margin: 2px 0 0;
    }
  `,
})
export class ConfigStateView {
  readonly state = input.required<ConfigState | null>();
  protected readonly words = computed(() => {
    const state = this.state();
    if (state?.status !== 'pending') return state?.status ?? '';
    return state.effective_version === null ? 'pending' : `pending (runs version ${state.effective_version})`;
  });
}
