/**
 * What passes between the main thread and a storage thread. The main thread sends groups of calls; a thread answers
 * each group with one result per call, in order. A thread says `ready` once, or `failed`, when its database is open.
 */
import type { MessagePort } from 'node:worker_threads';
import { AppError, type ErrorCode, isAppError } from '../../../model/errors.js';

/** A thread's calls by name. `never` lets functions of any shape in: whoever calls them has checked the name and the arguments (the clients' types). */
export type Ops = Record<string, (...args: never[]) => unknown>;

/** Calls an operation by name. */
export function invoke(ops: Ops, { op, args }: Call): unknown {
  const operation = ops[op] as (...args: readonly unknown[]) => unknown;
  return operation(...args);
}

export interface Call {
  readonly op: string;
  readonly args: readonly unknown[];
}

/** An error on its way between threads: structured cloning would lose the code. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
}

export type Result = { readonly value: unknown } | { readonly error: WireError };

export type ToThread = { readonly id: number; readonly calls: readonly Call[] } | 'stop';
export type FromThread = { readonly id: number; readonly results: readonly Result[] } | 'ready' | { readonly failed: WireError };

/** Codes of SQLite that say something about the database or the machine, and nothing about the call. */
const NOT_THE_CALLS_FAULT = /^SQLITE_(IOERR|BUSY|LOCKED|READONLY|CANTOPEN|CORRUPT|NOTADB|NOMEM|PERM|PROTOCOL)/;

/**
 * SQLite's own codes, and ours, as the error the caller is to see. A full disk heals, and a damaged database gets
 * repaired: an agent must keep its batch meanwhile. `internal` remains for what fails again however often it is sent.
 */
export function toWireError(error: unknown): WireError {
  if (isAppError(error)) return { code: error.code, message: error.message };
  const { code, message } = error as { code?: unknown; message?: unknown };
  const text = String(message);
  if (code === 'SQLITE_FULL') return { code: 'storage_full', message: 'the disk is full' };
  if (typeof code === 'string' && NOT_THE_CALLS_FAULT.test(code)) {
    return { code: 'storage_unavailable', message: `the database cannot be used right now (${code})` };
  }
  return { code: 'internal', message: typeof code === 'string' ? `${code}: ${text}` : text };
}

export function fromWireError(error: WireError): Error {
  return error.code === 'internal' ? new Error(`storage: ${error.message}`) : new AppError(error.code, error.message);
}

/**
 * Runs a thread: opens, says so, then serves groups until told to stop. `run` must answer with one result per call.
 */
export function serve(port: MessagePort, open: () => { run(calls: readonly Call[]): Result[]; close(): void }): void {
  let served: ReturnType<typeof open>;
  try {
    served = open();
  } catch (error) {
    port.postMessage({ failed: toWireError(error) } satisfies FromThread);
    port.close();
    return;
  }
  port.on('message', (message: ToThread) => {
    if (message === 'stop') {
      served.close();
      port.close();
      return;
    }
    port.postMessage({ id: message.id, results: served.run(message.calls) } satisfies FromThread);
  });
  port.postMessage('ready' satisfies FromThread);
}
