import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../core/api';
import { type ChartAnswer, periodOf, timesOf } from '../../core/chart-answer';
import { loadable } from '../../core/loadable';
import { rangeParams, rangeQuery, type Span, type TimeRange } from '../../core/time-range';
import { Chart } from '../../shared/chart';
import { describeLines } from '../../shared/chart-data';
import { Notice } from '../../shared/notice';
import { explorerParams, linesOf, type Panel } from './panels';

/** As many buckets as make sense in half a screen's width. */
const POINTS = 500;
const MAX_LINES = 50;
const REFRESH_MS = 15_000;

/** One of the charts of an agent. */
@Component({
  selector: 'ccv-agent-chart',
  imports: [RouterLink, Chart, Notice],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<div class="head">
      <h3>{{ panel().title }}</h3>
      <a routerLink="/explore" [queryParams]="explorer()">Explore<span class="visually-hidden"> {{ panel().title }}</span></a>
    </div>
    @if (answer.error(); as error) {
      <ccv-notice [error]="error" (retry)="answer.reload()" />
    }
    @if (data(); as data) {
      @if (data.lines.length > 0) {
        <ccv-chart
          [data]="data"
          [label]="label()"
          [span]="span()!"
          [sync]="'agent ' + agentId()"
          (zoomed)="zoomed.emit($event)"
          (zoomedOut)="zoomedOut.emit()"
        />
        @if (answer.value()?.truncated) {
          <p class="muted">The first {{ maxLines }} of {{ answer.value()?.totalSeries }} lines. The explorer finds the others.</p>
        }
      } @else {
        <p class="nothing muted">Nothing in this time.</p>
      }
    } @else if (!answer.error()) {
      <p class="nothing muted" aria-busy="true">Loading …</p>
    }`,
  styles: `
    :host {
      display: block;
      min-height: 360px;
      box-sizing: border-box;
    }
    .head {
      display: flex;
      justify-content: space-between;
      gap: 8px;
      margin-bottom: 8px;
    }
    h3 {
      font: var(--mat-sys-title-small);
      margin: 0;
    }
    .nothing {
      display: grid;
      place-items: center;
      height: 240px;
      margin: 0;
    }
  `,
})
export class AgentChart {
  private readonly api = inject(Api);
  readonly agentId = input.required<string>();
  readonly panel = input.required<Panel>();
  readonly range = input.required<TimeRange>();
  readonly gaps = input<readonly Span[]>([]);
  readonly zoomed = output<Span>();
  readonly zoomedOut = output();
  protected readonly maxLines = MAX_LINES;

  protected readonly answer = loadable({
    params: () => ({ agentId: this.agentId(), panel: this.panel(), range: this.range() }),
    load: ({ agentId, panel, range }, abort) =>
      this.api.get<ChartAnswer>(
        '/metrics/chart',
        {
          agentId,
          metricName: panel.names,
          aggregation: panel.aggregation,
          groupBy: panel.tag === null ? 'series' : `name,unit,tag:${panel.tag}`,
          points: POINTS,
          limit: MAX_LINES,
          ...rangeQuery(range),
        },
        abort,
      ),
    refreshMs: REFRESH_MS,
    keepsValue: true,
  });
  protected readonly data = computed(() => {
    const answer = this.answer.value();
    return answer === undefined ? null : { timesMs: timesOf(answer), lines: linesOf(this.panel(), answer.series), gaps: this.gaps() };
  });
  protected readonly span = computed<Span | null>(() => {
    const answer = this.answer.value();
    return answer === undefined ? null : periodOf(answer);
  });
  protected readonly label = computed(() => describeLines(this.panel().title, this.data()?.lines ?? []));
  protected readonly explorer = computed(() => ({ ...explorerParams(this.panel(), this.agentId()), ...rangeParams(this.range()) }));
}
