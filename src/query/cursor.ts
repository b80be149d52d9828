/**
 * The opaque mark of a place in a list of samples: base64url of the last row's time and series id. It says
 * nothing of filters: a client repeats them, as with an offset.
 */
import { AppError } from '../model/errors.js';
import type { SampleCursor } from '../storage/ports.js';

const PLAIN = /^(\d{1,15})\.(\d{1,10})$/;

export function encodeCursor(cursor: SampleCursor): string {
  return Buffer.from(`${cursor.timestampMs}.${cursor.seriesId}`, 'latin1').toString('base64url');
}

/** @throws AppError `validation_failed` for anything encodeCursor did not make. */
export function decodeCursor(text: string): SampleCursor {
  const match = PLAIN.exec(Buffer.from(text, 'base64url').toString('latin1'));
  const cursor = match === null ? null : { timestampMs: Number(match[1]), seriesId: Number(match[2]) };
  if (cursor === null || encodeCursor(cursor) !== text) {
    const reason = '"cursor" must be the "pagination.cursor" of an earlier answer, unchanged';
    throw new AppError('validation_failed', reason, [{ field: 'cursor', message: reason, value: text.slice(0, 100) }]);
  }
  return cursor;
}
