/** What is drawn on a chart besides its lines: values that matter, and stretches of time in which something was the matter. */
import type uPlot from 'uplot';
import type { Span } from '../core/time-range';

/** A line from side to side at a value. */
export interface ChartMark {
  readonly value: number;
  /** Stands at the line. */
  readonly label: string;
  /** Name of a CSS variable. */
  readonly color: string;
  readonly dash: readonly number[];
}

const SHADE_OPACITY = 0.14;
const EDGE_PX = 2;

/** Behind the lines; a stretch of a moment is seen as well. */
export function drawShades(plot: uPlot, shades: readonly Span[], color: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = color;
  for (const { startMs, endMs } of shades) {
    const from = Math.max(bbox.left, plot.valToPos(startMs / 1_000, 'x', true));
    const to = Math.min(bbox.left + bbox.width, plot.valToPos(endMs / 1_000, 'x', true));
    if (to < bbox.left || from > bbox.left + bbox.width) continue;
    const width = Math.max(EDGE_PX, to - from);
    ctx.globalAlpha = SHADE_OPACITY;
    ctx.fillRect(from, bbox.top, width, bbox.height);
    ctx.globalAlpha = 1;
    // Those who do not tell the shade from the ground see where it is.
    ctx.fillRect(from, bbox.top, width, EDGE_PX * 2);
  }
  ctx.restore();
}

/** In front of the lines. Each label stands above its line, or below where there is no room above. */
export function drawMarks(plot: uPlot, marks: readonly ChartMark[], color: (name: string) => string, font: string): void {
  const { ctx, bbox } = plot;
  const pxRatio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = 1.5 * pxRatio;
  ctx.font = font.replace(/^(\d+)px/, (_, size: string) => `${Number(size) * pxRatio}px`);
  ctx.textAlign = 'right';
  for (const mark of marks) {
    const y = Math.round(plot.valToPos(mark.value, 'left', true));
    ctx.strokeStyle = color(mark.color);
    ctx.fillStyle = color(mark.color);
    ctx.setLineDash(mark.dash.map((length) => length * pxRatio));
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const isRoomAbove = y - bbox.top > 18 * pxRatio;
    ctx.textBaseline = isRoomAbove ? 'bottom' : 'top';
    ctx.fillText(mark.label, bbox.left + bbox.width - 6 * pxRatio, y + (isRoomAbove ? -3 : 4) * pxRatio);
  }
  ctx.restore();
}

/** What matters is seen, also where no value comes near it. */
export function withMarks(min: number | null, max: number | null, marks: readonly ChartMark[]): [number | null, number | null] {
  if (marks.length === 0) return [min, max];
  const values = [...marks.map(({ value }) => value), ...[min, max].filter((value) => value !== null)];
  return [Math.min(...values), Math.max(...values)];
}
