import type { SeededRandom } from './seeded-random.js';

/** One series of an agent as it writes it: JSON texts, in the order of its keys. */
interface SeriesText {
  /** Keys and JSON texts; `null` stands for the value and the time. */
  readonly fields: readonly (readonly [key: string, json: string | null])[];
  readonly space: string;
}

const NAMES = ['cpu', 'net_rx', 'größe', 'a\\u0062c', 'x y', '日本', 'q\\"q', ''];
const TAGS = [
  '{}',
  '{"if":"eth0"}',
  '{"if":"eth0","to":"10.0.0.1"}',
  '{"to":"10.0.0.1","if":"eth0"}',
  '{"a":"{\\"b\\":[1]}"}',
  '{"a":1}',
  'null',
];
const TYPES = ['"gauge"', '"counter"', '"timer"', '"histogram"', '"gauge"', '"gauge"', '"nothing"'];
const UNITS = ['"bytes"', '"%"', '""', 'null', '"\\u00b5s"', '7'];
const MORE_FIELDS: readonly (readonly [string, string | null])[] = [
  ['value', null],
  ['value', '1'],
  ['timestamp', null],
  ['timestamp', '"2026-11-22T19:59:00Z"'],
  ['val\\u0075e', '3'],
  ['na\\u006de', '"other"'],
  ['more', '{"value":1,"timestamp":"x"}'],
  ['more', '[1,"]}"]'],
  ['__proto__', '{"value":2}'],
  ['tags', '{"if":"eth1"}'],
];
const VALUES = [
  '0',
  '1',
  '-0',
  '-1',
  '0.056',
  '337860.14981193584',
  '4178.769153171391',
  '285551275',
  '1e5',
  '1E-7',
  '-2.5e+3',
  '0.1e-400',
];
const ODD_VALUES = [
  '9007199254740993',
  '123456789012345678901234567890',
  '0.000000000000000012345',
  '1e999',
  '-1e999',
  '00',
  '01',
  '-',
  '+1',
  '.5',
  '1.',
  '1.e3',
  '1e',
  '1e+',
  '0x10',
  'NaN',
  'null',
  'true',
  '"1"',
  '[1]',
  '{}',
  '{"value":1,"min":0}',
  '{"value":1,"min":"x"}',
  '1 ',
  '1_0',
  '１',
];
const ODD_TIMES = [
  '""',
  'null',
  '0',
  '1795377590',
  '1795377590123.5',
  '"yesterday"',
  '"2026-11-22T19:59:59"',
  '"2026-11-22T19:59:60Z"',
  '"2026-11-31T19:59:00Z"',
  '"2026-11-22T21:59:00.25+02:00"',
  '"2026-11-22t19:59:00z"',
  '"2026-11-22T19:59:0\\u0030Z"',
  '"2001-01-01T00:00:00Z"',
  '"2026-11-22T23:00:00Z"',
  '"2026-11-22T19:59:00.1234567890Z"',
  '"2026-11-22T19:59:00.123456789+01:00"',
  '"２026-11-22T19:59:00Z"',
  '"2026-11-22T19:59:00Z',
  '{}',
];
const ODD_ENVELOPE: readonly string[] = [
  '"batch_id":"b-1"',
  '"batchId":"b-2"',
  '"batch_id":""',
  '"batch_id":7',
  '"batch_id":null',
  '"batch_id":"\\u0062"',
  '"batch_id":"\\ud800"',
  '"metrics":[]',
  '"metrics":null',
  '"metrics":{}',
  '"location":null',
  '"location":"here"',
  '"location":{"region":"r"}',
  '"location":{"re\\u0067ion":"r"}',
  '"timestamp":null',
  '"timestamp":1795377590',
  '"timestamp":"yesterday"',
  '"time\\u0073tamp":1',
  '"__proto__":{"batch_id":"x"}',
  '"more":[{"metrics":[1]}]',
  '"metri\\u0063s":[]',
  '"seq":01',
  '"seq":{"a"}',
  '"seq":7',
  '"seq":"7"',
  '"seq":1e3',
  '"seq":1.5',
  '"seq":-1',
  '"seq":null',
  '"seq":9007199254740993',
  '"s\\u0065q":8',
  `"batch_id":"${'x'.repeat(129)}"`,
];
const SPACES = ['', ' ', '\n', '\t ', '\r\n'];
const TAILS = ['', ' \r\n\t', '\n{}', ',', '}', 'x', '\0', '\u00a0'];
const BYTES = ['"', '\\', '{', '}', '[', ']', ',', ':', '0', '9', '-', '.', 'e', 'Z', ' ', '\n', '\0', '\u0080', '\u00ff', 'é'];

/** An agent whose frames repeat themselves, mostly; the more often odd the larger `oddness` (0 to 1). */
export class OddAgent {
  private readonly series: SeriesText[];
  private readonly space: string;
  private next = 0;
  private frames = 0;
  private time = '';

  constructor(
    private readonly random: SeededRandom,
    private readonly oddness: number,
  ) {
    this.space = this.sometimes(0.2) ? this.oneOf(SPACES) : '';
    const keyOrder = this.shuffled(['name', 'value', 'unit', 'timestamp', 'tags', 'type']);
    this.series = Array.from({ length: random.between(1, 12) }, (_, i) => this.seriesText(i, keyOrder));
  }

