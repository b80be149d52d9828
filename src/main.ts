/**
 * The process edge: environment in, signals, exit code out. Everything else is in app.ts.
 * Exit codes: 0 stopped cleanly, 1 could not start (the message says why) or did not stop cleanly, 2 died of a bug.
 */
import { createApp } from './app.js';
import { ConfigError, parseConfig } from './config/config.js';
import { readEnvironment } from './config/env.js';

const ENV_FILE = '.env';

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function configured(): ReturnType<typeof parseConfig> {
  try {
    return parseConfig(readEnvironment(ENV_FILE));
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    throw error;
  }
}

const { config, warnings } = configured();
const app = createApp(config);
for (const warning of warnings) app.logger.warn(warning);

let stopping = false;
async function stop(signal: string): Promise<void> {
  if (stopping) {
    app.logger.warn('second signal: leaving at once', { signal });
    process.exit(1);
  }
  stopping = true;
  app.logger.info('stopping', { signal });
  const clean = await app.stop();
  app.logger.info('stopped', { clean });
  process.exitCode = clean ? 0 : 1;
  // Whatever still holds the event loop (a client that does not close) must not hold the process.
  setTimeout(() => process.exit(), 500).unref();
}
process.on('SIGTERM', (signal) => void stop(signal));
process.on('SIGINT', (signal) => void stop(signal));

/** A bug: the state is not to be trusted any more. Nothing acknowledged is lost, it is on disk; whoever restarts us, does. */
function die(kind: string, error: unknown): void {
  app.logger.error(kind, { error });
  setTimeout(() => process.exit(2), 200);
}
process.on('uncaughtException', (error) => die('uncaught exception', error));
process.on('unhandledRejection', (error) => die('unhandled rejection', error));

try {
  await app.start();
} catch (error) {
  await app.stop();
  // A signal that came meanwhile sets the exit code itself.
  if (!stopping) fail(`The server could not start: ${error instanceof Error ? error.message : String(error)}`);
}
