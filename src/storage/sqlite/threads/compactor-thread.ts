/**
 * The compactor thread: finds out what is to be folded, and folds log rows and units into units. It reads; what it comes
 * to is written by the writer.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { ExpiryPlanner } from '../units/expiry-planner.js';
import { FoldPlanner } from '../units/fold-planner.js';
import { Folder } from '../units/folder.js';
import { serveSnapshots } from './serve-snapshots.js';
import { yieldToOthers } from './thread-priority.js';

export interface CompactorThreadData {
  readonly path: string;
}

/** Nobody waits for a fold. Not the very last: what it reads holds the write-ahead log. */
const NICENESS = 10;

const data = workerData as CompactorThreadData;

yieldToOthers(NICENESS);

serveSnapshots(parentPort as NonNullable<typeof parentPort>, data.path, (db) => {
  const folds = new FoldPlanner(db);
  const expiry = new ExpiryPlanner(db);
  const folder = new Folder(db);
  return { planFolds: folds.plan.bind(folds), planExpiry: expiry.plan.bind(expiry), fold: folder.fold.bind(folder) };
});
