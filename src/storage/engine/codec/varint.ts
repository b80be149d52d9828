/**
 * Variable-length integers (LEB128, as in Protocol Buffers): 7 bits a byte, least significant first. `varint` is
 * unsigned 32 bit, `varint53` unsigned up to 2^53, `signed53` sign and magnitude up to 2^53.
 */
const MAX_MAGNITUDE = 2 ** 53;

/** The bytes are not what the format says; whoever reads them adds where they came from. */
export class CorruptDataError extends Error {
  override readonly name = 'CorruptDataError';
}

/** Maps signed to unsigned so that small magnitudes stay small: 0, −1, 1, −2 … → 0, 1, 2, 3 … */
export function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

export function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

/** Appends to a buffer that grows; `take` hands the bytes out and the writer can be used again. */
export class ByteWriter {
  private bytes = new Uint8Array(4_096);
  private length = 0;
  /** All of the buffer, for writers that fill a claimed range themselves; valid until the next write. */
  buffer = new DataView(this.bytes.buffer);

  varint(value: number): void {
    this.reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  uint32(value: number): void {
    this.byte(value & 0xff);
    this.byte((value >>> 8) & 0xff);
    this.byte((value >>> 16) & 0xff);
    this.byte(value >>> 24);
  }

  /** Unsigned, up to 2^53. */
  varint53(value: number): void {
    let rest = value;
    while (rest >= 0x8000_0000) {
      this.byte((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.varint(rest);
  }

  /** Magnitude up to 2^53; the sign is the lowest bit of the first byte, so that small numbers of both signs are short. */
  signed53(value: number): void {
    const magnitude = Math.abs(value);
    const rest = Math.floor(magnitude / 64);
    this.byte(((magnitude % 64) << 1) | (value < 0 ? 1 : 0) | (rest > 0 ? 0x80 : 0));
    if (rest > 0) this.varint53(rest);
  }

  /** Eight bytes, by their two halves: a NaN keeps its payload. */
  doubleBits(high: number, low: number): void {
    const at = this.claim(8);
    this.buffer.setUint32(at, low, true);
    this.buffer.setUint32(at + 4, high, true);
  }

  /** Makes room for `size` bytes (zeros or left-overs: the caller fills all of them in `buffer`); answers where they start. */
  claim(size: number): number {
    this.reserve(size);
    const at = this.length;
    this.length += size;
    return at;
  }

  get size(): number {
    return this.length;
  }

  /** Forgets everything from `size` on. */
  truncate(size: number): void {
    this.length = size;
  }

  /** Keeps the bytes from `from` on, in place of those from `to` (before it) on. */
  moveDown(from: number, to: number): void {
    this.bytes.copyWithin(to, from, this.length);
    this.length -= from - to;
  }

  /** What was written so far; valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** A copy of what was written; the writer starts anew. */
  take(): Uint8Array {
    const copy = this.bytes.slice(0, this.length);
    this.length = 0;
    return copy;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.bytes);
    this.bytes = grown;
    this.buffer = new DataView(grown.buffer);
  }
}

/** Reads what ByteWriter wrote. @throws CorruptDataError when the bytes end early or a varint is too long. */
export class ByteReader {
  /** `wholeBuffer`: a view of all of `bytes`, where there is one already. */
  constructor(
    private readonly bytes: Uint8Array,
    public offset = 0,
    private readonly end = bytes.length,
    private wholeBuffer: DataView | null = null,
  ) {}

  /** Bytes that are left. */
  get rest(): number {
    return this.end - this.offset;
  }

  /** All the bytes (from 0, also past `end`), for readers that take a range they have skipped apart themselves. */
  get buffer(): DataView {
    this.wholeBuffer ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    return this.wholeBuffer;
  }

  varint(): number {
    let result = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.byte();
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    throw new CorruptDataError(`varint longer than 5 bytes at byte ${this.offset}`);
  }

  varint53(): number {
    let result = 0;
    for (let scale = 1; scale < MAX_MAGNITUDE; scale *= 128) {
      const byte = this.byte();
      result += (byte & 0x7f) * scale;
      if (result > MAX_MAGNITUDE) break;
      if (byte < 0x80) return result;
    }
    throw new CorruptDataError(`varint beyond 2^53 at byte ${this.offset}`);
  }

  signed53(): number {
    const first = this.byte();
    const magnitude = ((first >> 1) & 0x3f) + (first < 0x80 ? 0 : this.varint53() * 64);
    if (magnitude > MAX_MAGNITUDE) throw new CorruptDataError(`varint beyond 2^53 at byte ${this.offset}`);
    return (first & 1) === 1 ? -magnitude : magnitude;
  }

  /** Passes over `length` bytes; answers where they start. */
  skip(length: number): number {
    if (length > this.end - this.offset)
      throw new CorruptDataError(`data ends at byte ${this.end}, ${length} bytes wanted at ${this.offset}`);
    this.offset += length;
    return this.offset - length;
  }

  byte(): number {
    if (this.offset >= this.end) throw new CorruptDataError(`data ends at byte ${this.offset}`);
    return this.bytes[this.offset++] as number;
  }

  raw(length: number): Uint8Array {
    const from = this.skip(length);
    return this.bytes.subarray(from, from + length);
  }
}
