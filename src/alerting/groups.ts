/** How series make groups, and what a group is called. Pure. */
import type { GroupKey } from '../model/aggregate.js';
import type { MetricSubject, RuleFilter } from '../model/alert.js';
import { canonicalTags, type SeriesInfo, type Tags } from '../model/metric.js';
import { parseTags } from '../query/present.js';

/** The labels groups are told by; null: the agent and every tag but `target_ip`. */
export type GroupBy = MetricSubject['by'];

/** What series are told by. All rules with the same `by` share it. */
export interface Group {
  /** Canonical JSON of `labels`. */
  readonly key: string;
  readonly labels: Tags;
  /** Null where groups are not told by agent. */
  readonly agentId: string | null;
}

/** A series of the dictionary, its tags read. `slot` is its place in columns. */
export interface KnownSeries {
  readonly slot: number;
  readonly info: SeriesInfo;
  readonly tags: Tags;
}

interface Place {
  readonly provider: string;
  readonly region: string;
}

/** A ping that failed has no `target_ip`, a good one has: both are about one thing. */
const NOT_TOLD_BY = 'target_ip';
/** A tag of this name would be taken for the agent where groups are told by all tags. */
const AGENT = 'agent';
const TAG_AGENT = 'tag_agent';
const OF_SERIES: ReadonlySet<string> = new Set(['agent', 'provider', 'region', 'type', 'name']);
const TAG = 'tag:';

export function knownSeries(info: SeriesInfo, slot: number): KnownSeries {
  return { slot, info, tags: parseTags(info.tagsJson) };
}

/** Which series a filter means. Made once for many: its lists may be long. */
export function seriesTest({ tags: wanted, ...ofAgents }: RuleFilter): (series: Pick<KnownSeries, 'info' | 'tags'>) => boolean {
  const isMeant = agentTest(ofAgents);
  return ({ info, tags }) =>
    isMeant(info.agentId, info) && (wanted?.every(({ key, value }) => Object.hasOwn(tags, key) && tags[key] === value) ?? true);
}

/** Which agents a filter means. Made once for many, too. */
export function agentTest({ agentIds, providers, regions }: Omit<RuleFilter, 'tags'>): (id: string, place: Place) => boolean {
  const [ids, ofProviders, ofRegions] = [agentIds, providers, regions].map((list) => list && new Set(list));
  return (id, { provider, region }) => (ids?.has(id) ?? true) && (ofProviders?.has(provider) ?? true) && (ofRegions?.has(region) ?? true);
}

/** Whether every series has a group that is its agent's. */
export function isByAgent(by: GroupBy): boolean {
  return by === null || by.includes(AGENT);
}

/** The group a series belongs to. A label it lacks is not among the group's. */
export function groupOf({ info, tags }: Pick<KnownSeries, 'info' | 'tags'>, by: GroupBy): Group {
  const labels = by === null ? ofAgentAndTags(info.agentId, tags) : by.map((name) => [name, valueOf(info, tags, name)] as const);
  return named(labels, isByAgent(by) ? info.agentId : null);
}

/** By what a query must group to tell the groups of these series apart. */
export function groupKeys(series: readonly KnownSeries[], by: GroupBy): GroupKey[] {
  if (by !== null) return by.map((name) => (OF_SERIES.has(name) ? (name as GroupKey) : (`${TAG}${name}` as const)));
  const names = new Set<string>();
  for (const { tags } of series) for (const name of Object.keys(tags)) if (name !== NOT_TOLD_BY) names.add(name);
  return [AGENT, ...[...names].sort().map((name) => `${TAG}${name}` as const)];
}

/** The key of the group that a query by `groupKeys` answers with these values. */
export function keyOfAnswer(keys: readonly GroupKey[], values: readonly (string | null)[], by: GroupBy): string {
  const labels = keys.map((key, i) => {
    const name = key.startsWith(TAG) ? key.slice(TAG.length) : key;
    return [by === null && key === `${TAG}${AGENT}` ? TAG_AGENT : name, values[i] ?? null] as const;
  });
  return named(labels, null).key;
}

function named(pairs: readonly (readonly [string, string | null])[], agentId: string | null): Group {
  const labels = Object.fromEntries(pairs.filter(([, value]) => value !== null)) as Tags;
  return { key: canonicalTags(labels), labels, agentId };
}

function ofAgentAndTags(agentId: string, tags: Tags): [string, string][] {
  const ofTags = Object.entries(tags).filter(([name]) => name !== NOT_TOLD_BY);
  return [...ofTags.map(([name, value]): [string, string] => [name === AGENT ? TAG_AGENT : name, value]), [AGENT, agentId]];
}

function valueOf(info: SeriesInfo, tags: Tags, name: string): string | null {
  switch (name) {
    case AGENT:
      return info.agentId;
    case 'provider':
    case 'region':
    case 'type':
    case 'name':
      return info[name];
    default:
      return Object.hasOwn(tags, name) ? (tags[name] as string) : null;
  }
}
