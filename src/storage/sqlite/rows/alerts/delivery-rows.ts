import type { Delivery, DeliveryStatus, LoggedDelivery, NewDelivery, NotificationGroup, WaitingDelivery } from '../../../../model/alert.js';
import type { Db } from '../../open.js';
import { rowId } from './row-id.js';

interface GroupRow {
  channel_id: number;
  group_key: string;
  told_firing: string;
  first_seen_at_ms: number;
  last_told_at_ms: number | null;
}

interface DeliveryRow {
  id: string;
  channel_id: number;
  group_key: string;
  status: DeliveryStatus;
  attempts: number;
  next_attempt_at_ms: number;
  created_at_ms: number;
  finished_at_ms: number | null;
  last_error: string | null;
}

const COLUMNS = 'id, channel_id, group_key, status, attempts, next_attempt_at_ms, created_at_ms, finished_at_ms, last_error';
/** Alerts that are over are the last in a payload. One that is damaged must not keep the others from being read. */
const TELLS_RESOLVED = "CASE WHEN json_valid(payload) THEN coalesce(payload ->> '$.alerts[#-1].status', '') = 'resolved' ELSE 0 END";
/** Of a finished delivery only this is left, in the place of its payload. */
const ALERTS = "CASE WHEN json_valid(payload) THEN coalesce(json_array_length(payload, '$.alerts'), CAST(payload AS INTEGER)) ELSE 0 END";

/** Deliveries that one call deletes at the most: a few milliseconds of the writer's time. */
const SLICE_ROWS = 1_000;

/** Rows of `alert_groups` and `alert_deliveries`. What is of a channel that is gone is not written: it went with it. */
export class DeliveryRows {
  private readonly selectGroups;
  private readonly upsertGroup;
  private readonly deleteGroup;
  private readonly insert;
  private readonly selectWaiting;
  private readonly selectPayload;
  private readonly update;
  private readonly selectNewest;
  private readonly selectNewestOf;
  private readonly deleteBefore;
  private readonly selectChannels;
  private readonly selectKept;
  private readonly deleteBeyond;

  constructor(db: Db) {
    this.selectGroups = db.prepare<[], GroupRow>('SELECT * FROM alert_groups');
    this.upsertGroup = db.prepare(
      `INSERT INTO alert_groups (channel_id, group_key, told_firing, first_seen_at_ms, last_told_at_ms)
       SELECT id, @groupKey, @toldFiring, @firstSeenAtMs, @lastToldAtMs FROM alert_channels WHERE id = @channelId
       ON CONFLICT (channel_id, group_key) DO UPDATE SET told_firing = @toldFiring, first_seen_at_ms = @firstSeenAtMs,
         last_told_at_ms = @lastToldAtMs`,
    );
    this.deleteGroup = db.prepare('DELETE FROM alert_groups WHERE channel_id = ? AND group_key = ?');
    this.insert = db.prepare(
      `INSERT INTO alert_deliveries (id, channel_id, group_key, status, payload, attempts, next_attempt_at_ms, created_at_ms,
         finished_at_ms, last_error)
       SELECT @id, id, @groupKey, @status, @payloadJson, @attempts, @nextAttemptAtMs, @createdAtMs, @finishedAtMs, @lastError
       FROM alert_channels WHERE id = @channelId`,
    );
    this.selectWaiting = db.prepare<[number], DeliveryRow & { tells_resolved: number }>(
      `SELECT ${COLUMNS}, ${TELLS_RESOLVED} AS tells_resolved FROM alert_deliveries INDEXED BY alert_deliveries_due
       WHERE finished_at_ms IS NULL ORDER BY delivery_key LIMIT ?`,
    );
    this.selectPayload = db
      .prepare<[string], string>('SELECT payload FROM alert_deliveries WHERE id = ? AND finished_at_ms IS NULL')
      .pluck();
    this.update = db.prepare(
      `UPDATE alert_deliveries SET status = @status, attempts = @attempts, next_attempt_at_ms = @nextAttemptAtMs,
         finished_at_ms = @finishedAtMs, last_error = @lastError,
         payload = CASE WHEN @finishedAtMs IS NULL THEN payload ELSE CAST(${ALERTS} AS TEXT) END
       WHERE id = @id`,
    );
    const logged = `SELECT ${COLUMNS}, ${ALERTS} AS alerts FROM alert_deliveries`;
    this.selectNewest = db.prepare<[number], DeliveryRow & { alerts: number }>(`${logged} ORDER BY delivery_key DESC LIMIT ?`);
    this.selectNewestOf = db.prepare<[number, number], DeliveryRow & { alerts: number }>(
      `${logged} WHERE channel_id = ? ORDER BY delivery_key DESC LIMIT ?`,
    );
    const slice = (where: string) =>
      `DELETE FROM alert_deliveries WHERE delivery_key IN (SELECT delivery_key FROM alert_deliveries WHERE ${where} LIMIT ?)`;
    this.deleteBefore = db.prepare<[number, number]>(slice('finished_at_ms < ?'));
    this.selectChannels = db.prepare<[], number>('SELECT id FROM alert_channels').pluck();
    this.selectKept = db
      .prepare<[number, number], number>(
        'SELECT delivery_key FROM alert_deliveries WHERE channel_id = ? ORDER BY delivery_key DESC LIMIT 1 OFFSET ?',
      )
      .pluck();
    this.deleteBeyond = db.prepare<[number, number, number]>(slice('channel_id = ? AND delivery_key < ? AND finished_at_ms IS NOT NULL'));
  }

