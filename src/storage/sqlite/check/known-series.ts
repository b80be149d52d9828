import type { Db } from '../open.js';

export interface KnownSeriesRow {
  readonly agentKey: number;
  readonly type: string;
}

/**
 * The dictionary as a check needs it: whose series an id is. A series never changes hands, so what was found once is
 * kept; what was not found is looked up again, because a running server may have added it meanwhile.
 */
export class KnownSeries {
  private readonly found = new Map<number, KnownSeriesRow>();
  private readonly select;
  private readonly selectAgent;

  constructor(db: Db) {
    this.select = db.prepare<[number], KnownSeriesRow>('SELECT agent_key AS agentKey, type FROM metric_series WHERE id = ?');
    this.selectAgent = db
      .prepare<[number, number], string>(
        `SELECT id FROM agents WHERE agent_key = ?
         UNION ALL SELECT '(deleted, still to be erased)' FROM deleted_agents WHERE agent_key = ?`,
      )
      .pluck();
  }

  /** The agent's name; null when there is no such agent, nor data of it that is still to be erased. */
  agent(agentKey: number): string | null {
    return this.selectAgent.get(agentKey, agentKey) ?? null;
  }

  find(seriesId: number): KnownSeriesRow | null {
    let row = this.found.get(seriesId);
    if (row === undefined) {
      row = this.select.get(seriesId);
      if (row === undefined) return null;
      this.found.set(seriesId, row);
    }
    return row;
  }

  /** What is wrong with this agent's having samples of these series. */
  problems(seriesIds: Iterable<number>, agentKey: number): string[] {
    const problems: string[] = [];
    for (const id of seriesIds) {
      const row = this.find(id);
      if (row === null) problems.push(`series ${id} is not in the dictionary`);
      else if (row.agentKey !== agentKey) problems.push(`series ${id} is another agent's (key ${row.agentKey}, not ${agentKey})`);
    }
    return problems;
  }
}
