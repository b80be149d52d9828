import { parseRfc3339Ms } from '../timestamps.js';

/** The longest RFC 3339 time: nine digits behind the second, and an offset. */
const MAX_LENGTH = 35;
const WORD = 4;
const QUOTE = 34;

/** RFC 3339 times from bytes. A collection cycle has one time for many metrics: the last one is known by its bytes. */
export class TimeReader {
  /** Where the text of the time that was read last ends. */
  end = 0;
  private readonly last = Buffer.alloc(MAX_LENGTH);
  private readonly lastView = new DataView(this.last.buffer, this.last.byteOffset, MAX_LENGTH);
  private lastLength = 0;
  private lastMs = NaN;

  /** Unix milliseconds of the text from `start` to the next quotation mark; NaN when that is no RFC 3339 time. */
  read(bytes: Buffer, view: DataView, start: number): number {
    const { lastLength } = this;
    if (lastLength > 0 && start + lastLength <= bytes.length && this.isLast(view, start, lastLength)) {
      this.end = start + lastLength;
      return this.lastMs;
    }
    const limit = Math.min(bytes.length, start + MAX_LENGTH + 1);
    let end = start;
    while (end < limit && bytes[end] !== QUOTE) end++;
    this.end = end;
    const timestampMs = parseRfc3339Ms(bytes.toString('latin1', start, end));
    if (!Number.isNaN(timestampMs)) {
      this.lastLength = bytes.copy(this.last, 0, start, end);
      this.lastMs = timestampMs;
    }
    return timestampMs;
  }

  /** Word by word; the last word reaches back into the one before (no time is shorter than five). */
  private isLast(view: DataView, start: number, length: number): boolean {
    const { lastView } = this;
    for (let i = 0; i <= length - WORD; i += WORD) if (view.getInt32(start + i) !== lastView.getInt32(i)) return false;
    return view.getInt32(start + length - WORD) === lastView.getInt32(length - WORD);
  }
}
