/**
 * How much was measured in a range: totals, by type, and the metrics with most samples. Everything comes from one
 * aggregate over (name, type), so that the parts always add up to the totals.
 */
import { isoTimeOrNull } from '../model/iso-time.js';
import type { TimeRange } from '../model/metric.js';
import type { AggregateGroup, MetricReader } from '../storage/ports.js';
import type { MetricFilter } from './filter.js';
import { finiteOrNull } from './present.js';

const TOP_METRICS = 10;

export interface MetricStatistics {
  /** `total_metrics` counts samples, `unique_metrics` distinct metric names; times are null when there are none. */
  readonly overview: {
    readonly total_metrics: number;
    readonly unique_metrics: number;
    readonly first_metric: string | null;
    readonly last_metric: string | null;
  };
  /** Most samples first. */
  readonly byType: { type: string; count: number; unique_names: number }[];
  /** The ten (name, type) with most samples, then by name; of object values the `.value` counts. */
  readonly topMetrics: {
    name: string;
    type: string;
    count: number;
    min_value: number | null;
    max_value: number | null;
    avg_value: number | null;
  }[];
}

export async function metricStatistics(reader: MetricReader, filter: MetricFilter, range: TimeRange): Promise<MetricStatistics> {
  const groups = await reader.aggregate({ filter, range, stepMs: null, groupBy: ['name', 'type'] });
  const metrics = groups.map(toMetric).sort((a, b) => b.count - a.count || compareText(a.name, b.name) || compareText(a.type, b.type));
  return {
    overview: {
      total_metrics: metrics.reduce((total, metric) => total + metric.count, 0),
      unique_metrics: new Set(metrics.map((metric) => metric.name)).size,
      first_metric: isoTimeOrNull(groups.length === 0 ? null : groups.reduce((first, group) => Math.min(first, group.firstMs), Infinity)),
      last_metric: isoTimeOrNull(groups.length === 0 ? null : groups.reduce((last, group) => Math.max(last, group.lastMs), -Infinity)),
    },
    byType: countByType(metrics),
    topMetrics: metrics.slice(0, TOP_METRICS),
  };
}

function toMetric(group: AggregateGroup) {
  const count = group.count[0] ?? 0;
  return {
    name: group.labels[0] ?? '',
    type: group.labels[1] ?? '',
    count,
    min_value: finiteOrNull(group.min[0]),
    max_value: finiteOrNull(group.max[0]),
    avg_value: finiteOrNull((group.sum[0] ?? NaN) / count),
  };
}

function countByType(metrics: readonly { type: string; count: number }[]): { type: string; count: number; unique_names: number }[] {
  const byType = new Map<string, { type: string; count: number; unique_names: number }>();
  for (const { type, count } of metrics) {
    const entry = byType.get(type) ?? { type, count: 0, unique_names: 0 };
    byType.set(type, { type, count: entry.count + count, unique_names: entry.unique_names + 1 });
  }
  return [...byType.values()].sort((a, b) => b.count - a.count || compareText(a.type, b.type));
}

/** By UTF-16 code unit: the same everywhere, whatever the machine's language. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
