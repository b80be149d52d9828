/**
 * `metrics` frames straight from their bytes. An agent's metric objects are the same from cycle to cycle but for value
 * and time (metric-template.ts), and come in the same order: so each object is compared with the template of the
 * series that is likely to be next, and two numbers are all that is read of it. An object that is not as expected is
 * read by JSON.parse, alone, and taught for the next time. (Whole frames do not repeat: batches straddle cycles.)
 *
 * What comes out is what JSON.parse of the whole frame and MetricFrameDecoder would have made of it, in every field;
 * test/property/fast-parser.test.ts holds the two together. Whatever is not plainly a `metrics` frame that can be
 * stored (another type, no JSON, a key twice or with escapes, an envelope that would be refused) answers null, and is
 * read, judged and answered the other way; nothing has been changed then. The same for a time after attempts that
 * were in vain: an agent that never repeats itself costs what it cost before.
 */
import { type BatchEnvelope, readBatchEnvelope } from '../messages.js';
import { isPlainObject, type RawMetric } from '../metric-checks.js';
import type { MetricFrameDecoder } from '../metric-frame.js';
import { type DecodedBatch, isAbsent, type MetricRows } from '../metric-rows.js';
import type { SeriesDictionary, SeriesEntry } from '../series-dictionary.js';
import { PiecePool } from './byte-piece.js';
import type { FrameMemory } from './frame-memory.js';
import { JsonNumberReader } from './json-number.js';
import { JsonScanner } from './json-scanner.js';
import { TemplateMatcher, templateOf } from './metric-template.js';
import { TimeReader } from './time-reader.js';

/** A batch that was read, and what of its envelope matters. */
export interface KnownBatch {
  readonly decoded: DecodedBatch;
  readonly batchId: string | null;
  readonly location: unknown;
}

const MAX_SHARED_PIECES = 20_000;
/** An attempt is in vain when more than one in so many metrics had to be parsed although the agent is known. */
const WORTHWHILE_RATIO = 4;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** Frames are read one at a time and to the end: what is known of the one being read is kept in fields. */
export class KnownFrameReader {
  private readonly scanner = new JsonScanner();
  private readonly objectScanner = new JsonScanner();
  private readonly matcher = new TemplateMatcher(new JsonNumberReader(), new TimeReader());
  private readonly pieces = new PiecePool(MAX_SHARED_PIECES);
  private view: DataView = NO_VIEW;
  private rows: MetricRows | null = null;
  /** Metrics of the frame that were parsed although their series had a template, or can have none. */
  private missed = 0;

  constructor(
    private readonly decoder: MetricFrameDecoder,
    private readonly maxMetrics: number,
  ) {}

  /** Reads one message of this agent, or answers null and has changed nothing. Never throws. */
  read(bytes: Buffer, dictionary: SeriesDictionary, agentKey: number, receivedAtMs: number): KnownBatch | null {
    const { memory } = dictionary;
    // Nobody knows what this agent sends next: reading it whole is quicker.
    if (dictionary.last.next === null || !memory.isWorthTrying()) return null;
    this.scanner.start(bytes);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.missed = 0;
    const data: EnvelopeData = {
      timestamp: undefined,
      batch_id: undefined,
      batchId: undefined,
      seq: undefined,
      location: undefined,
      metrics: [],
    };
    const understood = this.readFrame(data, dictionary, receivedAtMs);
    const { rows } = this;
    // Rows know the agent's dictionary, and this reader outlives its agents.
    this.rows = null;
    this.view = NO_VIEW;
    if (rows === null) return null;
    memory.note(understood && this.missed * WORTHWHILE_RATIO <= rows.count);
    const envelope = understood && rows.count > 0 ? envelopeOf(data, this.maxMetrics) : null;
    if (envelope === null) {
      rows.abandon();
      return null;
    }
    const { batchId, seq, timestamp, location } = envelope;
    return { batchId, location, decoded: rows.finish({ agentKey, batchId, seq, timestamp }) };
  }

  /** `{"data": {…}, "type": "metrics"}` in any order, with anything else between. */
  private readFrame(data: EnvelopeData, dictionary: SeriesDictionary, receivedAtMs: number): boolean {
    const { scanner } = this;
    let hasData = false;
    let hasType = false;
    if (!scanner.take(OPEN_BRACE)) return false;
    do {
      const key = scanner.plainString();
      if (key === null || !scanner.take(COLON)) return false;
      if (key === 'data') {
        if (hasData || !this.readData(data, dictionary, receivedAtMs)) return false;
        hasData = true;
      } else if (key === 'type') {
        if (scanner.plainString() !== 'metrics') return false;
        hasType = true;
      } else if (this.readValue() === UNREADABLE) {
        return false;
      }
    } while (scanner.take(COMMA));
    return hasData && hasType && scanner.take(CLOSE_BRACE) && scanner.peek() === -1;
  }

