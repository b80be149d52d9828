import type { Db } from '../open.js';

/**
 * Ids of the log's rows. No id is ever given twice, also when the newest row was deleted and the writer began anew: a plan to
 * fold, or a reader that keeps rows, may still name it. Counted here, as AUTOINCREMENT would write a row for every batch.
 */
export class LogIds {
  private last: number;
  private readonly raise;

  constructor(db: Db) {
    // Where SQLite keeps the highest id it gave, for tables that it counts by itself; anybody may write to it.
    db.exec(`INSERT INTO sqlite_sequence (name, seq) SELECT 'metric_batches', 0
             WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'metric_batches')`);
    this.last = db
      .prepare<[], number>(
        `SELECT max(seq, (SELECT coalesce(max(id), 0) FROM metric_batches)) FROM sqlite_sequence WHERE name = 'metric_batches'`,
      )
      .pluck()
      .get() as number;
    this.raise = db.prepare(`UPDATE sqlite_sequence SET seq = @last WHERE name = 'metric_batches' AND seq < @last`);
  }

  next(): number {
    this.last += 1;
    return this.last;
  }

  /** To be called in every transaction that deletes rows of the log. */
  remember(): void {
    this.raise.run({ last: this.last });
  }
}
