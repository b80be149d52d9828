/** Bytes that are expected to come again, in a form that is quick to compare: four at a time. */
export interface BytePiece {
  readonly length: number;
  readonly words: Int32Array;
  /** What is left when the words are through: up to three bytes. */
  readonly rest: readonly number[];
}

/** True when these bytes are at `at`. There must be as many: whoever calls has compared the lengths. */
export function isAt({ words, rest }: BytePiece, view: DataView, at: number): boolean {
  let next = at;
  for (let i = 0; i < words.length; i++) {
    if (view.getInt32(next, true) !== words[i]) return false;
    next += 4;
  }
  for (let i = 0; i < rest.length; i++) if (view.getUint8(next++) !== rest[i]) return false;
  return true;
}

export function bytePiece(bytes: Uint8Array): BytePiece {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = new Int32Array(bytes.length >> 2);
  for (let i = 0; i < words.length; i++) words[i] = view.getInt32(i * 4, true);
  return { length: bytes.length, words, rest: [...bytes.subarray(words.length * 4)] };
}

/** Longer pieces are nobody else's, and would be kept for ever. */
const MAX_SHARED_LENGTH = 256;

/**
 * Shares equal short pieces: the metrics of one interface end alike, and ten thousand agents name theirs alike.
 * Full means: not shared.
 */
export class PiecePool {
  private readonly pieces = new Map<string, BytePiece>();

  constructor(private readonly maxPieces: number) {}

  pieceOf(bytes: Buffer): BytePiece {
    const key = bytes.toString('latin1');
    const known = this.pieces.get(key);
    if (known !== undefined) return known;
    const piece = bytePiece(bytes);
    if (this.pieces.size < this.maxPieces && bytes.length <= MAX_SHARED_LENGTH) this.pieces.set(key, piece);
    return piece;
  }
}
