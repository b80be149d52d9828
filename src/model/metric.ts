/** What a sample is. Times are Unix milliseconds; a series is one (agent, name, type, unit, tags). */

export const METRIC_TYPES = ['gauge', 'counter', 'histogram', 'timer'] as const;
export type MetricType = (typeof METRIC_TYPES)[number];

/** Tags of a series, as they were sent. */
export type Tags = Readonly<Record<string, string>>;

/**
 * What identifies a series within its agent. `tagsJson` is the canonical form of the tags: a JSON object with
 * its keys sorted by UTF-16 code unit, `{}` when there are none (see canonicalTags).
 */
export interface SeriesIdentity {
  readonly name: string;
  readonly type: MetricType;
  readonly unit: string | null;
  readonly tagsJson: string;
}

/** A series with its dictionary id and the agent's current place. */
export interface SeriesInfo extends SeriesIdentity {
  readonly id: number;
  readonly agentId: string;
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
}

/** Canonical JSON of tags: sorted keys, so that two orders of the same tags are one series. */
export function canonicalTags(tags: Tags | null | undefined): string {
  if (tags === null || tags === undefined) return '{}';
  const keys = Object.keys(tags);
  if (keys.length === 0) return '{}';
  if (keys.length > 1) keys.sort();
  let json = '{';
  for (const [i, key] of keys.entries()) {
    if (i > 0) json += ',';
    json += `${JSON.stringify(key)}:${JSON.stringify(tags[key])}`;
  }
  return `${json}}`;
}

/** Half-open range of Unix milliseconds: `[startMs, endMs)`. */
export interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
}
