import { MIGRATIONS } from '../migrations.js';
import { checkedVersion, type Db, openForReading } from '../open.js';
import { MAX_PARTS } from '../units/unit-rows.js';
import { KnownSeries } from './known-series.js';
import { LogCheck } from './log-check.js';
import { failureOf, UnitCheck } from './unit-check.js';

export interface VerifyReport {
  readonly units: number;
  readonly unitBytes: number;
  readonly unitSamples: number;
  readonly logRows: number;
  readonly logSamples: number;
  readonly agents: number;
  readonly series: number;
  /** Each names what is wrong: a unit, a row, an agent. Empty when nothing is. */
  readonly problems: readonly string[];
}

/**
 * Reads the whole database and says what is wrong with it. Changes nothing; a server may be using it: units and log
 * rows are read in many small transactions, and a fold that moves rows behind the reader's back is no problem, since
 * what it makes is a new unit, which comes last. Only SQLite's own check, at the end, is one long read.
 * @param progress called often, with what is being done
 * @throws AppError when the file is not one of our databases, or of another schema
 */
export function verifyDatabase(path: string, progress: (doing: string) => void): VerifyReport {
  const db = openForReading(path);
  try {
    const version = checkedVersion(db, path);
    if (version < MIGRATIONS.length) {
      throw new Error(
        `${path} is of schema ${version}, this version of the server writes ${MIGRATIONS.length}: start the server once first`,
      );
    }
    const problems: string[] = [];
    let report = { units: 0, unitBytes: 0, unitSamples: 0, logRows: 0, logSamples: 0, agents: 0, series: 0 };
    problems.push(
      // What the pages themselves are damaged of ends one of the checks, not all of them.
      ...failureOf(() => (report = { ...report, ...checkLog(db, problems, progress) })),
      ...failureOf(() => (report = { ...report, ...checkUnits(db, problems, progress) })),
      ...failureOf(() => (report = { ...report, ...checkDictionary(db, problems, progress) })),
    );
    progress('SQLite: integrity_check');
    problems.push(
      ...failureOf(() => {
        const answers = db.prepare<[], string>('PRAGMA integrity_check').pluck().all();
        problems.push(...answers.filter((answer) => answer !== 'ok').map((answer) => `SQLite: ${answer}`));
      }),
    );
    return { ...report, problems };
  } finally {
    db.close();
  }
}

/** The log first: what is folded meanwhile is then among the units, and nothing is missed. */
function checkLog(db: Db, problems: string[], progress: (doing: string) => void): { logRows: number; logSamples: number } {
  const check = new LogCheck(db, new KnownSeries(db));
  let logRows = 0;
  let logSamples = 0;
  for (let slice = check.next(Number.MIN_SAFE_INTEGER); slice !== null; slice = check.next(slice.lastId)) {
    logRows += slice.rows;
    logSamples += slice.sampleCount;
    problems.push(...slice.problems);
    progress(`log: ${logRows} rows`);
  }
  return { logRows, logSamples };
}

function checkUnits(
  db: Db,
  problems: string[],
  progress: (doing: string) => void,
): { units: number; unitBytes: number; unitSamples: number } {
  const check = new UnitCheck(db, new KnownSeries(db));
  let units = 0;
  let unitBytes = 0;
  let unitSamples = 0;
  for (let unit = check.next(Number.MIN_SAFE_INTEGER); unit !== null; unit = check.next(unit.id)) {
    units += 1;
    unitBytes += unit.byteCount;
    unitSamples += unit.sampleCount;
    problems.push(...unit.problems);
    progress(`units: ${units}`);
  }
  return { units, unitBytes, unitSamples };
}

function checkDictionary(db: Db, problems: string[], progress: (doing: string) => void): { agents: number; series: number } {
  progress('dictionary');
  const texts = (sql: string): string[] => db.prepare<[], string>(sql).pluck().all();
  const check = db.transaction(() => {
    problems.push(
      ...texts(
        `SELECT DISTINCT 'unit_parts: parts of unit ' || (id / ${MAX_PARTS}) || ', which does not exist' FROM unit_parts
         WHERE NOT EXISTS (SELECT 1 FROM units u WHERE u.id = unit_parts.id / ${MAX_PARTS})`,
      ),
      ...texts(
        `SELECT 'metric_series: ' || count(*) || ' series of an agent that does not exist (key ' || agent_key || ')' FROM metric_series
         WHERE agent_key NOT IN (SELECT agent_key FROM agents UNION ALL SELECT agent_key FROM deleted_agents) GROUP BY agent_key`,
      ),
      ...texts(
        `SELECT 'agent ' || a.id || ': agent_totals says ' || t.series || ' series, there are ' || s.found
         FROM agents a JOIN agent_totals t ON t.agent_key = a.agent_key
         JOIN (SELECT a.agent_key, count(m.id) AS found FROM agents a LEFT JOIN metric_series m ON m.agent_key = a.agent_key
               GROUP BY a.agent_key) s ON s.agent_key = a.agent_key
         WHERE s.found <> t.series`,
      ),
      ...texts(
        `SELECT 'agent_gaps: ' || count(*) || ' gaps of an agent that does not exist (key ' || agent_key || ')' FROM agent_gaps
         WHERE agent_key NOT IN (SELECT agent_key FROM agents UNION ALL SELECT agent_key FROM deleted_agents) GROUP BY agent_key`,
      ),
      ...texts(
        `SELECT 'agent ' || id || ': has no row in agent_totals' FROM agents
         WHERE agent_key NOT IN (SELECT agent_key FROM agent_totals)`,
      ),
      ...texts(
        `SELECT "table" || ': ' || count(*) || ' rows refer to what is not in ' || parent FROM pragma_foreign_key_check
         GROUP BY "table", parent`,
      ),
    );
    const count = (table: string): number => db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() as number;
    return { agents: count('agents'), series: count('metric_series') };
  });
  return check();
}
