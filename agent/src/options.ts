/** The command line, the environment and the agent's own file, in this order, as one: what an agent is started with. */
import { createHash } from 'node:crypto';
import { homedir, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { AgentOptions } from './agent.js';
import { defaultConfig } from './control/config.js';
import { type LocalFile, readLocalFile } from './control/local-file.js';
import { readTarget } from './control/target-text.js';
import { connectUrl } from './link/connect-url.js';
import type { CheckTarget } from './model.js';
import { reasonOf } from './reason-of.js';
import type { LogLevel } from './text-logger.js';

export const HELP = `Usage: cloudconsolevibe-agent [options]

Measures this machine and delivers what it measured to the server. Nothing is lost while the server is away.

  --url URL         the server, ws://, wss://, http:// or https:// (default ws://127.0.0.1:8080)
  --id ID           this agent's id (default: one that is made once and kept in the spool)
  --token TOKEN     better in the environment, as CCV_AGENT_TOKEN, or in the file: others see command lines
  --interval N      seconds between two collections, 1 to 3600 (default 30)
  --ping HOST,HOST  hosts to ping
  --spool DIR       where unsent data is kept (default ~/.cloudconsolevibe-agent, and the id's folder in it)
  --spool-mb N      most that is kept there, in megabytes (default 256); the oldest goes first
  --spool-days N    how long it is kept (default 7)
  --config FILE     the agent's own file (JSON): the above, more targets, and the commands it obeys
  --provider NAME, --region NAME, --zone NAME   where it is
  --debug           log more
  --help

The command line goes before the environment, and that before the file.
`;

const OPTIONS = {
  url: { type: 'string' },
  id: { type: 'string' },
  token: { type: 'string' },
  interval: { type: 'string' },
  ping: { type: 'string' },
  spool: { type: 'string' },
  'spool-mb': { type: 'string' },
  'spool-days': { type: 'string' },
  config: { type: 'string' },
  provider: { type: 'string' },
  region: { type: 'string' },
  zone: { type: 'string' },
  debug: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const DEFAULT_URL = 'ws://127.0.0.1:8080';
const DEFAULT_FOLDER = '.cloudconsolevibe-agent';
const MAX_ID_LENGTH = 128;
/** Most file systems take 255 bytes, some fewer. */
const MAX_FOLDER_LENGTH = 120;
const MEGABYTE = 1_048_576;
const DAY_MS = 86_400_000;
const NO_FILE: LocalFile = { settings: { targets: [], commands: [] }, warnings: [] };

export interface Invocation {
  /** Null: only help was asked for. */
  readonly options: AgentOptions | null;
  readonly logLevel: LogLevel;
  readonly warnings: readonly string[];
}

/** @throws Error that says what is wrong with them, and never shows the token */
export function parseOptions(
  args: readonly string[],
  environment: { readonly CCV_AGENT_TOKEN?: string | undefined },
  version: string,
): Invocation {
  const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false });
  const logLevel = values.debug === true ? 'debug' : 'info';
  if (values.help === true) return { options: null, logLevel, warnings: [] };
  const { settings, warnings } = values.config === undefined ? NO_FILE : readLocalFile(values.config);
  const id = readId(values.id ?? settings.id ?? null);
  const intervalS = values.interval === undefined ? settings.interval : wholeNumber('interval', values.interval, 1, 3_600);
  const targets = eachOnce([...pingTargets(values.ping ?? ''), ...settings.targets]);
  const place = (name: 'provider' | 'region' | 'zone'): string => values[name] ?? settings[name] ?? '';
  const options: AgentOptions = {
    url: readUrl(values.url ?? settings.url ?? DEFAULT_URL),
    token: readToken(values.token ?? (environment.CCV_AGENT_TOKEN || undefined) ?? settings.token ?? null),
    id,
    location: {
      provider: place('provider'),
      region: place('region'),
      zone: place('zone'),
      network: '',
      subnet: '',
      instanceId: '',
      privateIp: privateAddress(),
      publicIp: '',
    },
    spoolDir: values.spool ?? settings.spool ?? join(homedir(), DEFAULT_FOLDER, folderOf(id)),
    spoolLimits: {
      maxBytes: wholeNumber('spool-mb', values['spool-mb'] ?? `${settings.spoolMb ?? 256}`, 1, 1_000_000) * MEGABYTE,
      maxAgeMs: wholeNumber('spool-days', values['spool-days'] ?? `${settings.spoolDays ?? 7}`, 1, 3_650) * DAY_MS,
    },
    config: defaultConfig({ ...(intervalS === undefined ? {} : { intervalS }), targets }),
    commands: settings.commands,
    version,
  };
  return { options, logLevel, warnings };
}

function readId(id: string | null): string | null {
  if (id === null) return null;
  if (id === '' || id.length > MAX_ID_LENGTH || /[/\p{Cc}]/u.test(id)) {
    throw new Error(`--id must be 1 to ${MAX_ID_LENGTH} characters without "/" and control characters`);
  }
  return id;
}

/** A folder name of its own for each id, and one that file systems take. */
function folderOf(id: string | null): string {
  if (id === null) return 'default';
  const name = `id-${encodeURIComponent(id)}`;
  if (name.length <= MAX_FOLDER_LENGTH) return name;
  const digest = createHash('sha256').update(id).digest('hex').slice(0, 32);
  return `${name.slice(0, MAX_FOLDER_LENGTH - digest.length - 1)}-${digest}`;
}

function readUrl(url: string): string {
  try {
    connectUrl(url, { agentId: '', provider: '', region: '', zone: '' });
  } catch (error) {
    throw new Error(`--url: ${reasonOf(error)}`, { cause: error });
  }
  return url;
}

/** It travels in a header. */
function readToken(token: string | null): string | null {
  if (token !== null && !/^[\x21-\x7e]+$/.test(token)) throw new Error('the token must be plain ASCII without blanks');
  return token;
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name} must be a whole number from ${least} to ${most} (it is ${JSON.stringify(text)})`);
}

/** A target that is named twice is checked once: its metrics would be the same series. */
function eachOnce(targets: readonly CheckTarget[]): CheckTarget[] {
  const keyOf = ({ type, address, port }: CheckTarget): string => JSON.stringify([type, address, port]);
  return [...new Map(targets.map((target) => [keyOf(target), target])).values()];
}

function pingTargets(list: string): CheckTarget[] {
  const hosts = list.split(',').map((host) => host.trim());
  return hosts
    .filter((host) => host !== '')
    .map((host) => {
      const place = readTarget('ping', host);
      if ('problem' in place) throw new Error(`--ping: ${JSON.stringify(host)} ${place.problem}`);
      return { type: 'ping', ...place, timeoutMs: 5_000 };
    });
}

/** This machine's address on its network; '' when it has none. */
function privateAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((infos) => infos ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '';
}
