import { type BytePiece, bytePiece, isAt } from './byte-piece.js';

const MAX_LOCATION_BYTES = 4_096;
const MAX_PAUSE_FRAMES = 256;

/** What is remembered of one agent's frames, apart from its metrics. */
export class FrameMemory {
  private location: { readonly piece: BytePiece; readonly value: unknown } | null = null;
  private pauseFrames = 0;
  private framesToPass = 0;

  /** False for a while after frames that were not worth the attempt. To be asked once per frame. */
  isWorthTrying(): boolean {
    if (this.framesToPass === 0) return true;
    this.framesToPass--;
    return false;
  }

  /** How the attempt went. Every one that was in vain doubles the pause before the next. */
  note(worthIt: boolean): void {
    this.pauseFrames = worthIt ? 0 : Math.min(Math.max(this.pauseFrames * 2, 1), MAX_PAUSE_FRAMES);
    this.framesToPass = this.pauseFrames;
  }

  /** The length of the last location, when its bytes are here again; else 0. */
  knownLocationAt(view: DataView, at: number): number {
    const { location } = this;
    if (location === null || at + location.piece.length > view.byteLength || !isAt(location.piece, view, at)) return 0;
    return location.piece.length;
  }

  /** What the last location means. Never changed by anybody. */
  get lastLocation(): unknown {
    return this.location?.value;
  }

  /** Only whole values whose end is unmistakable: objects. */
  rememberLocation(bytes: Buffer, value: unknown): void {
    if (typeof value !== 'object' || value === null || bytes.length > MAX_LOCATION_BYTES) return;
    this.location = { piece: bytePiece(bytes), value };
  }
}
