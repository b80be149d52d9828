import type { SpoolEntry, SpoolLimits } from './spool.js';

/** Which batches there are, in the order of their numbers, and which of them must go. Knows no disk. */
export class SpoolIndex<E extends SpoolEntry> {
  private readonly byId = new Map<string, E>();
  private totalBytes = 0;

  /** @param entries in any order */
  constructor(
    private readonly limits: SpoolLimits,
    entries: readonly E[] = [],
  ) {
    for (const entry of [...entries].sort((a, b) => a.seq - b.seq)) this.add(entry);
  }

  get bytes(): number {
    return this.totalBytes;
  }

  get size(): number {
    return this.byId.size;
  }

  /** Oldest first. */
  list(): E[] {
    return [...this.byId.values()];
  }

  get(batchId: string): E | null {
    return this.byId.get(batchId) ?? null;
  }

  /** To be called in the order of the numbers. */
  add(entry: E): void {
    this.remove(entry.batchId);
    this.byId.set(entry.batchId, entry);
    this.totalBytes += entry.bytes;
  }

  remove(batchId: string): E | null {
    const entry = this.get(batchId);
    if (entry === null) return null;
    this.byId.delete(batchId);
    this.totalBytes -= entry.bytes;
    return entry;
  }

  /** Those that must be given up at `nowMs` so that `newBytes` more fit in: too old, or the oldest of too many. */
  surplus(nowMs: number, newBytes: number): E[] {
    const surplus: E[] = [];
    let left = this.totalBytes + newBytes;
    for (const entry of this.byId.values()) {
      const isTooOld = entry.toMs < nowMs - this.limits.maxAgeMs;
      if (!isTooOld && left <= this.limits.maxBytes) continue;
      surplus.push(entry);
      left -= entry.bytes;
    }
    return surplus;
  }
}
