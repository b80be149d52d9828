import type { MetricType, SeriesInfo } from '../../../model/metric.js';
import type { SeriesFilter } from '../../ports.js';
import type { Db } from '../open.js';

/** The series a query is about, those of one agent next to each other. A series' slot is its place in `infos`. */
export interface SeriesLookup {
  readonly infos: readonly SeriesInfo[];
  readonly agents: ReadonlyMap<number, AgentSlots>;
}

/** One agent's part of a lookup: slots from `first` to `first + count`. */
export interface AgentSlots {
  readonly first: number;
  count: number;
  /** Series id → slot within the agent (0 … count − 1). */
  readonly slotOf: Map<number, number>;
}

interface SeriesRow {
  id: number;
  agentKey: number;
  agentId: string;
  name: string;
  type: MetricType;
  unit: string;
  tagsJson: string;
  provider: string;
  region: string;
  zone: string;
}

const COLUMNS = `s.id, s.agent_key AS agentKey, a.id AS agentId, s.name, s.type, s.unit, s.tags AS tagsJson, a.provider, a.region, a.zone`;
const FROM = 'FROM metric_series s JOIN agents a ON a.agent_key = s.agent_key';

/** Finds series by filter. Deleted agents' series are not found: their agent row is gone. */
export class SeriesFinder {
  constructor(private readonly db: Db) {}

  lookUp(filter: SeriesFilter): SeriesLookup {
    const agents = new Map<number, AgentSlots>();
    const rows = this.select(filter, 'ORDER BY s.agent_key, s.id');
    const infos = rows.map((row, slot) => {
      let agent = agents.get(row.agentKey);
      if (agent === undefined) {
        agent = { first: slot, count: 0, slotOf: new Map() };
        agents.set(row.agentKey, agent);
      }
      agent.slotOf.set(row.id, agent.count++);
      return toInfo(row);
    });
    return { infos, agents };
  }

  list(query: { filter: SeriesFilter; limit: number }): SeriesInfo[] {
    return this.select(query.filter, 'ORDER BY s.name, s.id LIMIT @limit', { limit: query.limit }).map(toInfo);
  }

  names(filter: SeriesFilter): { name: string; type: MetricType }[] {
    const { where, parameters } = conditions(filter);
    return this.db.prepare(`SELECT DISTINCT s.name, s.type ${FROM} ${where} ORDER BY s.name, s.type`).all(parameters) as {
      name: string;
      type: MetricType;
    }[];
  }

  private select(filter: SeriesFilter, tail: string, more: object = {}): SeriesRow[] {
    const { where, parameters } = conditions(filter);
    return this.db.prepare(`SELECT ${COLUMNS} ${FROM} ${where} ${tail}`).all({ ...parameters, ...more }) as SeriesRow[];
  }
}

function toInfo(row: SeriesRow): SeriesInfo {
  const { agentKey: _, unit, ...info } = row;
  return { ...info, unit: unit === '' ? null : unit };
}

/** The filter as SQL: only fixed text in the statement, every value bound (lists as JSON). */
function conditions(filter: SeriesFilter): { where: string; parameters: Record<string, unknown> } {
  const parts: string[] = [];
  const parameters: Record<string, unknown> = {};
  const among = (column: string, name: string, values: readonly string[] | undefined): void => {
    if (values === undefined) return;
    parts.push(`${column} IN (SELECT value FROM json_each(@${name}))`);
    parameters[name] = JSON.stringify(values);
  };
  among('a.id', 'agentIds', filter.agentIds);
  among('a.provider', 'providers', filter.providers);
  among('a.region', 'regions', filter.regions);
  among('s.name', 'names', filter.names);
  among('s.type', 'types', filter.types);
  if (filter.nameContains !== undefined) {
    parts.push('instr(lower(s.name), lower(@nameContains)) > 0');
    parameters.nameContains = filter.nameContains;
  }
  for (const [i, { key, value }] of (filter.tags ?? []).entries()) {
    parts.push(`EXISTS (SELECT 1 FROM json_each(s.tags) AS tag WHERE tag.key = @tagKey${i} AND tag.value = @tagValue${i})`);
    parameters[`tagKey${i}`] = key;
    parameters[`tagValue${i}`] = value;
  }
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, parameters };
}
