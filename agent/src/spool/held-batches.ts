import type { Batch } from '../model.js';

/** Batches the disk does not take at the moment, oldest first, up to a limit. */
export class HeldBatches {
  private readonly byId = new Map<string, { readonly bytes: number; readonly batch: Batch }>();
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  get size(): number {
    return this.byId.size;
  }

  list(): Batch[] {
    return Array.from(this.byId.values(), ({ batch }) => batch);
  }

  get(batchId: string): Batch | null {
    return this.byId.get(batchId)?.batch ?? null;
  }

  /** Keeps one more; the answer is the ids of those that did not fit any longer, the oldest first. They are gone from here. */
  add(batchId: string, bytes: number, batch: Batch): string[] {
    this.byId.set(batchId, { bytes, batch });
    this.bytes += bytes;
    const evicted: string[] = [];
    for (const id of this.byId.keys()) {
      if (this.bytes <= this.maxBytes) break;
      this.remove(id);
      evicted.push(id);
    }
    return evicted;
  }

  remove(batchId: string): void {
    this.bytes -= this.byId.get(batchId)?.bytes ?? 0;
    this.byId.delete(batchId);
  }
}
