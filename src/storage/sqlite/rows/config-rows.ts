import type { AgentConfigBody, StoredAgentConfig } from '../../ports.js';
import type { Db } from '../open.js';

interface ConfigRow {
  agentKey: number;
  config: string | null;
  version: number;
  attemptedVersion: number | null;
  attemptStatus: 'applied' | 'failed' | null;
  attemptError: string | null;
  attemptedAtMs: number | null;
  effectiveVersion: number | null;
  createdAtMs: number;
  updatedAtMs: number;
}

/** Rows of `agent_configs`: the version counts up with every change, also of the targets that apply. */
export class ConfigRows {
  private readonly select;
  private readonly upsert;
  private readonly bump_;
  private readonly report;

  constructor(db: Db) {
    this.select = db.prepare<[number], ConfigRow>(
      `SELECT agent_key AS agentKey, config, version, attempted_version AS attemptedVersion, attempt_status AS attemptStatus,
         attempt_error AS attemptError, attempted_at_ms AS attemptedAtMs, effective_version AS effectiveVersion,
         created_at_ms AS createdAtMs, updated_at_ms AS updatedAtMs
       FROM agent_configs WHERE agent_key = ?`,
    );
    this.upsert = db.prepare(
      `INSERT INTO agent_configs (agent_key, config, version, created_at_ms, updated_at_ms) VALUES (@agentKey, @config, 1, @nowMs, @nowMs)
       ON CONFLICT (agent_key) DO UPDATE SET config = @config, version = version + 1, updated_at_ms = @nowMs`,
    );
    this.bump_ = db.prepare(
      `INSERT INTO agent_configs (agent_key, config, version, created_at_ms, updated_at_ms)
       SELECT agent_key, NULL, 1, @nowMs, @nowMs FROM agents WHERE agent_key = @agentKey
       ON CONFLICT (agent_key) DO UPDATE SET version = version + 1, updated_at_ms = @nowMs`,
    );
    this.report = db.prepare(
      `UPDATE agent_configs SET attempted_version = @version, attempt_status = @status, attempt_error = @error, attempted_at_ms = @nowMs,
         effective_version = CASE WHEN @status = 'applied' THEN @version ELSE effective_version END
       WHERE agent_key = @agentKey AND @version <= version`,
    );
  }

  get(agentKey: number): StoredAgentConfig | null {
    const row = this.select.get(agentKey);
    if (row === undefined) return null;
    return { ...row, config: row.config === null ? null : (JSON.parse(row.config) as AgentConfigBody) };
  }

  put(agentKey: number, config: AgentConfigBody, nowMs: number): StoredAgentConfig {
    this.upsert.run({ agentKey, config: JSON.stringify(config), nowMs });
    return this.get(agentKey) as StoredAgentConfig;
  }

  bump(agentKeys: readonly number[], nowMs: number): void {
    for (const agentKey of agentKeys) this.bump_.run({ agentKey, nowMs });
  }

  recordStatus(agentKey: number, report: { version: number; status: 'applied' | 'failed'; error: string | null }, nowMs: number): void {
    this.report.run({ agentKey, ...report, nowMs });
  }
}
