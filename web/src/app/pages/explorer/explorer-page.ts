import { ChangeDetectionStrategy, Component, computed, effect, inject, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatButtonModule } from '@angular/material/button';
import { ActivatedRoute, Router } from '@angular/router';
import { ChevronLeft, ChevronRight, Download, Radio, RefreshCw, ZoomIn, ZoomOut } from 'lucide';
import { gapSpans, periodOf, timesOf } from '../../core/chart-answer';
import type { Span, TimeRange } from '../../core/time-range';
import { formatCount, unitSymbol } from '../../core/units';
import { Chart } from '../../shared/chart';
import { type ChartData, describeLines } from '../../shared/chart-data';
import { moveOfKey, scaled } from '../../shared/chart-moves';
import { Icon } from '../../shared/icon';
import { Notice } from '../../shared/notice';
import { TimeRangePicker } from '../../shared/time-range-picker';
import { Choices } from './choices';
import { csvOf, fileName } from './csv';
import { ExplorerData } from './explorer-data';
import { AGGREGATIONS, type ExplorerState, formatState, isTag, MAX_METRICS, parseState } from './explorer-state';
import { LineList } from './line-list';
import { isolated, isShown, linesOf, panelsOf, toggled } from './lines';
import { Picker } from '../../shared/picker';
import { ValueTable } from './value-table';

const STEPS: readonly string[] = ['10s', '30s', '1m', '5m', '15m', '1h', '6h', '1d'];
const GROUPINGS: readonly (readonly [string, string])[] = [
  ['series', 'each series'],
  ['agent', 'agent'],
  ['provider', 'provider'],
  ['region', 'region'],
  ['none', 'nothing: one line'],
];
const ONE_CHART_PX = 360;
const SEVERAL_CHARTS_PX = 220;

/** Metrics over time: which ones, of whom, how put together, over which stretch of time. All of it is in the address. */
@Component({
  selector: 'ccv-explorer-page',
  imports: [Chart, Icon, LineList, MatButtonModule, Notice, Picker, TimeRangePicker, ValueTable],
  providers: [ExplorerData, Choices],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './explorer-page.html',
  styleUrl: './explorer-page.scss',
})
export class ExplorerPage {
  private readonly router = inject(Router);
  private readonly route = inject(ActivatedRoute);
  protected readonly data = inject(ExplorerData);
  protected readonly choices = inject(Choices);
  protected readonly icons = { ChevronLeft, ChevronRight, Download, Radio, RefreshCw, ZoomIn, ZoomOut };
  protected readonly aggregations = AGGREGATIONS;
  protected readonly maxMetrics = MAX_METRICS;
  protected readonly isTag = isTag;
  protected readonly formatCount = formatCount;
  private readonly address = toSignal(this.route.queryParamMap, { requireSync: true });
  protected readonly state = computed<ExplorerState>(() => parseState(this.address()));
  protected readonly steps = computed(() => withOwn(STEPS, this.state().step, 'auto'));
  protected readonly shownAggregations = computed(() => withOwn(AGGREGATIONS, this.state().aggregation));
  protected readonly groupings = computed(() => {
    const { by } = this.state();
    const keys = new Set(this.choices.tagKeys());
    if (by.startsWith('tag:')) keys.add(by.slice(4));
    return [...GROUPINGS, ...[...keys].map((key) => [`tag:${key}`, `tag: ${key}`] as const)];
  });
  /** Where the picture was before each zoom: the way back. */
  private readonly before: TimeRange[] = [];
  protected readonly hovered = signal<number | null>(null);

