/** Behind the lines of a chart: hatched where data is known to be missing. */
import type uPlot from 'uplot';
import type { Span } from '../core/time-range';

const HATCH_PX = 12;

export function drawGaps(plot: uPlot, gaps: readonly Span[], fill: string, line: string): void {
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
    for (let x = from - bbox.height; x < from + width; x += HATCH_PX) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }
}
