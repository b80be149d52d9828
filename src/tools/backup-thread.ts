/** Copies a database in a thread of its own: the copy is one long call into SQLite, and somebody must report how far it is. */
import { parentPort, workerData } from 'node:worker_threads';
import { copyDatabase } from '../storage/sqlite/backup.js';
import { messageOf } from './run-tool.js';

const { path, target } = workerData as { readonly path: string; readonly target: string };
try {
  copyDatabase(path, target);
} catch (error) {
  // As text: SQLite's errors do not survive the way between threads.
  parentPort?.postMessage(messageOf(error));
}
