/**
 * What the command-line tools have in common: options, `--help`, and how they fail: one clear line, exit code 1.
 */
import { existsSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { parseConfig } from '../config/config.js';
import { readEnvironment } from '../config/env.js';

export interface Arguments {
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

export interface Tool {
  /** Shown by `--help`. */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** How many arguments that are no options it takes: at least, and at most. */
  readonly positionals: readonly [number, number];
  run(given: Arguments): void | Promise<void>;
}

/** Runs a tool with the process' arguments; sets the exit code. */
export async function runTool(tool: Tool): Promise<void> {
  // Whoever reads the output may leave early (`| head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    const given = argumentsOf(tool);
    if (given === null) process.stdout.write(`${tool.usage}\n`);
    else await tool.run(given);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}

/** Null when help is asked for. */
function argumentsOf({ options, positionals: [least, most] }: Tool): Arguments | null {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    options: { ...options, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  const given = values as Record<string, string | boolean | undefined>;
  if (given.help === true) return null;
  if (positionals.length < least) throw new Error('an argument is missing; --help says which');
  if (positionals.length > most) throw new Error(`"${positionals[most] ?? ''}" is one argument too many; --help says what there may be`);
  return { options: given, positionals };
}

/** The first line: some messages of libraries go on with advice that is none here. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split('\n')[0] as string) || 'failed without saying why';
}

/**
 * The database to work on: the one that is named, or the server's own, found as the server finds it (`.env` and the
 * environment). @throws when there is none, so that no tool creates one
 */
export function databasePath(given: string | boolean | undefined): string {
  const path = typeof given === 'string' ? given : parseConfig(readEnvironment('.env')).config.storage.path;
  if (!existsSync(path)) throw new Error(`there is no database at ${path}: name it with --db FILE, or set DB_PATH`);
  return path;
}

/** For people: 812 B, 34.1 kB, 1.2 GB. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}

export function secondsText(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`;
}
