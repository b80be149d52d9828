/** The compactor thread: folds log rows and units into units. It reads; what it comes to is written by the writer. */
import { parentPort, workerData } from 'node:worker_threads';
import { Folder } from '../units/folder.js';
import { serveSnapshots } from './serve-snapshots.js';

export interface CompactorThreadData {
  readonly path: string;
}

const data = workerData as CompactorThreadData;

serveSnapshots(parentPort as NonNullable<typeof parentPort>, data.path, (db) => {
  const folder = new Folder(db);
  return { fold: folder.fold.bind(folder) };
});
