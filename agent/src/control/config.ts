/**
 * The configuration the server pushes: flat, and only the keys that were set. A key that is absent is left to the
 * agent's own settings; a key nobody knows, or a value out of range, fails the whole of it, so that a misspelt setting never
 * looks applied. Everything that is wrong is named, with its value.
 */
import type { AgentConfig, CheckTarget } from '../model.js';
import { shownAddress } from '../shown-address.js';
import { isObject, shown } from './shown.js';
import { CHECK_TYPES, type CheckType, readTarget } from './target-text.js';

export type ParsedConfig = { readonly config: AgentConfig } | { readonly errors: readonly string[] };

/** What this agent does without a word from the server. */
export interface LocalDefaults {
  readonly intervalS?: number;
  readonly targets?: readonly CheckTarget[];
}

type NumberKey = 'collectionIntervalS' | 'transmissionIntervalS' | 'batchSize' | 'retryAttempts' | 'retryDelayMs';

const NUMBERS: ReadonlyMap<string, { readonly key: NumberKey; readonly least: number; readonly most: number }> = new Map([
  ['collection_interval', { key: 'collectionIntervalS', least: 1, most: 3_600 }],
  ['transmission_interval', { key: 'transmissionIntervalS', least: 1, most: 3_600 }],
  ['batch_size', { key: 'batchSize', least: 1, most: 1_000 }],
  ['retry_attempts', { key: 'retryAttempts', least: 0, most: 10 }],
  ['retry_delay', { key: 'retryDelayMs', least: 100, most: 60_000 }],
]);

/** The server takes a thousand of a kind, and adds the monitoring targets, of which there may be a thousand too. */
const MAX_LIST_ENTRIES = 2_000;
const MAX_FILTER_LENGTH = 255;
const MAX_ERRORS = 10;
const CHECK_TIMEOUT_MS = 5_000;
const DEFAULT_INTERVAL_S = 30;
// eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/** The configuration of an agent that was never told anything. */
export function defaultConfig({ intervalS = DEFAULT_INTERVAL_S, targets = [] }: LocalDefaults = {}): AgentConfig {
  return {
    collectionIntervalS: intervalS,
    transmissionIntervalS: intervalS,
    batchSize: 100,
    retryAttempts: 3,
    retryDelayMs: 5_000,
    targets: targets.map((target) => ({ ...target, timeoutMs: checkTimeoutMs(intervalS) })),
    interfaces: [],
    metrics: [],
  };
}

/** How long a check may take: it must be over when the next one is due. */
export function checkTimeoutMs(collectionIntervalS: number): number {
  return Math.min(CHECK_TIMEOUT_MS, collectionIntervalS * 1_000);
}

/** The configuration in `body`; what it does not say is as in `defaults`. Never throws. */
export function parseConfig(body: unknown, defaults: AgentConfig): ParsedConfig {
  if (!isObject(body)) return { errors: [`the configuration must be an object (it is ${shown(body)})`] };
  const errors: string[] = [];
  const numbers: { [key in NumberKey]?: number } = {};
  const lists: { interfaces?: readonly string[]; metrics?: readonly string[] } = {};
  let given: ReadonlyMap<CheckType, readonly CheckTarget[]> = new Map();
  for (const [name, value] of Object.entries(body)) {
    const number = NUMBERS.get(name);
    if (number !== undefined) {
      if (isWholeNumber(value, number.least, number.most)) numbers[number.key] = value;
      else errors.push(`"${name}" must be a whole number from ${number.least} to ${number.most} (it is ${shown(value)})`);
    } else if (name === 'targets') {
      given = readTargets(value, errors);
    } else if (name === 'filters') {
      Object.assign(lists, readFilters(value, errors));
    } else {
      errors.push(`${shown(name)} is not known`);
    }
  }
  if (errors.length > 0) return { errors: bounded(errors) };
  const { collectionIntervalS } = { ...defaults, ...numbers };
  const timeoutMs = checkTimeoutMs(collectionIntervalS);
  const targets = CHECK_TYPES.flatMap((type) => given.get(type) ?? defaults.targets.filter((target) => target.type === type));
  return { config: { ...defaults, ...numbers, ...lists, targets: targets.map((target) => ({ ...target, timeoutMs })) } };
}

