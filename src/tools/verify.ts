/** `npm run verify`: reads a whole database and says what is wrong with it. Exit code 1 when anything is. */
import { statSync } from 'node:fs';
import { verifyDatabase } from '../storage/sqlite/check/verify.js';
import { databasePath, runTool, secondsText, sizeText } from './run-tool.js';

const SHOWN_PROBLEMS = 100;
const PROGRESS_INTERVAL_MS = 2_000;

await runTool({
  usage: `npm run verify [-- FILE]

Checks a database: the checksum of everything that is stored, every sample of every unit and of the log, the
dictionary of series, and SQLite's own structures. Changes nothing, and may run beside a server. Says what is wrong,
and exits with 1 when anything is.

  FILE         the database; else --db, else DB_PATH as for the server
  --db FILE    the same`,
  options: { db: { type: 'string' } },
  positionals: [0, 1],
  run({ options, positionals }) {
    const path = databasePath(positionals[0] ?? options.db);
    const startedMs = performance.now();
    let shownMs = startedMs;
    const report = verifyDatabase(path, (doing) => {
      if (performance.now() - shownMs < PROGRESS_INTERVAL_MS) return;
      shownMs = performance.now();
      process.stderr.write(`${secondsText(startedMs)}: ${doing}\n`);
    });
    const { units, unitBytes, unitSamples, logRows, logSamples, agents, series, problems } = report;
    const lines = [
      `${path}: ${sizeText(statSync(path).size)}, checked in ${secondsText(startedMs)}`,
      `units: ${units} (${sizeText(unitBytes)}) with ${unitSamples} samples`,
      `log: ${logRows} rows with ${logSamples} samples`,
      `dictionary: ${agents} agents, ${series} series`,
      ...problems.slice(0, SHOWN_PROBLEMS).map((problem) => `WRONG  ${problem}`),
    ];
    if (problems.length > SHOWN_PROBLEMS) lines.push(`… and ${problems.length - SHOWN_PROBLEMS} more`);
    lines.push(problems.length === 0 ? 'Nothing is wrong.' : `${problems.length} wrong.`);
    process.stdout.write(`${lines.join('\n')}\n`);
    if (problems.length > 0) process.exitCode = 1;
  },
});
