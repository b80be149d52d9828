/** The process edge of the fleet: command line in, a line every few seconds, signals, exit code out (1: it could not start). */
import { env } from 'node:process';
import { reasonOf } from '../reason-of.js';
import { TextLogger } from '../text-logger.js';
import { agentVersion } from '../version.js';
import { Fleet } from './fleet.js';
import { FLEET_HELP, type FleetInvocation, parseFleetOptions } from './fleet-options.js';
import { Summary } from './summary.js';
import { TallyLogger } from './tally-logger.js';

const SUMMARY_INTERVAL_MS = 5_000;

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function invocation(): FleetInvocation {
  try {
    return parseFleetOptions(process.argv.slice(2), env);
  } catch (error) {
    return fail(`${reasonOf(error)}\nTry --help.`);
  }
}

const { isHelp, seconds, ...options } = invocation();
if (isHelp) {
  process.stdout.write(FLEET_HELP);
  process.exit(0);
}
const clock = { nowMs: (): number => Date.now() };
const tally = new TallyLogger(new TextLogger({ level: 'warn', clock, write: (line) => process.stderr.write(line) }));
const fleet = new Fleet({ ...options, version: agentVersion(), clock, logger: tally });
const summary = new Summary(fleet);
const say = (): void => console.log(summary.next());
const ticker = setInterval(say, SUMMARY_INTERVAL_MS);

let isStopping = false;
async function stop(): Promise<void> {
  if (isStopping) process.exit(1);
  isStopping = true;
  clearInterval(ticker);
  await fleet.stop();
  say();
  const { warnings, errors } = tally.counts;
  console.log(`warnings ${warnings}, errors ${errors}; each kind is told once above`);
  process.exit(0);
}
process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => void stop());

try {
  await fleet.start();
} catch (error) {
  fail(`The fleet could not start: ${reasonOf(error)}`);
}
if (seconds !== null) setTimeout(() => void stop(), seconds * 1_000);
