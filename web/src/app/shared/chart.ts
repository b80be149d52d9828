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
import type { Span } from '../core/time-range';
import { utcTime } from '../core/times';
import { formatValue } from '../core/units';
import { fmtDate, POWERS_OF_TWO, rangeOf } from './chart-axes';
import type { ChartData } from './chart-data';
import { drawGaps } from './chart-gaps';
import { drawMarks, drawShades, withMarks } from './chart-marks';
import { ChartMotion } from './chart-motion';
import { lineDrawing } from './chart-paths';
import { lineColor, lineDash } from './chart-style';
import { colorsOf } from './css-colors';
import { whenRecolored } from './recolored';

const HEIGHT_PX = 240;
/** Beyond this many lines dashes are left out: of all that is drawn they take the longest, and nobody tells them apart then. */
const MAX_DASHED_LINES = 32;
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
  template: `<div
    #host
    class="host"
    [attr.role]="movable() ? 'application' : 'img'"
    [attr.aria-roledescription]="movable() ? 'chart' : null"
    [attr.aria-label]="label()"
    [attr.tabindex]="movable() ? 0 : null"
    (keydown)="movable() && motion.key($event)"
    (wheel)="wheel($event)"
  ></div>`,
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
  /** The number of the moment that the cursor is at; null when it has left. */
  readonly hovered = output<number | null>();
  /** May be moved, see ChartMotion. Each move ends in `zoomed`. */
  readonly movable = input(false);

  private readonly host = viewChild.required<ElementRef<HTMLElement>>('host');
  private plot: uPlot | null = null;
  /** What must change for the chart to be made anew instead of being given other data. */
  private shape = '';
  private readonly drawing = lineDrawing();
  private seconds = new Float64Array();
  private drawn: ChartData | null = null;
  private drawnExtent = { min: 0, max: 0 };
  /** What is seen while the chart is being moved; not yet said to those who use it. */
  private moved: Span | null = null;
  private at: number | null = null;
  /** The drag is over this chart: others with the same cross-hair show it, and must not tell of it as well. */
  private isDragged = false;
  protected readonly motion = new ChartMotion({
    seen: () => this.seen(),
    show: (span) => this.show(span),
    rested: (span) => this.zoomed.emit(span),
    back: () => this.zoomedOut.emit(),
  });

  constructor() {
    const resizes = new ResizeObserver(() => this.resize());
    afterNextRender(() => {
      resizes.observe(this.host().nativeElement);
      this.draw();
    });
    whenRecolored(() => this.draw(true));
    effect(() => {
      this.data();
      this.span();
      untracked(() => this.draw());
    });
    inject(DestroyRef).onDestroy(() => {
      resizes.disconnect();
      this.motion.stop();
      this.plot?.destroy();
    });
  }

  protected wheel(event: WheelEvent): void {
    if (this.movable() && this.plot !== null) this.motion.wheel(event, this.plot.over.getBoundingClientRect());
  }

  /** With Shift the chart is moved; else a stretch of it is chosen. */
  private press(plot: uPlot, event: MouseEvent, choose: (event: MouseEvent) => null): null {
    if (!this.movable() || !event.shiftKey) {
      this.isDragged = true;
      // Once all others have heard of it as well.
      addEventListener('mouseup', () => setTimeout(() => (this.isDragged = false)), { once: true });
      return choose(event);
    }
    this.motion.drag(event, plot.over.getBoundingClientRect());
    return null;
  }

  private seen(): Span {
    const { min, max } = this.extent();
    return { startMs: Math.round(min * 1_000), endMs: Math.round(max * 1_000) };
  }

  private show(span: Span): void {
    this.moved = span;
    this.drawnExtent = { min: span.startMs / 1_000, max: span.endMs / 1_000 };
    this.plot?.setScale('x', this.drawnExtent);
  }

  private hover({ cursor: { idx, left } }: uPlot): void {
    const at = left === undefined || left < 0 ? null : (idx ?? null);
    if (at === this.at) return;
    this.at = at;
    this.hovered.emit(at);
  }

  private resize(): void {
    const width = this.host().nativeElement.clientWidth;
    if (this.plot === null) this.draw();
    else if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: this.heightPx() });
  }

  private draw(anew = false): void {
    const host = this.host().nativeElement;
    const width = host.clientWidth;
    if (width === 0) return;
    const data = this.data();
    const { lines } = data;
    if (!this.motion.isMoving) this.moved = null;
    const shape = JSON.stringify([
      this.heightPx(),
      this.legend(),
      lines.map(({ label, unit, color, place }) => [label, unit, color, place]),
      data.marks,
    ]);
    const { min, max } = this.extent();
    if (this.plot !== null && shape === this.shape && !anew) {
      const { plot } = this;
      if (data === this.drawn && this.drawnExtent.min === min && this.drawnExtent.max === max) return;
      plot.batch(() => {
        if (data.timesMs !== this.drawn?.timesMs || lines.some(({ values }, i) => values !== this.drawn?.lines[i]?.values)) {
          plot.setData(this.aligned(data), false);
        }
        for (const [i, { isHidden = false }] of lines.entries()) {
          if (plot.series[i + 1]?.show === isHidden) plot.setSeries(i + 1, { show: !isHidden });
        }
        plot.setScale('x', { min, max });
      });
      if (JSON.stringify(data.shades) !== JSON.stringify(this.drawn?.shades)) plot.redraw(false);
    } else {
      this.shape = shape;
      this.plot?.destroy();
      this.plot = new uPlot(this.options(width), this.aligned(data), host);
    }
    this.drawn = data;
    this.drawnExtent = { min, max };
  }

  private aligned({ timesMs, lines }: ChartData): uPlot.AlignedData {
    if (timesMs !== this.drawn?.timesMs) this.seconds = Float64Array.from(timesMs, (ms) => ms / 1_000);
    return [this.seconds, ...lines.map(({ values }) => values)] as uPlot.AlignedData;
  }

  private extent(): { min: number; max: number } {
    const span = this.moved ?? this.span();
    const { timesMs } = this.data();
    const startMs = span?.startMs ?? timesMs[0] ?? Date.now();
    const endMs = span?.endMs ?? timesMs[timesMs.length - 1] ?? startMs;
    return { min: startMs / 1_000, max: Math.max(endMs, startMs + 1) / 1_000 };
  }

  private options(width: number): uPlot.Options {
    const style = getComputedStyle(this.host().nativeElement);
    const color = colorsOf(this.host().nativeElement);
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
      ...(unit === 'bytes' && { incrs: [...POWERS_OF_TWO] }),
      values: (_plot, ticks) => ticks.map((tick) => formatValue(tick, unit)),
    });
    const sync = this.sync();
    const { paths, filter } = this.drawing;
    return {
      width,
      height: this.heightPx(),
      fmtDate,
      scales: {
        x: { time: true, range: () => [this.extent().min, this.extent().max] as uPlot.Range.MinMax },
        left: { range: (plot, min, max) => rangeOf(plot, ...withMarks(min, max, this.data().marks ?? [])) },
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
          show: line.isHidden !== true,
          stroke: line.color ?? color(lineColor(line.place ?? i)),
          width: lines.length > 20 ? 1 : 1.5,
          dash: lines.length > MAX_DASHED_LINES ? [] : [...lineDash(line.place ?? i)],
          paths,
          points: { show: false, size: 4, filter },
          value: (_plot: uPlot, value: number | null) => formatValue(value, line.unit),
        })),
      ],
      legend: { show: this.legend() && lines.length <= MAX_LEGEND_LINES, live: true },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: 5 },
        ...(sync !== undefined && { sync: { key: sync } }),
        bind: {
          dblclick: () => () => (this.zoomedOut.emit(), null),
          mousedown: (plot, _target, handler) => (event) => this.press(plot, event, handler),
        },
      },
      hooks: {
        drawClear: [
          (plot) => drawGaps(plot, this.data().gaps ?? [], color('--ccv-grid'), color('--ccv-muted')),
          (plot) => drawShades(plot, this.data().shades ?? [], color('--ccv-error')),
        ],
        draw: [(plot) => drawMarks(plot, this.data().marks ?? [], color, font)],
        setSelect: [(plot) => this.select(plot)],
        setCursor: [(plot) => this.hover(plot)],
      },
    };
  }

  private select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 5) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    const startMs = Math.round(plot.posToVal(left, 'x') * 1_000);
    const endMs = Math.round(plot.posToVal(left + width, 'x') * 1_000);
    if (this.isDragged && endMs > startMs) this.zoomed.emit({ startMs, endMs });
  }
}
