import { WINDOW_MS } from '../../engine/window.js';
import type { PurgeLimits } from '../../ports.js';
import type { Db } from '../open.js';
import { TIER, type Tier, UNIT_DAY_MS, UnitRows } from '../units/unit-rows.js';

/** Rows one slice deletes at the most: a few milliseconds of the writer's time, between two groups of batches. */
const SLICE_ROWS = 1_000;
/** A daily unit of a large agent has some twenty parts of 32 kB. */
const SLICE_UNITS = 16;

/** Deletes what nobody may see any more, a slice at a time. Each call does one slice and says whether more is left. */
export class Eraser {
  private readonly nextDeleted;
  private readonly nextWindow;
  private readonly batchesInWindow;
  private readonly deleteBatch;
  private readonly advance;
  private readonly deleteSeries;
  private readonly deleteByAgent;
  private readonly deleteReceipts;
  private readonly units;
  private readonly unitsOf;
  private readonly unitsBefore;
  private readonly forgetDeleted;
  private readonly purges;

  constructor(db: Db) {
    this.nextDeleted = db.prepare<[], { agent_key: number; next_window_ms: number }>(
      'SELECT agent_key, next_window_ms FROM deleted_agents LIMIT 1',
    );
    this.nextWindow = db.prepare<[number], number | null>('SELECT min(window_ms) FROM metric_batches WHERE window_ms >= ?').pluck();
    this.batchesInWindow = db
      .prepare<[number, number, number], number>('SELECT id FROM metric_batches WHERE window_ms = ? AND agent_key = ? LIMIT ?')
      .pluck();
    this.deleteBatch = db.prepare('DELETE FROM metric_batches WHERE id = ?');
    this.advance = db.prepare('UPDATE deleted_agents SET next_window_ms = ? WHERE agent_key = ?');
    this.deleteSeries = db.prepare(
      `DELETE FROM metric_series WHERE id IN (SELECT id FROM metric_series WHERE agent_key = ? LIMIT ${SLICE_ROWS})`,
    );
    this.deleteReceipts = db.prepare(
      `DELETE FROM batch_receipts WHERE agent_key = ? AND batch_id IN (SELECT batch_id FROM batch_receipts WHERE agent_key = ? LIMIT ${SLICE_ROWS})`,
    );
    this.deleteByAgent = ['agent_configs', 'agent_commands', 'batch_errors', 'agent_gaps'].map((table) =>
      db.prepare(`DELETE FROM ${table} WHERE agent_key = ?`),
    );
    this.units = new UnitRows(db);
    this.unitsOf = db.prepare<[number], number>(`SELECT id FROM units WHERE agent_key = ? LIMIT ${SLICE_UNITS}`).pluck();
    this.unitsBefore = db
      .prepare<[Tier, number, number, number], [number, number]>(
        'SELECT id, agent_key FROM units WHERE tier = ? AND start_ms < ? AND start_ms + span_ms <= ? LIMIT ?',
      )
      .raw();
    this.forgetDeleted = db.prepare('DELETE FROM deleted_agents WHERE agent_key = ?');
    const slice = (table: string, where: string) =>
      db.prepare(`DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE ${where} LIMIT ${SLICE_ROWS})`);
    this.purges = {
      batches: slice('metric_batches', 'window_ms < ?'),
      errors: slice('batch_errors', 'at_ms < ?'),
      activities: slice('activities', 'at_ms < ?'),
      receipts: db.prepare(
        `DELETE FROM batch_receipts WHERE (agent_key, batch_id) IN
           (SELECT agent_key, batch_id FROM batch_receipts WHERE received_at_ms < ? LIMIT ${SLICE_ROWS})`,
      ),
      commands: slice('agent_commands', 'created_at_ms < ?'),
    };
  }

  /** One slice of what deleted agents left behind. */
  eraseDeleted(): boolean {
    const deleted = this.nextDeleted.get();
    if (deleted === undefined) return false;
    const { agent_key: agentKey, next_window_ms: fromMs } = deleted;
    const windowMs = this.nextWindow.get(fromMs) ?? null;
    if (windowMs !== null) {
      const ids = this.batchesInWindow.all(windowMs, agentKey, SLICE_ROWS);
      for (const id of ids) this.deleteBatch.run(id);
      if (ids.length < SLICE_ROWS) this.advance.run(windowMs + WINDOW_MS, agentKey);
      return true;
    }
    const units = this.unitsOf.all(agentKey);
    for (const id of units) this.units.remove(id, agentKey);
    if (units.length === SLICE_UNITS) return true;
    if (this.deleteReceipts.run(agentKey, agentKey).changes === SLICE_ROWS) return true;
    if (this.deleteSeries.run(agentKey).changes === SLICE_ROWS) return true;
    for (const statement of this.deleteByAgent) statement.run(agentKey);
    this.forgetDeleted.run(agentKey);
    return this.nextDeleted.get() !== undefined;
  }

  /** One slice of what is past its time. Samples that are to live on as rollups have been made into such before. */
  purge(limits: PurgeLimits): boolean {
    const samplesBeforeMs = Math.floor(limits.samplesBeforeMs / UNIT_DAY_MS) * UNIT_DAY_MS;
    const changes = [
      this.purges.batches.run(samplesBeforeMs).changes,
      this.purges.receipts.run(limits.receiptsBeforeMs).changes,
      this.purges.errors.run(limits.activitiesBeforeMs).changes,
      this.purges.activities.run(limits.activitiesBeforeMs).changes,
      this.purges.commands.run(limits.activitiesBeforeMs).changes,
    ];
    let room = SLICE_UNITS;
    for (const [tier, beforeMs] of [
      [TIER.raw, samplesBeforeMs],
      [TIER.fiveMinutes, limits.fiveMinutesBeforeMs],
      [TIER.oneHour, limits.oneHourBeforeMs],
    ] as const) {
      const units = this.unitsBefore.all(tier, beforeMs, beforeMs, room);
      for (const [id, agentKey] of units) this.units.remove(id, agentKey);
      room -= units.length;
    }
    return room === 0 || changes.some((count) => count === SLICE_ROWS);
  }
}
