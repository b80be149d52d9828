import type { PartSource } from '../../engine/unit-parts.js';
import type { TierName } from '../../ports.js';
import type { Db } from '../open.js';

/** What a unit holds: samples as they came, or a rollup of them. */
export const TIER = { raw: 0, fiveMinutes: 1, oneHour: 2 } as const;
export type Tier = (typeof TIER)[keyof typeof TIER];
export type RollupTier = Exclude<Tier, typeof TIER.raw>;
/** As people call them. */
export const TIER_NAME: Readonly<Record<Tier, TierName>> = { [TIER.raw]: 'raw', [TIER.fiveMinutes]: '5m', [TIER.oneHour]: '1h' };
/** What one row of a rollup covers. */
export const ROLLUP_STEP_MS: Readonly<Record<RollupTier, number>> = { [TIER.fiveMinutes]: 300_000, [TIER.oneHour]: 3_600_000 };
/** Rollups and daily raw units cover a day each. */
export const UNIT_DAY_MS = 86_400_000;

/** Parts of one unit at the most; ids of parts are `unit id × MAX_PARTS + part`. */
export const MAX_PARTS = 4_096;

export interface UnitRow {
  readonly id: number;
  readonly tier: Tier;
  readonly agentKey: number;
  readonly startMs: number;
  readonly spanMs: number;
  readonly byteCount: number;
  readonly partCount: number;
}

/** A unit to be written. */
export interface NewUnit {
  readonly tier: Tier;
  readonly startMs: number;
  readonly spanMs: number;
  /** Samples, or rows of the rollup: what is stored, whatever it stands for. */
  readonly sampleCount: number;
  readonly parts: readonly Uint8Array[];
}

const SELECT =
  'SELECT id, tier, agent_key AS agentKey, start_ms AS startMs, span_ms AS spanMs, byte_count AS byteCount, part_count AS partCount FROM units';

/**
 * Rows of `units` and `unit_parts`. A unit is never changed: another takes its place, under another id, in one
 * transaction. So whatever was read of an id may be kept for as long as one likes.
 */
export class UnitRows {
  private readonly selectStarting;
  private readonly selectStartingOf;
  private readonly selectOne;
  private readonly selectPart;
  private readonly insertUnit;
  private readonly insertPart;
  private readonly deleteUnit;
  private readonly deleteParts;

  constructor(db: Db) {
    this.selectStarting = db.prepare<[Tier, number, number], UnitRow>(
      `${SELECT} WHERE tier = ? AND start_ms >= ? AND start_ms < ? ORDER BY agent_key, start_ms`,
    );
    this.selectStartingOf = db.prepare<[Tier, number, number, number], UnitRow>(
      `${SELECT} WHERE tier = ? AND start_ms >= ? AND start_ms < ? AND agent_key = ? ORDER BY start_ms`,
    );
    this.selectOne = db.prepare<[number, number], number>('SELECT 1 FROM units WHERE id = ? AND agent_key = ?').pluck();
    this.selectPart = db.prepare<[number], Buffer>('SELECT payload FROM unit_parts WHERE id = ?').pluck();
    this.insertUnit = db.prepare(
      `INSERT INTO units (tier, start_ms, agent_key, span_ms, sample_count, byte_count, part_count) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.insertPart = db.prepare('INSERT INTO unit_parts (id, payload) VALUES (?, ?)');
    this.deleteUnit = db.prepare('DELETE FROM units WHERE id = ? AND agent_key = ?');
    this.deleteParts = db.prepare('DELETE FROM unit_parts WHERE id >= ? AND id < ?');
  }

  /** Units of a tier that start in `[fromMs, toMs)`, by agent and time; of one agent when a key is given. */
  starting(tier: Tier, fromMs: number, toMs: number, agentKey: number | null = null): UnitRow[] {
    return agentKey === null ? this.selectStarting.all(tier, fromMs, toMs) : this.selectStartingOf.all(tier, fromMs, toMs, agentKey);
  }

  /** Whether there is such a unit of this agent (still). */
  has(id: number, agentKey: number): boolean {
    return this.selectOne.get(id, agentKey) !== undefined;
  }

  /** Where a unit's parts come from. To be read within the transaction in which the row was found. */
  parts({ id, partCount }: UnitRow): PartSource {
    return {
      partCount,
      read: (part) => {
        const payload = this.selectPart.get(id * MAX_PARTS + part);
        if (payload === undefined) throw new Error(`unit ${id} has no part ${part}`);
        return payload;
      },
    };
  }

  insert(agentKey: number, unit: NewUnit): void {
    const { tier, startMs, spanMs, sampleCount, parts } = unit;
    if (parts.length > MAX_PARTS) throw new Error(`a unit of ${parts.length} parts is too large`);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const { lastInsertRowid } = this.insertUnit.run(tier, startMs, agentKey, spanMs, sampleCount, bytes, parts.length);
    for (const [i, part] of parts.entries()) this.insertPart.run(Number(lastInsertRowid) * MAX_PARTS + i, part);
  }

  /** False when there is no such unit of this agent (any more). */
  remove(id: number, agentKey: number): boolean {
    if (this.deleteUnit.run(id, agentKey).changes === 0) return false;
    this.deleteParts.run(id * MAX_PARTS, (id + 1) * MAX_PARTS);
    return true;
  }
}
