import type { PartSource } from '../../engine/unit-parts.js';
import { UnitReader } from '../../engine/unit-reader.js';
import type { UnitRow } from '../units/unit-rows.js';

/** Bytes of units one reader thread keeps; what was decoded of them comes to a few times as much. */
const MAX_BYTES = 16 * 1024 * 1024;
const BYTES_PER_PART = 33_216;

/**
 * Units read lately, the least recently used leave first. A unit never changes under its id, so nothing here is
 * ever out of date; whether a unit still counts is known from its row, which is read anew by every query.
 */
export class UnitCache {
  private readonly readers = new Map<number, { readonly reader: UnitReader; readonly bytes: number }>();
  private bytes = 0;

  constructor(private readonly partsOf: (row: UnitRow) => PartSource) {}

  reader(row: UnitRow): UnitReader {
    const known = this.readers.get(row.id);
    if (known !== undefined) {
      this.readers.delete(row.id);
      this.readers.set(row.id, known);
      return known.reader;
    }
    const reader = new UnitReader(this.partsOf(row));
    const bytes = row.partCount * BYTES_PER_PART;
    this.readers.set(row.id, { reader, bytes });
    this.bytes += bytes;
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
