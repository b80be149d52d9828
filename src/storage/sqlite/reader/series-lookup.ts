import type { MetricType, SeriesInfo } from '../../../model/metric.js';
import type { SeriesFilter } from '../../ports.js';
import type { Db } from '../open.js';
import { SeriesDictionary, type SeriesKind } from './series-dictionary.js';
import { SlotMap } from './slot-map.js';

/** The series a query is about, those of one agent next to each other. A series' slot is its place in `infos`. */
export interface SeriesLookup {
  /** Two lookups of one finder with the same version are the same. Null: too large to be kept, the next one will be another. */
  readonly version: number | null;
  readonly infos: readonly SeriesInfo[];
  readonly agents: ReadonlyMap<number, AgentSlots>;
}

/** One agent's part of a lookup: slots from `first` to `first + count`. */
export interface AgentSlots {
  readonly first: number;
  readonly count: number;
  /** Series id → slot within the agent (0 … count − 1). */
  readonly slotOf: SlotMap;
}

/** Series of lookups that are kept, 250 bytes each; a lookup itself counts as a few. */
const MAX_KEPT_SERIES = 50_000;
const LOOKUP_COST = 100;

interface KnownLookup {
  /** The dictionary's. */
  readonly version: string;
  readonly agents: readonly AgentRow[];
  readonly lookup: SeriesLookup;
}

interface AgentRow {
  readonly agentKey: number;
  readonly agentId: string;
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
}

/**
 * Finds series by filter. Deleted agents' series are not found: their agent row is gone. Series come from memory, where
 * agents are (and that they still are) is read by every query.
 */
export class SeriesFinder {
  private readonly dictionary: SeriesDictionary;
  /** By filter, the least recently used first. */
  private readonly lookups = new Map<string, KnownLookup>();
  private keptSeries = 0;
  private newestVersion = 0;
  private listed: { readonly lookup: SeriesLookup; readonly inOrder: readonly SeriesInfo[] } | null = null;

  constructor(private readonly db: Db) {
    this.dictionary = new SeriesDictionary(db);
  }

  /** The same object as long as the answer is the same, if that is kept. */
  lookUp(filter: SeriesFilter): SeriesLookup {
    const key = JSON.stringify(filter);
    const agents = this.agentsOf(filter);
    const { version } = this.dictionary;
    const known = this.lookups.get(key);
    if (known !== undefined) {
      this.forget(key, known);
      if (known.version === version && isSame(known.agents, agents)) {
        this.keep(key, known);
        return known.lookup;
      }
    }
    const lookup = this.make(filter, agents);
    // It would drive out all others, and then leave itself.
    if (lookup.version === null) return lookup;
    this.keep(key, { version, agents, lookup });
    for (const [oldest, old] of this.lookups) {
      if (this.keptSeries <= MAX_KEPT_SERIES) break;
      this.forget(oldest, old);
    }
    return lookup;
  }

  private keep(key: string, known: KnownLookup): void {
    this.lookups.set(key, known);
    this.keptSeries += known.lookup.infos.length + LOOKUP_COST;
  }

  private forget(key: string, known: KnownLookup): void {
    this.lookups.delete(key);
    this.keptSeries -= known.lookup.infos.length + LOOKUP_COST;
  }

  private make(filter: SeriesFilter, rows: readonly AgentRow[]): SeriesLookup {
    const agents = new Map<number, AgentSlots>();
    const infos: SeriesInfo[] = [];
    const { kinds } = this.dictionary;
    const matching = this.dictionary.matching(filter);
    for (const { agentKey, agentId, provider, region, zone } of rows) {
      const series = this.dictionary.ofAgent(agentKey);
      if (series === undefined) continue;
      const first = infos.length;
      const ids: number[] = [];
      for (const [i, place] of series.kinds.entries()) {
        if (matching?.[place] === 0) continue;
        const { name, type, unit, tagsJson } = kinds[place] as SeriesKind;
        const id = series.ids[i] as number;
        ids.push(id);
        infos.push({ id, agentId, name, type, unit: unit === '' ? null : unit, tagsJson, provider, region, zone });
      }
      if (ids.length > 0) agents.set(agentKey, { first, count: ids.length, slotOf: new SlotMap(ids) });
    }
    const isKept = infos.length + LOOKUP_COST <= MAX_KEPT_SERIES;
    return { version: isKept ? ++this.newestVersion : null, infos, agents };
  }

  list({ filter, limit, offset }: { filter: SeriesFilter; limit: number; offset: number }): { series: SeriesInfo[]; total: number } {
    const lookup = this.lookUp(filter);
    // Whoever asks for one page mostly asks for the next one, too.
    if (this.listed?.lookup !== lookup) this.listed = { lookup, inOrder: lookup.infos.toSorted(bySeries) };
    const { inOrder } = this.listed;
    return { series: inOrder.slice(offset, offset + limit), total: inOrder.length };
  }

  names(filter: SeriesFilter): { name: string; type: MetricType }[] {
    const rows = this.agentsOf(filter);
    const { kinds } = this.dictionary;
    const matching = this.dictionary.matching(filter);
    const used = new Uint8Array(kinds.length);
    for (const { agentKey } of rows) for (const place of this.dictionary.ofAgent(agentKey)?.kinds ?? []) used[place] = 1;
    const found = new Map<string, { name: string; type: MetricType }>();
    for (const [place, { name, type }] of kinds.entries()) {
      if (used[place] === 1 && matching?.[place] !== 0) found.set(`${type} ${name}`, { name, type });
    }
    return [...found.values()].sort((a, b) => compareBytes(a.name, b.name) || compareBytes(a.type, b.type));
  }

  /** The agents of a filter by key, and a dictionary that knows their series. */
  private agentsOf(filter: SeriesFilter): AgentRow[] {
    this.dictionary.refresh();
    const { where, parameters } = conditions(filter);
    const rows = this.db
      .prepare(`SELECT agent_key AS agentKey, id AS agentId, provider, region, zone FROM agents ${where} ORDER BY agent_key`)
      .all(parameters) as AgentRow[];
    if (where === '') this.dictionary.keepOnly(new Set(rows.map(({ agentKey }) => agentKey)));
    return rows;
  }
}

function isSame(a: readonly AgentRow[], b: readonly AgentRow[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((row, i) => {
    const { agentKey, agentId, provider, region, zone } = b[i] as AgentRow;
    return row.agentKey === agentKey && row.agentId === agentId && row.provider === provider && row.region === region && row.zone === zone;
  });
}

/** As SQLite compares text: by its bytes. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function bySeries(a: SeriesInfo, b: SeriesInfo): number {
  return compareText(a.name, b.name) || compareText(a.agentId, b.agentId) || compareText(a.tagsJson, b.tagsJson) || a.id - b.id;
}

/** By UTF-16 code unit. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Conditions on agents as SQL: only fixed text in the statement, every value bound (lists as JSON). */
function conditions(filter: SeriesFilter): { where: string; parameters: Record<string, unknown> } {
  const parts: string[] = [];
  const parameters: Record<string, unknown> = {};
  const among = (column: string, name: string, values: readonly string[] | undefined): void => {
    if (values === undefined) return;
    parts.push(`${column} IN (SELECT value FROM json_each(@${name}))`);
    parameters[name] = JSON.stringify(values);
  };
  among('id', 'agentIds', filter.agentIds);
  among('provider', 'providers', filter.providers);
  among('region', 'regions', filter.regions);
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, parameters };
}
