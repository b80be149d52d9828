/** What `GET /metrics/chart` answers. Pure. */
import type { Gap, Tags } from './api-types';
import type { Span } from './time-range';

export interface ChartSeries {
  readonly name?: string;
  readonly series?: string;
  readonly agent_id?: string;
  readonly provider?: string;
  readonly region?: string;
  readonly unit: string | null;
  readonly tags: Tags;
  /** One per bucket. */
  readonly values: readonly (number | null)[];
}

export interface ChartAnswer {
  readonly interval: string;
  readonly interval_ms: number;
  /** Where the first bucket begins. */
  readonly start_ms: number;
  readonly count: number;
  readonly series: readonly ChartSeries[];
  readonly totalSeries: number;
  readonly truncated: boolean;
  readonly period: { readonly start: string; readonly end: string };
  readonly gaps?: readonly Gap[];
}

/** Where each bucket begins. */
export function timesOf({ start_ms, interval_ms, count }: Pick<ChartAnswer, 'start_ms' | 'interval_ms' | 'count'>): number[] {
  return Array.from({ length: count }, (_, i) => start_ms + i * interval_ms);
}

export function periodOf({ period }: ChartAnswer): Span {
  return { startMs: Date.parse(period.start), endMs: Date.parse(period.end) };
}

/** Gaps as stretches of time, those that overlap as one. */
export function gapSpans(gaps: readonly Gap[]): Span[] {
  const spans: { startMs: number; endMs: number }[] = [];
  const sorted = gaps.map(({ from, to }) => ({ startMs: Date.parse(from), endMs: Date.parse(to) })).sort((a, b) => a.startMs - b.startMs);
  for (const span of sorted) {
    const last = spans[spans.length - 1];
    if (last !== undefined && span.startMs <= last.endMs) last.endMs = Math.max(last.endMs, span.endMs);
    else spans.push(span);
  }
  return spans;
}
