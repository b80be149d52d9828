/**
 * Series on their way between threads. Tens of thousands of objects with nine fields keep the event loop from its sockets for a tenth of
 * a second when they are cloned; texts, which series have in common, travel once, and everything else is numbers.
 */
import type { MetricType, SeriesInfo } from '../../../model/metric.js';
import type { SampleRows } from '../../ports.js';
import { TextPlaces } from './text-places.js';

export interface PackedSeries {
  /** Places count from here. */
  readonly texts: readonly string[];
  /** Of each series its id and the places of its texts. */
  readonly rows: Float64Array;
}

/** Samples with their series packed. */
export type PackedSamples = Omit<SampleRows, 'series'> & { readonly series: PackedSeries };

const WIDTH = 9;

export function packSeries(series: readonly SeriesInfo[]): PackedSeries {
  const places = new TextPlaces();
  const place = (text: string | null): number => places.of(text);
  const rows = new Float64Array(series.length * WIDTH);
  let at = 0;
  for (const { id, agentId, name, type, unit, tagsJson, provider, region, zone } of series) {
    rows[at] = id;
    rows[at + 1] = place(agentId);
    rows[at + 2] = place(name);
    rows[at + 3] = place(type);
    rows[at + 4] = place(unit);
    rows[at + 5] = place(tagsJson);
    rows[at + 6] = place(provider);
    rows[at + 7] = place(region);
    rows[at + 8] = place(zone);
    at += WIDTH;
  }
  return { texts: places.texts, rows };
}

export function unpackSeries({ texts, rows }: PackedSeries): SeriesInfo[] {
  const series: SeriesInfo[] = [];
  const text = (at: number): string => texts[rows[at] as number] as string;
  for (let at = 0; at < rows.length; at += WIDTH) {
    series.push({
      id: rows[at] as number,
      agentId: text(at + 1),
      name: text(at + 2),
      type: text(at + 3) as MetricType,
      unit: texts[rows[at + 4] as number] ?? null,
      tagsJson: text(at + 5),
      provider: text(at + 6),
      region: text(at + 7),
      zone: text(at + 8),
    });
  }
  return series;
}

export function packSamples({ series, ...columns }: SampleRows): PackedSamples {
  return { ...columns, series: packSeries(series) };
}

export function unpackSamples({ series, ...columns }: PackedSamples): SampleRows {
  return { ...columns, series: unpackSeries(series) };
}
