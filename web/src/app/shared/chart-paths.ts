/**
 * How lines are put on a chart's canvas. Buckets may be narrower than the pace at which values come: nothing between two values
 * is a gap only when it is longer than is usual for the line. uPlot's own builder makes a gap of every null and clips the line to
 * what is between them, which takes seconds where there are thousands. Pure but for Path2D.
 */
import type uPlot from 'uplot';

type Values = ArrayLike<number | null | undefined>;
type Times = ArrayLike<number>;

/** Beyond this many values in a column of pixels only the first, the least, the greatest and the last of them are drawn. */
const DENSE = 3;
/** What is usual is told from so many distances. */
const LOOKED_AT = 256;
const USUAL_SHARE = 0.5;
/** So many times the usual distance: a single value that was left out is no gap, several are. */
const TOLERANCE = 2.5;

/** Two values that are no farther apart than this (in the unit of the times) are connected; Infinity where nothing is missing. */
export function reachOf(times: Times, values: Values): number {
  return usualDistance(times, values) * TOLERANCE;
}

function usualDistance(times: Times, values: Values): number {
  let missing = 0;
  for (let i = 0; i < values.length; i += 1) if (values[i] == null) missing += 1;
  if (missing === 0) return Infinity;
  const there: number[] = [];
  for (let i = 0; i < values.length; i += 1) if (values[i] != null) there.push(i);
  if (there.length < 2) return 0;
  const every = Math.max(1, Math.floor(there.length / LOOKED_AT));
  const distances: number[] = [];
  for (let i = 1; i < there.length; i += every) distances.push((times[there[i] ?? 0] ?? 0) - (times[there[i - 1] ?? 0] ?? 0));
  distances.sort((a, b) => a - b);
  return distances[Math.floor((distances.length - 1) * USUAL_SHARE)] ?? Infinity;
}

/** Values that no line reaches get a point: they would not be seen. Null: there are none. */
export function lonely(times: Times, values: Values, reach: number): number[] | null {
  if (reach === Infinity && values.length > 1) return null;
  const found: number[] = [];
  let before = -1;
  let isReached = true;
  for (let i = 0; i < values.length; i += 1) {
    if (values[i] == null) continue;
    const isNear = before >= 0 && (times[i] ?? 0) - (times[before] ?? 0) <= reach;
    if (before >= 0 && !isNear && !isReached) found.push(before);
    isReached = isNear;
    before = i;
  }
  if (before >= 0 && !isReached) found.push(before);
  return found.length === 0 ? null : found;
}

/** Where a line goes; a canvas path does. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/** From values to canvas pixels. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly xMin: number;
  readonly xMax: number;
  readonly yMin: number;
  readonly yMax: number;
}

export interface Part {
  readonly from: number;
  readonly to: number;
}

/** Draws the values `from`…`to` (both included). */
export function trace(pen: Pen, times: Times, values: Values, { from, to }: Part, frame: Frame, reach: number): void {
  const perX = frame.width / (frame.xMax - frame.xMin);
  const perY = frame.height / (frame.yMax - frame.yMin);
  const xOf = (time: number): number => Math.round(frame.left + (time - frame.xMin) * perX);
  const yOf = (value: number): number => Math.round(frame.top + frame.height - (value - frame.yMin) * perY);
  const isDense = to - from > DENSE * frame.width;
  let lastTime = -Infinity;
  // Of the column of pixels that is being gathered.
  let column = NaN;
  let least = 0;
  let greatest = 0;
  let newest = 0;
  const finish = (): void => {
    if (Number.isNaN(column) || (least === greatest && least === newest)) return;
    pen.lineTo(column, yOf(least));
    pen.lineTo(column, yOf(greatest));
    pen.lineTo(column, yOf(newest));
  };
  for (let i = from; i <= to; i += 1) {
    const value = values[i];
    if (value == null) continue;
    const time = times[i] ?? 0;
    const x = xOf(time);
    const isConnected = time - lastTime <= reach;
    lastTime = time;
    if (isDense && isConnected && x === column) {
      if (value < least) least = value;
      if (value > greatest) greatest = value;
      newest = value;
      continue;
    }
    if (isDense) {
      finish();
      column = x;
      least = value;
      greatest = value;
      newest = value;
    }
    if (isConnected) pen.lineTo(x, yOf(value));
    else pen.moveTo(x, yOf(value));
  }
  finish();
}

/** How one chart draws its lines and lonely points, as uPlot asks for it. What is usual for a line is looked up once. */
export function lineDrawing(): { readonly paths: uPlot.Series.PathBuilder; readonly filter: uPlot.Series.Points.Filter } {
  const reaches = new WeakMap<object, number>();
  const known = (times: Times, values: Values): number => {
    const reach = reaches.get(values) ?? reachOf(times, values);
    reaches.set(values, reach);
    return reach;
  };
  return {
    paths: (plot, index, from, to) => {
      const stroke = new Path2D();
      const times = plot.data[0];
      const values = plot.data[index] ?? [];
      const { min: xMin, max: xMax } = plot.scales['x'] ?? {};
      const { min: yMin, max: yMax } = plot.scales[plot.series[index]?.scale ?? ''] ?? {};
      if (xMin != null && xMax != null && yMin != null && yMax != null && xMax > xMin && yMax > yMin) {
        trace(stroke, times, values, { from, to }, { ...plot.bbox, xMin, xMax, yMin, yMax }, known(times, values));
      }
      return { stroke, fill: null, clip: null, band: null, gaps: [], flags: 0 };
    },
    filter: (plot, index) => {
      const values = plot.data[index] ?? [];
      return lonely(plot.data[0], values, known(plot.data[0], values));
    },
  };
}
