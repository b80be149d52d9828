/** The series there are, page by page, and if wanted the newest sample of each. */
import type { SeriesInfo, TimeRange } from '../model/metric.js';
import type { MetricReader } from '../storage/ports.js';
import type { MetricFilter } from './filter.js';
import { presentRows, presentSeries } from './present.js';

export interface SeriesRequest {
  readonly filter: MetricFilter;
  readonly limit: number;
  readonly offset: number;
  /** With the newest sample of each series, if it is not older than a day. */
  readonly latest: boolean;
}

interface Newest {
  readonly value: unknown;
  readonly timestamp: string | null;
}

const NO_SAMPLE: Newest = Object.freeze({ value: null, timestamp: null });

const MINUTE_MS = 60_000;
/** Nearly all series that live have a sample in it; only for the others the day is read. */
const RECENT_MS = 10 * MINUTE_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Agents' clocks may be ahead by up to this much, and their samples are stored so. */
const MAX_CLOCK_LEAD_MS = 60 * MINUTE_MS;

/** One page, ordered by name, then agent, then tags. */
export async function seriesList(reader: MetricReader, { filter, limit, offset, latest }: SeriesRequest, nowMs: number) {
  const { series, total } = await reader.series({ filter, limit, offset });
  const newest = latest ? await newestSamples(reader, filter, series, nowMs) : null;
  return {
    series: series.map((info) =>
      newest === null ? presentSeries(info) : { ...presentSeries(info), ...(newest.get(info.id) ?? NO_SAMPLE) },
    ),
    pagination: { total, limit, offset, hasMore: offset + series.length < total },
  };
}

async function newestSamples(
  reader: MetricReader,
  filter: MetricFilter,
  series: readonly SeriesInfo[],
  nowMs: number,
): Promise<Map<number, Newest>> {
  const recentMs = nowMs - RECENT_MS;
  const ranges: TimeRange[] = [
    { startMs: recentMs, endMs: nowMs + MAX_CLOCK_LEAD_MS + 1 },
    { startMs: nowMs - DAY_MS, endMs: recentMs },
  ];
  const newest = new Map<number, Newest>();
  let missing = series;
  for (const range of ranges) {
    if (missing.length === 0) break;
    const rows = await reader.latest({ filter: { ...filter, ...ofSeries(missing) }, range });
    for (const [row, { value, timestamp }] of presentRows(rows).entries()) {
      const info = rows.series[rows.seriesIndex[row] ?? -1];
      // Those that were found in the first range have older samples in the second.
      if (info !== undefined && !newest.has(info.id)) newest.set(info.id, { value, timestamp });
    }
    missing = missing.filter(({ id }) => !newest.has(id));
  }
  return newest;
}

/** The narrowest conditions that hold for all of these; others may meet them, too. */
function ofSeries(series: readonly SeriesInfo[]): Pick<MetricFilter, 'agentIds' | 'names'> {
  return {
    agentIds: [...new Set(series.map(({ agentId }) => agentId))],
    names: [...new Set(series.map(({ name }) => name))],
  };
}
