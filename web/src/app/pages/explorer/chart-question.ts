/** How `GET /metrics/chart` is asked, and how an answer grows by the next one. Pure. */
import type { Params } from '../../core/api';
import type { ChartAnswer, ChartSeries } from '../../core/chart-answer';
import { rangeQuery, spanOf } from '../../core/time-range';
import type { ExplorerState } from './explorer-state';

/** So many lines are asked for at once; more than this nobody can tell apart. */
export const MAX_LINES = 100;
const POINTS = 1_000;
/**
 * Where buckets put several samples together they must be wider than the pace at which agents send: a line would otherwise jump
 * between those that happened to have a sample in the bucket, and rates would be of a part of the time that passed.
 */
const GATHERED_POINTS = 200;
const GATHERED_MS = 30_000;
const COUNTED_MS = 60_000;

/** Samples come late (agents send every half a minute, and what was lost on the way again): this much is read again each time. */
const LATE_MS = 90_000;
const MIN_LATE_BUCKETS = 2;

/** Undefined: there is nothing to ask for. */
export function chartQuestion(state: ExplorerState): Params | undefined {
  if (state.metrics.length === 0) return undefined;
  return {
    ...commonParams(state),
    interval: state.step,
    points: state.step === 'auto' ? pointsOf(state) : null,
    ...rangeQuery(state.range),
  };
}

function pointsOf({ by, aggregation, range }: ExplorerState): number {
  const isCounted = ['rate', 'increase', 'count', 'sum'].includes(aggregation);
  if (by === 'series' && !isCounted) return POINTS;
  const { startMs, endMs } = spanOf(range, 0);
  return Math.max(1, Math.min(GATHERED_POINTS, Math.floor((endMs - startMs) / (isCounted ? COUNTED_MS : GATHERED_MS))));
}

/** For the last buckets of the answer and those since. */
export function tailQuestion(state: ExplorerState, answer: ChartAnswer): Params {
  const lateMs = Math.max(LATE_MS, MIN_LATE_BUCKETS * answer.interval_ms);
  const sinceMs = Math.max(answer.start_ms, Date.parse(answer.period.end) - lateMs);
  return { ...commonParams(state), interval: answer.interval, since: new Date(sinceMs).toISOString() };
}

function commonParams({ metrics, agents, providers, regions, tags, aggregation, by }: ExplorerState): Params {
  return {
    metricName: metrics,
    agentId: agents,
    provider: providers,
    region: regions,
    tag: tags,
    aggregation,
    // Values of different metrics never become one.
    groupBy: by === 'none' ? 'name' : by === 'series' ? by : `name,${by}`,
    limit: MAX_LINES,
  };
}

/** Names a line the same in every answer to questions of the same grouping. */
export function keyOf(series: ChartSeries, by: string): string {
  if (series.series !== undefined) return series.series;
  const group = by.startsWith('tag:') ? series.tags[by.slice(4)] : (series.agent_id ?? series.provider ?? series.region);
  return group === undefined ? (series.name ?? '') : `${series.name ?? ''} ${group}`;
}

/**
 * The answer with its last buckets from `tail` (which has the same interval) and as long as before: what has become too old is
 * left out, and so are lines of which nothing is left.
 */
export function extended(answer: ChartAnswer, tail: ChartAnswer, by: string): ChartAnswer {
  const stepMs = answer.interval_ms;
  const lengthMs = Date.parse(answer.period.end) - Date.parse(answer.period.start);
  const endMs = Math.max(Date.parse(answer.period.end), Date.parse(tail.period.end));
  const periodStartMs = endMs - lengthMs;
  const startMs = Math.max(answer.start_ms, Math.floor(periodStartMs / stepMs) * stepMs);
  const count = Math.max(1, Math.ceil((endMs - startMs) / stepMs));
  const keptFrom = (startMs - answer.start_ms) / stepMs;
  const tailAt = (tail.start_ms - startMs) / stepMs;
  const newer = new Map(tail.series.map((series) => [keyOf(series, by), series]));
  const valuesOf = (older: readonly (number | null)[], tailValues: readonly (number | null)[]): (number | null)[] => {
    const values = Array.from<number | null>({ length: count }).fill(null);
    for (let i = 0; i < Math.min(tailAt, count); i += 1) values[i] = older[keptFrom + i] ?? null;
    for (let i = Math.max(0, -tailAt); i < tailValues.length && tailAt + i < count; i += 1) values[tailAt + i] = tailValues[i] ?? null;
    return values;
  };
  const series: ChartSeries[] = [];
  for (const old of answer.series) {
    const key = keyOf(old, by);
    series.push({ ...old, values: valuesOf(old.values, newer.get(key)?.values ?? []) });
    newer.delete(key);
  }
  for (const one of newer.values()) series.push({ ...one, values: valuesOf([], one.values) });
  return {
    ...answer,
    start_ms: startMs,
    count,
    series: series.filter(({ values }) => values.some((value) => value !== null)),
    totalSeries: Math.max(answer.totalSeries, series.length),
    period: { start: new Date(periodStartMs).toISOString(), end: new Date(endMs).toISOString() },
    gaps: [...(answer.gaps ?? []).filter(({ to }) => Date.parse(to) < tail.start_ms), ...(tail.gaps ?? [])],
  };
}
