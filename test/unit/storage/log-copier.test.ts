import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LogCopier } from '../../../src/storage/sqlite/log-copier.js';
import { type Db, openForCheckpoints, openForReading, openForWriting, type WriterDatabase } from '../../../src/storage/sqlite/open.js';

const PAGE_BYTES = 4_096;
const LONG_PAGES = 4_000;

let folder: string;
let writer: WriterDatabase;
let other: Db;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ccv-log-'));
  writer = openForWriting(join(folder, 'monitoring.db'));
  writer.db.exec('CREATE TABLE filler (bytes BLOB)');
  other = openForCheckpoints(join(folder, 'monitoring.db'));
});

afterEach(() => {
  other.close();
  writer.close();
  rmSync(folder, { recursive: true });
});

function write(pages: number): void {
  writer.db.prepare('INSERT INTO filler VALUES (zeroblob(?))').run(pages * PAGE_BYTES);
}

/** Pages in the log, and those of them that are in the file, as SQLite sees it. */
function log(): { log: number; checkpointed: number } {
  const [state] = writer.db.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[];
  return { log: state?.log ?? -1, checkpointed: state?.checkpointed ?? -1 };
}

describe('the write-ahead log', () => {
  test('is begun anew once it is long: most of it is copied beside the writer, the rest by the writer', () => {
    write(LONG_PAGES);
    const long = log();
    expect(long.log).toBeGreaterThan(LONG_PAGES);
    new LogCopier(writer.db).copyRest();
    expect(log()).toEqual(long);
    new LogCopier(other).copyMost();
    expect(log().checkpointed).toBe(long.log);
    write(10);
    expect(log().log).toBeLessThan(LONG_PAGES);
  });

  test('what is added meanwhile is little, and copied by the writer', () => {
    write(LONG_PAGES);
    const reader = openForReading(join(folder, 'monitoring.db'));
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM filler').get();
    write(20);
    new LogCopier(other).copyMost();
    expect(log().checkpointed).toBeLessThan(log().log);
    reader.close();
    new LogCopier(writer.db).copyRest();
    expect(log().checkpointed).toBe(log().log);
    write(10);
    expect(log().log).toBeLessThan(LONG_PAGES);
  });

  test('that a reader holds is left alone by the writer, until most of it is copied', () => {
    const reader = openForReading(join(folder, 'monitoring.db'));
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM filler').get();
    write(2 * LONG_PAGES);
    new LogCopier(other).copyMost();
    const held = log();
    new LogCopier(writer.db).copyRest();
    expect(log()).toEqual(held);
    reader.close();
    new LogCopier(other).copyMost();
    expect(log().checkpointed).toBe(held.log);
  });

  test('a short one is not touched', () => {
    write(100);
    const short = log();
    new LogCopier(other).copyMost();
    new LogCopier(writer.db).copyRest();
    expect(log()).toEqual(short);
  });
});
