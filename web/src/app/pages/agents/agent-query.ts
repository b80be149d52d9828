/** Which agents are looked at, in what order: filters, search, sorting, paging, and how they are written into an address. Pure. */
import type { Agent, ConfigState } from '../../core/api-types';

export type SortKey = 'status' | 'id' | 'place' | 'version' | 'health' | 'config' | 'last_seen' | 'samples' | 'errors';

export interface Column {
  readonly key: SortKey;
  readonly label: string;
  readonly isNumber?: boolean;
}

/** The table's columns, each of which it can be sorted by. */
export const COLUMNS: readonly Column[] = [
  { key: 'status', label: 'Status' },
  { key: 'id', label: 'Agent' },
  { key: 'place', label: 'Place' },
  { key: 'version', label: 'Version' },
  { key: 'health', label: 'Health' },
  { key: 'config', label: 'Configuration' },
  { key: 'last_seen', label: 'Last seen' },
  { key: 'samples', label: 'Samples', isNumber: true },
  { key: 'errors', label: 'Errors', isNumber: true },
];

export interface Sort {
  readonly key: SortKey;
  readonly isDescending: boolean;
}

export interface AgentQuery {
  /** Null: any. */
  readonly status: string | null;
  /** Null: any; empty: those that have not said. */
  readonly provider: string | null;
  readonly region: string | null;
  /** Words that must all be there. */
  readonly search: string;
  readonly sort: Sort;
}

export interface Option {
  readonly value: string;
  readonly count: number;
}

export interface Page<T> {
  readonly rows: readonly T[];
  /** From 1; the last one when there are not so many. */
  readonly page: number;
  readonly pages: number;
  /** Place of the first row among all, from 0. */
  readonly from: number;
}

export const BY_ID: Sort = { key: 'id', isDescending: false };
export const PAGE_SIZES = [50, 100, 250, 1_000] as const;
export const USUAL_PAGE_SIZE = 100;

/** What is best looked at from its high end first. */
const DESCENDING_FIRST: ReadonlySet<SortKey> = new Set(['last_seen', 'samples', 'errors']);
/** Numbers within names count as numbers: `web-9` before `web-10`. */
const NAMES = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
const BY_URGENCY = ['error', 'failed', 'pending', 'warning', 'disconnected'];

/** `samples`, or `-samples` for the most first; null where it says nothing that can be understood. */
export function parseSort(text: string | null | undefined): Sort | null {
  const isDescending = text?.startsWith('-') === true;
  const key = COLUMNS.find((column) => column.key === text?.slice(isDescending ? 1 : 0))?.key;
  return key === undefined ? null : { key, isDescending };
}

/** Null for the usual order: an address says only what is unusual. */
export function sortParam({ key, isDescending }: Sort): string | null {
  return key === BY_ID.key && !isDescending ? null : `${isDescending ? '-' : ''}${key}`;
}

/** The order after a click on a column's heading. */
export function nextSort(current: Sort, key: SortKey): Sort {
  if (current.key === key) return { key, isDescending: !current.isDescending };
  return { key, isDescending: DESCENDING_FIRST.has(key) };
}

/** One of the sizes offered. */
export function parsePageSize(text: string | null | undefined): number {
  return PAGE_SIZES.find((size) => String(size) === text) ?? USUAL_PAGE_SIZE;
}

/** From 1. */
export function parsePage(text: string | null | undefined): number {
  return /^[1-9]\d{0,5}$/.test(text ?? '') ? Number(text) : 1;
}

/** Those that match, in order. Does not touch what it is given. */
export function selectAgents(agents: readonly Agent[], query: AgentQuery): Agent[] {
  return agents.filter(matcher(query)).sort(comparator(query.sort));
}

export function matcher({ status, provider, region, search }: AgentQuery): (agent: Agent) => boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return (agent) =>
    (status === null || agent.status === status) &&
    (provider === null || agent.provider === provider) &&
    (region === null || agent.region === region) &&
    (words.length === 0 || hasAll(agent, words));
}

