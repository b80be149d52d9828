/**
 * A unit's bytes cut into parts, each a BLOB row of its own, so that a reader fetches only the parts it needs. A part
 * is a stretch of payload and its checksum, seeded with the part's number: neither flipped bits nor swapped rows go
 * unseen.
 *
 * PART_BYTES is chosen so that SQLite's overflow pages are filled to the last byte; FORMAT.md does the sum.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, CorruptDataError } from './codec/varint.js';

const CRC_BYTES = 4;
/** Bytes of an overflow page that hold payload, and the part of a record that then stays on its leaf: pages of 4096 bytes. */
const OVERFLOW_PAGE_PAYLOAD = 4_092;
const LEAF_PAYLOAD = 489;
const OVERFLOW_PAGES = 8;
/** The least that the record holds besides the BLOB: its header, when unit and part are the row id. Up to 8 bytes more cost nothing. */
const RECORD_BYTES = 5;

/** Bytes of every part but the last, with its checksum. */
export const PART_BYTES = LEAF_PAYLOAD + OVERFLOW_PAGES * OVERFLOW_PAGE_PAYLOAD - RECORD_BYTES;

/** Half-open range of bytes within a unit. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Where parts come from; `read` may be asked for any part from 0 to `partCount` − 1, in any order. */
export interface PartSource {
  readonly partCount: number;
  read(part: number): Uint8Array;
}

/** Cuts a unit into parts ready to store. */
export function cutIntoParts(bytes: Uint8Array, partBytes = PART_BYTES): Uint8Array[] {
  const payload = partBytes - CRC_BYTES;
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += payload) {
    const chunk = bytes.subarray(start, start + payload);
    const part = new Uint8Array(chunk.length + CRC_BYTES);
    part.set(chunk);
    new DataView(part.buffer).setUint32(chunk.length, crc32(chunk, parts.length), true);
    parts.push(part);
  }
  return parts;
}

/** The payload of a stored part. @throws CorruptDataError naming the part */
export function checkPart(bytes: Uint8Array, part: number): Uint8Array {
  const end = bytes.length - CRC_BYTES;
  if (end < 1) throw new CorruptDataError(`part ${part}: only ${bytes.length} bytes`);
  const payload = bytes.subarray(0, end);
  const stored = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(end, true);
  if (crc32(payload, part) !== stored) throw new CorruptDataError(`part ${part}: checksum mismatch`);
  return payload;
}

/** Parts that are already in memory. */
export function partsInMemory(parts: readonly Uint8Array[]): PartSource {
  return { partCount: parts.length, read: (part) => parts[part] as Uint8Array };
}

/** Ranges of a unit's bytes, put together from its parts as they are asked for. Each part is read and checked once. */
export class UnitBytes {
  private readonly payloads: (Payload | undefined)[] = [];

  constructor(
    private readonly source: PartSource,
    private readonly partBytes = PART_BYTES,
  ) {}

  private get partCount(): number {
    return this.source.partCount;
  }

  /** Bytes of payload in every part but the last. */
  private get partPayload(): number {
    return this.partBytes - CRC_BYTES;
  }

  /** @throws CorruptDataError when a unit of this many bytes is not made of as many parts as there are */
  expectSize(unitBytes: number): void {
    if (Math.ceil(unitBytes / this.partPayload) === this.partCount) return;
    throw new CorruptDataError(`a unit of ${unitBytes} bytes in ${this.partCount} parts`);
  }

  /** A reader of a range. @throws CorruptDataError when a part is corrupt or the unit ends before `end` */
  reader(start: number, end: number): ByteReader {
    const { partPayload } = this;
    const first = Math.floor(start / partPayload);
    const firstStart = first * partPayload;
    if (end > firstStart + partPayload) return new ByteReader(this.range(start, end));
    const { bytes, view } = this.part(first);
    if (end - firstStart > bytes.length) throw endsEarly(end);
    return new ByteReader(bytes, start - firstStart, end - firstStart, view);
  }

  /** The bytes of a range; not to be changed. @throws CorruptDataError when a part is corrupt or the unit ends before `end` */
  range(start: number, end: number): Uint8Array {
    const { partPayload } = this;
    const first = Math.floor(start / partPayload);
    const firstStart = first * partPayload;
    if (end <= firstStart + partPayload) return slice(this.part(first).bytes, start - firstStart, end - firstStart);
    if (end > this.partCount * partPayload) throw endsEarly(end);
    const bytes = new Uint8Array(end - start);
    for (let at = start; at < end; ) {
      const part = Math.floor(at / partPayload);
      const partStart = part * partPayload;
      const until = Math.min(end, partStart + partPayload);
      bytes.set(slice(this.part(part).bytes, at - partStart, until - partStart), at - start);
      at = until;
    }
    return bytes;
  }

  /** The payload of a part, checked. */
  private part(part: number): Payload {
    const read = this.payloads[part];
    if (read !== undefined) return read;
    if (part >= this.partCount) throw new CorruptDataError(`part ${part} of ${this.partCount}`);
    const payload = checkPart(this.source.read(part), part);
    const isLast = part === this.partCount - 1;
    if (payload.length > this.partPayload || (!isLast && payload.length !== this.partPayload)) {
      throw new CorruptDataError(`part ${part}: ${payload.length} bytes of payload`);
    }
    const known = { bytes: payload, view: new DataView(payload.buffer, payload.byteOffset, payload.length) };
    this.payloads[part] = known;
    return known;
  }
}

interface Payload {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

function slice(payload: Uint8Array, start: number, end: number): Uint8Array {
  if (end > payload.length) throw endsEarly(end);
  return payload.subarray(start, end);
}

function endsEarly(end: number): CorruptDataError {
  return new CorruptDataError(`the unit ends before byte ${end}`);
}
