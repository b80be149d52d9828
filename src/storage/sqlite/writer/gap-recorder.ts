import { closestTogether, type LimitedGap, together } from '../../engine/gap-limit.js';
import { type CountedBatch, judge, type LastBatch, type MissingRange } from '../../engine/missing-batches.js';
import type { DroppedReport } from '../../ports.js';
import type { Db } from '../open.js';
import { UNIT_DAY_MS } from '../units/unit-rows.js';

/** Gaps of one agent at the most; beyond that the closest become one, a hundred at a time, for each look at all of them costs. */
const MAX_GAPS = 1_000;
const GAPS_AFTER_MERGING = 900;
/** Rows one purge deletes at the most. */
const SLICE_ROWS = 1_000;

type GapRow = LimitedGap & { readonly id: number };
type RangeRow = MissingRange & { readonly id: number };

/** What purging has done: agents that have no gaps any more, and whether more is to be purged. */
export interface PurgedGaps {
  readonly without: readonly number[];
  readonly more: boolean;
}

/**
 * Rows of `agent_gaps`, and the agents' counts in `agent_totals`. Runs within the transaction of the batch: a batch that is
 * acknowledged has been counted. The usual batch, the next of its count, costs one statement.
 */
export class GapRecorder {
  private readonly advance;
  private readonly findLast;
  private readonly setLast;
  private readonly findRange;
  private readonly insert;
  private readonly update;
  private readonly delete_;
  private readonly close;
  private readonly exists;
  private readonly count;
  private readonly all;
  private readonly covering;
  private readonly deleteCovered;
  private readonly insertDropped;
  private readonly deleteBefore;

  constructor(db: Db) {
    this.advance = db.prepare<[number, number, number, number]>(
      'UPDATE agent_totals SET last_seq = ?, last_seq_ms = ? WHERE agent_key = ? AND last_seq = ?',
    );
    this.findLast = db.prepare<[number], LastBatch>(
      'SELECT last_seq AS seq, last_seq_ms AS newestMs FROM agent_totals WHERE agent_key = ? AND last_seq IS NOT NULL',
    );
    this.setLast = db.prepare<[number, number, number]>('UPDATE agent_totals SET last_seq = ?, last_seq_ms = ? WHERE agent_key = ?');
    this.findRange = db.prepare<[number, number], RangeRow>(
      `SELECT id, first_seq AS firstSeq, last_seq AS lastSeq, from_ms AS fromMs, to_ms AS toMs, lost
       FROM agent_gaps WHERE agent_key = ? AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1`,
    );
    this.insert = db.prepare<[number, number, number, number, number, number]>(
      `INSERT INTO agent_gaps (agent_key, kind, first_seq, last_seq, from_ms, to_ms, lost) VALUES (?, 'missing', ?, ?, ?, ?, ?)`,
    );
    this.update = db.prepare<[number | null, number | null, number, number, number, number]>(
      'UPDATE agent_gaps SET first_seq = ?, last_seq = ?, from_ms = ?, to_ms = ?, lost = ? WHERE id = ?',
    );
    this.delete_ = db.prepare<[number]>('DELETE FROM agent_gaps WHERE id = ?');
    this.close = db.prepare<[number]>(
      'UPDATE agent_gaps SET first_seq = NULL, last_seq = NULL WHERE agent_key = ? AND first_seq IS NOT NULL',
    );
    this.exists = db.prepare<[number], number>('SELECT 1 FROM agent_gaps WHERE agent_key = ? LIMIT 1').pluck();
    this.count = db.prepare<[number], number>('SELECT count(*) FROM agent_gaps WHERE agent_key = ?').pluck();
    this.all = db.prepare<[number], GapRow>(
      `SELECT id, kind, first_seq AS firstSeq, last_seq AS lastSeq, from_ms AS fromMs, to_ms AS toMs, lost
       FROM agent_gaps WHERE agent_key = ?`,
    );
    this.covering = db
      .prepare<[number, number, number, number], number>(
        `SELECT 1 FROM agent_gaps WHERE agent_key = ? AND kind = 'dropped' AND from_ms <= ? AND to_ms >= ? AND lost >= ? LIMIT 1`,
      )
      .pluck();
    this.deleteCovered = db.prepare<[number, number, number, number]>(
      `DELETE FROM agent_gaps WHERE agent_key = ? AND kind = 'dropped' AND from_ms >= ? AND to_ms <= ? AND lost <= ?`,
    );
    this.insertDropped = db.prepare<[number, number, number, number]>(
      `INSERT INTO agent_gaps (agent_key, kind, from_ms, to_ms, lost)
       SELECT agent_key, 'dropped', ?, ?, ? FROM agents WHERE agent_key = ?`,
    );
    this.deleteBefore = db
      .prepare<[number], number>(
        `DELETE FROM agent_gaps WHERE id IN (SELECT id FROM agent_gaps WHERE to_ms < ? LIMIT ${SLICE_ROWS}) RETURNING agent_key`,
      )
      .pluck();
  }

