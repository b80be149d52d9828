import type { Agent, AgentHealth } from '../../../model/agent.js';
import type { AgentConfigState } from '../../../model/config-state.js';
import type { AgentActivity, AgentDescription } from '../../ports.js';
import type { Db } from '../open.js';

interface AgentRow {
  agent_key: number;
  id: string;
  provider: string;
  region: string;
  zone: string;
  network: string;
  subnet: string;
  instance_id: string;
  ip_address: string;
  version: string;
  capabilities: string;
  health: AgentHealth;
  health_message: string;
  connected_at_ms: number | null;
  last_seen_ms: number;
  last_registration_ms: number | null;
  total_messages: number;
  created_at_ms: number;
  updated_at_ms: number;
  metrics: number;
  errors: number;
  last_batch_ms: number;
  clock_skew_ms: number | null;
  /** As is all that is said of the configuration: null without one. */
  config_version: number | null;
  config_updated_at_ms: number;
  attempted_version: number | null;
  attempt_status: AgentConfigState['attemptStatus'];
  attempt_error: string | null;
  attempted_at_ms: number | null;
  effective_version: number | null;
  effective_at_ms: number | null;
}

const SELECT_AGENT = `SELECT a.*, t.metrics, t.errors, t.last_batch_ms, t.clock_skew_ms,
    c.version AS config_version, c.updated_at_ms AS config_updated_at_ms, c.attempted_version, c.attempt_status, c.attempt_error,
    c.attempted_at_ms, c.effective_version, c.effective_at_ms
  FROM agents a JOIN agent_totals t ON t.agent_key = a.agent_key LEFT JOIN agent_configs c ON c.agent_key = a.agent_key`;

/** A crash loop breeds agents by the thousand: their rollups are not worth keeping their rows and series for a year. */
const SHORT_LIFE_MS = 86_400_000;
/** Later than every window. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** Rows of `agents` and `agent_totals`. */
export class AgentRows {
  private readonly selectAll;
  private readonly selectById;
  private readonly insert;
  private readonly insertTotals;
  private readonly update;
  private readonly updateActivity;
  private readonly deleteAgent;
  private readonly deleteTotals;
  private readonly markDeleted;
  private readonly selectExpired;

  constructor(db: Db) {
    this.selectAll = db.prepare<[], AgentRow>(`${SELECT_AGENT} ORDER BY a.id`);
    this.selectById = db.prepare<[string], AgentRow>(`${SELECT_AGENT} WHERE a.tenant_id = 'default' AND a.id = ?`);
    this.insert = db.prepare(
      `INSERT INTO agents (id, provider, region, zone, network, subnet, instance_id, ip_address, version, capabilities,
         last_seen_ms, created_at_ms, updated_at_ms)
       VALUES (@id, @provider, @region, @zone, @network, @subnet, @instanceId, @ipAddress, @version, @capabilities, @nowMs, @nowMs, @nowMs)`,
    );
    this.insertTotals = db.prepare('INSERT INTO agent_totals (agent_key) VALUES (?)');
    const known = (column: string, parameter: string): string =>
      `${column} = CASE WHEN @${parameter} = '' THEN ${column} ELSE @${parameter} END`;
    this.update = db.prepare(
      `UPDATE agents SET ${known('provider', 'provider')}, ${known('region', 'region')}, ${known('zone', 'zone')},
         ${known('network', 'network')}, ${known('subnet', 'subnet')}, ${known('instance_id', 'instanceId')},
         ${known('ip_address', 'ipAddress')}, ${known('version', 'version')},
         capabilities = coalesce(@capabilitiesGiven, capabilities), updated_at_ms = @nowMs
       WHERE tenant_id = 'default' AND id = @id`,
    );
    this.updateActivity = db.prepare(
      `UPDATE agents SET last_seen_ms = max(last_seen_ms, @lastSeenMs), connected_at_ms = @connectedAtMs,
         last_registration_ms = @lastRegistrationMs, health = @health, health_message = @healthMessage,
         total_messages = total_messages + @messages, updated_at_ms = @updatedAtMs
       WHERE agent_key = @agentKey`,
    );
    this.deleteAgent = db.prepare('DELETE FROM agents WHERE agent_key = ?');
    this.deleteTotals = db.prepare('DELETE FROM agent_totals WHERE agent_key = ?');
    // Looking for one agent's batches costs a walk through each window: not for one that has none left in any.
    this.markDeleted = db.prepare(
      `INSERT INTO deleted_agents (agent_key, next_window_ms)
       SELECT agent_key, CASE WHEN newest_sample_ms < (SELECT coalesce(min(window_ms), ${NEVER_MS}) FROM metric_batches) THEN ${NEVER_MS} ELSE 0 END
       FROM agent_totals WHERE agent_key = ?`,
    );
    this.selectExpired = db.prepare<[number, number], { agentKey: number; id: string }>(
      `SELECT a.agent_key AS agentKey, a.id FROM agents a JOIN agent_totals t ON t.agent_key = a.agent_key
       WHERE max(a.last_seen_ms, t.last_batch_ms) < ? AND t.newest_sample_ms < ?
         AND (max(a.last_seen_ms, t.last_batch_ms) - a.created_at_ms < ${SHORT_LIFE_MS}
           OR NOT EXISTS (SELECT 1 FROM units u WHERE u.agent_key = a.agent_key)) LIMIT 1000`,
    );
  }

