/**
 * What the ill-meaning and the broken send, as fast-check arbitraries: bytes, JSON, and real frames with something wrong
 * about them. All of it as text or bytes for the wire, so that duplicate keys and `__proto__` arrive as they are.
 */
import fc from 'fast-check';

/** Multiplies the runs of every fuzz test: `FUZZ_RUNS=50 npm test` searches for longer. */
export function runs(usual: number): number {
  return Math.max(1, Math.round(usual * Number(process.env.FUZZ_RUNS ?? 1)));
}

/** How long a fuzz test may take: more runs, more time. */
export function fuzzTimeoutMs(usual: number): number {
  return usual * Math.max(1, Number(process.env.FUZZ_RUNS ?? 1));
}

/** Texts that mean something to somebody: SQL, shells, JavaScript, terminals, file systems, Unicode. */
export const NASTY_TEXTS: readonly string[] = [
  '',
  ' ',
  '0',
  '-1',
  'null',
  'undefined',
  'NaN',
  'Infinity',
  '1e999',
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'toString',
  "' OR '1'='1",
  "'; DROP TABLE agents; --",
  '" OR ""="',
  '1) UNION SELECT sql FROM sqlite_master --',
  '%',
  '_',
  '%_%',
  '\\',
  '*',
  '$(reboot)',
  '{{7*7}}',
  '${process.exit()}',
  '{#label}',
  '<script>alert(1)</script>',
  '../../etc/passwd',
  'a\u0000b',
  'a\nb\r\nSet-Cookie: x=1',
  '\u001b[2J',
  '\u202egnp.exe',
  '\ud800',
  '\uffff',
  '😀'.repeat(40),
  'é',
  'e\u0301',
  'x'.repeat(300),
  'x'.repeat(5_000),
];

/** Any text, often one of the nasty ones. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NASTY_TEXTS),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

/** JSON texts no program would write. */
const ODD_JSON: readonly string[] = [
  'null',
  'true',
  '0',
  '-0',
  '1e308',
  '-1e308',
  '1e999',
  '-1e999',
  '5e-324',
  '9007199254740993',
  '123456789012345678901234567890',
  '""',
  '[]',
  '{}',
  '[[]]',
  '"\\u0000"',
  '"\\ud800"',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"valueOf":null,"toJSON":"x","then":"y","length":-1}',
  nested('[', '0', ']', 2_000),
  nested('{"a":', '1', '}', 2_000),
];

/** `depth` levels of the same: `nested('[', '0', ']', 3)` is `[[[0]]]`. */
export function nested(open: string, core: string, close: string, depth: number): string {
  return open.repeat(depth) + core + close.repeat(depth);
}

/** The JSON text of any value. */
export const anyJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_JSON),
  anyText.map((text) => JSON.stringify(text)),
  fc.json({ maxDepth: 3 }),
);

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * A valid JSON text with one to four things wrong: values of the wrong type, keys renamed, doubled, dropped or added,
 * lists repeated. What comes out is JSON; `damaged` makes it bytes that may be none.
 */
export function mutated(valid: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.record({
    /** Where: a number is mapped onto the places there are. */
    at: fc.nat(),
    how: fc.constantFrom('replace', 'rename', 'double', 'drop', 'add', 'camel'),
    key: anyText,
    json: anyJson,
  });
  return fc
    .tuple(valid, fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([text, changes]) => written(JSON.parse(text) as Json, changes));
}

interface Change {
  readonly at: number;
  readonly how: 'replace' | 'rename' | 'double' | 'drop' | 'add' | 'camel';
  readonly key: string;
  readonly json: string;
}

/** Writes the value as JSON and meddles with its places on the way. */
function written(value: Json, changes: readonly Change[]): string {
  const places = countPlaces(value);
  const byPlace = new Map(changes.map((change) => [change.at % places, change]));
  let place = 0;
  const write = (one: Json): string => {
    const change = byPlace.get(place++);
    const inner = writeAsIs(one);
    return change?.how === 'replace' ? change.json : inner;
  };
  const writeAsIs = (one: Json): string => {
    if (Array.isArray(one)) return `[${one.map(write).join(',')}]`;
    if (typeof one !== 'object' || one === null) return JSON.stringify(one);
    return `{${Object.entries(one)
      .flatMap(([key, inner]) => writeEntry(key, inner))
      .join(',')}}`;
  };
  const writeEntry = (key: string, inner: Json): string[] => {
    const change = byPlace.get(place);
    const entry = (name: string, json: string): string => `${JSON.stringify(name)}:${json}`;
    const json = write(inner);
    switch (change?.how) {
      case 'rename':
        return [entry(change.key, json)];
      case 'double':
        return [entry(key, json), entry(key, change.json)];
      case 'drop':
        return [];
      case 'add':
        return [entry(key, json), entry(change.key, change.json)];
      case 'camel':
        return [
          entry(
            key.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
            json,
          ),
        ];
      default:
        return [entry(key, json)];
    }
  };
  return write(value);
}

function countPlaces(value: Json): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + countPlaces(inner), 1);
}

/** A text as bytes: bits flipped (those that leave ASCII ASCII), cut short, or with some bytes in the middle that do not belong there. */
export function damaged(valid: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(valid, fc.array(fc.nat(), { maxLength: 8 }), fc.option(fc.nat()), fc.option(fc.uint8Array({ maxLength: 12 })))
    .map(([text, flips, cut, extra]) => {
      const bytes = Buffer.from(text);
      for (const flip of flips) {
        const at = flip % Math.max(1, bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (flip % 7));
      }
      const end = cut === null ? bytes.length : cut % (bytes.length + 1);
      const middle = extra === null ? Buffer.alloc(0) : Buffer.from(extra);
      return Buffer.concat([bytes.subarray(0, end >> 1), middle, bytes.subarray(end >> 1, end)]);
    });
}

/** One hostile message: JSON or not, text or binary. */
export function hostileMessage(valid: fc.Arbitrary<string>): fc.Arbitrary<{ bytes: Buffer; binary: boolean }> {
  const text = fc.oneof(
    { weight: 4, arbitrary: mutated(valid).map((json) => Buffer.from(json)) },
    { weight: 3, arbitrary: damaged(valid) },
    { weight: 1, arbitrary: damaged(mutated(valid)) },
    { weight: 1, arbitrary: anyJson.map((json) => Buffer.from(json)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  );
  return fc.record({ bytes: text, binary: fc.nat(19).map((n) => n === 0) });
}
