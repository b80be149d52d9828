import { isoTime } from '../model/iso-time.js';

/**
 * A frame to consoles, `{type, data, timestamp}`. It is written once for all of them, and not before somebody is
 * sent it: news nobody has room for costs no JSON, and a fleet's worth of frames is written in the slices it is
 * sent in.
 */
export class SharedFrame {
  private written: Buffer | null = null;

  constructor(
    private readonly type: string,
    private readonly data: () => object,
    private readonly nowMs: () => number,
  ) {}

  /** JSON as UTF-8. */
  get bytes(): Buffer {
    this.written ??= Buffer.from(JSON.stringify({ type: this.type, data: this.data(), timestamp: isoTime(this.nowMs()) }));
    return this.written;
  }
}