  all(): Agent[] {
    return this.selectAll.all().map(toAgent);
  }

  upsert(description: AgentDescription, nowMs: number): Agent {
    const { capabilities, ...fields } = description;
    const json = capabilities === null ? null : JSON.stringify(capabilities);
    const updated = this.update.run({ ...fields, capabilitiesGiven: json, nowMs });
    if (updated.changes === 0) {
      const { lastInsertRowid } = this.insert.run({ ...fields, capabilities: json ?? '[]', nowMs });
      this.insertTotals.run(lastInsertRowid);
    }
    return toAgent(this.selectById.get(description.id) as AgentRow);
  }

  recordActivity(activities: readonly AgentActivity[]): void {
    for (const activity of activities) this.updateActivity.run(activity);
  }

  /** The agent is gone for everybody, batches under way included; its data follows in slices (see Eraser). */
  remove(agentKey: number): boolean {
    if (this.deleteAgent.run(agentKey).changes === 0) return false;
    this.markDeleted.run(agentKey);
    this.deleteTotals.run(agentKey);
    return true;
  }

  expired(beforeMs: number): { agentKey: number; id: string }[] {
    return this.selectExpired.all(beforeMs, beforeMs);
  }
}

function toAgent(row: AgentRow): Agent {
  return {
    agentKey: row.agent_key,
    id: row.id,
    provider: row.provider,
    region: row.region,
    zone: row.zone,
    network: row.network,
    subnet: row.subnet,
    instanceId: row.instance_id,
    ipAddress: row.ip_address,
    version: row.version,
    status: 'disconnected',
    health: row.health,
    healthMessage: row.health_message,
    capabilities: JSON.parse(row.capabilities) as string[],
    connectedAtMs: row.connected_at_ms,
    lastSeenMs: Math.max(row.last_seen_ms, row.last_batch_ms),
    lastRegistrationMs: row.last_registration_ms,
    totalMessages: row.total_messages,
    totalMetrics: row.metrics,
    totalErrors: row.errors,
    clockSkewMs: row.clock_skew_ms,
    newestLateMs: null,
    config: configOf(row),
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

function configOf(row: AgentRow): AgentConfigState | null {
  if (row.config_version === null) return null;
  return {
    version: row.config_version,
    updatedAtMs: row.config_updated_at_ms,
    attemptedVersion: row.attempted_version,
    attemptStatus: row.attempt_status,
    attemptError: row.attempt_error,
    attemptedAtMs: row.attempted_at_ms,
    effectiveVersion: row.effective_version,
    effectiveAtMs: row.effective_at_ms,
  };
}
