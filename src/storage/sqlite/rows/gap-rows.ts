import type { TimeRange } from '../../../model/metric.js';
import type { AgentGap } from '../../ports.js';
import type { Db } from '../open.js';

const COLUMNS = 'agent_key AS agentKey, kind AS reason, from_ms AS fromMs, to_ms AS toMs, lost';
/** A gap may be of no length: it is where it is. */
const TOUCHES = 'to_ms >= @startMs AND from_ms < @endMs AND (to_ms > @startMs OR from_ms = to_ms)';
const NEWEST = 'ORDER BY to_ms DESC, id DESC LIMIT @limit';

/** Reads `agent_gaps`. */
export class GapRows {
  private readonly selectAgents;
  private readonly selectAll;
  private readonly selectOf;

  constructor(db: Db) {
    this.selectAgents = db.prepare<[], number>('SELECT DISTINCT agent_key FROM agent_gaps').pluck();
    this.selectAll = db.prepare<[TimeRange & { limit: number }], AgentGap>(`SELECT ${COLUMNS} FROM agent_gaps WHERE ${TOUCHES} ${NEWEST}`);
    this.selectOf = db.prepare<[TimeRange & { limit: number; agentKeys: string }], AgentGap>(
      `SELECT ${COLUMNS} FROM agent_gaps INDEXED BY agent_gaps_by_agent
       WHERE agent_key IN (SELECT value FROM json_each(@agentKeys)) AND ${TOUCHES} ${NEWEST}`,
    );
  }

  /** The keys of agents that have gaps. */
  agents(): number[] {
    return this.selectAgents.all();
  }

  within({ agentKeys, range, limit }: { agentKeys: readonly number[] | null; range: TimeRange; limit: number }): AgentGap[] {
    const { startMs, endMs } = range;
    if (agentKeys === null) return this.selectAll.all({ startMs, endMs, limit });
    return this.selectOf.all({ startMs, endMs, limit, agentKeys: JSON.stringify(agentKeys) });
  }
}
