import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { Router } from '@angular/router';
import { Api } from '../../core/api';
import type { Gap } from '../../core/api-types';
import { gapSpans } from '../../core/chart-answer';
import { loadable } from '../../core/loadable';
import { LAST_HOUR, parseRange, rangeParams, rangeQuery, type Span, type TimeRange } from '../../core/time-range';
import { Notice } from '../../shared/notice';
import { TimeRangePicker } from '../../shared/time-range-picker';
import { AgentChart } from './agent-chart';
import { GapList } from './gap-list';
import { panelsFor } from './panels';

const NAMES_REFRESH_MS = 60_000;
const GAPS_REFRESH_MS = 30_000;

/** An agent's charts: which ones follows from what it measures. All show the same time. */
@Component({
  selector: 'ccv-charts-section',
  imports: [Notice, TimeRangePicker, AgentChart, GapList],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<div class="bar">
      <h2 class="visually-hidden">Charts</h2>
      <ccv-time-range-picker [range]="chosen()" (rangeChange)="show($event)" />
      <span class="muted hint">Drag over a chart to look closer, double click to go back.</span>
    </div>
    @if (names.error(); as error) {
      <ccv-notice [error]="error" (retry)="names.reload()" />
    }
    @if (names.value()) {
      <div class="charts">
        @for (panel of panels(); track panel.id) {
          @defer (on viewport) {
            <ccv-agent-chart
              class="card"
              [agentId]="agentId()"
              [panel]="panel"
              [range]="chosen()"
              [gaps]="gapSpans()"
              (zoomed)="zoom($event)"
              (zoomedOut)="back()"
            />
          } @placeholder {
            <div class="card later"></div>
          }
        } @empty {
          <ccv-notice title="Nothing measured yet">
            <p>As soon as this agent sends samples its charts are here.</p>
          </ccv-notice>
        }
      </div>
      <ccv-gap-list [gaps]="gaps.value()?.gaps" [error]="gaps.error()" (retry)="gaps.reload()" (shown)="zoom($event)" />
    } @else {
      <div class="charts" aria-busy="true">
        <div class="card later muted">Loading …</div>
        <div class="card later"></div>
      </div>
    }`,
  styles: `
    :host {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: 12px;
    }
    .bar {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px 12px;
    }
    .hint {
      font: var(--mat-sys-body-small);
    }
    .charts {
      display: grid;
      grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr));
      gap: 12px;
    }
    .later {
      min-height: 360px;
      box-sizing: border-box;
    }
  `,
})
export class ChartsSection {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  readonly agentId = input.required<string>();
  readonly range = input<string>();
  readonly from = input<string>();
  readonly to = input<string>();
  protected readonly chosen = computed(
    () => parseRange({ range: this.range() ?? null, from: this.from() ?? null, to: this.to() ?? null }, LAST_HOUR),
    { equal: (a, b) => JSON.stringify(a) === JSON.stringify(b) },
  );
  protected readonly names = loadable({
    params: () => this.agentId(),
    load: (agentId, abort) => this.api.get<{ metricNames: readonly { readonly name: string }[] }>('/metrics/names', { agentId }, abort),
    refreshMs: NAMES_REFRESH_MS,
  });
  /** The same ones as long as they say the same: a chart is not read again because the names were. */
  protected readonly panels = computed(() => panelsFor((this.names.value()?.metricNames ?? []).map(({ name }) => name)), {
    equal: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  });
  protected readonly gaps = loadable({
    params: () => ({ agentId: this.agentId(), range: this.chosen() }),
    load: ({ agentId, range }, abort) =>
      this.api.get<{ gaps: readonly Gap[] }>(`/agents/${encodeURIComponent(agentId)}/gaps`, rangeQuery(range), abort),
    refreshMs: GAPS_REFRESH_MS,
    keepsValue: true,
  });
  protected readonly gapSpans = computed<readonly Span[]>(() => gapSpans(this.gaps.value()?.gaps ?? []));
  /** What was shown before each zoom. */
  private readonly before: TimeRange[] = [];

  protected show(range: TimeRange): void {
    void this.router.navigate([], { queryParams: rangeParams(range), queryParamsHandling: 'merge' });
  }

  protected zoom({ startMs, endMs }: Span): void {
    this.before.push(this.chosen());
    this.show({ kind: 'between', startMs, endMs });
  }

  /** To what was shown before; when nothing was, to the last hour. */
  protected back(): void {
    const range = this.before.pop();
    if (range !== undefined || this.chosen().kind === 'between') this.show(range ?? LAST_HOUR);
  }
}
