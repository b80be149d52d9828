/** Copies a database in a thread of its own: the copy is one long call into SQLite, and somebody must report how far it is. */
import { parentPort, workerData } from 'node:worker_threads';
import { copyDatabase } from '../storage/sqlite/backup.js';
import { yieldToOthers } from '../storage/sqlite/threads/thread-priority.js';
import { messageOf } from './run-tool.js';

/** The server goes first, but not by much: until the copy is made its write-ahead log grows. */
const NICENESS = 5;

const { path, target } = workerData as { readonly path: string; readonly target: string };
yieldToOthers(NICENESS);
try {
  copyDatabase(path, target);
} catch (error) {
  // As text: SQLite's errors do not survive the way between threads.
  parentPort?.postMessage(messageOf(error));
}
