/** The lines of an answer for people: what they are called, what is to be said of their values, which chart they belong to. Pure. */
import type { ChartAnswer, ChartSeries } from '../../core/chart-answer';
import { keyOf } from './chart-question';
import type { ExplorerState } from './explorer-state';

export interface Line {
  readonly key: string;
  readonly label: string;
  /** Of its values, which an aggregation may have changed. */
  readonly unit: string | null;
  readonly values: readonly (number | null)[];
  /** Its place among all lines: gives it its colour. */
  readonly place: number;
}

export interface LineSummary {
  readonly last: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly avg: number | null;
}

/** Lines that share a chart: it has two axes at most. */
export interface Panel {
  readonly units: readonly (string | null)[];
  readonly lines: readonly Line[];
}

const MAX_AXES = 2;

export function linesOf({ series }: ChartAnswer, { by, aggregation }: Pick<ExplorerState, 'by' | 'aggregation'>): Line[] {
  const parts = series.map((one) => partsOf(one, by));
  // What all lines have in common tells none of them from another.
  const common = new Set(parts[0]?.filter((part) => parts.length > 1 && parts.every((others) => others.includes(part))));
  return series.map((one, place) => {
    const own = parts[place]?.filter((part) => !common.has(part)) ?? [];
    return {
      key: keyOf(one, by),
      label: own.length > 0 ? own.join(' ') : (parts[place]?.join(' ') ?? ''),
      unit: unitAfter(aggregation, one.unit),
      values: one.values,
      place,
    };
  });
}

function partsOf(series: ChartSeries, by: string): string[] {
  const name = series.name ?? '';
  const named = (text: string | undefined): string => text || '(none)';
  if (by === 'none') return [name];
  if (by.startsWith('tag:')) return [name, `${by.slice(4)}=${named(series.tags[by.slice(4)])}`];
  if (by !== 'series') return [name, named(series.agent_id ?? series.provider ?? series.region)];
  const tags = Object.entries(series.tags).map(([key, value]) => `${key}=${value}`);
  return [name, series.agent_id ?? '', ...tags];
}

/** The unit of what an aggregation makes of values in `unit`. */
export function unitAfter(aggregation: string, unit: string | null): string | null {
  if (aggregation === 'count') return null;
  return aggregation === 'rate' ? `${unit === null || unit === 'count' ? '' : unit}/sec` : unit;
}

export function summaryOf(values: readonly (number | null)[]): LineSummary {
  let last: number | null = null;
  let min = Infinity;
  let max = -Infinity;
  let mean = 0;
  let count = 0;
  for (const value of values) {
    if (value === null) continue;
    last = value;
    if (value < min) min = value;
    if (value > max) max = value;
    count += 1;
    // A running mean does not overflow where a sum would.
    mean += value / count - mean / count;
  }
  return count === 0 ? { last, min: null, max: null, avg: null } : { last, min, max, avg: mean };
}

/** One chart for up to two units; of more, a chart for each. */
export function panelsOf(lines: readonly Line[]): Panel[] {
  const units = [...new Set(lines.map(({ unit }) => unit ?? ''))];
  if (units.length <= MAX_AXES) return lines.length === 0 ? [] : [{ units, lines }];
  return units.map((unit) => ({ units: [unit], lines: lines.filter((line) => (line.unit ?? '') === unit) }));
}

/** Which lines are drawn. */
export function isShown({ key }: Pick<Line, 'key'>, { hide, only }: Pick<ExplorerState, 'hide' | 'only'>): boolean {
  return only.length > 0 ? only.includes(key) : !hide.includes(key);
}

/** After a click on a line: it is hidden, or there again. */
export function toggled(lines: readonly Line[], key: string, state: Pick<ExplorerState, 'hide' | 'only'>) {
  return showing(lines, (line) => (line.key === key ? !isShown(line, state) : isShown(line, state)));
}

/** That line alone; when it is alone already, all of them. */
export function isolated(lines: readonly Line[], key: string, state: Pick<ExplorerState, 'hide' | 'only'>) {
  const isAlone = lines.every((line) => isShown(line, state) === (line.key === key));
  return showing(lines, (line) => isAlone || line.key === key);
}

/** Says it in fewer words: those that are hidden, or those that are not. */
function showing(lines: readonly Line[], isWanted: (line: Line) => boolean): Pick<ExplorerState, 'hide' | 'only'> {
  const shown = lines.filter(isWanted).map(({ key }) => key);
  const hidden = lines.filter((line) => !isWanted(line)).map(({ key }) => key);
  if (shown.length === 0 || hidden.length <= shown.length) return { hide: hidden, only: [] };
  return { hide: [], only: shown };
}
