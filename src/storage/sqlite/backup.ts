import { closeSync, fsyncSync, openSync } from 'node:fs';
import { checkedVersion, openForReading } from './open.js';

/**
 * Writes a consistent, compact copy of a database, beside a running server or without one, and checks it. Writes go on
 * meanwhile; the write-ahead log grows until the copy is done. When it returns, the copy is on the disk.
 *
 * Rejected: SQLite's online backup API, which starts again whenever somebody writes: beside a fleet, for ever.
 * @throws when the target exists, the disk is full, or the copy is not sound; whoever called removes what is there
 */
export function copyDatabase(path: string, target: string): void {
  const db = openForReading(path);
  try {
    checkedVersion(db, path);
    db.prepare('VACUUM INTO ?').run(target);
  } finally {
    db.close();
  }
  // VACUUM INTO leaves it to the operating system when to write.
  const file = openSync(target, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  const copy = openForReading(target);
  try {
    checkedVersion(copy, target);
    const answer = copy.pragma('quick_check(1)', { simple: true });
    if (answer !== 'ok') throw new Error(`the copy is not sound: ${String(answer)}`);
  } finally {
    copy.close();
  }
}
