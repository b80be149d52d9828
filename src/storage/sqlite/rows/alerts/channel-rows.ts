import type { Channel, ChannelFields, ChannelType, Matcher } from '../../../../model/alert.js';
import type { Db } from '../../open.js';
import { rowId } from './row-id.js';

interface ChannelRow {
  id: number;
  name: string;
  type: ChannelType;
  settings: string;
  matchers: string;
  group_by: string;
  group_wait_ms: number;
  group_interval_ms: number;
  repeat_interval_ms: number;
  sends_resolved: number;
  enabled: number;
  is_from_settings: number;
  created_at_ms: number;
  updated_at_ms: number;
}

/** Rows of `alert_channels`. With one go its groups and deliveries. */
export class ChannelRows {
  private readonly selectAll;
  private readonly selectOne;
  private readonly selectNamed;
  private readonly insert;
  private readonly update_;
  private readonly makeWay;
  private readonly delete_;
  private readonly deleteFromSettings;

  constructor(db: Db) {
    this.selectAll = db.prepare<[], ChannelRow>("SELECT * FROM alert_channels WHERE tenant_id = 'default' ORDER BY id");
    this.selectOne = db.prepare<[number], ChannelRow>("SELECT * FROM alert_channels WHERE tenant_id = 'default' AND id = ?");
    this.selectNamed = db.prepare<[string], ChannelRow>("SELECT * FROM alert_channels WHERE tenant_id = 'default' AND name = ?");
    this.insert = db.prepare<[object], ChannelRow>(
      `INSERT INTO alert_channels (name, type, settings, matchers, group_by, group_wait_ms, group_interval_ms, repeat_interval_ms,
         sends_resolved, enabled, is_from_settings, created_at_ms, updated_at_ms)
       VALUES (@name, @type, @settings, @matchers, @groupBy, @groupWaitMs, @groupIntervalMs, @repeatIntervalMs,
         @sendsResolved, @enabled, @isFromSettings, @nowMs, @nowMs)
       ON CONFLICT (tenant_id, name) DO NOTHING RETURNING *`,
    );
    this.update_ = db.prepare<[object], ChannelRow>(
      `UPDATE alert_channels SET name = @name, type = @type, settings = @settings, matchers = @matchers, group_by = @groupBy,
         group_wait_ms = @groupWaitMs, group_interval_ms = @groupIntervalMs, repeat_interval_ms = @repeatIntervalMs,
         sends_resolved = @sendsResolved, enabled = @enabled, updated_at_ms = @nowMs
       WHERE tenant_id = 'default' AND id = @id RETURNING *`,
    );
    this.makeWay = db.prepare('UPDATE alert_channels SET name = @name, updated_at_ms = @nowMs WHERE id = @id');
    this.delete_ = db.prepare("DELETE FROM alert_channels WHERE tenant_id = 'default' AND id = ?");
    this.deleteFromSettings = db.prepare("DELETE FROM alert_channels WHERE tenant_id = 'default' AND name = ? AND is_from_settings = 1");
  }

  all(): Channel[] {
    return this.selectAll.all().map(toChannel);
  }

  create(fields: ChannelFields, nowMs: number): Channel | null {
    const row = this.insert.get({ ...columns(fields), isFromSettings: 0, nowMs });
    return row === undefined ? null : toChannel(row);
  }

  update(id: string, fields: ChannelFields, nowMs: number): Channel | 'not_found' | 'name_taken' {
    const key = rowId(id);
    if (this.selectOne.get(key) === undefined) return 'not_found';
    const named = this.selectNamed.get(fields.name);
    if (named !== undefined && named.id !== key) return 'name_taken';
    return toChannel(this.update_.get({ ...columns(fields), id: key, nowMs }) as ChannelRow);
  }

  remove(id: string): boolean {
    return this.delete_.run(rowId(id)).changes > 0;
  }

  fromSettings(name: string, fields: ChannelFields | null, nowMs: number): void {
    if (fields === null) {
      this.deleteFromSettings.run(name);
      return;
    }
    const row = columns({ ...fields, name });
    const named = this.selectNamed.get(name);
    if (named?.is_from_settings === 1) {
      if (JSON.stringify(columns(toChannel(named))) !== JSON.stringify(row)) this.update_.get({ ...row, id: named.id, nowMs });
      return;
    }
    // Somebody's own channel of that name keeps all it is but the name.
    if (named !== undefined) this.makeWay.run({ id: named.id, name: this.freeName(`${name} (${named.id})`), nowMs });
    this.insert.get({ ...row, isFromSettings: 1, nowMs });
  }

  private freeName(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.selectNamed.get(name) !== undefined; i++) name = `${wanted} (${i})`;
    return name;
  }
}

function columns(fields: ChannelFields): object {
  const { name, type, settings, matchers, groupBy, groupWaitMs, groupIntervalMs, repeatIntervalMs, sendsResolved, enabled } = fields;
  return {
    name,
    type,
    groupWaitMs,
    groupIntervalMs,
    repeatIntervalMs,
    settings: JSON.stringify(settings),
    matchers: JSON.stringify(matchers),
    groupBy: JSON.stringify(groupBy),
    sendsResolved: sendsResolved ? 1 : 0,
    enabled: enabled ? 1 : 0,
  };
}

function toChannel(row: ChannelRow): Channel {
  return {
    id: String(row.id),
    name: row.name,
    type: row.type,
    settings: JSON.parse(row.settings) as Record<string, unknown>,
    matchers: JSON.parse(row.matchers) as Matcher[],
    groupBy: JSON.parse(row.group_by) as string[],
    groupWaitMs: row.group_wait_ms,
    groupIntervalMs: row.group_interval_ms,
    repeatIntervalMs: row.repeat_interval_ms,
    sendsResolved: row.sends_resolved === 1,
    enabled: row.enabled === 1,
    isFromSettings: row.is_from_settings === 1,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
