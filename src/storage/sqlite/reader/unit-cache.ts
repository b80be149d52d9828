import type { PartSource } from '../../engine/unit-parts.js';
import { RollupReader } from '../../engine/rollup-unit.js';
import { UnitReader } from '../../engine/unit-reader.js';
import { TIER, type UnitRow } from '../units/unit-rows.js';

/** Bytes of units one reader thread keeps; what was decoded of them comes to a few times as much. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Units read lately, the least recently used leave first. A unit never changes under its id, so nothing here is
 * ever out of date; whether a unit still counts is known from its row, which is read anew by every query.
 */
export class UnitCache {
  private readonly readers = new Map<number, { readonly reader: UnitReader | RollupReader; readonly bytes: number }>();
  private bytes = 0;

  constructor(private readonly partsOf: (row: UnitRow) => PartSource) {}

  /** Of a raw unit. */
  reader(row: UnitRow): UnitReader {
    return this.find(row) as UnitReader;
  }

  /** Of a rollup. */
  rollup(row: UnitRow): RollupReader {
    return this.find(row) as RollupReader;
  }

  private find(row: UnitRow): UnitReader | RollupReader {
    const known = this.readers.get(row.id);
    if (known !== undefined) {
      this.readers.delete(row.id);
      this.readers.set(row.id, known);
      return known.reader;
    }
    const reader = row.tier === TIER.raw ? new UnitReader(this.partsOf(row)) : new RollupReader(this.partsOf(row));
    this.readers.set(row.id, { reader, bytes: row.byteCount });
    this.bytes += row.byteCount;
    this.shrink();
    return reader;
  }

  private shrink(): void {
    for (const [id, { bytes }] of this.readers) {
      if (this.bytes <= MAX_BYTES || this.readers.size === 1) return;
      this.readers.delete(id);
      this.bytes -= bytes;
    }
  }
}
