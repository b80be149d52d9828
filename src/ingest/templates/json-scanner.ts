/**
 * Finds its way through the bytes of a JSON text without making anything of them: where a string or a value ends.
 * It does not check what it passes over: whoever skips a value either has it read by JSON.parse or knows its bytes.
 */

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const SPACE = 32;
const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

export class JsonScanner {
  bytes: Buffer = NOTHING;
  /** The next byte to look at. */
  at = 0;
  end = 0;

  start(bytes: Buffer, at = 0, end = bytes.length): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** The next byte that is no white space, or -1 at the end. */
  peek(): number {
    const { bytes, end } = this;
    while (this.at < end) {
      const byte = bytes[this.at] as number;
      if (byte !== SPACE && byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== TAB) return byte;
      this.at++;
    }
    return -1;
  }

  /** Passes over white space and this byte, if that is what comes. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.at++;
    return true;
  }

  /**
   * Passes over a string that stands for itself: no escapes, no control characters.
   * @returns its text, or null when something else comes; then nothing is said about `at`
   */
  plainString(): string | null {
    if (!this.take(QUOTE)) return null;
    const { bytes, end } = this;
    const start = this.at;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.at = at + 1;
        return bytes.toString('utf8', start, at);
      }
      if (byte === BACKSLASH || byte < SPACE) return null;
    }
    return null;
  }

  /** Passes over one value of whatever kind. False when it has no end. What is between may still be no JSON. */
  skipValue(): boolean {
    const first = this.peek();
    if (first === QUOTE) return this.skipString();
    if (first === OPEN_BRACE || first === OPEN_BRACKET) return this.skipNested();
    const start = this.at;
    for (; this.at < this.end; this.at++) {
      const byte = this.bytes[this.at] as number;
      if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= SPACE) break;
    }
    return this.at > start;
  }

  private skipString(): boolean {
    const { bytes, end } = this;
    for (let at = this.at + 1; at < end; at++) {
      const byte = bytes[at];
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) {
        this.at = at + 1;
        return true;
      }
    }
    return false;
  }

  private skipNested(): boolean {
    const { bytes, end } = this;
    let levels = 0;
    while (this.at < end) {
      const byte = bytes[this.at];
      if (byte === QUOTE) {
        if (!this.skipString()) return false;
        continue;
      }
      this.at++;
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) levels++;
      else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --levels === 0) return true;
    }
    return false;
  }
}

const NOTHING = Buffer.alloc(0);
