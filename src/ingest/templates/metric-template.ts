/**
 * What stays the same of a metric from cycle to cycle: all bytes of its JSON object but the number behind "value" and
 * the text of "timestamp". Where these bytes come again, with a number and a time between them, the object says what
 * it said before: it is the same series, and no key or tag needs to be looked at.
 *
 * A template is only ever made of an object that JSON.parse has read and the checks have passed.
 */
import { type BytePiece, isAt, type PiecePool } from './byte-piece.js';
import type { JsonNumberReader } from './json-number.js';
import type { JsonScanner } from './json-scanner.js';
import type { TimeReader } from './time-reader.js';

export interface MetricTemplate {
  readonly before: BytePiece;
  readonly between: BytePiece;
  readonly after: BytePiece;
  /** What comes first, the value or the time. */
  readonly valueFirst: boolean;
}

/** Longer objects are not worth the memory. */
const MAX_TEMPLATE_BYTES = 1_024;
/** Behind the end of every message. */
const NOWHERE = 2 ** 30;
const COLON = 58;
const COMMA = 44;
const OPEN_BRACE = 123;

/** Compares objects with templates. `value`, `timestampMs` and `end` are those of the last one that matched. */
export class TemplateMatcher {
  value = 0;
  timestampMs = 0;
  end = 0;

  constructor(
    private readonly numbers: JsonNumberReader,
    private readonly times: TimeReader,
  ) {}

  /** True when the object at `start` is the template's, its value a finite number, and its time one. */
  matches(template: MetricTemplate, bytes: Buffer, view: DataView, start: number): boolean {
    const { before, between, after, valueFirst } = template;
    const { length } = bytes;
    let at = start;
    if (at + before.length > length || !isAt(before, view, at)) return false;
    at += before.length;
    at = valueFirst ? this.readValue(bytes, at) : this.readTime(bytes, view, at);
    if (at + between.length > length || !isAt(between, view, at)) return false;
    at += between.length;
    at = valueFirst ? this.readTime(bytes, view, at) : this.readValue(bytes, at);
    if (at + after.length > length || !isAt(after, view, at)) return false;
    this.end = at + after.length;
    return true;
  }

  /** Where the value ends; beyond everything when there is none. */
  private readValue(bytes: Buffer, at: number): number {
    this.value = this.numbers.read(bytes, at);
    // Infinity less itself is NaN: one comparison finds both.
    return this.value - this.value === 0 ? this.numbers.end : NOWHERE;
  }

  private readTime(bytes: Buffer, view: DataView, at: number): number {
    this.timestampMs = this.times.read(bytes, view, at);
    return Number.isNaN(this.timestampMs) ? NOWHERE : this.times.end;
  }
}

/**
 * The template of the metric object in `bytes` from `start` to `end`, or null when it has none: no value, no plain
 * text as timestamp, or a key with escapes (which may be either of them). Of a key that comes twice the last counts.
 */
export function templateOf(scanner: JsonScanner, pool: PiecePool, bytes: Buffer, start: number, end: number): MetricTemplate | null {
  if (end - start > MAX_TEMPLATE_BYTES) return null;
  let value: Hole | null = null;
  let time: Hole | null = null;
  scanner.start(bytes, start, end);
  if (!scanner.take(OPEN_BRACE)) return null;
  do {
    const key = scanner.plainString();
    if (key === null || !scanner.take(COLON)) return null;
    scanner.peek();
    const from = scanner.at;
    if (key === 'timestamp') {
      if (scanner.plainString() === null) return null;
      time = { from: from + 1, to: scanner.at - 1 };
    } else {
      if (!scanner.skipValue()) return null;
      if (key === 'value') value = { from, to: scanner.at };
    }
  } while (scanner.take(COMMA));
  if (value === null || time === null) return null;
  const valueFirst = value.from < time.from;
  const [one, other] = valueFirst ? [value, time] : [time, value];
  return {
    before: pool.pieceOf(bytes.subarray(start, one.from)),
    between: pool.pieceOf(bytes.subarray(one.to, other.from)),
    after: pool.pieceOf(bytes.subarray(other.to, end)),
    valueFirst,
  };
}

interface Hole {
  readonly from: number;
  readonly to: number;
}
