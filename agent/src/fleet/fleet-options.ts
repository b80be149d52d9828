/** The fleet's command line. */
import { parseArgs } from 'node:util';
import { connectUrl } from '../link/connect-url.js';
import { reasonOf } from '../reason-of.js';

export const FLEET_HELP = `Usage: npm run fleet -- [options]

Many simulated agents, for trying out a server.

  --url URL         the server (default ws://127.0.0.1:8080)
  --agents N        how many (default 100)
  --interval N      seconds between two collections of an agent (default 30)
  --series N        series of each agent (default 100)
  --seconds N       how long (default: until it is interrupted)
  --prefix NAME     agents are NAME-0001 and so on (default fleet)
  --token TOKEN     or CCV_AGENT_TOKEN in the environment
  --help
`;

const OPTIONS = {
  url: { type: 'string' },
  agents: { type: 'string' },
  interval: { type: 'string' },
  series: { type: 'string' },
  seconds: { type: 'string' },
  prefix: { type: 'string' },
  token: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const MAX_AGENTS = 100_000;
const MAX_SERIES = 100_000;
const MAX_SECONDS = 2_000_000;

export interface FleetInvocation {
  readonly isHelp: boolean;
  readonly url: string;
  readonly agents: number;
  readonly intervalS: number;
  readonly series: number;
  /** Null: until it is interrupted. */
  readonly seconds: number | null;
  readonly prefix: string;
  readonly token: string | null;
}

/** @throws Error that says what is wrong with them */
export function parseFleetOptions(
  args: readonly string[],
  environment: { readonly CCV_AGENT_TOKEN?: string | undefined },
): FleetInvocation {
  const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false });
  const { url = 'ws://127.0.0.1:8080', prefix = 'fleet', seconds } = values;
  try {
    connectUrl(url, { agentId: '', provider: '', region: '', zone: '' });
  } catch (error) {
    throw new Error(`--url: ${reasonOf(error)}`, { cause: error });
  }
  if (!/^[\w.-]{1,64}$/.test(prefix)) throw new Error('--prefix must be 1 to 64 letters, digits, "_", "." and "-"');
  return {
    isHelp: values.help === true,
    url,
    agents: positive('agents', values.agents ?? '100', MAX_AGENTS),
    intervalS: positive('interval', values.interval ?? '30', 3_600),
    series: positive('series', values.series ?? '100', MAX_SERIES),
    seconds: seconds === undefined ? null : positive('seconds', seconds, MAX_SECONDS),
    prefix,
    token: values.token ?? (environment.CCV_AGENT_TOKEN || null),
  };
}

function positive(name: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} must be a whole number from 1 to ${most} (it is ${JSON.stringify(text)})`);
}
