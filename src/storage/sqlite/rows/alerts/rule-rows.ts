import type { AgentSubject, AlertRule, AlertRuleFields, MetricSubject, RuleFilter, Severity } from '../../../../model/alert.js';
import type { Db } from '../../open.js';
import { rowId } from './row-id.js';

interface RuleRow {
  id: number;
  name: string;
  metric_name: string;
  condition: string;
  threshold: number | null;
  severity: Severity;
  enabled: number;
  agent_filter: string;
  definition: string;
  is_default: number;
  created_at_ms: number;
  updated_at_ms: number;
}

/** What has no column of its own. */
interface Definition extends Pick<AlertRuleFields, 'forMs' | 'keepFiringForMs' | 'intervalMs' | 'labels' | 'annotations'> {
  readonly subject: Omit<MetricSubject, 'metricName' | 'condition' | 'threshold'> | Pick<AgentSubject, 'kind'>;
}

/** Rows of `alert_rules`, and the mark that the default ones were made. */
export class RuleRows {
  private readonly selectAll;
  private readonly selectOne;
  private readonly selectOther;
  private readonly insert;
  private readonly update_;
  private readonly delete_;
  private readonly markDefaults;

  constructor(db: Db) {
    this.selectAll = db.prepare<[], RuleRow>("SELECT * FROM alert_rules WHERE tenant_id = 'default' ORDER BY id");
    this.selectOne = db.prepare<[number], RuleRow>("SELECT * FROM alert_rules WHERE tenant_id = 'default' AND id = ?");
    this.selectOther = db.prepare<[string, number]>("SELECT 1 FROM alert_rules WHERE tenant_id = 'default' AND name = ? AND id <> ?");
    this.insert = db.prepare<[object], RuleRow>(
      `INSERT INTO alert_rules (name, metric_name, condition, threshold, severity, enabled, agent_filter, definition, is_default,
         created_at_ms, updated_at_ms)
       VALUES (@name, @metricName, @condition, @threshold, @severity, @enabled, @filter, @definition, @isDefault, @nowMs, @nowMs)
       ON CONFLICT (tenant_id, name) DO NOTHING RETURNING *`,
    );
    this.update_ = db.prepare<[object], RuleRow>(
      `UPDATE alert_rules SET name = @name, metric_name = @metricName, condition = @condition, threshold = @threshold,
         severity = @severity, enabled = @enabled, agent_filter = @filter, definition = @definition,
         updated_at_ms = max(@nowMs, updated_at_ms + 1)
       WHERE tenant_id = 'default' AND id = @id RETURNING *`,
    );
    this.delete_ = db.prepare("DELETE FROM alert_rules WHERE tenant_id = 'default' AND id = ?");
    this.markDefaults = db.prepare("INSERT INTO alert_defaults VALUES ('default', ?) ON CONFLICT DO NOTHING");
  }

  all(): AlertRule[] {
    return this.selectAll.all().map(toRule);
  }

  create(fields: AlertRuleFields, nowMs: number): AlertRule | null {
    const row = this.insert.get({ ...columns(fields), isDefault: 0, nowMs });
    return row === undefined ? null : toRule(row);
  }

  update(id: string, fields: AlertRuleFields, nowMs: number): AlertRule | 'not_found' | 'name_taken' {
    const key = rowId(id);
    if (this.selectOne.get(key) === undefined) return 'not_found';
    if (this.selectOther.get(fields.name, key) !== undefined) return 'name_taken';
    return toRule(this.update_.get({ ...columns(fields), id: key, nowMs }) as RuleRow);
  }

  remove(id: string): boolean {
    return this.delete_.run(rowId(id)).changes > 0;
  }

  createDefaults(rules: readonly AlertRuleFields[], nowMs: number): boolean {
    if (this.markDefaults.run(nowMs).changes === 0) return false;
    for (const rule of rules) this.insert.get({ ...columns(rule), isDefault: 1, nowMs });
    return true;
  }
}

function columns({ name, subject, filter, severity, enabled, ...rest }: AlertRuleFields): object {
  const { forMs, keepFiringForMs, intervalMs, labels, annotations } = rest;
  const row = { name, severity, enabled: enabled ? 1 : 0, filter: JSON.stringify(filter), condition: subject.condition };
  const more = { forMs, keepFiringForMs, intervalMs, labels, annotations };
  if (subject.kind === 'agent') {
    const definition: Definition = { subject: { kind: 'agent' }, ...more };
    return { ...row, metricName: '', threshold: subject.thresholdMs, definition: JSON.stringify(definition) };
  }
  const { kind, metricName, threshold, aggregation, windowMs, recoveryThreshold, by, noData } = subject;
  const definition: Definition = { subject: { kind, aggregation, windowMs, recoveryThreshold, by, noData }, ...more };
  return { ...row, metricName, threshold, definition: JSON.stringify(definition) };
}

function toRule(row: RuleRow): AlertRule {
  const { subject, ...rest } = JSON.parse(row.definition) as Definition;
  return {
    id: String(row.id),
    name: row.name,
    subject:
      subject.kind === 'agent'
        ? { kind: 'agent', condition: row.condition as AgentSubject['condition'], thresholdMs: row.threshold }
        : {
            ...subject,
            metricName: row.metric_name,
            condition: row.condition as MetricSubject['condition'],
            threshold: row.threshold as number,
          },
    filter: JSON.parse(row.agent_filter) as RuleFilter,
    severity: row.severity,
    ...rest,
    enabled: row.enabled === 1,
    isDefault: row.is_default === 1,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
