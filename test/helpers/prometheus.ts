/**
 * A strict reader of Prometheus' text format (0.0.4), independent of what writes it: throws on the first line that is not as
 * the format says, on samples without a declared type, on samples given twice, and on histograms that do not add up.
 */
export interface PromSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const META = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const TYPES = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] };

export class PromText {
  readonly samples: readonly PromSample[];
  readonly types: ReadonlyMap<string, string>;

  private constructor(samples: readonly PromSample[], types: ReadonlyMap<string, string>) {
    this.samples = samples;
    this.types = types;
  }

  /** @throws Error that names the line. */
  static parse(text: string): PromText {
    if (!text.endsWith('\n')) throw new Error('the last line does not end');
    const samples = new Map<string, PromSample>();
    const types = new Map<string, string>();
    const helps = new Set<string>();
    for (const line of text.slice(0, -1).split('\n')) {
      if (line === '') continue;
      if (line.startsWith('#')) readMeta(line, types, helps);
      else {
        const sample = readSample(line, types);
        const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).map(String).sort())}`;
        if (samples.has(key)) throw new Error(`given twice: ${line}`);
        samples.set(key, sample);
      }
    }
    const parsed = new PromText([...samples.values()], types);
    for (const [name, type] of types) if (type === 'histogram') parsed.checkHistogram(name);
    return parsed;
  }

  /** All samples of this name that have these labels, among others. */
  of(name: string, labels: Readonly<Record<string, string>> = {}): PromSample[] {
    return this.samples.filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value));
  }

  /** The sum over these samples; 0 when there are none, as for a counter that has not counted yet. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.of(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  /** The one sample of this name and these labels. @throws when there is none, or several */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const [found, ...more] = this.of(name, labels);
    if (found === undefined || more.length > 0)
      throw new Error(`${more.length + (found ? 1 : 0)} samples ${name} ${JSON.stringify(labels)}`);
    return found.value;
  }

  /** Values by one label, for tables: `{stored: 2, failed: 1}`. */
  by(name: string, label: string): Record<string, number> {
    return Object.fromEntries(this.of(name).map(({ labels, value }) => [labels[label] ?? '', value]));
  }

  private checkHistogram(name: string): void {
    const series = new Map<string, PromSample[]>();
    for (const bucket of this.of(`${name}_bucket`)) {
      const { le: _le, ...rest } = bucket.labels;
      const key = JSON.stringify(rest);
      series.set(key, [...(series.get(key) ?? []), bucket]);
    }
    for (const [key, buckets] of series) {
      const bounds = buckets.map(({ labels }) => number(labels.le ?? ''));
      const counts = buckets.map(({ value }) => value);
      const rising = (values: number[]): boolean => values.every((value, i) => i === 0 || value >= (values[i - 1] as number));
      if (!rising(bounds) || !rising(counts) || bounds.at(-1) !== Infinity) throw new Error(`buckets of ${name} ${key} are not cumulative`);
      const labels = JSON.parse(key) as Record<string, string>;
      const same = (one: PromSample): boolean => Object.keys(one.labels).length === Object.keys(labels).length;
      const count = this.of(`${name}_count`, labels).find(same);
      if (count?.value !== counts.at(-1)) throw new Error(`${name}_count ${key} is not its last bucket`);
      if (!this.of(`${name}_sum`, labels).some(same)) throw new Error(`${name}_sum ${key} is missing`);
    }
  }
}

function readMeta(line: string, types: Map<string, string>, helps: Set<string>): void {
  const [, kind, name = '', text = ''] = META.exec(line) ?? [];
  if (kind === 'HELP') {
    if (helps.has(name)) throw new Error(`a second HELP: ${line}`);
    helps.add(name);
  } else if (kind === 'TYPE') {
    if (types.has(name) || !TYPES.has(text)) throw new Error(`a bad TYPE: ${line}`);
    types.set(name, text);
  } else {
    throw new Error(`neither HELP nor TYPE: ${line}`);
  }
}

function readSample(line: string, types: ReadonlyMap<string, string>): PromSample {
  const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  if (!isDeclared(name, types)) throw new Error(`no TYPE before: ${line}`);
  return { name, labels: readLabels(labels, line), value: number(value) };
}

function isDeclared(name: string, types: ReadonlyMap<string, string>): boolean {
  if (types.has(name) && types.get(name) !== 'histogram') return true;
  return [...types].some(([family, type]) => (SUFFIXES[type] ?? []).some((suffix) => name === `${family}${suffix}`));
}

function readLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const match = LABEL.exec(rest);
    const [whole, name = '', value = ''] = match ?? [];
    if (whole === undefined || name in labels) throw new Error(`bad labels: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_all, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(whole.length);
  }
  return labels;
}

function number(text: string): number {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  if (text === 'NaN' || text === 'Nan') return Number.NaN;
  const value = Number(text);
  if (text === '' || Number.isNaN(value)) throw new Error(`not a number: ${text}`);
  return value;
}
