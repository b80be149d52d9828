import { connect, type Socket } from 'node:net';
import type { SsrfGuard } from './ssrf-guard.js';

export interface ConnectOptions {
  readonly guard: SsrfGuard;
  /** Of the way to the connection. */
  readonly timeoutMs: number;
  /** Ends the connection, whatever it is doing. */
  readonly signal: AbortSignal;
}

/** A connection to a host the guard allows. @throws ForbiddenHostError, or what went wrong with the connection */
export function connectGuarded(host: string, port: number, { guard, timeoutMs, signal }: ConnectOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    guard.checkHost(host);
    const socket = connect({ host, port, lookup: guard.lookup, signal });
    const timer = setTimeout(() => socket.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })), timeoutMs);
    // It stays: an error before somebody else listens must not end the process.
    socket.on('error', reject);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}
