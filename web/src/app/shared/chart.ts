import {
  afterNextRender,
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  effect,
  type ElementRef,
  inject,
  input,
  output,
  untracked,
  viewChild,
  ViewEncapsulation,
} from '@angular/core';
import uPlot from 'uplot';
import { bridged } from '../core/bridge';
import type { Span } from '../core/time-range';
import { utcTime } from '../core/times';
import { formatValue, unitSymbol } from '../core/units';

export interface ChartLine {
  readonly label: string;
  readonly unit: string | null;
  /** One per moment of the chart; null: nothing was there. */
  readonly values: readonly (number | null)[];
  /** A CSS colour; without one the line takes its place's. */
  readonly color?: string;
}

export interface ChartData {
  /** Ascending, milliseconds since 1970. */
  readonly timesMs: readonly number[];
  readonly lines: readonly ChartLine[];
  /** Stretches of time of which data is known to be missing. */
  readonly gaps?: readonly Span[];
}

const COLORS = 8;
const HEIGHT_PX = 240;
/** Beyond this many lines a legend would take more room than the chart. */
const MAX_LEGEND_LINES = 24;

/**
 * Lines over time (uPlot). Dragging chooses a stretch of time, double click asks for the way back; charts with the same `sync`
 * share their cross-hair. Each unit has an axis (two at most, the rest shares the first). Known gaps are hatched. What it shows
 * is also said in words for those who do not see it; the page offers the values as a table where they matter.
 */
@Component({
  selector: 'ccv-chart',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<div #host class="host" role="img" [attr.aria-label]="label()"></div>`,
  encapsulation: ViewEncapsulation.None,
  styleUrl: './chart.scss',
})
export class Chart {
  readonly data = input.required<ChartData>();
  /** What the chart shows, in words. */
  readonly label = input.required<string>();
  readonly sync = input<string>();
  readonly heightPx = input(HEIGHT_PX);
  readonly legend = input(true);
  /** What the time axis spans; without it, from the first moment to the last. */
  readonly span = input<Span>();
  /** A stretch of time was chosen by dragging. */
  readonly zoomed = output<Span>();
  readonly zoomedOut = output();

  private readonly host = viewChild.required<ElementRef<HTMLElement>>('host');
  private plot: uPlot | null = null;
  /** What must change for the chart to be made anew instead of being given other data. */
  private shape = '';

  constructor() {
    const resizes = new ResizeObserver(() => this.resize());
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const recolor = (): void => this.draw(true);
    const themes = new MutationObserver(recolor);
    afterNextRender(() => {
      resizes.observe(this.host().nativeElement);
      scheme.addEventListener('change', recolor);
      themes.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
      this.draw();
    });
    effect(() => {
      this.data();
      this.span();
      untracked(() => this.draw());
    });
    inject(DestroyRef).onDestroy(() => {
      resizes.disconnect();
      themes.disconnect();
      scheme.removeEventListener('change', recolor);
      this.plot?.destroy();
    });
  }

