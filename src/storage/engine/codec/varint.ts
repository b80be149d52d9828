/** Variable-length integers (LEB128, as in Protocol Buffers): 7 bits a byte, least significant first, unsigned 32 bit. */

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
  }
}

/** Reads what ByteWriter wrote. @throws CorruptDataError when the bytes end early or a varint is too long. */
export class ByteReader {
  constructor(
    private readonly bytes: Uint8Array,
    public offset = 0,
    private readonly end = bytes.length,
  ) {}

  varint(): number {
    let result = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.byte();
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    throw new CorruptDataError(`varint longer than 5 bytes at byte ${this.offset}`);
  }

  byte(): number {
    if (this.offset >= this.end) throw new CorruptDataError(`data ends at byte ${this.offset}`);
    return this.bytes[this.offset++] as number;
  }

  raw(length: number): Uint8Array {
    if (length > this.end - this.offset)
      throw new CorruptDataError(`data ends at byte ${this.end}, ${length} bytes wanted at ${this.offset}`);
    this.offset += length;
    return this.bytes.subarray(this.offset - length, this.offset);
  }
}