  private readonly answer = computed(() => this.data.current()?.answer);
  protected readonly lines = computed(() => {
    const current = this.data.current();
    return current === undefined ? [] : linesOf(current.answer, current.question);
  });
  protected readonly timesMs = computed(() => {
    const answer = this.answer();
    return answer === undefined ? [] : timesOf(answer);
  });
  protected readonly shownLines = computed(() => {
    const state = this.state();
    return this.lines().filter((line) => isShown(line, state));
  });
  protected readonly gaps = computed(() => this.answer()?.gaps ?? []);
  protected readonly panels = computed(() => {
    const state = this.state();
    const timesMs = this.timesMs();
    const gaps = gapSpans(this.gaps());
    const found = panelsOf(this.lines());
    // Without lines there is still a stretch of time to move in.
    const panels = found.length > 0 ? found : [{ units: [], lines: [] }];
    return panels.map(({ units, lines }) => {
      const symbol = units.map((unit) => unitSymbol(unit) || 'plain numbers').join(' and ');
      const data: ChartData = { timesMs, gaps, lines: lines.map((line) => ({ ...line, isHidden: !isShown(line, state) })) };
      const title = `${state.metrics.join(', ')}, ${state.aggregation}${panels.length > 1 ? `, ${symbol}` : ''}`;
      const label = `${describeLines(
        title,
        data.lines.filter(({ isHidden }) => !isHidden),
      )}. Arrow keys move in time, plus and minus zoom, 0 goes back. The values are in the table view.`;
      return { symbol, data, label };
    });
  });
  protected readonly heightPx = computed(() => (this.panels().length > 1 ? SEVERAL_CHARTS_PX : ONE_CHART_PX));
  /** What the axis spans: what was asked for, also while the answer is on its way; at the end of time, what was answered. */
  protected readonly span = computed<Span | undefined>(() => {
    const { range } = this.state();
    if (range.kind === 'between') return { startMs: range.startMs, endMs: range.endMs };
    const answer = this.answer();
    if (answer === undefined) return undefined;
    const { endMs } = periodOf(answer);
    return { startMs: endMs - range.durationMs, endMs };
  });
  protected readonly summary = computed(() => {
    const answer = this.answer();
    if (answer === undefined) return '';
    const count = answer.series.length;
    const lines = answer.truncated
      ? `the first ${formatCount(count)} of ${formatCount(answer.totalSeries)} lines`
      : `${formatCount(count)} ${count === 1 ? 'line' : 'lines'}`;
    return `${lines}, one value per ${answer.interval}`;
  });

  constructor() {
    effect(() => {
      this.data.state.set(this.state());
      this.choices.state.set(this.state());
    });
  }

  protected change(part: Partial<ExplorerState>, replaceUrl = false): void {
    void this.router.navigate([], { relativeTo: this.route, queryParams: formatState({ ...this.state(), ...part }), replaceUrl });
  }

  /** Other lines than before: what was hidden of those means nothing. */
  protected ask(part: Partial<ExplorerState>): void {
    this.change({ hide: [], only: [], ...part });
  }

  protected choose(range: TimeRange): void {
    this.before.length = 0;
    this.change({ range, live: this.state().live && range.kind === 'last' });
  }

  protected zoom({ startMs, endMs }: Span): void {
    this.before.push(this.state().range);
    this.change({ range: { kind: 'between', startMs, endMs }, live: false });
  }

  protected zoomBack(): void {
    const range = this.before.pop();
    const span = this.span();
    if (range !== undefined) this.change({ range });
    else if (span !== undefined) this.change({ range: { kind: 'between', ...scaled(span, 2) }, live: false });
  }

  protected move(key: string): void {
    const span = this.span();
    const to = span === undefined ? null : moveOfKey(key, span);
    if (to !== null) this.zoom(to);
  }

  protected toggleLive(): void {
    const { live, range } = this.state();
    if (live || range.kind === 'last') this.change({ live: !live });
    else
      this.change({
        live: true,
        range: { kind: 'last', durationMs: Math.max(1_000, Math.round((range.endMs - range.startMs) / 1_000) * 1_000) },
      });
  }

  protected toggle(key: string): void {
    this.change(toggled(this.lines(), key, this.state()), true);
  }

  protected isolate(key: string): void {
    this.change(isolated(this.lines(), key, this.state()), true);
  }

  protected showAll(): void {
    this.change({ hide: [], only: [] }, true);
  }

  protected download(): void {
    const timesMs = this.timesMs();
    const url = URL.createObjectURL(new Blob([csvOf(timesMs, this.shownLines())], { type: 'text/csv;charset=utf-8' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = fileName(this.state().metrics, timesMs[0] ?? Date.now());
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1_000);
  }
}

/** The usual ones, and the one that the address has. */
function withOwn(usual: readonly string[], own: string, ...besides: readonly string[]): readonly string[] {
  return usual.includes(own) || besides.includes(own) ? usual : [...usual, own];
}
