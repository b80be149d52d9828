/** The list of an agent's series: which of them are wanted, and what is said of each. Pure. */
import type { MetricType, Tags } from '../../core/api-types';
import { formatValue } from '../../core/units';
import { tagsText } from './facts';

/** As `GET /metrics/series` answers with `latest=true`. */
export interface SeriesRow {
  readonly id: number | string;
  readonly agent_id: string;
  readonly name: string;
  readonly type: MetricType;
  readonly unit: string | null;
  readonly tags: Tags;
  readonly value: unknown;
  readonly timestamp: string | null;
}

/** Those in whose name, tags, type or unit each word of the filter is found. */
export function matching(series: readonly SeriesRow[], filter: string): readonly SeriesRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return series;
  return series.filter(({ name, tags, type, unit }) => {
    const text = `${name} ${tagsText(tags)} ${type} ${unit ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** A sample's value: of a histogram or timer, the one that counts. */
export function valueText(value: unknown, unit: string | null): string {
  if (typeof value === 'number') return formatValue(value, unit);
  if (typeof value === 'object' && value !== null && 'value' in value) return valueText(value.value, unit);
  return '–';
}

/** Parameters of an explorer's address that shows one series. */
export function explorerOf({ agent_id, name, tags }: Pick<SeriesRow, 'agent_id' | 'name' | 'tags'>): Record<string, string | string[]> {
  const tag = Object.entries(tags).map(([key, value]) => `${key}:${value}`);
  return { m: name, agent: agent_id, ...(tag.length > 0 && { tag }) };
}
