/**
 * The writer thread: the only place that writes to the database. A group of calls is one transaction and one fsync
 * (group commit). Should a call fail for a reason of its own, the group is rolled back and its calls run one by
 * one, so that nobody pays for somebody else's mistake; should the disk fail, all of them fail.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { LogCopier } from '../log-copier.js';
import { openForWriting } from '../open.js';
import { createWriterOps } from '../writer/writer-ops.js';
import { type Call, invoke, type Ops, type Result, serve, toWireError } from './protocol.js';

export interface WriterThreadData {
  readonly path: string;
  readonly maxSeriesPerAgent: number;
}

const data = workerData as WriterThreadData;

serve(parentPort as NonNullable<typeof parentPort>, () => {
  const database = openForWriting(data.path);
  const { db } = database;
  const ops: Ops = createWriterOps(db, data);
  const copier = new LogCopier(db);
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');

  function transact(calls: readonly Call[]): Result[] {
    try {
      begin.run();
      const results = calls.map((call) => ({ value: invoke(ops, call) }));
      commit.run();
      copier.copyRest();
      return results;
    } catch (error) {
      if (db.inTransaction) rollback.run();
      throw error;
    }
  }

  function run(calls: readonly Call[]): Result[] {
    try {
      return transact(calls);
    } catch (error) {
      const wire = toWireError(error);
      const failed: Result = { error: wire };
      if (calls.length === 1 || wire.code === 'storage_full' || wire.code === 'storage_unavailable') return calls.map(() => failed);
      return calls.flatMap((call) => run([call]));
    }
  }

  return { run, close: () => database.close() };
});
