import type { SpoolEntry, SpoolLimits } from './spool.js';

/** A week at 30 s with two batches each time; about 10 MB of memory. */
const DEFAULT_MAX_BATCHES = 50_000;

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

  /** All that must be given up at `nowMs`: too old, or the oldest of too many. Looks at each. */
  surplus(nowMs: number): E[] {
    return [...this.leaving(nowMs, this.totalBytes, this.size)].filter((entry) => entry !== null);
  }

  /**
   * The oldest that must be given up at `nowMs` so that one more, of `newBytes`, fits in. Looks no further than to the first that may
   * stay: one that is too old behind it (clocks were changed) goes when that has gone.
   */
  surplusFor(nowMs: number, newBytes: number): E[] {
    const surplus: E[] = [];
    for (const entry of this.leaving(nowMs, this.totalBytes + newBytes, this.size + 1)) {
      if (entry === null) break;
      surplus.push(entry);
    }
    return surplus;
  }

  /** For each, oldest first: itself when it must go, null when it may stay. */
  private *leaving(nowMs: number, bytes: number, batches: number): Generator<E | null> {
    const { maxAgeMs, maxBytes, maxBatches = DEFAULT_MAX_BATCHES } = this.limits;
    for (const entry of this.byId.values()) {
      const mustGo = entry.toMs < nowMs - maxAgeMs || bytes > maxBytes || batches > maxBatches;
      if (mustGo) {
        bytes -= entry.bytes;
        batches -= 1;
      }
      yield mustGo ? entry : null;
    }
  }
}