  /** The next message: some metrics of the cycle, wherever that stands. */
  frame(): Buffer {
    const count = this.random.between(this.odd() ? 0 : 1, Math.min(14, this.series.length + 3));
    const metrics = Array.from({ length: count }, () => this.metric());
    const { space } = this;
    this.frames++;
    const data = [
      '"agent_id":"a"',
      `"timestamp":${space}"2026-11-22T19:59:${10 + (this.frames % 50)}.123456789Z"`,
      `"metrics":${space}[${metrics.join(`,${space}`)}${space}]`,
      '"location":{"provider":"p","region":"r","zone":""}',
    ];
    if (this.sometimes(0.5)) data.push(`"batch_id":"b${this.frames}"`, `"seq":${this.frames}`);
    while (this.odd()) data.splice(this.random.between(0, data.length), 0, this.oneOf(ODD_ENVELOPE));
    const top = [`"data":${space}{${(this.odd() ? this.shuffled(data) : data).join(`,${space}`)}}`, '"type":"metrics"'];
    while (this.odd())
      top.push(
        this.oneOf([
          '"type":"metrics"',
          '"type":"pong"',
          '"data":{}',
          '"data":{"seq":1}',
          '"data":null',
          '"x":[{}]',
          '"typ\\u0065":"pong"',
        ]),
      );
    const text = `${space}{${(this.odd() ? this.shuffled(top) : top).join(',')}}${this.odd() ? this.oneOf(TAILS) : '\n'}`;
    return this.spoilt(Buffer.from(text));
  }

  private metric(): string {
    if (this.odd()) this.next = this.random.between(0, this.series.length - 1);
    const series = this.series[this.next++ % this.series.length] as SeriesText;
    if (this.odd()) return this.oneOf(['null', '1', '"{}"', '[]', '{}', '[{"name":"cpu"}]', 'tru', '']);
    let { fields } = series;
    if (this.odd()) fields = this.shuffled(fields);
    if (this.odd()) fields = fields.filter(() => this.sometimes(0.8));
    const parts = fields.map(([key, json]) => `"${key}":${series.space}${json ?? (key === 'value' ? this.value() : this.timestamp())}`);
    return `{${parts.join(`,${series.space}`)}${series.space}}`;
  }

  private seriesText(index: number, keyOrder: readonly string[]): SeriesText {
    const texts: Record<string, string | null> = {
      name: `"${this.sometimes(0.2) ? this.oneOf(NAMES) : `m${index}`}"`,
      value: null,
      unit: this.sometimes(0.3) ? this.oneOf(UNITS) : '"ms"',
      timestamp: null,
      tags: this.sometimes(0.2) ? this.oneOf(TAGS) : `{"target":"10.0.0.${index >> 2}"}`,
      type: this.sometimes(0.2) ? this.oneOf(TYPES) : '"gauge"',
    };
    const fields: (readonly [string, string | null])[] = keyOrder.map((key) => [key, texts[key] ?? null]);
    while (this.odd()) fields.splice(this.random.between(0, fields.length), 0, this.oneOf(MORE_FIELDS));
    return { fields, space: this.sometimes(0.1) ? this.oneOf(SPACES) : '' };
  }

  private value(): string {
    if (this.odd()) return this.oneOf(ODD_VALUES);
    const { random } = this;
    switch (random.between(0, 4)) {
      case 0:
        return this.oneOf(VALUES);
      case 1:
        return String(random.between(0, 2_000_000_000_000));
      case 2:
        return String(random.between(0, 100_000) / 1_000);
      case 3:
        return String((random.next() - 0.5) * 10 ** random.between(-9, 22));
      default:
        return String(random.between(0, 1_000_000) / (5 + random.next() * 0.002));
    }
  }

  private timestamp(): string {
    if (this.odd()) return this.oneOf(ODD_TIMES);
    if (this.time === '' || this.sometimes(0.3)) {
      const zone = this.sometimes(0.1) ? '+00:00' : 'Z';
      const fraction = this.sometimes(0.9) ? `.${this.random.between(1, 999_999_999)}` : '';
      this.time = `"2026-11-22T19:${this.random.between(10, 59)}:${this.random.between(10, 59)}${fraction}${zone}"`;
    }
    return this.time;
  }

  /** Cuts, or changes, adds or removes single bytes; mostly nothing. */
  private spoilt(bytes: Buffer): Buffer {
    let spoilt = bytes;
    while (this.odd()) {
      const at = this.random.between(0, spoilt.length);
      const byte = Buffer.from(this.oneOf(BYTES), this.sometimes(0.5) ? 'latin1' : 'utf8');
      const from = at + (this.sometimes(0.5) ? 0 : 1);
      spoilt = this.sometimes(0.2) ? spoilt.subarray(0, at) : Buffer.concat([spoilt.subarray(0, at), byte, spoilt.subarray(from)]);
    }
    return spoilt;
  }

  private odd(): boolean {
    return this.sometimes(this.oddness);
  }

  private sometimes(probability: number): boolean {
    return this.random.next() < probability;
  }

  private oneOf<T>(choices: readonly T[]): T {
    return choices[this.random.between(0, choices.length - 1)] as T;
  }

  private shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, at: this.random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }
}