  private readData(data: EnvelopeData, dictionary: SeriesDictionary, receivedAtMs: number): boolean {
    const { scanner } = this;
    if (!scanner.take(OPEN_BRACE)) return false;
    do {
      const key = scanner.plainString();
      if (key === null || !scanner.take(COLON)) return false;
      if (key === 'metrics') {
        if (this.rows !== null) return false;
        this.rows = this.decoder.open(dictionary, receivedAtMs);
        if (!this.readMetrics(this.rows)) return false;
      } else {
        const value = key === 'location' ? this.readLocation(dictionary.memory) : this.readValue();
        if (value === UNREADABLE) return false;
        // When a key comes twice, the last one counts.
        if (key === 'timestamp' || key === 'batch_id' || key === 'batchId' || key === 'seq' || key === 'location') data[key] = value;
      }
    } while (scanner.take(COMMA));
    return scanner.take(CLOSE_BRACE);
  }

  private readMetrics(rows: MetricRows): boolean {
    const { scanner, matcher, view } = this;
    if (!scanner.take(OPEN_BRACKET)) return false;
    if (scanner.take(CLOSE_BRACKET)) return true;
    do {
      if (rows.count === this.maxMetrics) return false;
      const { expected } = rows;
      const template = expected?.template;
      scanner.peek();
      if (template && matcher.matches(template, scanner.bytes, view, scanner.at) && rows.takes(matcher.timestampMs)) {
        rows.addKnown(expected, matcher.value, matcher.timestampMs);
        scanner.at = matcher.end;
      } else if (!this.parseMetric(rows, expected)) {
        return false;
      }
    } while (scanner.take(COMMA));
    return scanner.take(CLOSE_BRACKET);
  }

  /** One metric by JSON.parse. Its series learns its template, at first sight and when it has changed its form. */
  private parseMetric(rows: MetricRows, expected: SeriesEntry | null): boolean {
    const { scanner } = this;
    const { bytes, at: start } = scanner;
    const metric = this.readValue();
    if (metric === UNREADABLE) return false;
    // The batch's own time counts for this one, and it may still be to come.
    if (isPlainObject(metric) && isAbsent(metric.timestamp)) return false;
    const entry = rows.add(metric as RawMetric);
    const isKnown = entry === null || entry.template !== undefined;
    if (isKnown) this.missed++;
    if (entry !== null && (!isKnown || (entry === expected && entry.template !== null))) {
      entry.template = templateOf(this.objectScanner, this.pieces, bytes, start, scanner.at);
    }
    return true;
  }

  private readLocation(memory: FrameMemory): unknown {
    const { scanner } = this;
    scanner.peek();
    const start = scanner.at;
    const knownLength = memory.knownLocationAt(this.view, start);
    if (knownLength > 0) {
      scanner.at += knownLength;
      return memory.lastLocation;
    }
    const location = this.readValue();
    if (location !== UNREADABLE) memory.rememberLocation(scanner.bytes.subarray(start, scanner.at), location);
    return location;
  }

  /** Passes over one value and answers it, or UNREADABLE. */
  private readValue(): unknown {
    const { scanner } = this;
    const isText = scanner.peek() === QUOTE;
    const start = scanner.at;
    if (isText) {
      const text = scanner.plainString();
      if (text !== null) return text;
      scanner.at = start;
    }
    if (!scanner.skipValue()) return UNREADABLE;
    try {
      return JSON.parse(scanner.bytes.toString('utf8', start, scanner.at));
    } catch {
      return UNREADABLE;
    }
  }
}

/** What is kept of `data`; everything else in it is only passed over. */
interface EnvelopeData extends Record<string, unknown> {
  timestamp: unknown;
  batch_id: unknown;
  batchId: unknown;
  seq: unknown;
  location: unknown;
  metrics: [];
}

function envelopeOf(data: EnvelopeData, maxMetrics: number): BatchEnvelope | null {
  try {
    return readBatchEnvelope(data, maxMetrics);
  } catch {
    return null;
  }
}

const UNREADABLE = Symbol('unreadable');
const NO_VIEW = new DataView(new ArrayBuffer(0));
