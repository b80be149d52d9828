import type { MetricType, Tags } from '../../../model/metric.js';
import type { SeriesFilter } from '../../ports.js';
import type { Db } from '../open.js';

/** What series of many agents have in common: a fleet has few of these, however many series. */
export interface SeriesKind {
  readonly name: string;
  readonly type: MetricType;
  /** '' for none, as it is stored. */
  readonly unit: string;
  readonly tagsJson: string;
}

/** One agent's series in columns, ids ascending. */
export interface AgentSeries {
  readonly ids: number[];
  /** Places in `kinds`. */
  readonly kinds: number[];
}

type SeriesRow = [id: number, agentKey: number, name: string, type: MetricType, unit: string, tagsJson: string];

/**
 * The dictionary of series in a reader's memory: 16 bytes a series. Series are only ever added (with higher ids) or
 * vanish together with their agent, whose key is never used again; so it is enough to read what is new, and a series of
 * an agent that is gone is never asked for. Must be used within one read transaction.
 */
export class SeriesDictionary {
  kinds: SeriesKind[] = [];
  private agents = new Map<number, AgentSeries>();
  private placeOf = new Map<string, number>();
  private newestId = 0;
  private known = 0;
  private forgotten = 0;
  private resets = 0;
  private readonly selectNew;

  constructor(db: Db) {
    this.selectNew = db
      .prepare<[number], SeriesRow>('SELECT id, agent_key, name, type, unit, tags FROM metric_series WHERE id > ? ORDER BY id')
      .raw();
  }

  /** Changes when anything here does. */
  get version(): string {
    return `${this.resets} ${this.newestId} ${this.forgotten}`;
  }

  /** Takes in what was added since the last time. */
  refresh(): void {
    for (const [id, agentKey, name, type, unit, tagsJson] of this.selectNew.iterate(this.newestId)) {
      let agent = this.agents.get(agentKey);
      if (agent === undefined) {
        agent = { ids: [], kinds: [] };
        this.agents.set(agentKey, agent);
      }
      agent.ids.push(id);
      agent.kinds.push(this.kindOf(name, type, unit, tagsJson));
      this.newestId = id;
      this.known += 1;
    }
  }

  ofAgent(agentKey: number): AgentSeries | undefined {
    return this.agents.get(agentKey);
  }

  /** To be called with all agents there are: what was kept of others is dropped. */
  keepOnly(agentKeys: ReadonlySet<number>): void {
    for (const [agentKey, { ids }] of this.agents) {
      if (agentKeys.has(agentKey)) continue;
      this.agents.delete(agentKey);
      this.known -= ids.length;
      this.forgotten += ids.length;
    }
    // Kinds are not counted; now and then everything is read anew.
    if (this.forgotten <= this.known) return;
    this.kinds = [];
    this.agents = new Map();
    this.placeOf = new Map();
    this.newestId = 0;
    this.known = 0;
    this.forgotten = 0;
    this.resets += 1;
    this.refresh();
  }

  /** By place in `kinds`, 1 for those that the filter's conditions on metrics leave; null when it has none. */
  matching({ names, types, tags, nameContains }: SeriesFilter): Uint8Array | null {
    if (names === undefined && types === undefined && nameContains === undefined && (tags ?? []).length === 0) return null;
    const part = nameContains === undefined ? null : lowerCase(nameContains);
    const ofNames = names === undefined ? null : new Set(names);
    return Uint8Array.from(this.kinds, (kind) => {
      if (ofNames?.has(kind.name) === false) return 0;
      if (types?.includes(kind.type) === false) return 0;
      if (part !== null && !lowerCase(kind.name).includes(part)) return 0;
      return tags === undefined || tags.length === 0 || hasTags(kind, tags) ? 1 : 0;
    });
  }

  private kindOf(name: string, type: MetricType, unit: string, tagsJson: string): number {
    const key = JSON.stringify([name, type, unit, tagsJson]);
    let place = this.placeOf.get(key);
    if (place === undefined) {
      place = this.kinds.push({ name, type, unit, tagsJson }) - 1;
      this.placeOf.set(key, place);
    }
    return place;
  }
}

function hasTags({ tagsJson }: SeriesKind, wanted: readonly { readonly key: string; readonly value: string }[]): boolean {
  const tags = JSON.parse(tagsJson) as Tags;
  return wanted.every(({ key, value }) => Object.hasOwn(tags, key) && tags[key] === value);
}

/** As SQLite's lower(): letters of ASCII alone. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
