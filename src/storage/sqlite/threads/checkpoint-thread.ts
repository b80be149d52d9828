/**
 * The checkpoint thread: copies the write-ahead log into the database file, so that the writer need not. Copying takes
 * a tenth of a second and more when a reader (a backup above all) has kept it from being copied for a while, and every
 * acknowledgement would wait for it. It needs nothing of the writer: once all of the log is copied the writer begins it anew.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { openForCheckpoints } from '../open.js';
import { LogCopier } from '../log-copier.js';
import { serve } from './protocol.js';

export interface CheckpointThreadData {
  readonly path: string;
}

/** How often it looks at the length of the log. */
const INTERVAL_MS = 100;

const data = workerData as CheckpointThreadData;

serve(parentPort as NonNullable<typeof parentPort>, () => {
  const db = openForCheckpoints(data.path);
  const copier = new LogCopier(db);
  const timer = setInterval(() => copier.copyMost(), INTERVAL_MS);
  return {
    run: () => [],
    close() {
      clearInterval(timer);
      db.close();
    },
  };
});