function hasAll(agent: Agent, words: readonly string[]): boolean {
  const { id, provider, region, zone, network, instance_id, ip_address, version } = agent;
  const text = `${id}\n${provider}\n${region}\n${zone}\n${network}\n${instance_id}\n${ip_address}\n${version}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Equals are in the order of their ids, so that rows that changed nothing stay where they are. */
export function comparator({ key, isDescending }: Sort): (a: Agent, b: Agent) => number {
  const compare = COMPARE[key];
  const sign = isDescending ? -1 : 1;
  return (a, b) => sign * compare(a, b) || byId(a, b);
}

const byId = (a: Agent, b: Agent): number => NAMES.compare(a.id, b.id) || (a.id < b.id ? -1 : 1);
const urgency = (word: string): number => (BY_URGENCY.indexOf(word) + BY_URGENCY.length + 1) % (BY_URGENCY.length + 1);
const stateOf = (config: ConfigState | null): number => (config === null ? BY_URGENCY.length + 1 : urgency(config.status));

const COMPARE: Record<SortKey, (a: Agent, b: Agent) => number> = {
  id: (a, b) => (a.id === b.id ? 0 : byId(a, b)),
  // Those that need a look come first.
  status: (a, b) => urgency(a.status) - urgency(b.status),
  health: (a, b) => urgency(a.health) - urgency(b.health) || NAMES.compare(a.health, b.health),
  config: (a, b) => stateOf(a.config) - stateOf(b.config),
  place: (a, b) => NAMES.compare(a.provider, b.provider) || NAMES.compare(a.region, b.region) || NAMES.compare(a.zone, b.zone),
  version: (a, b) => NAMES.compare(a.version, b.version),
  // ISO 8601 in UTC: the order of the text is the order in time.
  last_seen: (a, b) => textOrder(a.last_seen ?? '', b.last_seen ?? ''),
  samples: (a, b) => a.total_metrics - b.total_metrics,
  errors: (a, b) => a.total_errors - b.total_errors,
};

function textOrder(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/**
 * The rows as they stand, with what is known of them now: none goes away and none moves, whatever it has become; those that
 * match only now (in order) come last.
 */
export function holdOrder(shown: readonly Agent[], agents: readonly Agent[], query: AgentQuery): Agent[] {
  const byIdNow = new Map(agents.map((agent) => [agent.id, agent]));
  const held = shown.map((agent) => {
    const now = byIdNow.get(agent.id) ?? agent;
    byIdNow.delete(agent.id);
    return now;
  });
  return [...held, ...selectAgents([...byIdNow.values()], query)];
}

/** The values there are, with how many agents have each, by name. */
export function optionsOf(agents: readonly Agent[], valueOf: (agent: Agent) => string): Option[] {
  const counts = new Map<string, number>();
  for (const agent of agents) counts.set(valueOf(agent), (counts.get(valueOf(agent)) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => NAMES.compare(a.value, b.value));
}

export function pageOf<T>(rows: readonly T[], page: number, size: number): Page<T> {
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const shown = Math.min(Math.max(1, page), pages);
  const from = (shown - 1) * size;
  return { rows: rows.slice(from, from + size), page: shown, pages, from };
}

/** What became of an agent's configuration, in few words: `v3`, `v2 → v3 failed`. */
export function configText({ status, desired_version: desired, effective_version: effective }: ConfigState): string {
  if (status === 'applied') return `v${desired}`;
  const change = effective === null || effective === desired ? `v${desired}` : `v${effective} → v${desired}`;
  return `${change} ${status}`;
}

/** The same in whole sentences. */
export function configHint({ status, desired_version: desired, effective_version: effective, error }: ConfigState): string {
  const running = effective === null ? 'The agent has not said that it runs any.' : `The agent runs version ${effective}.`;
  const state =
    status === 'failed' ? `Version ${desired} failed${error === null ? '' : `: ${error}`}.` : `Wanted: version ${desired} (${status}).`;
  return `${state} ${running}`;
}
