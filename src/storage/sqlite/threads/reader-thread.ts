/** A reader thread: answers queries. */
import { parentPort, workerData } from 'node:worker_threads';
import { createReaderOps } from '../reader/reader-ops.js';
import { serveSnapshots } from './serve-snapshots.js';
import { yieldToOthers } from './thread-priority.js';

export interface ReaderThreadData {
  readonly path: string;
  readonly queryTimeoutMs: number;
}

/** While acknowledgements wait there come more of them; a query only takes longer. */
const NICENESS = 5;

const data = workerData as ReaderThreadData;

yieldToOthers(NICENESS);

serveSnapshots(parentPort as NonNullable<typeof parentPort>, data.path, (db) => createReaderOps(db, data));
