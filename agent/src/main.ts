#!/usr/bin/env node
/**
 * The process edge: command line in, signals, exit code out. Exit codes: 0 stopped, 1 could not start (the message says why),
 * 2 died of a bug; whoever supervises the process starts it again, and what was measured is in the spool.
 */
import { env } from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { Agent } from './agent.js';
import { HELP, type Invocation, parseOptions } from './options.js';
import { reasonOf } from './reason-of.js';
import { TextLogger } from './text-logger.js';
import { agentVersion } from './version.js';

// Garbage is collected a little more often, in a space that does not grow: with a week of batches waiting, 75 MB instead of 105.
setFlagsFromString('--semi-space-growth-factor=1');

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function invocation(): Invocation {
  try {
    return parseOptions(process.argv.slice(2), env, agentVersion());
  } catch (error) {
    return fail(`${reasonOf(error)}\nTry --help.`);
  }
}

const { options, logLevel, warnings } = invocation();
if (options === null) {
  process.stdout.write(HELP);
  process.exit(0);
}
const clock = { nowMs: (): number => Date.now() };
const logger = new TextLogger({ level: logLevel, clock, write: (line) => process.stderr.write(line) });
for (const warning of warnings) logger.warn(warning);
const agent = new Agent(options, { clock, logger });

let isStopping = false;
async function stop(signal: string): Promise<void> {
  if (isStopping) process.exit(1);
  isStopping = true;
  logger.info('stopping', { signal });
  await agent.stop();
  // Whatever still holds the event loop (a check that does not end) must not hold the process.
  setTimeout(() => process.exit(), 500).unref();
}
process.on('SIGTERM', (signal) => void stop(signal));
process.on('SIGINT', (signal) => void stop(signal));

/** A bug: the state is not to be trusted any more. */
function die(kind: string, error: unknown): void {
  logger.error(kind, { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  setTimeout(() => process.exit(2), 200);
}
process.on('uncaughtException', (error) => die('uncaught exception', error));
process.on('unhandledRejection', (error) => die('unhandled rejection', error));

try {
  await agent.start();
} catch (error) {
  fail(`The agent could not start: ${reasonOf(error)}`);
}
