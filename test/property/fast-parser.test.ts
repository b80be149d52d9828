import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { parseFrame } from '../../src/ingest/agent-frames.js';
import { readBatchEnvelope } from '../../src/ingest/messages.js';
import { MetricFrameDecoder, settleAppended, settleFailed } from '../../src/ingest/metric-frame.js';
import type { DecodedBatch } from '../../src/ingest/metric-rows.js';
import { SeriesDictionary, StringPool } from '../../src/ingest/series-dictionary.js';
import { JsonNumberReader } from '../../src/ingest/templates/json-number.js';
import { KnownFrameReader } from '../../src/ingest/templates/known-frame-reader.js';
import { goAgentFrames } from '../helpers/fixtures.js';
import { OddAgent } from '../helpers/odd-frames.js';
import { SeededRandom } from '../helpers/seeded-random.js';

const LIMITS = {
  maxMetricsPerBatch: 12,
  maxTagsPerMetric: 2,
  maxTagLength: 40,
  maxTagsLength: 60,
  maxNameLength: 20,
  maxObjectValueBytes: 80,
};
const NOW_MS = Date.UTC(2026, 10, 22, 20, 0, 0);
const AGENT_KEY = 3;

type Read = { decoded: DecodedBatch; batchId: string | null; location: unknown };

/** A message the ordinary way: what it is as a batch, or null when it is something else or refused. */
function readByJson(decoder: MetricFrameDecoder, dictionary: SeriesDictionary, bytes: Buffer): Read | null {
  const frame = parseFrame(bytes.toString(), 0);
  if ('code' in frame || frame.type !== 'metrics') return null;
  try {
    const { batchId, seq, timestamp, location, metrics } = readBatchEnvelope(frame.data, LIMITS.maxMetricsPerBatch);
    const decoded = decoder.decode(dictionary, metrics, { agentKey: AGENT_KEY, batchId, seq, receivedAtMs: NOW_MS, timestamp });
    return { decoded, batchId, location };
  } catch {
    return null;
  }
}

/** One agent read both ways, with a dictionary for each. */
class Twins {
  readonly plain = new SeriesDictionary(new StringPool(100));
  readonly quick = new SeriesDictionary(new StringPool(100));
  private readonly unsettled: (readonly [DecodedBatch, DecodedBatch])[] = [];

  constructor(
    private readonly decoders: {
      readonly plain: MetricFrameDecoder;
      readonly quick: MetricFrameDecoder;
      readonly reader: KnownFrameReader;
    },
    private readonly random: SeededRandom,
    private readonly ids: { next: number },
  ) {}

  /** Reads a message; true when the quick way understood it. */
  read(bytes: Buffer): boolean {
    const { plain, quick, reader } = this.decoders;
    const expected = readByJson(plain, this.plain, bytes);
    const before = this.quick.size;
    const known = reader.read(bytes, this.quick, AGENT_KEY, NOW_MS);
    if (known === null) expect(this.quick.size).toBe(before);
    const read = known ?? readByJson(quick, this.quick, bytes);
    if (read === null || expected === null) {
      expect(read).toBe(expected);
      return false;
    }
    expect(shape(read)).toEqual(shape(expected));
    this.unsettled.push([expected.decoded, read.decoded]);
    if (this.random.next() < 0.8) this.settle();
    return known !== null;
  }

  /** Storage answers, for both alike: with ids, with a full dictionary, or not at all. */
  private settle(): void {
    for (const [expected, read] of this.unsettled.splice(0)) {
      const outcome = this.random.next();
      const newSeriesIds = expected.newEntries.map(() => (outcome < 0.1 ? 0 : this.ids.next++));
      const result = { duplicate: false, processed: 0, errors: 0, newSeriesIds };
      for (const [decoded, dictionary] of [
        [expected, this.plain],
        [read, this.quick],
      ] as const) {
        if (outcome < 0.05) settleFailed(decoded, dictionary);
        else settleAppended(decoded, dictionary, result);
      }
      expect(read.rejections).toEqual(expected.rejections);
      expect(this.quick.size).toBe(this.plain.size);
    }
  }
}

/** Everything of a batch, so that it can be compared; doubles bit for bit. */
function shape({ decoded, batchId, location }: Read): unknown {
  const { batch, entries, newEntries, rowIndex, rejections } = decoded;
  const { values, timestampsMs, seriesIds, ...rest } = batch;
  const identity = ({ id, name, type, unit, tags, tagsJson }: (typeof entries)[number]): unknown => [id, name, type, unit, tags, tagsJson];
  return {
    ...rest,
    envelope: { batchId, location },
    values: bits(values),
    timestampsMs: bits(timestampsMs),
    seriesIds: [...seriesIds],
    entries: entries.map(identity),
    newEntries: newEntries.map(identity),
    rowIndex,
    rejections: [rejections.total, rejections.lastError, rejections.details, [...rejections.counts]],
  };
}

function bits(doubles: Float64Array): bigint[] {
  return [...new BigUint64Array(doubles.slice().buffer)];
}

function twins(agents: number, random: SeededRandom): Twins[] {
  const plain = new MetricFrameDecoder(LIMITS, 86_400_000);
  const quick = new MetricFrameDecoder(LIMITS, 86_400_000);
  const decoders = { plain, quick, reader: new KnownFrameReader(quick, LIMITS.maxMetricsPerBatch) };
  const ids = { next: 1 };
  return Array.from({ length: agents }, () => new Twins(decoders, random, ids));
}

