/** How many times larger than the list a table may be that is indexed by id. */
const MAX_SPREAD = 8;

/**
 * The place of each series in a list, by its id. An agent's ids are nearly always neighbours, as its series came together:
 * then it is a table, which answers ten times as fast as a Map; every sample that is read asks it.
 */
export class SlotMap {
  private readonly lowest: number;
  private readonly table: Int32Array | null;
  private readonly map: Map<number, number> | null;

  /** `ids`: ascending. */
  constructor(readonly ids: readonly number[]) {
    this.lowest = ids[0] ?? 0;
    const spread = (ids.at(-1) ?? 0) - this.lowest + 1;
    const isDense = spread <= MAX_SPREAD * ids.length + MAX_SPREAD;
    this.table = isDense ? new Int32Array(spread).fill(-1) : null;
    this.map = isDense ? null : new Map();
    for (const [slot, id] of ids.entries()) {
      if (this.table !== null) this.table[id - this.lowest] = slot;
      else this.map?.set(id, slot);
    }
  }

  get size(): number {
    return this.ids.length;
  }

  /** −1: not in the list. */
  get(id: number): number {
    if (this.table !== null) return this.table[id - this.lowest] ?? -1;
    return this.map?.get(id) ?? -1;
  }
}
