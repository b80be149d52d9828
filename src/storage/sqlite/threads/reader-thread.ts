/** A reader thread: answers queries. */
import { parentPort, workerData } from 'node:worker_threads';
import { createReaderOps } from '../reader/reader-ops.js';
import { serveSnapshots } from './serve-snapshots.js';

export interface ReaderThreadData {
  readonly path: string;
  readonly queryTimeoutMs: number;
}

const data = workerData as ReaderThreadData;

serveSnapshots(parentPort as NonNullable<typeof parentPort>, data.path, (db) => createReaderOps(db, data));