describe('the fast parser', () => {
  test.each([
    ['as a rule', 0, 0.5],
    ['with something odd now and then', 0.005, 0.2],
    ['with much that is odd', 0.05, 0.005],
  ])('makes of frames what JSON.parse and the checks make of them: %s', (_, oddness, leastShare) => {
    let frames = 0;
    let understood = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new SeededRandom(seed);
        const pairs = twins(3, random).map((twin) => ({ twin, agent: new OddAgent(random, oddness) }));
        for (let n = 0; n < 60; n++) {
          const { twin, agent } = pairs[random.between(0, 2)] as (typeof pairs)[number];
          const bytes = agent.frame();
          frames++;
          try {
            if (twin.read(bytes)) understood++;
          } catch (error) {
            throw new Error(`frame ${n}: ${bytes.toString()}`, { cause: error });
          }
        }
      }),
      { numRuns: 100 },
    );
    expect(understood / frames).toBeGreaterThan(leastShare);
  });

  test('reads the real agent from its third frame on, and from the fourth without JSON.parse', () => {
    const limits = { ...LIMITS, maxMetricsPerBatch: 100, maxNameLength: 100 };
    const decoder = new MetricFrameDecoder(limits, 86_400_000);
    const reader = new KnownFrameReader(decoder, limits.maxMetricsPerBatch);
    const dictionary = new SeriesDictionary(new StringPool(100));
    const parse = jest.spyOn(JSON, 'parse');
    const frames = goAgentFrames().filter(({ type }) => type === 'metrics');
    const ways = frames.map(({ text, data }) => {
      parse.mockClear();
      const known = reader.read(Buffer.from(text), dictionary, AGENT_KEY, NOW_MS);
      const parsed = parse.mock.calls.length;
      if (known === null) {
        decoder.decode(dictionary, data.metrics ?? [], {
          agentKey: AGENT_KEY,
          batchId: null,
          seq: null,
          receivedAtMs: NOW_MS,
          timestamp: data.timestamp,
        });
        return 'not understood';
      }
      expect(known.location).toEqual((JSON.parse(text) as { data: { location: unknown } }).data.location);
      expect([...known.decoded.batch.values]).toEqual(data.metrics?.map(({ value }) => value));
      expect([...known.decoded.batch.timestampsMs]).toEqual(data.metrics?.map(({ timestamp }) => Date.parse(timestamp)));
      return parsed === 0 ? 'known' : 'learnt';
    });
    parse.mockRestore();
    expect(frames.length).toBeGreaterThan(4);
    expect(ways).toEqual(['not understood', 'not understood', 'learnt', ...frames.slice(3).map(() => 'known')]);
  });

  test('an agent that never repeats itself is soon read by JSON.parse alone, and tried again now and then', () => {
    const decoder = new MetricFrameDecoder(LIMITS, 86_400_000);
    const reader = new KnownFrameReader(decoder, 10);
    const dictionary = new SeriesDictionary(new StringPool(100));
    const tried = Array.from({ length: 2_000 }, (_, n) => {
      const metrics = ['a', 'b', 'c'].map((name) => `{"name":"${name}","type":"gauge","value":1,"timestamp":${NOW_MS},"n":${n}}`);
      const bytes = Buffer.from(`{"data":{"metrics":[${metrics.join(',')}]},"type":"metrics"}`);
      const known = reader.read(bytes, dictionary, AGENT_KEY, NOW_MS);
      if (known === null) readByJson(decoder, dictionary, bytes);
      return known !== null;
    });
    const count = tried.filter(Boolean).length;
    expect(count).toBeGreaterThan(5);
    expect(count).toBeLessThan(20);
  });

  test('reads numbers as JSON.parse does, bit for bit, and to their ends', () => {
    const reader = new JsonNumberReader();
    const digits = (least: number, most: number): fc.Arbitrary<string> =>
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: least, maxLength: most }).map((list) => list.join(''));
    const written = fc
      .tuple(
        fc.constantFrom('', '-'),
        digits(0, 20),
        fc.constantFrom('', '.'),
        digits(0, 20),
        fc.constantFrom('', '', '', 'e5', 'E-7', 'e+', 'e400'),
      )
      .map((parts) => parts.join(''));
    const shortest = fc.double().map(String);
    const long = fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-4, max: 1e14 }).map((value) => value.toPrecision(17));
    const halfway = fc.double({ noNaN: true, min: 1, max: 1e6 }).map((value) => halfwayAbove(value));
    fc.assert(
      fc.property(fc.oneof(written, shortest, long, halfway), fc.constantFrom(',', '}', ' ', ''), (text, behind) => {
        const value = reader.read(Buffer.from(text + behind), 0);
        const expected = json(text);
        if (expected === undefined) {
          // No number, or one that ends earlier.
          expect(Number.isNaN(value) || reader.end < text.length).toBe(true);
        } else {
          expect([value, reader.end]).toEqual([expected, text.length]);
          expect(Object.is(value, expected)).toBe(true);
        }
      }),
      { numRuns: 20_000 },
    );
  });
});

function json(text: string): number | undefined {
  try {
    return JSON.parse(text) as number;
  } catch {
    return undefined;
  }
}

/** About the middle between a double and the next, in 17 digits: where rounding is hardest. */
function halfwayAbove(value: number): string {
  const [next] = new Float64Array(new BigUint64Array([(bits(new Float64Array([value]))[0] as bigint) + 1n]).buffer);
  return ((value + (next as number)) / 2).toPrecision(17);
}
