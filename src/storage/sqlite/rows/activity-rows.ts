import type { Activity } from '../../../model/event.js';
import type { Db } from '../open.js';

/** Rows of `activities`. */
export class ActivityRows {
  private readonly insert;
  private readonly selectRecent;
  private readonly selectRecentOf;

  constructor(db: Db) {
    this.insert = db.prepare('INSERT INTO activities (at_ms, type, agent_id, agent_key, message) VALUES (?, ?, ?, ?, ?)');
    const select = 'SELECT at_ms AS timestampMs, type, agent_id AS agentId, message FROM activities';
    const newestFirst = 'ORDER BY at_ms DESC, id DESC LIMIT ?';
    this.selectRecent = db.prepare<[number, number], Activity>(`${select} WHERE at_ms >= ? ${newestFirst}`);
    this.selectRecentOf = db.prepare<[string, number, number], Activity>(`${select} WHERE agent_id = ? AND at_ms >= ? ${newestFirst}`);
  }

  record(entries: readonly { activity: Activity; agentKey: number | null }[]): void {
    for (const { activity, agentKey } of entries) {
      this.insert.run(activity.timestampMs, activity.type, activity.agentId, agentKey, activity.message);
    }
  }

  recent(query: { limit: number; sinceMs?: number; agentId?: string }): Activity[] {
    const sinceMs = query.sinceMs ?? 0;
    return query.agentId === undefined
      ? this.selectRecent.all(sinceMs, query.limit)
      : this.selectRecentOf.all(query.agentId, sinceMs, query.limit);
  }
}
