import type { PartSource } from '../../engine/unit-parts.js';
import { RollupReader } from '../../engine/rollup-unit.js';
import { UnitReader } from '../../engine/unit-reader.js';
import { TIER, type UnitRow } from '../units/unit-rows.js';

/** Bytes of units one reader thread keeps; what was decoded of them comes to a few times as much. */
const MAX_BYTES = 8 * 1024 * 1024;

interface Known {
  readonly reader: UnitReader | RollupReader;
  readonly bytes: number;
}

/**
 * Units read lately. A unit never changes under its id, so nothing here is ever out of date; whether a unit still counts is
 * known from its row, which every query asks for.
 *
 * Which one leaves is left to chance: a question about a whole fleet goes through more units than there is room for, in the
 * same order each time, and of these "least recently used" would keep none until the next time.
 */
export class UnitCache {
  private readonly known = new Map<number, Known>();
  private readonly ids: number[] = [];
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
    const known = this.known.get(row.id);
    if (known !== undefined) return known.reader;
    while (this.bytes + row.byteCount > MAX_BYTES && this.ids.length > 0) this.removeAny();
    const reader = row.tier === TIER.raw ? new UnitReader(this.partsOf(row)) : new RollupReader(this.partsOf(row));
    this.known.set(row.id, { reader, bytes: row.byteCount });
    this.ids.push(row.id);
    this.bytes += row.byteCount;
    return reader;
  }

  private removeAny(): void {
    const place = Math.floor(Math.random() * this.ids.length);
    const id = this.ids[place] as number;
    const last = this.ids.pop() as number;
    this.bytes -= (this.known.get(id) as Known).bytes;
    this.known.delete(id);
    if (place < this.ids.length) this.ids[place] = last;
  }
}
