import { CorruptDataError } from '../engine/codec/varint.js';

/** The error with the name of what is damaged; any other error as it is. */
export function damaged(error: unknown, what: string): unknown {
  return error instanceof CorruptDataError ? new Error(`${what} is damaged: ${error.message}`, { cause: error }) : error;
}
