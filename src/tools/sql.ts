/** `npm run sql`: one statement, or a conversation. Read-only, beside a running server or without one. */
import { createInterface } from 'node:readline/promises';
import { type Db, checkedVersion } from '../storage/sqlite/open.js';
import { openForPeople, type PeoplesDatabase } from '../storage/sqlite/metrics-table.js';
import { printCsv, printJson, printTable, type RowPrinter } from './print-rows.js';
import { databasePath, messageOf, runTool } from './run-tool.js';

const METRICS_HELP = `metrics(agent, metric, since, until) holds the samples, wherever they are stored; '' stands for any (not NULL):

  select name, count(*), avg(value) from metrics('agent-1', '', '2026-11-22') group by name;
  select timestamp, value from metrics('', 'cpu.usage', '2026-11-22T10:00Z', '2026-11-22T11:00Z') where region = 'eu';

Columns: agent_id, name, type, value, unit, tags, provider, region, zone, timestamp, timestamp_ms, received_at_ms,
object_value. Times are ISO 8601 or Unix milliseconds, the end does not belong to the range.`;

const DIALOGUE_HELP = `A statement may take several lines and ends with ";". .tables lists the tables, .exit leaves (so does Ctrl-D).

${METRICS_HELP}`;

await runTool({
  usage: `npm run sql [-- "select …"]

Answers one SQL statement, or, without one, asks for statements until .exit. Read-only; may run beside a server.

  --json       an array of objects (npm run -s sql: without npm's own lines)
  --csv        comma-separated values
  --db FILE    the database; else DB_PATH as for the server

${METRICS_HELP}`,
  options: { db: { type: 'string' }, json: { type: 'boolean' }, csv: { type: 'boolean' } },
  positionals: [0, 1],
  async run({ options, positionals }) {
    if (options.json === true && options.csv === true) throw new Error('--json or --csv, not both');
    const print = options.json === true ? printJson : options.csv === true ? printCsv : printTable;
    const path = databasePath(options.db);
    const database = openForPeople(path);
    try {
      checkedVersion(database.db, path);
      if (positionals[0] === undefined) await converse(database, print);
      else answer(database, positionals[0], print);
    } finally {
      database.close();
    }
  },
});

function answer(database: PeoplesDatabase, sql: string, print: RowPrinter): void {
  const statement = database.db.prepare<[], unknown[]>(sql);
  if (!statement.reader) throw new Error('only statements that answer something: nothing can be changed here');
  const columns = statement.columns().map(({ name }) => name);
  database.atOneMoment(() => print(columns, statement.raw().iterate(), (text) => process.stdout.write(text)));
}

/** Errors are told and the conversation goes on; of a script on standard input the exit code tells, too. */
async function converse(database: PeoplesDatabase, print: RowPrinter): Promise<void> {
  const isPerson = process.stdin.isTTY;
  const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: isPerson });
  const prompt = (text: string): void => {
    if (!isPerson) return;
    lines.setPrompt(text);
    lines.prompt();
  };
  if (isPerson) process.stdout.write('.help says what there is.\n');
  let statement = '';
  const run = (): void => {
    try {
      answer(database, statement, print);
    } catch (error) {
      process.stderr.write(`${messageOf(error)}\n`);
      if (!isPerson) process.exitCode = 1;
    }
    statement = '';
  };
  prompt('sql> ');
  for await (const line of lines) {
    const command = line.trim();
    if (statement === '' && command === '.exit') break;
    if (statement === '' && command === '.help') process.stdout.write(`${DIALOGUE_HELP}\n`);
    else if (statement === '' && command === '.tables') process.stdout.write(`${tables(database.db).join('\n')}\n`);
    else if (statement === '' && command.startsWith('.')) process.stderr.write(`${command} is not known; .help says what there is\n`);
    else if (statement !== '' || command !== '') statement += `${line}\n`;
    if (command.endsWith(';')) run();
    prompt(statement === '' ? 'sql> ' : '...> ');
  }
  lines.close();
  if (statement.trim() !== '') run();
}

function tables(db: Db): string[] {
  const names = db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").pluck();
  return ['metrics', ...names.all()].sort();
}