  /** A batch is being stored. Answers whether the agent has gaps, when that may have changed; else null. */
  arrived(agentKey: number, batch: CountedBatch): boolean | null {
    const { seq } = batch;
    const newestMs = batch.newestMs ?? batch.receivedAtMs;
    if (this.advance.run(seq, newestMs, agentKey, seq - 1).changes > 0) return null;
    const last = this.findLast.get(agentKey) ?? null;
    const holding = last === null || seq >= last.seq ? null : this.rangeWith(agentKey, seq);
    const arrival = judge(batch, last, holding);
    switch (arrival.kind) {
      case 'repeat':
        return null;
      case 'late':
        return this.replace(agentKey, holding as RangeRow, arrival.left);
      case 'ahead':
        this.add(agentKey, arrival.missing);
        break;
      case 'restart':
        this.close.run(agentKey);
        break;
      case 'next':
        break;
    }
    this.setLast.run(seq, newestMs, agentKey);
    return arrival.kind === 'ahead' ? true : null;
  }

  /**
   * The agent had to throw samples away. It says so until it has heard that this was recorded, meanwhile perhaps of more: a
   * report that covers an earlier one takes its place. Answers whether it says anything new.
   */
  dropped(agentKey: number, { fromMs, toMs, count }: DroppedReport): boolean {
    if (this.covering.get(agentKey, fromMs, toMs, count) !== undefined) return false;
    this.deleteCovered.run(agentKey, fromMs, toMs, count);
    if (this.insertDropped.run(fromMs, toMs, count, agentKey).changes === 0) return false;
    this.limit(agentKey);
    return true;
  }

  /** Deletes one slice of gaps that ended before a time: they go by days, as the samples around them do. */
  purge(beforeMs: number): PurgedGaps {
    const agentKeys = this.deleteBefore.all(Math.floor(beforeMs / UNIT_DAY_MS) * UNIT_DAY_MS);
    return {
      without: [...new Set(agentKeys)].filter((agentKey) => this.exists.get(agentKey) === undefined),
      more: agentKeys.length === SLICE_ROWS,
    };
  }

  private rangeWith(agentKey: number, seq: number): RangeRow | null {
    const range = this.findRange.get(agentKey, seq);
    return range === undefined || range.lastSeq < seq ? null : range;
  }

  /** What is left of a range, in its place. Answers whether the agent has any gaps. */
  private replace(agentKey: number, { id }: RangeRow, [first, second]: readonly MissingRange[]): boolean {
    if (first === undefined) {
      this.delete_.run(id);
      return this.exists.get(agentKey) !== undefined;
    }
    this.write(id, first);
    if (second !== undefined) this.add(agentKey, second);
    return true;
  }

  private add(agentKey: number, { firstSeq, lastSeq, fromMs, toMs, lost }: MissingRange): void {
    this.insert.run(agentKey, firstSeq, lastSeq, fromMs, toMs, lost);
    this.limit(agentKey);
  }

  private limit(agentKey: number): void {
    if ((this.count.get(agentKey) as number) <= MAX_GAPS) return;
    for (const group of closestTogether(this.all.all(agentKey), GAPS_AFTER_MERGING)) {
      const [kept, ...others] = group;
      for (const { id } of others) this.delete_.run(id);
      this.write((kept as GapRow).id, together(group));
    }
  }

  private write(id: number, { firstSeq, lastSeq, fromMs, toMs, lost }: Omit<LimitedGap, 'kind'>): void {
    this.update.run(firstSeq, lastSeq, fromMs, toMs, lost, id);
  }
}
