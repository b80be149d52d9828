import type { FoldPart } from '../../engine/sample-fold.js';

/** Bytes of parts that one reader thread keeps for one kind of question. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Larger ones are not kept: they would drive out many that are as useful. */
const MAX_PART_BYTES = MAX_BYTES / 8;

interface Known<Part> {
  readonly unitIds: readonly number[];
  readonly part: Part;
}

/**
 * Parts of answers: what a stretch of time amounts to in a question, kept while the units it was made of are the ones that
 * count. A dashboard asks the same question every few seconds, and all but the last hour of its answer stays the same.
 * The least recently used leave first.
 */
export class AnswerParts<Part extends FoldPart> {
  private readonly known = new Map<string, Known<Part>>();
  private bytes = 0;

  /** The part, when it was made of exactly these units. */
  find(key: string, unitIds: readonly number[]): Part | null {
    const found = this.known.get(key);
    if (found === undefined) return null;
    this.forget(key, found);
    if (!isSame(found.unitIds, unitIds)) return null;
    this.keep(key, found);
    return found.part;
  }

  add(key: string, unitIds: readonly number[], part: Part): void {
    if (part.byteCount > MAX_PART_BYTES) return;
    const old = this.known.get(key);
    if (old !== undefined) this.forget(key, old);
    this.keep(key, { unitIds, part });
    for (const [oldest, known] of this.known) {
      if (this.bytes <= MAX_BYTES) return;
      this.forget(oldest, known);
    }
  }

  private keep(key: string, known: Known<Part>): void {
    this.known.set(key, known);
    this.bytes += known.part.byteCount + 8 * known.unitIds.length;
  }

  private forget(key: string, known: Known<Part>): void {
    this.known.delete(key);
    this.bytes -= known.part.byteCount + 8 * known.unitIds.length;
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
