/**
 * The agent's own file: where it belongs, and what it may be told to do. It is written by whoever runs the machine; nothing the
 * server says changes it.
 */
import { readFileSync, statSync } from 'node:fs';
import type { CheckTarget } from '../model.js';
import { reasonOf } from '../reason-of.js';
import { COMMAND_NAMES, type CommandName, isCommandName } from './command-args.js';
import { readTargetList } from './config.js';
import { isObject, shown } from './shown.js';
import { CHECK_TYPES } from './target-text.js';

/** What the file says; what it does not say is absent. */
export interface LocalSettings {
  readonly url?: string;
  readonly id?: string;
  readonly token?: string;
  /** Seconds between two collections. */
  readonly interval?: number;
  /** Folder of the spool. */
  readonly spool?: string;
  /** Most that is kept there, in megabytes, and for how many days. */
  readonly spoolMb?: number;
  readonly spoolDays?: number;
  readonly provider?: string;
  readonly region?: string;
  readonly zone?: string;
  /** Of all kinds: the lists `ping`, `dns`, `http` and `tcp`. */
  readonly targets: readonly CheckTarget[];
  readonly commands: readonly CommandName[];
}

export interface LocalFile {
  readonly settings: LocalSettings;
  /** What its owner should know; nothing that keeps the agent from working. */
  readonly warnings: readonly string[];
}

const MAX_FILE_BYTES = 262_144;
const MAX_TEXT_LENGTH = 1_024;
const MAX_ID_LENGTH = 128;
const READABLE_BY_ALL = 0o004;
// eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

/** @throws Error that names the file and everything that is wrong with it, and never shows the token */
export function readLocalFile(path: string): LocalFile {
  const { text, readableByAll } = open(path);
  const errors: string[] = [];
  const settings = readSettings(parse(path, text), errors);
  if (errors.length > 0) throw new Error(`${path}: ${errors.join('; ')}`);
  const exposed = settings.token !== undefined && readableByAll;
  return { settings, warnings: exposed ? [`${path} holds a token and may be read by everybody on this machine: chmod 600 it`] : [] };
}

/** The settings in the file's content; everything that is wrong is added to `errors`. */
export function readSettings(content: unknown, errors: string[]): LocalSettings {
  const settings: { -readonly [K in keyof LocalSettings]: LocalSettings[K] } = { targets: [], commands: [] };
  if (!isObject(content)) {
    errors.push(`it must hold an object (it is ${shown(content)})`);
    return settings;
  }
  const targets: CheckTarget[] = [];
  for (const [name, value] of Object.entries(content)) {
    const type = CHECK_TYPES.find((known) => known === name);
    if (type !== undefined) targets.push(...readTargetList(type, value, type, errors));
    else if (name === 'commands') settings.commands = readCommands(value, errors);
    else if (isNumberSetting(name)) settings[NUMBERS[name].key] = readNumber(name, value, errors);
    else if (isTextSetting(name)) settings[name] = readText(name, value, errors);
    else errors.push(`${shown(name)} is not known`);
  }
  return { ...settings, targets };
}

type TextSetting = keyof typeof TEXT_PROBLEMS;

const TEXT_PROBLEMS = {
  url: urlProblem,
  id: (id: string) => (id.length > MAX_ID_LENGTH || id.includes('/') ? `must be at most ${MAX_ID_LENGTH} characters without "/"` : null),
  token: () => null,
  spool: () => null,
  provider: () => null,
  region: () => null,
  zone: () => null,
} satisfies Readonly<Record<string, (text: string) => string | null>>;

function isTextSetting(name: string): name is TextSetting {
  return Object.hasOwn(TEXT_PROBLEMS, name);
}

function readText(name: TextSetting, value: unknown, errors: string[]): string {
  const problem = textProblem(name, value);
  if (problem === null) return value as string;
  // Tokens, and what stands in front of a host or behind it, may be secret.
  const secret = name === 'token' || (name === 'url' && /[@?#]/.test(String(value)));
  errors.push(`"${name}" ${problem}${secret ? '' : ` (it is ${shown(value)})`}`);
  return '';
}

function textProblem(name: TextSetting, value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text';
  if (value === '') return 'must not be empty';
  if (value.length > MAX_TEXT_LENGTH) return `is longer than ${MAX_TEXT_LENGTH} characters`;
  if (CONTROL_CHARACTER.test(value)) return 'must not contain control characters';
  return TEXT_PROBLEMS[name](value);
}

function urlProblem(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^(wss?|https?):$/.test(url.protocol)) return 'must be a ws://, wss://, http:// or https:// URL';
  return url.username === '' && url.password === '' ? null : 'must not hold a user name or password';
}

type NumberSetting = keyof typeof NUMBERS;

const NUMBERS = {
  interval: { key: 'interval', most: 3_600 },
  spool_mb: { key: 'spoolMb', most: 1_000_000 },
  spool_days: { key: 'spoolDays', most: 3_650 },
} as const;

function isNumberSetting(name: string): name is NumberSetting {
  return Object.hasOwn(NUMBERS, name);
}

function readNumber(name: NumberSetting, value: unknown, errors: string[]): number {
  const { most } = NUMBERS[name];
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number;
  errors.push(`"${name}" must be a whole number from 1 to ${most} (it is ${shown(value)})`);
  return 1;
}

function readCommands(value: unknown, errors: string[]): CommandName[] {
  if (!Array.isArray(value)) {
    errors.push(`"commands" must be a list (it is ${shown(value)})`);
    return [];
  }
  const wrong: unknown = value.find((name) => !isCommandName(name));
  if (wrong !== undefined) errors.push(`"commands" may hold ${COMMAND_NAMES.join(', ')} (not ${shown(wrong)})`);
  return [...new Set(value.filter(isCommandName))];
}

function open(path: string): { text: string; readableByAll: boolean } {
  let problem: string;
  try {
    const { mode, size } = statSync(path);
    // Windows has no such bits.
    const readableByAll = process.platform !== 'win32' && (mode & READABLE_BY_ALL) !== 0;
    if (size <= MAX_FILE_BYTES) return { text: readFileSync(path, 'utf8'), readableByAll };
    problem = `it is longer than ${MAX_FILE_BYTES} bytes`;
  } catch (error) {
    problem = reasonOf(error);
  }
  throw new Error(`${path} cannot be read: ${problem}`);
}

/** Node's own message would quote the text, and with it perhaps the token. */
function parse(path: string, text: string): unknown {
  let position: string | undefined;
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    position = /position (\d+)/.exec(reasonOf(error))?.[1];
  }
  const line = position === undefined ? '' : ` (line ${text.slice(0, Number(position)).split('\n').length})`;
  throw new Error(`${path} is not valid JSON${line}`);
}