/** The targets by kind: a kind that is there, even with nothing in it, takes the place of the agent's own ones. */
function readTargets(value: unknown, errors: string[]): ReadonlyMap<CheckType, readonly CheckTarget[]> {
  const given = new Map<CheckType, CheckTarget[]>();
  if (!isObject(value)) {
    errors.push(`"targets" must be an object (it is ${shown(value)})`);
    return given;
  }
  for (const [name, list] of Object.entries(value)) {
    const type = CHECK_TYPES.find((known) => known === name);
    if (type === undefined) errors.push(`${shown(`targets.${name}`)} is not known`);
    else given.set(type, readTargetList(type, list, `targets.${type}`, errors));
  }
  return given;
}

/** One kind's targets, each once; what is wrong is added to `errors` under the name of its field. */
export function readTargetList(type: CheckType, list: unknown, field: string, errors: string[]): CheckTarget[] {
  return readStrings(list, field, errors).flatMap((text, index) => {
    const place = readTarget(type, text);
    if (!('problem' in place)) return { type, ...place, timeoutMs: CHECK_TIMEOUT_MS };
    // An address with a password in it is not repeated.
    errors.push(`"${field}[${index}]" ${place.problem}${text.includes('@') ? '' : ` (it is ${shown(shownAddress(text))})`}`);
    return [];
  });
}

function readFilters(value: unknown, errors: string[]): { interfaces?: readonly string[]; metrics?: readonly string[] } {
  const lists: { interfaces?: readonly string[]; metrics?: readonly string[] } = {};
  if (!isObject(value)) {
    errors.push(`"filters" must be an object (it is ${shown(value)})`);
    return lists;
  }
  for (const [name, list] of Object.entries(value)) {
    if (name !== 'interfaces' && name !== 'metrics') {
      errors.push(`${shown(`filters.${name}`)} is not known`);
      continue;
    }
    lists[name] = readStrings(list, `filters.${name}`, errors);
    for (const [index, text] of lists[name].entries()) {
      const problem = filterProblem(name, text);
      if (problem !== null) errors.push(`"filters.${name}[${index}]" ${problem} (it is ${shown(text)})`);
    }
  }
  return lists;
}

function filterProblem(list: 'interfaces' | 'metrics', text: string): string | null {
  if (text === '') return 'must not be empty';
  if (text.length > MAX_FILTER_LENGTH) return `is longer than ${MAX_FILTER_LENGTH} characters`;
  if (CONTROL_CHARACTER.test(text)) return 'must not contain control characters';
  const star = text.indexOf('*');
  return list === 'metrics' && star !== -1 && star !== text.length - 1 ? 'may have a * at its end only' : null;
}

/** The texts of a list, each once; none when it is no such list. */
function readStrings(value: unknown, field: string, errors: string[]): string[] {
  if (!Array.isArray(value)) {
    errors.push(`"${field}" must be a list (it is ${shown(value)})`);
    return [];
  }
  if (value.length > MAX_LIST_ENTRIES) {
    errors.push(`"${field}" has ${value.length} entries, ${MAX_LIST_ENTRIES} are allowed`);
    return [];
  }
  const wrong = value.findIndex((entry) => typeof entry !== 'string');
  if (wrong !== -1) {
    errors.push(`"${field}[${wrong}]" must be a text (it is ${shown(value[wrong])})`);
    return [];
  }
  return [...new Set(value as string[])];
}

function isWholeNumber(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function bounded(errors: readonly string[]): readonly string[] {
  return errors.length <= MAX_ERRORS ? errors : [...errors.slice(0, MAX_ERRORS), `and ${errors.length - MAX_ERRORS} more`];
}
