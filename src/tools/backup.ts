/** `npm run backup -- FILE`: a consistent copy of the database, beside a running server or without one. */
import { once } from 'node:events';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { databasePath, runTool, secondsText, sizeText } from './run-tool.js';

const PROGRESS_INTERVAL_MS = 2_000;

await runTool({
  usage: `npm run backup -- FILE

Writes a consistent, compact copy of the database to FILE, beside a running server or without one, and checks it.
FILE must not exist yet; while the copy is made it is called FILE.part, so that FILE is always a whole one.

  --db FILE    the database; else DB_PATH as for the server`,
  options: { db: { type: 'string' } },
  positionals: [1, 1],
  async run({ options, positionals }) {
    const target = positionals[0] as string;
    const path = databasePath(options.db);
    const part = `${target}.part`;
    if (existsSync(target)) throw new Error(`${target} is there already: it is left as it is`);
    if (existsSync(part)) throw new Error(`${part} is there: another backup is running, or one was killed; remove it then`);
    const startedMs = performance.now();
    const stopWatching = removeWhenKilled(part);
    try {
      await copied(path, part, startedMs);
      if (existsSync(target)) throw new Error(`${target} has come up meanwhile: it is left as it is`);
      renameSync(part, target);
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    } finally {
      stopWatching();
    }
    syncFolder(dirname(target));
    process.stdout.write(`${target}: ${sizeText(statSync(target).size)}, copied and checked in ${secondsText(startedMs)}\n`);
  },
});

async function copied(path: string, target: string, startedMs: number): Promise<void> {
  const sizeOf = (file: string): string => sizeText(statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  const timer = setInterval(() => {
    process.stderr.write(`${secondsText(startedMs)}: ${sizeOf(target)} of ${sizeOf(path)} at the most\n`);
  }, PROGRESS_INTERVAL_MS);
  try {
    const worker = new Worker(new URL('./backup-thread.js', import.meta.url), { workerData: { path, target } });
    let failure: string | null = null;
    worker.on('message', (message: string) => (failure = message));
    await once(worker, 'exit');
    if (failure !== null) throw new Error(failure);
  } finally {
    clearInterval(timer);
  }
}

/** A signal removes the half copy and then does what it does: the thread is inside SQLite and cannot be asked to stop. */
function removeWhenKilled(part: string): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const stopWatching = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    stopWatching();
    for (const file of [part, `${part}-journal`]) rmSync(file, { force: true });
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return stopWatching;
}

/** So that the new name, too, outlives a power cut. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
