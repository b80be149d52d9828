import { ChangeDetectionStrategy, Component, computed, inject, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatButtonModule } from '@angular/material/button';
import { ActivatedRoute, Router } from '@angular/router';
import { Api } from '../../core/api';
import { loadable } from '../../core/loadable';
import { LAST_HOUR, parseRange, rangeParams, rangeQuery, type Span, type TimeRange } from '../../core/time-range';
import { Chart } from '../../shared/chart';
import { describeLines } from '../../shared/chart-data';
import { Notice } from '../../shared/notice';
import { TimeRangePicker } from '../../shared/time-range-picker';
import { refreshLive } from './live-refresh';
import { type NetworkMetrics, networkPanels } from './network-panels';
import { refreshIntervalMs, zoomTo } from './zoom';

const FALLBACK_REFRESH_MS = 60_000;

/** Latency, loss and throughput of the whole fleet. The range is in the address: a link shows the same, and back goes back. */
@Component({
  selector: 'ccv-network-charts',
  imports: [MatButtonModule, Chart, Notice, TimeRangePicker],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './network-charts.html',
  styleUrl: './network-charts.scss',
})
export class NetworkCharts {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly route = inject(ActivatedRoute);
  private readonly query = toSignal(this.route.queryParamMap, { requireSync: true });
  /** Where zooming out leads: what was seen before zooming in. */
  private readonly before = signal<readonly TimeRange[]>([]);

  protected readonly range = computed(() => {
    const query = this.query();
    return parseRange({ range: query.get('range'), from: query.get('from'), to: query.get('to') }, LAST_HOUR);
  });
  protected readonly charts = loadable({
    params: () => rangeQuery(this.range()),
    load: (params, abort) => this.api.get<NetworkMetrics>('/dashboard/metrics', params, abort),
    refreshMs: FALLBACK_REFRESH_MS,
    keepsValue: true,
  });
  protected readonly panels = computed(() => {
    const metrics = this.charts.value();
    return metrics === undefined
      ? []
      : networkPanels(metrics).map((panel) => ({ ...panel, label: describeLines(panel.title, panel.data.lines) }));
  });
  protected readonly placeholders = ['Latency', 'Packet loss', 'Throughput'];

  constructor() {
    refreshLive(
      () => refreshIntervalMs(this.range()),
      () => {
        // One that takes long is not begun again and again.
        if (this.range().kind === 'last' && !this.charts.isLoading()) this.charts.reload();
      },
    );
  }

  protected show(range: TimeRange): void {
    this.before.set([]);
    this.navigate(range);
  }

  protected zoomIn(span: Span): void {
    this.before.update((before) => [...before, this.range()]);
    this.navigate(zoomTo(span));
  }

  protected zoomOut(): void {
    if (this.range().kind === 'last' && this.before().length === 0) return;
    const range = this.before().at(-1) ?? LAST_HOUR;
    this.before.update((before) => before.slice(0, -1));
    this.navigate(range);
  }

  private navigate(range: TimeRange): void {
    void this.router.navigate([], { relativeTo: this.route, queryParams: rangeParams(range), queryParamsHandling: 'merge' });
  }
}
