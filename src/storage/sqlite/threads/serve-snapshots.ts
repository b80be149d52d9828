import type { MessagePort } from 'node:worker_threads';
import { type Db, openForReading } from '../open.js';
import { type Call, invoke, type Ops, serve, toWireError } from './protocol.js';

/** Runs a thread that only reads: one connection, one call at a time, each in a snapshot of its own. */
export function serveSnapshots(port: MessagePort, path: string, createOps: (db: Db) => Ops): void {
  serve(port, () => {
    const db = openForReading(path);
    const ops = createOps(db);
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
}