  private resize(): void {
    const width = this.host().nativeElement.clientWidth;
    if (this.plot !== null && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: this.heightPx() });
  }

  private draw(anew = false): void {
    const host = this.host().nativeElement;
    const width = host.clientWidth;
    if (width === 0) return;
    const { timesMs, lines } = this.data();
    const shape = JSON.stringify([this.heightPx(), lines.map(({ label, unit, color }) => [label, unit, color])]);
    const values = [timesMs.map((ms) => ms / 1_000), ...lines.map((line) => bridged(line.values))] as uPlot.AlignedData;
    if (this.plot !== null && shape === this.shape && !anew) {
      this.plot.batch(() => {
        this.plot?.setData(values, false);
        const { min, max } = this.extent();
        this.plot?.setScale('x', { min, max });
      });
      return;
    }
    this.shape = shape;
    this.plot?.destroy();
    this.plot = new uPlot(this.options(width), values, host);
  }

  private extent(): { min: number; max: number } {
    const span = this.span();
    const { timesMs } = this.data();
    const startMs = span?.startMs ?? timesMs[0] ?? Date.now();
    const endMs = span?.endMs ?? timesMs[timesMs.length - 1] ?? startMs;
    return { min: startMs / 1_000, max: Math.max(endMs, startMs + 1) / 1_000 };
  }

  private options(width: number): uPlot.Options {
    const style = getComputedStyle(this.host().nativeElement);
    const color = (name: string): string => resolveColor(this.host().nativeElement, name);
    const { lines } = this.data();
    const units = [...new Set(lines.map(({ unit }) => unit ?? ''))];
    const scaleOf = (unit: string | null): string => (units.indexOf(unit ?? '') === 1 ? 'right' : 'left');
    const font = `12px ${style.fontFamily}`;
    const axis = (scale: string, unit: string | null, side: 1 | 3): uPlot.Axis => ({
      scale,
      side,
      stroke: color('--ccv-muted'),
      font,
      size: 72,
      grid: side === 3 ? { stroke: color('--ccv-grid'), width: 1 } : { show: false },
      ticks: { show: false },
      values: (_plot, ticks) => ticks.map((tick) => formatValue(tick, unit)),
    });
    const sync = this.sync();
    return {
      width,
      height: this.heightPx(),
      scales: {
        x: { time: true, range: () => [this.extent().min, this.extent().max] as uPlot.Range.MinMax },
        left: { range: rangeOf },
        right: { range: rangeOf },
      },
      axes: [
        { stroke: color('--ccv-muted'), font, grid: { stroke: color('--ccv-grid'), width: 1 }, ticks: { show: false } },
        axis('left', units[0] ?? null, 3),
        ...(units.length === 2 ? [axis('right', units[1] ?? null, 1)] : []),
      ],
      series: [
        { label: 'Time', value: (_plot, at) => (at === null ? '–' : utcTime(at * 1_000)) },
        ...lines.map((line, i) => ({
          label: line.label,
          scale: scaleOf(line.unit),
          stroke: line.color ?? color(`--ccv-line-${(i % COLORS) + 1}`),
          width: lines.length > 20 ? 1 : 1.5,
          dash: DASHES[Math.floor(i / COLORS) % DASHES.length] ?? [],
          points: { show: lines.length <= MAX_LEGEND_LINES, filter: lonely },
          value: (_plot: uPlot, value: number | null) => formatValue(value, line.unit),
        })),
      ],
      legend: { show: this.legend() && lines.length <= MAX_LEGEND_LINES, live: true },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: 5 },
        ...(sync !== undefined && { sync: { key: sync } }),
        bind: { dblclick: () => () => (this.zoomedOut.emit(), null) },
      },
      hooks: {
        drawClear: [(plot) => this.drawGaps(plot, color('--ccv-grid'), color('--ccv-muted'))],
        setSelect: [(plot) => this.select(plot)],
      },
    };
  }

  private select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 5) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    const startMs = Math.round(plot.posToVal(left, 'x') * 1_000);
    const endMs = Math.round(plot.posToVal(left + width, 'x') * 1_000);
    if (endMs > startMs) this.zoomed.emit({ startMs, endMs });
  }

  /** Behind the lines: hatched where data is known to be missing. */
  private drawGaps(plot: uPlot, fill: string, line: string): void {
    const gaps = this.data().gaps ?? [];
    const { ctx, bbox } = plot;
    for (const gap of gaps) {
      const from = Math.max(bbox.left, plot.valToPos(gap.startMs / 1_000, 'x', true));
      const to = Math.min(bbox.left + bbox.width, plot.valToPos(gap.endMs / 1_000, 'x', true));
      if (to <= from) continue;
      const width = Math.max(2, to - from);
      ctx.save();
      ctx.beginPath();
      ctx.rect(from, bbox.top, width, bbox.height);
      ctx.clip();
      ctx.globalAlpha = 0.5;
      ctx.fillStyle = fill;
      ctx.fillRect(from, bbox.top, width, bbox.height);
      ctx.strokeStyle = line;
      ctx.lineWidth = 1;
      ctx.beginPath();
      for (let x = from - bbox.height; x < from + width; x += 12) {
        ctx.moveTo(x, bbox.top + bbox.height);
        ctx.lineTo(x + bbox.height, bbox.top);
      }
      ctx.stroke();
      ctx.restore();
    }
  }
}

/** Lines beyond the eighth have the colours again, in another dash. */
const DASHES: readonly number[][] = [[], [6, 3], [2, 3], [10, 3, 2, 3]];

/** From zero, where values do not go below: a chart must not make a mountain of a molehill. */
function rangeOf(_plot: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  const low = Math.min(0, min);
  const high = Math.max(0, max);
  if (low === high) return [0, 1];
  const room = (high - low) * 0.05;
  return [low === 0 ? 0 : low - room, high === 0 ? 0 : high + room];
}

/** Only values without neighbours get a point: no line would show them. */
function lonely(plot: uPlot, index: number, show: boolean): number[] | null {
  if (show) return null;
  const values = plot.data[index] ?? [];
  const found: number[] = [];
  for (let i = 0; i < values.length; i += 1) {
    const startsHere = i === 0 || values[i - 1] === null;
    const endsHere = i === values.length - 1 || values[i + 1] === null;
    if (values[i] != null && startsHere && endsHere) found.push(i);
  }
  return found.length === 0 ? null : found;
}

/** The value of a colour's variable as a canvas understands it: `light-dark()` is not for canvases. */
function resolveColor(host: HTMLElement, name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  host.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** A few words for `label`: what a chart of these lines shows now. */
export function describeLines(title: string, lines: readonly ChartLine[]): string {
  const newest = lines.slice(0, 8).map(({ label, unit, values }) => {
    const last = values.findLast((value) => value !== null);
    return `${label} ${formatValue(last ?? null, unit)}`;
  });
  const unit = unitSymbol(lines[0]?.unit ?? null);
  return `${title}${unit === '' ? '' : ` (${unit})`}: ${newest.length === 0 ? 'no data' : newest.join(', ')}`;
}
