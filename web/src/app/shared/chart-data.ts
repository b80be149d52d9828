/** What a chart shows. Pure. */
import type { Span } from '../core/time-range';
import { formatValue, unitSymbol } from '../core/units';
import type { ChartMark } from './chart-marks';

export interface ChartLine {
  readonly label: string;
  readonly unit: string | null;
  /** One per moment of the chart; null: nothing was there. */
  readonly values: readonly (number | null)[];
  /** A CSS colour; without one the line takes its place's. */
  readonly color?: string;
  /** Gives it its colour and dash; without one, its number among the lines. */
  readonly place?: number;
  readonly isHidden?: boolean;
}

export interface ChartData {
  /** Ascending, milliseconds since 1970. */
  readonly timesMs: readonly number[];
  readonly lines: readonly ChartLine[];
  /** Stretches of time of which data is known to be missing. */
  readonly gaps?: readonly Span[];
  /** Values that matter, as lines from side to side; in the unit of the first line. */
  readonly marks?: readonly ChartMark[];
  /** Stretches of time in which something was the matter. */
  readonly shades?: readonly Span[];
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
