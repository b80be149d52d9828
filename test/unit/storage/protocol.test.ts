import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../../src/model/errors.js';
import { fromWireError, toWireError } from '../../../src/storage/sqlite/threads/protocol.js';

const sqliteError = (code: string): Error => Object.assign(new Error('what SQLite says'), { code });

describe('errors on their way between threads', () => {
  test.each([
    ['SQLITE_FULL', 'storage_full'],
    ['SQLITE_IOERR_WRITE', 'storage_unavailable'],
    ['SQLITE_BUSY', 'storage_unavailable'],
    ['SQLITE_READONLY_DBMOVED', 'storage_unavailable'],
    // A database that is damaged is no fault of the batch: answered as final, every agent would throw its data away.
    ['SQLITE_CORRUPT', 'storage_unavailable'],
    ['SQLITE_CORRUPT_INDEX', 'storage_unavailable'],
    ['SQLITE_NOTADB', 'storage_unavailable'],
    ['SQLITE_NOMEM', 'storage_unavailable'],
    ['SQLITE_PERM', 'storage_unavailable'],
    ['SQLITE_PROTOCOL', 'storage_unavailable'],
  ])('%s may be over by the next try', (code, expected) => {
    const error = fromWireError(toWireError(sqliteError(code))) as AppError;
    expect(error).toMatchObject({ name: 'AppError', code: expected });
    expect(error.retryAfterMs).not.toBeNull();
  });

  test.each(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_ERROR', 'SQLITE_TOOBIG', undefined])('%s is a bug, and stays one', (code) => {
    const error = fromWireError(toWireError(code === undefined ? new TypeError('no') : sqliteError(code)));
    expect(error).not.toMatchObject({ name: 'AppError' });
    expect(error.message).toMatch(/^storage: /);
  });

  test('ours arrive as they left', () => {
    expect(fromWireError(toWireError(new AppError('agent_deleted', 'gone')))).toMatchObject({ code: 'agent_deleted', message: 'gone' });
  });
});
