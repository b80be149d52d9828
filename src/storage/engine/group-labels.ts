/** What groups of series are called: the values they are grouped by, and what all their series have in common. */
import type { GroupKey } from '../../model/aggregate.js';
import type { SeriesInfo, Tags } from '../../model/metric.js';

/** The series' value of a dimension; null when it lacks it. */
export function labelOf(info: SeriesInfo, key: GroupKey): string | null {
  switch (key) {
    case 'series':
      return String(info.id);
    case 'agent':
      return info.agentId;
    case 'name':
    case 'type':
    case 'unit':
    case 'provider':
    case 'region':
      return info[key];
    default: {
      const tag = key.slice('tag:'.length);
      const tags = JSON.parse(info.tagsJson) as Tags;
      return Object.hasOwn(tags, tag) ? (tags[tag] as string) : null;
    }
  }
}

/** Canonical JSON of the tags that all these series share. */
export function commonTags(members: readonly SeriesInfo[]): string {
  const first = members[0]?.tagsJson ?? '{}';
  if (members.every((info) => info.tagsJson === first)) return first;
  let common = Object.entries(JSON.parse(first) as Tags);
  for (const distinct of new Set(members.map((info) => info.tagsJson))) {
    const tags = JSON.parse(distinct) as Tags;
    common = common.filter(([key, value]) => Object.hasOwn(tags, key) && tags[key] === value);
    if (common.length === 0) break;
  }
  return `{${common.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}
