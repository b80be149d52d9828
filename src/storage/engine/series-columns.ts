/**
 * Turns the rows of one agent's batches, in the order of their arrival, into one ascending column per series in
 * which every millisecond occurs once: the last row that arrived wins. This is where "same series and same
 * millisecond is one sample" is made true; every reader goes through here.
 *
 * Series are numbered by slot (0 … slots − 1), whatever the caller's slots mean. Rows are scattered by a counting
 * sort; agents send in ascending time, so that the sort per series is almost always skipped.
 */
export class SeriesColumns {
  private count = 0;
  private slots = new Uint32Array(4_096);
  private times = new Float64Array(4_096);
  private numbers = new Float64Array(4_096);
  private originOf = new Uint32Array(4_096);

  /** After `finish`: columns of all series one after the other; slot s has the rows from `starts[s]` to `ends[s]`. */
  timestampsMs = new Float64Array(0);
  values = new Float64Array(0);
  /** What the caller gave as `origin` of the row: which arrival it came from. */
  origins = new Uint32Array(0);
  starts = new Uint32Array(0);
  ends = new Uint32Array(0);

  private slotCount = 0;

  /** Forgets all rows and makes ready for series 0 … slotCount − 1. */
  reset(slotCount: number): void {
    this.slotCount = slotCount;
    this.count = 0;
  }

  get size(): number {
    return this.count;
  }

  add(slot: number, timestampMs: number, value: number, origin: number): void {
    if (this.count === this.slots.length) this.grow();
    const at = this.count++;
    this.slots[at] = slot;
    this.times[at] = timestampMs;
    this.numbers[at] = value;
    this.originOf[at] = origin;
  }

  /** Sorts and de-duplicates. */
  finish(): void {
    const starts = new Uint32Array(this.slotCount);
    const ends = new Uint32Array(this.slotCount);
    for (let i = 0; i < this.count; i += 1) (ends[this.slots[i] as number] as number)++;
    let total = 0;
    for (let slot = 0; slot < this.slotCount; slot += 1) {
      starts[slot] = total;
      total += ends[slot] as number;
      ends[slot] = starts[slot] as number;
    }
    this.timestampsMs = new Float64Array(total);
    this.values = new Float64Array(total);
    this.origins = new Uint32Array(total);
    for (let i = 0; i < this.count; i += 1) {
      const at = (ends[this.slots[i] as number] as number)++;
      this.timestampsMs[at] = this.times[i] as number;
      this.values[at] = this.numbers[i] as number;
      this.origins[at] = this.originOf[i] as number;
    }
    this.starts = starts;
    this.ends = ends;
    for (let slot = 0; slot < this.slotCount; slot += 1) this.order(slot);
  }

  private order(slot: number): void {
    const start = this.starts[slot] as number;
    const end = this.ends[slot] as number;
    let ascending = true;
    for (let i = start + 1; i < end && ascending; i += 1) {
      ascending = (this.timestampsMs[i] as number) > (this.timestampsMs[i - 1] as number);
    }
    if (ascending) return;
    const order = Array.from({ length: end - start }, (_, i) => start + i);
    // Stable: rows of one millisecond stay in the order of arrival, and the last of them is kept.
    order.sort((a, b) => (this.timestampsMs[a] as number) - (this.timestampsMs[b] as number));
    const kept = order.filter((row, i) => {
      const next = order[i + 1];
      return next === undefined || this.timestampsMs[next] !== this.timestampsMs[row];
    });
    const rows = kept.map((row) => [this.timestampsMs[row], this.values[row], this.origins[row]] as [number, number, number]);
    for (const [i, [time, value, origin]] of rows.entries()) {
      this.timestampsMs[start + i] = time;
      this.values[start + i] = value;
      this.origins[start + i] = origin;
    }
    this.ends[slot] = start + rows.length;
  }

  private grow(): void {
    const size = this.slots.length * 2;
    const { slots, times, numbers, originOf } = this;
    this.slots = new Uint32Array(size);
    this.slots.set(slots);
    this.times = new Float64Array(size);
    this.times.set(times);
    this.numbers = new Float64Array(size);
    this.numbers.set(numbers);
    this.originOf = new Uint32Array(size);
    this.originOf.set(originOf);
  }
}
