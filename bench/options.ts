/** The command line of the bench. */
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const SCENARIOS = ['a', 'b', 'c', 'd', 'disturbed', 'rules'] as const;
export type Scenario = (typeof SCENARIOS)[number];

export const HELP = `npm run bench -- [options]

  --only a,b,…        only these: a closed loop, b idle connections, c reconnect storm, d open loop, disturbed: the open
                      loop while the server folds, expires, answers dashboards and is backed up, rules: a fleet with and
                      without alert rules
  --ceiling N         samples/s that d and disturbed refer to (default: measured)
  --seconds N         length of a measured window, 1 to 60 (default 10)
  --quick             a short run that shows whether everything works; its figures mean nothing and are not written
  --profile           instead: where the server's time goes (closed loop, 100 agents, under node --cpu-prof)
  --dir DIR           where the databases go, a real disk (default: the system's temporary folder)
  --connections N     agents of b and c, 10 to 20000 (default 10000)
  --load-processes N  processes that make the load (default 1)
  --fragment-bytes N  payload of a WebSocket frame, a multiple of 4, 0 for whole messages (default 4096, as the Go agent)
  --out FILE          document to update (default docs/benchmarks.md)
  --server FILE       the program to measure (default dist/main.js)
  --help

Needs the built server (npm run build) and Linux. All traffic stays on 127.0.0.1.
Each section of the document is updated when all of it was measured: never with --quick; with --only disturbed or rules, its own.
`;

export interface Options {
  readonly scenarios: readonly Scenario[];
  /** null: to be measured. */
  readonly ceilingSamplesPerSecond: number | null;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** How long nothing happens before memory is read: what connecting took is given back within some 20 s. The peak is reported too. */
  readonly settleSeconds: number;
  readonly connections: number;
  readonly quick: boolean;
  readonly profile: boolean;
  readonly dir: string;
  readonly loadProcesses: number;
  readonly fragmentBytes: number;
  /** The document for the figures of sections that were measured in whole. */
  readonly out: string;
  readonly server: string;
  /** The command line as given, without paths. */
  readonly command: string;
}

/** The command line cannot be used; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * @returns null when help was asked for.
 * @throws UsageError
 */
export function parseOptions(args: readonly string[], root: string): Options | null {
  const { values } = parse(args);
  if (values.help === true) return null;
  const quick = values.quick === true;
  const only = values.only?.split(',').map((part) => part.trim());
  const unknown = only?.find((part) => !SCENARIOS.some((scenario) => scenario === part));
  if (unknown !== undefined) throw new UsageError(`--only: there is no scenario "${unknown}"`);
  const fragmentBytes = integer('fragment-bytes', values['fragment-bytes'], 4096, 0, 65_532);
  if (fragmentBytes % 4 !== 0) throw new UsageError('--fragment-bytes: must be a multiple of 4');
  return {
    scenarios: SCENARIOS.filter((scenario) => only === undefined || only.includes(scenario)),
    ceilingSamplesPerSecond: values.ceiling === undefined ? null : integer('ceiling', values.ceiling, 0, 1_000, 100_000_000),
    seconds: integer('seconds', values.seconds, quick ? 2 : 10, 1, 60),
    warmUpSeconds: quick ? 1 : 3,
    settleSeconds: quick ? 1 : 30,
    connections: integer('connections', values.connections, quick ? 500 : 10_000, 10, 20_000),
    quick,
    profile: values.profile === true,
    dir: resolve(values.dir ?? tmpdir()),
    loadProcesses: integer('load-processes', values['load-processes'], 1, 1, 16),
    fragmentBytes,
    out: resolve(root, values.out ?? 'docs/benchmarks.md'),
    server: resolve(root, values.server ?? 'dist/main.js'),
    command: ['npm run bench', ...withoutPaths(args)].join(' '),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        ceiling: { type: 'string' },
        seconds: { type: 'string' },
        quick: { type: 'boolean' },
        profile: { type: 'boolean' },
        dir: { type: 'string' },
        connections: { type: 'string' },
        'load-processes': { type: 'string' },
        'fragment-bytes': { type: 'string' },
        out: { type: 'string' },
        server: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function integer(name: string, text: string | undefined, fallback: number, min: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`--${name}: must be a whole number from ${min} to ${max} (it is "${text}")`);
  }
  return value;
}

/** Folders are this machine's business: the document shows that one was chosen, not which. */
function withoutPaths(args: readonly string[]): string[] {
  const shown = args.map((arg, i) =>
    ['--dir', '--out', '--server'].includes(args[i - 1] ?? '') ? '…' : arg.replace(/^(--(?:dir|out|server))=.*/, '$1=…'),
  );
  return shown.length === 0 ? [] : ['--', ...shown];
}
