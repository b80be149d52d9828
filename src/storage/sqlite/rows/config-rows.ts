import type { AgentConfigBody, ConfigAttempt, KeyedConfigState, StoredAgentConfig } from '../../ports.js';
import type { Db } from '../open.js';

type ConfigRow = Omit<StoredAgentConfig, 'config'> & { config: string | null };

const STATE_COLUMNS = `agent_key AS agentKey, version, updated_at_ms AS updatedAtMs, attempted_version AS attemptedVersion,
  attempt_status AS attemptStatus, attempt_error AS attemptError, attempted_at_ms AS attemptedAtMs,
  effective_version AS effectiveVersion, effective_at_ms AS effectiveAtMs`;

/** Rows of `agent_configs`: the version counts up with every change, also of the targets that apply. */
export class ConfigRows {
  private readonly select;
  private readonly upsert;
  private readonly bump_;
  private readonly report;

  constructor(db: Db) {
    this.select = db.prepare<[number], ConfigRow>(
      `SELECT ${STATE_COLUMNS}, config, created_at_ms AS createdAtMs FROM agent_configs WHERE agent_key = ?`,
    );
    this.upsert = db.prepare(
      `INSERT INTO agent_configs (agent_key, config, version, created_at_ms, updated_at_ms) VALUES (@agentKey, @config, 1, @nowMs, @nowMs)
       ON CONFLICT (agent_key) DO UPDATE SET config = @config, version = version + 1, updated_at_ms = @nowMs`,
    );
    this.bump_ = db.prepare<[{ agentKey: number; nowMs: number }], KeyedConfigState>(
      `INSERT INTO agent_configs (agent_key, config, version, created_at_ms, updated_at_ms)
       SELECT agent_key, NULL, 1, @nowMs, @nowMs FROM agents WHERE agent_key = @agentKey
       ON CONFLICT (agent_key) DO UPDATE SET version = version + 1, updated_at_ms = @nowMs
       RETURNING ${STATE_COLUMNS}`,
    );
    // The right-hand sides are the row as it was: what runs already has been running since before.
    this.report = db.prepare<[ConfigAttempt & { agentKey: number; nowMs: number }], KeyedConfigState>(
      `UPDATE agent_configs SET attempted_version = @version, attempt_status = @status, attempt_error = @error, attempted_at_ms = @nowMs,
         effective_version = CASE WHEN @status = 'applied' THEN @version ELSE effective_version END,
         effective_at_ms = CASE WHEN @status = 'applied' AND effective_version IS NOT @version THEN @nowMs ELSE effective_at_ms END
       WHERE agent_key = @agentKey AND @version <= version
       RETURNING ${STATE_COLUMNS}`,
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

  bump(agentKeys: readonly number[], nowMs: number): KeyedConfigState[] {
    return agentKeys.flatMap((agentKey) => this.bump_.get({ agentKey, nowMs }) ?? []);
  }

  recordStatus(agentKey: number, report: ConfigAttempt, nowMs: number): KeyedConfigState | null {
    return this.report.get({ agentKey, ...report, nowMs }) ?? null;
  }
}
