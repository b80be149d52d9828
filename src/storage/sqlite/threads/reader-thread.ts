/** A reader thread: one read-only connection, one query at a time, each in a snapshot of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { openForReading } from '../open.js';
import { createReaderOps } from '../reader/reader-ops.js';
import { type Call, invoke, type Ops, serve, toWireError } from './protocol.js';

export interface ReaderThreadData {
  readonly path: string;
  readonly queryTimeoutMs: number;
}

const data = workerData as ReaderThreadData;

serve(parentPort as NonNullable<typeof parentPort>, () => {
  const db = openForReading(data.path);
  const ops: Ops = createReaderOps(db, data);
  const inSnapshot = db.transaction((call: Call) => invoke(ops, call));
  return {
    run: (calls) =>
      calls.map((call) => {
        try {
          return { value: inSnapshot(call) };
        } catch (error) {
          return { error: toWireError(error) };
        }
      }),
    close: () => db.close(),
  };
});
