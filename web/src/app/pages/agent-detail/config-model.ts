/**
 * An agent's configuration while it is edited. What is edited is one object, the flat shape that the server keeps; the form and
 * the JSON text are two views of it. What is not in it is left to the agent. Pure.
 */

export type Config = Readonly<Record<string, unknown>>;

export interface NumberField {
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  readonly least: number;
  readonly most: number;
  readonly hint: string;
}

export interface ListField {
  /** `targets.ping`: the path in the configuration. */
  readonly path: string;
  readonly label: string;
  readonly hint: string;
}

/** Something is wrong with a value. `field` is its path; null when it is about the whole. */
export interface Problem {
  readonly field: string | null;
  readonly message: string;
}

export const NUMBER_FIELDS: readonly NumberField[] = [
  { key: 'collection_interval', label: 'Collect every', unit: 's', least: 1, most: 3_600, hint: 'Between two measurements' },
  { key: 'transmission_interval', label: 'Send every', unit: 's', least: 1, most: 3_600, hint: 'What was collected goes together' },
  { key: 'batch_size', label: 'Samples in a batch', unit: '', least: 1, most: 1_000, hint: 'At most so many in one message' },
  { key: 'retry_attempts', label: 'Retries', unit: '', least: 0, most: 10, hint: 'When sending fails' },
  { key: 'retry_delay', label: 'Pause before a retry', unit: 'ms', least: 100, most: 60_000, hint: 'Before it is sent again' },
];

export const LIST_FIELDS: readonly ListField[] = [
  { path: 'targets.ping', label: 'Ping', hint: 'A host name or an IP address per line' },
  { path: 'targets.http', label: 'HTTP', hint: 'An http or https URL per line, without passwords' },
  { path: 'targets.tcp', label: 'TCP', hint: 'host:port per line, an IPv6 address in brackets' },
  { path: 'targets.dns', label: 'DNS', hint: 'A name to look up, or a name server’s IP address, per line' },
  { path: 'filters.interfaces', label: 'Interfaces', hint: 'Names, one per line; empty means all' },
  { path: 'filters.metrics', label: 'Metrics', hint: 'Names, or beginnings with * at the end, one per line; empty means all' },
];

const CAMEL: Readonly<Record<string, string>> = {
  collectionInterval: 'collection_interval',
  transmissionInterval: 'transmission_interval',
  batchSize: 'batch_size',
  retryAttempts: 'retry_attempts',
  retryDelay: 'retry_delay',
};

/** The value at a path of names with dots; undefined where there is none. */
export function valueAt(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), config);
}

/** The configuration with this value at the path; undefined takes it out, and what becomes empty by that with it. */
export function withValue(config: Config, path: string, value: unknown): Config {
  const [name = '', ...rest] = path.split('.');
  const inner = rest.length === 0 ? value : withValue(isObject(config[name]) ? config[name] : {}, rest.join('.'), value);
  const isGone = inner === undefined || (rest.length > 0 && isObject(inner) && Object.keys(inner).length === 0);
  if (!isGone) return { ...config, [name]: inner };
  const { [name]: _gone, ...others } = config;
  return others;
}

/** What was typed for a number: nothing takes it out, what is no number stays as it is and is a problem. */
export function typedNumber(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  return /^-?\d{1,15}$/.test(trimmed) ? Number(trimmed) : trimmed;
}

/** One entry per line that is not blank. */
export function linesOfText(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** What the server would refuse, as far as the form knows its fields; it has the last word. */
export function problemsOf(config: Config): Problem[] {
  const problems: Problem[] = [];
  for (const { key, least, most } of NUMBER_FIELDS) {
    const value = config[key];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || Number(value) < least || Number(value) > most) {
      problems.push({ field: key, message: `A whole number from ${least} to ${most}` });
    }
  }
  for (const { path } of LIST_FIELDS) {
    const value = valueAt(config, path);
    if (value === undefined) continue;
    if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string')) {
      problems.push({ field: path, message: 'A list of texts' });
    }
  }
  if (Object.keys(config).length === 0) problems.push({ field: null, message: 'Nothing is set: choose at least one setting' });
  return problems;
}

/** The configuration a text holds, in whichever shape and spelling the server takes; or what is wrong with the text. */
export function parseText(text: string): { readonly config: Config } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `This is not JSON: ${(error as Error).message}` };
  }
  return isObject(value) ? { config: flat(value) } : { problem: 'A configuration is an object: { … }' };
}

export function textOf(config: Config): string {
  return JSON.stringify(config, null, 2);
}

/** The same, however keys are ordered. */
export function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));
}

/** The server's words about fields. Those about an entry of a list are about the list. */
export function problemsFrom(details: readonly { readonly field?: string; readonly message: string }[]): Problem[] {
  return details.map(({ field, message }) => ({ field: field === undefined ? null : formField(field), message: tidied(message) }));
}

function formField(field: string): string | null {
  const name = flatName(field);
  if (NUMBER_FIELDS.some(({ key }) => key === name)) return name;
  return LIST_FIELDS.find(({ path }) => name === path || name.startsWith(`${path}.`) || name.startsWith(`${path}[`))?.path ?? null;
}

function flatName(name: string): string {
  const [, nested] = /^collection\.(.+)$/.exec(name) ?? [];
  const plain = nested === undefined ? name : nested === 'interval' ? 'collection_interval' : nested;
  return CAMEL[plain] ?? plain;
}

/** Above its own field a message need not say which one it is about. */
function tidied(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1);
}

function flat(given: Config): Config {
  const { collection, ...rest } = given;
  const entries: [string, unknown][] = isObject(collection)
    ? Object.entries(collection).map(([name, value]) => [flatName(`collection.${name}`), value])
    : collection === undefined
      ? []
      : [['collection', collection]];
  return Object.fromEntries([...entries, ...Object.entries(rest).map(([name, value]): [string, unknown] => [flatName(name), value])]);
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, ordered(inner)]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
