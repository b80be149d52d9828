/**
 * Opens the database file: pragmas, migrations, and the lock that keeps a second server off the same file.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AppError } from '../../model/errors.js';
import { MIGRATIONS } from './migrations.js';

export type Db = Database.Database;

/** "CCVB", so that `file` and this server tell our databases from others. */
const APPLICATION_ID = 0x43435642;
const BUSY_TIMEOUT_MS = 2_000;
/**
 * Pages of write-ahead log after which a commit copies them into the file itself: 256 MB at 4 kB. Before that the checkpoint
 * thread does it; should it not live, the log has an end nevertheless.
 */
const CHECKPOINT_PAGES = 64_000;

/** The writer's connection, and the lock it holds while it is open. */
export interface WriterDatabase {
  readonly db: Db;
  /** Copies the log into the file, closes both and lets the next server in. */
  close(): void;
}

/**
 * Opens for writing: creates the file and its folder when missing, applies what is missing of the schema.
 * Commits are durable (`synchronous=FULL`): when a transaction has returned it is on the disk.
 * @throws AppError `storage_unavailable` when another server has the file, when it is newer than this code (it is
 *   left untouched), or is not one of our databases.
 */
export function openForWriting(path: string): WriterDatabase {
  mkdirSync(dirname(path), { recursive: true });
  const lock = takeLock(path);
  try {
    const db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      const version = checkedVersion(db, path);
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      db.pragma('cache_size = -32768');
      db.pragma('foreign_keys = ON');
      migrate(db, version);
    } catch (error) {
      db.close();
      throw error;
    }
    return {
      db,
      close() {
        try {
          db.pragma('wal_checkpoint(TRUNCATE)');
        } finally {
          db.close();
          lock.close();
        }
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Opens for reading only: what a query may use. */
export function openForReading(path: string): Db {
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  db.pragma('cache_size = -32768');
  return db;
}

/** Opens for copying the write-ahead log into the file, at the writer's side: of use while the writer has it open. */
export function openForCheckpoints(path: string): Db {
  const db = new Database(path, { fileMustExist: true, timeout: 0 });
  // As the writer: what is in the file must be on the disk before the log is begun anew.
  db.pragma('synchronous = FULL');
  db.pragma('wal_autocheckpoint = 0');
  return db;
}

/**
 * An exclusive lock on a small file beside the database, held by the operating system: it is gone when the process
 * is, however it ended. (Rejected: a pid file, which outlives a crash; SQLite's exclusive locking mode, which would
 * keep our own reader threads out.)
 */
function takeLock(path: string): Db {
  const lock = new Database(`${path}.lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { code?: string }).code === 'SQLITE_BUSY') {
      throw new AppError('storage_unavailable', `another server is using ${path}; stop it first or set another DB_PATH`);
    }
    throw error;
  }
  return lock;
}

/** The schema's number. @throws AppError `storage_unavailable` when it is newer than this code, or not one of our databases */
export function checkedVersion(db: Db, path: string): number {
  let version: number;
  let applicationId: number;
  let tables: number;
  try {
    version = db.pragma('user_version', { simple: true }) as number;
    applicationId = db.pragma('application_id', { simple: true }) as number;
    tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  } catch (error) {
    if ((error as { code?: string }).code === 'SQLITE_NOTADB')
      throw new AppError('storage_unavailable', `${path} is not an SQLite database`);
    throw error;
  }
  if (tables > 0 && applicationId !== APPLICATION_ID) {
    throw new AppError('storage_unavailable', `${path} holds something else: it is left as it is; set another DB_PATH`);
  }
  if (version > MIGRATIONS.length) {
    throw new AppError(
      'storage_unavailable',
      `${path} was written by a newer version of this server (schema ${version}, this one knows ${MIGRATIONS.length}): it is left as it is`,
    );
  }
  return version;
}

function migrate(db: Db, from: number): void {
  for (let version = from; version < MIGRATIONS.length; version += 1) {
    db.transaction(() => {
      db.exec(MIGRATIONS[version] as string);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${version + 1}`);
    })();
  }
}
