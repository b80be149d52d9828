import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import type { Agent } from '../../core/api-types';
import { formatCount } from '../../core/units';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';
import { skewText } from './facts';

/** How an agent is and where, in a few words each. */
@Component({
  selector: 'ccv-agent-facts',
  imports: [Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<dl class="card">
    <div>
      <dt>Status</dt>
      <dd><ccv-status [status]="agent().status" /></dd>
    </div>
    <div>
      <dt>Health</dt>
      <dd>
        @if (agent().health; as health) {
          <ccv-status [status]="health" />
        } @else {
          <span class="muted">not told</span>
        }
      </dd>
    </div>
    <div>
      <dt>{{ isConnected() ? 'Connected since' : 'Last connected' }}</dt>
      <dd><ccv-time [at]="agent().connected_at" /></dd>
    </div>
    <div>
      <dt>Last seen</dt>
      <dd><ccv-time [at]="agent().last_seen" [relative]="true" /></dd>
    </div>
    <div>
      <dt>Place</dt>
      <dd>
        @for (part of place(); track $index) {
          <span class="part">{{ part }}{{ $last ? '' : ' ·' }}</span>
          {{ ' ' }}
        } @empty {
          –
        }
      </dd>
    </div>
    <div>
      <dt>Network</dt>
      <dd>{{ network() }}</dd>
    </div>
    <div>
      <dt>Address</dt>
      <dd>{{ agent().ip_address || '–' }}</dd>
    </div>
    @if (agent().instance_id; as instance) {
      <div>
        <dt>Instance</dt>
        <dd>{{ instance }}</dd>
      </div>
    }
    <div>
      <dt>Version</dt>
      <dd>{{ agent().version || '–' }}</dd>
    </div>
    <div>
      <dt>Clock</dt>
      <dd [class.warn]="skew().isWrong">{{ skew().text }}</dd>
    </div>
    <div>
      <dt>Messages</dt>
      <dd>{{ count(agent().total_messages) }}</dd>
    </div>
    <div>
      <dt>Samples</dt>
      <dd>{{ count(agent().total_metrics) }}</dd>
    </div>
    <div>
      <dt>Rejected</dt>
      <dd [class.warn]="agent().total_errors > 0">{{ count(agent().total_errors) }}</dd>
    </div>
    <div>
      <dt>Known since</dt>
      <dd><ccv-time [at]="agent().created_at" /></dd>
    </div>
  </dl>`,
  styles: `
    dl {
      display: grid;
      grid-template-columns: repeat(auto-fill, minmax(184px, 1fr));
      gap: 12px 16px;
      margin: 0;
    }
    dt {
      font: var(--mat-sys-label-medium);
      color: var(--ccv-muted);
    }
    dd {
      margin: 2px 0 0;
      overflow-wrap: anywhere;
    }
    .part {
      display: inline-block;
    }
    .warn {
      color: var(--ccv-warn);
    }
    @media (max-width: 500px) {
      dl {
        grid-template-columns: 1fr 1fr;
      }
    }
  `,
})
export class AgentFacts {
  readonly agent = input.required<Agent>();
  protected readonly count = formatCount;
  protected readonly isConnected = computed(() => this.agent().status === 'connected');
  protected readonly place = computed(() => told([this.agent().provider, this.agent().region, this.agent().zone]));
  protected readonly network = computed(() => told([this.agent().network, this.agent().subnet]).join(' · ') || '–');
  protected readonly skew = computed(() => skewText(this.agent().clock_skew_ms));
}

function told(parts: readonly string[]): string[] {
  return parts.filter((part) => part !== '');
}
