/** `npm run compact`: folds all samples of a database that no server has open, and gives unused room back. */
import { statSync } from 'node:fs';
import { systemClock } from '../runtime/clock.js';
import { type Logger, silentLogger } from '../runtime/logger.js';
import { openForWriting } from '../storage/sqlite/open.js';
import { SqliteStorage } from '../storage/sqlite/sqlite-storage.js';
import { databasePath, messageOf, runTool, secondsText, sizeText } from './run-tool.js';

await runTool({
  usage: `npm run compact

Folds all samples into their compact form, however young they are, erases what deleted agents left behind, and makes
the file as small as it can be. Refused while a server has the database open. Needs as much free space as two times
what the data will occupy; a kill in between loses nothing.

  --db FILE    the database; else DB_PATH as for the server`,
  options: { db: { type: 'string' } },
  positionals: [0, 0],
  async run({ options }) {
    const path = databasePath(options.db);
    const startedMs = performance.now();
    const before = statSync(path).size + (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0);
    await fold(path);
    process.stderr.write(`${secondsText(startedMs)}: folded\n`);
    const database = openForWriting(path);
    try {
      database.db.exec('VACUUM');
    } finally {
      database.close();
    }
    process.stdout.write(`${path}: ${sizeText(before)} before, ${sizeText(statSync(path).size)} now, in ${secondsText(startedMs)}\n`);
  },
});

/** @throws what went wrong while folding: storage only logs it, since a server goes on without */
async function fold(path: string): Promise<void> {
  const failures: string[] = [];
  const note = (message: string, fields?: object): void => {
    const error: unknown = fields !== undefined && 'error' in fields ? fields.error : undefined;
    failures.push(error === undefined ? message : `${message}: ${messageOf(error)}`);
  };
  const logger: Logger = { ...silentLogger, warn: note, error: note };
  const storage = new SqliteStorage(
    {
      path,
      readerThreads: 1,
      queryTimeoutMs: 600_000,
      maxQueuedQueries: 16,
      maxSeriesPerAgent: Number.MAX_SAFE_INTEGER,
      compactIntervalMs: 2 ** 31 - 1,
    },
    systemClock,
    logger,
    { writable() {}, activitiesDropped() {}, folded() {} },
  );
  try {
    await storage.start();
    while (await storage.agents.eraseDeleted());
    await storage.compact(true);
  } finally {
    await storage.stop();
  }
  if (failures[0] !== undefined) throw new Error(failures[0]);
}
