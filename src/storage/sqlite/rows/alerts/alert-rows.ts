import type { Acknowledgement, Alert, AlertState, ResolvedReason } from '../../../../model/alert.js';
import type { Tags } from '../../../../model/metric.js';
import type { AlertHistoryQuery } from '../../../ports/alerts.js';
import type { Db } from '../../open.js';
import { rowId } from './row-id.js';

interface AlertRow {
  id: string;
  rule_id: number;
  group_key: string;
  agent_id: string | null;
  labels: string;
  annotations: string;
  state: AlertState;
  value: number | null;
  started_at_ms: number;
  firing_since_ms: number | null;
  well_since_ms: number | null;
  resolved_at_ms: number | null;
  resolved_reason: ResolvedReason | null;
  acknowledgement: string | null;
  updated_at_ms: number;
}

/** Alerts that one call deletes at the most: a few milliseconds of the writer's time. */
const SLICE_ROWS = 1_000;

/** Rows of `alert_instances`. */
export class AlertRows {
  private readonly selectActive;
  private readonly upsert;
  private readonly delete_;
  private readonly acknowledge_;
  private readonly selectKept;
  private readonly purge_;

  constructor(private readonly db: Db) {
    this.selectActive = db.prepare<[], AlertRow>(
      "SELECT * FROM alert_instances WHERE tenant_id = 'default' AND resolved_at_ms IS NULL ORDER BY alert_key",
    );
    // Not the acknowledgement of one that is there: whoever saves may not have heard of it yet.
    this.upsert = db.prepare(
      `INSERT INTO alert_instances (id, rule_id, group_key, agent_id, severity, labels, annotations, state, value, started_at_ms,
         firing_since_ms, well_since_ms, resolved_at_ms, resolved_reason, acknowledgement, updated_at_ms)
       VALUES (@id, @ruleId, @groupKey, @agentId, @severity, @labels, @annotations, @state, @value, @startedAtMs,
         @firingSinceMs, @wellSinceMs, @resolvedAtMs, @resolvedReason, @acknowledgement, @updatedAtMs)
       ON CONFLICT (id) DO UPDATE SET rule_id = @ruleId, group_key = @groupKey, agent_id = @agentId, severity = @severity,
         labels = @labels, annotations = @annotations, state = @state, value = @value, started_at_ms = @startedAtMs,
         firing_since_ms = @firingSinceMs, well_since_ms = @wellSinceMs, resolved_at_ms = @resolvedAtMs,
         resolved_reason = @resolvedReason, updated_at_ms = @updatedAtMs`,
    );
    this.delete_ = db.prepare('DELETE FROM alert_instances WHERE id = ?');
    this.acknowledge_ = db.prepare(
      "UPDATE alert_instances SET acknowledgement = ? WHERE tenant_id = 'default' AND id = ? AND resolved_at_ms IS NULL",
    );
    this.selectKept = db
      .prepare<[number], number>(
        'SELECT resolved_at_ms FROM alert_instances WHERE resolved_at_ms IS NOT NULL ORDER BY resolved_at_ms DESC LIMIT 1 OFFSET ?',
      )
      .pluck();
    this.purge_ = db.prepare(
      `DELETE FROM alert_instances WHERE alert_key IN
         (SELECT alert_key FROM alert_instances WHERE resolved_at_ms < ? LIMIT ${SLICE_ROWS})`,
    );
  }

  active(): Alert[] {
    return this.selectActive.all().map(toAlert);
  }

  save(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      if (alert.state === 'resolved' && alert.firingSinceMs === null) this.delete_.run(alert.id);
      else this.upsert.run(columns(alert));
    }
  }

  acknowledge(id: string, acknowledgement: Acknowledgement | null): boolean {
    const json = acknowledgement === null ? null : JSON.stringify(acknowledgement);
    return this.acknowledge_.run(json, id).changes > 0;
  }

  /** A page of `alert_instances`, by whichever index leaves the least to look at. */
  history(query: AlertHistoryQuery): { alerts: Alert[]; total: number } {
    const { sql, parameters } = historyStatements(query);
    const { limit, offset } = query;
    return {
      alerts: this.db
        .prepare<[object], AlertRow>(sql.page)
        .all({ ...parameters, limit, offset })
        .map(toAlert),
      total: this.db.prepare<[object], number>(sql.total).pluck().get(parameters) as number,
    };
  }

  purge(resolvedBeforeMs: number, keep: number): number {
    const oldestKeptMs = keep === 0 ? Number.MAX_SAFE_INTEGER : (this.selectKept.get(keep - 1) ?? 0);
    return this.purge_.run(Math.max(resolvedBeforeMs, oldestKeptMs)).changes;
  }
}

/** The statements of a page of the history and of its total, with the conditions that were given and no others. */
export function historyStatements({ ruleId, agentId, severity, sinceMs, untilMs }: AlertHistoryQuery): {
  sql: { page: string; total: string };
  parameters: Record<string, string | number>;
} {
  const conditions = ["tenant_id = 'default'", 'resolved_at_ms >= @sinceMs', 'resolved_at_ms < @untilMs'];
  const parameters: Record<string, string | number> = {
    sinceMs: sinceMs ?? 0,
    untilMs: untilMs ?? Number.MAX_SAFE_INTEGER,
  };
  if (ruleId !== undefined) {
    conditions.push('rule_id = @ruleId');
    parameters.ruleId = rowId(ruleId);
  }
  if (agentId !== undefined) {
    conditions.push('agent_id = @agentId');
    parameters.agentId = agentId;
  }
  if (severity !== undefined) {
    conditions.push('severity = @severity');
    parameters.severity = severity;
  }
  const from = `FROM alert_instances WHERE ${conditions.join(' AND ')}`;
  return {
    sql: {
      page: `SELECT * ${from} ORDER BY resolved_at_ms DESC, alert_key DESC LIMIT @limit OFFSET @offset`,
      total: `SELECT count(*) ${from}`,
    },
    parameters,
  };
}

function columns(alert: Alert): object {
  const { id, ruleId, groupKey, agentId, labels, annotations, state, value, startedAtMs, firingSinceMs, wellSinceMs } = alert;
  const { resolvedAtMs, resolvedReason, acknowledgement, updatedAtMs } = alert;
  return {
    id,
    groupKey,
    agentId,
    state,
    value,
    startedAtMs,
    firingSinceMs,
    wellSinceMs,
    resolvedAtMs,
    resolvedReason,
    updatedAtMs,
    ruleId: rowId(ruleId),
    severity: labels.severity ?? '',
    labels: JSON.stringify(labels),
    annotations: JSON.stringify(annotations),
    acknowledgement: acknowledgement === null ? null : JSON.stringify(acknowledgement),
  };
}

function toAlert(row: AlertRow): Alert {
  return {
    id: row.id,
    ruleId: String(row.rule_id),
    groupKey: row.group_key,
    labels: JSON.parse(row.labels) as Tags,
    annotations: JSON.parse(row.annotations) as Tags,
    agentId: row.agent_id,
    state: row.state,
    value: row.value,
    startedAtMs: row.started_at_ms,
    firingSinceMs: row.firing_since_ms,
    wellSinceMs: row.well_since_ms,
    resolvedAtMs: row.resolved_at_ms,
    resolvedReason: row.resolved_reason,
    acknowledgement: row.acknowledgement === null ? null : (JSON.parse(row.acknowledgement) as Acknowledgement),
    updatedAtMs: row.updated_at_ms,
  };
}