  groups(): NotificationGroup[] {
    return this.selectGroups.all().map((row) => ({
      channelId: String(row.channel_id),
      groupKey: row.group_key,
      toldFiring: JSON.parse(row.told_firing) as string[],
      firstSeenAtMs: row.first_seen_at_ms,
      lastToldAtMs: row.last_told_at_ms,
    }));
  }

  enqueue(groups: readonly NotificationGroup[], deliveries: readonly NewDelivery[]): void {
    for (const { channelId, groupKey, toldFiring, firstSeenAtMs, lastToldAtMs } of groups) {
      const key = rowId(channelId);
      if (toldFiring.length === 0) this.deleteGroup.run(key, groupKey);
      else this.upsertGroup.run({ channelId: key, groupKey, toldFiring: JSON.stringify(toldFiring), firstSeenAtMs, lastToldAtMs });
    }
    for (const { tellsResolved: _, ...delivery } of deliveries) this.insert.run({ ...delivery, channelId: rowId(delivery.channelId) });
  }

  waiting(limit: number): WaitingDelivery[] {
    return this.selectWaiting.all(limit).map((row) => ({ ...toDelivery(row), tellsResolved: row.tells_resolved === 1 }));
  }

  payload(id: string): string | null {
    return this.selectPayload.get(id) ?? null;
  }

  record({ id, status, attempts, nextAttemptAtMs, finishedAtMs, lastError }: Delivery): void {
    this.update.run({ id, status, attempts, nextAttemptAtMs, finishedAtMs, lastError });
  }

  log({ channelId, limit }: { readonly channelId?: string; readonly limit: number }): LoggedDelivery[] {
    const rows = channelId === undefined ? this.selectNewest.all(limit) : this.selectNewestOf.all(rowId(channelId), limit);
    return rows.map((row) => ({ ...toDelivery(row), alerts: row.alerts }));
  }

  purge(finishedBeforeMs: number, keep: number): number {
    let deleted = this.deleteBefore.run(finishedBeforeMs, SLICE_ROWS).changes;
    for (const channel of this.selectChannels.all()) {
      if (deleted === SLICE_ROWS) break;
      const oldestKept = keep === 0 ? Number.MAX_SAFE_INTEGER : this.selectKept.get(channel, keep - 1);
      if (oldestKept !== undefined) deleted += this.deleteBeyond.run(channel, oldestKept, SLICE_ROWS - deleted).changes;
    }
    return deleted;
  }
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    channelId: String(row.channel_id),
    groupKey: row.group_key,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAtMs: row.next_attempt_at_ms,
    createdAtMs: row.created_at_ms,
    finishedAtMs: row.finished_at_ms,
    lastError: row.last_error,
  };
}
