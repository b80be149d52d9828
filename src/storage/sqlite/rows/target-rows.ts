import type { Target, TargetFields, TargetType } from '../../ports.js';
import type { Db } from '../open.js';

interface TargetRow {
  id: number;
  name: string;
  type: TargetType;
  address: string;
  port: number | null;
  interval_s: number;
  timeout_s: number;
  enabled: number;
  agent_ids: string;
  created_at_ms: number;
  updated_at_ms: number;
}

/** Rows of `targets`. */
export class TargetRows {
  private readonly selectAll;
  private readonly selectOne;
  private readonly insert;
  private readonly update_;
  private readonly delete_;

  constructor(db: Db) {
    this.selectAll = db.prepare<[], TargetRow>('SELECT * FROM targets ORDER BY id');
    this.selectOne = db.prepare<[string], TargetRow>('SELECT * FROM targets WHERE CAST(id AS TEXT) = ?');
    this.insert = db.prepare(
      `INSERT INTO targets (name, type, address, port, interval_s, timeout_s, enabled, agent_ids, created_at_ms, updated_at_ms)
       VALUES (@name, @type, @address, @port, @interval, @timeout, @enabled, @agentIds, @nowMs, @nowMs)`,
    );
    this.update_ = db.prepare(
      `UPDATE targets SET name = @name, type = @type, address = @address, port = @port, interval_s = @interval, timeout_s = @timeout,
         enabled = @enabled, agent_ids = @agentIds, updated_at_ms = @nowMs WHERE CAST(id AS TEXT) = @id`,
    );
    this.delete_ = db.prepare('DELETE FROM targets WHERE CAST(id AS TEXT) = ?');
  }

  all(): Target[] {
    return this.selectAll.all().map(toTarget);
  }

  create(fields: TargetFields, nowMs: number): Target {
    const { lastInsertRowid } = this.insert.run({ ...columns(fields), nowMs });
    return toTarget(this.selectOne.get(String(lastInsertRowid)) as TargetRow);
  }

  update(id: string, fields: TargetFields, nowMs: number): Target | null {
    if (this.update_.run({ ...columns(fields), id, nowMs }).changes === 0) return null;
    return toTarget(this.selectOne.get(id) as TargetRow);
  }

  remove(id: string): boolean {
    return this.delete_.run(id).changes > 0;
  }
}

function columns(fields: TargetFields): object {
  return { ...fields, enabled: fields.enabled ? 1 : 0, agentIds: JSON.stringify(fields.agentIds) };
}

function toTarget(row: TargetRow): Target {
  return {
    id: String(row.id),
    name: row.name,
    type: row.type,
    address: row.address,
    port: row.port,
    interval: row.interval_s,
    timeout: row.timeout_s,
    enabled: row.enabled === 1,
    agentIds: JSON.parse(row.agent_ids) as string[],
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
