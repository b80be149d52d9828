import type { Matcher, Silence, SilenceFields } from '../../../../model/alert.js';
import type { Db } from '../../open.js';
import { rowId } from './row-id.js';

interface SilenceRow {
  id: number;
  matchers: string;
  starts_at_ms: number;
  ends_at_ms: number | null;
  recurrence: string | null;
  author: string;
  comment: string;
  created_at_ms: number;
  updated_at_ms: number;
}

/** Rows of `alert_silences`. */
export class SilenceRows {
  private readonly selectAll;
  private readonly insert;
  private readonly update_;
  private readonly delete_;

  constructor(db: Db) {
    this.selectAll = db.prepare<[], SilenceRow>("SELECT * FROM alert_silences WHERE tenant_id = 'default' ORDER BY id");
    this.insert = db.prepare<[object], SilenceRow>(
      `INSERT INTO alert_silences (matchers, starts_at_ms, ends_at_ms, recurrence, author, comment, created_at_ms, updated_at_ms)
       VALUES (@matchers, @startsAtMs, @endsAtMs, @recurrence, @author, @comment, @nowMs, @nowMs) RETURNING *`,
    );
    this.update_ = db.prepare<[object], SilenceRow>(
      `UPDATE alert_silences SET matchers = @matchers, starts_at_ms = @startsAtMs, ends_at_ms = @endsAtMs, recurrence = @recurrence,
         author = @author, comment = @comment, updated_at_ms = @nowMs
       WHERE tenant_id = 'default' AND id = @id RETURNING *`,
    );
    this.delete_ = db.prepare("DELETE FROM alert_silences WHERE tenant_id = 'default' AND id = ?");
  }

  all(): Silence[] {
    return this.selectAll.all().map(toSilence);
  }

  create(fields: SilenceFields, nowMs: number): Silence {
    return toSilence(this.insert.get({ ...columns(fields), nowMs }) as SilenceRow);
  }

  update(id: string, fields: SilenceFields, nowMs: number): Silence | null {
    const row = this.update_.get({ ...columns(fields), id: rowId(id), nowMs });
    return row === undefined ? null : toSilence(row);
  }

  remove(id: string): boolean {
    return this.delete_.run(rowId(id)).changes > 0;
  }
}

function columns({ matchers, startsAtMs, endsAtMs, recurrence, author, comment }: SilenceFields): object {
  return {
    startsAtMs,
    endsAtMs,
    author,
    comment,
    matchers: JSON.stringify(matchers),
    recurrence: recurrence === null ? null : JSON.stringify(recurrence),
  };
}

function toSilence(row: SilenceRow): Silence {
  return {
    id: String(row.id),
    matchers: JSON.parse(row.matchers) as Matcher[],
    startsAtMs: row.starts_at_ms,
    endsAtMs: row.ends_at_ms,
    recurrence: row.recurrence === null ? null : (JSON.parse(row.recurrence) as NonNullable<Silence['recurrence']>),
    author: row.author,
    comment: row.comment,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}
