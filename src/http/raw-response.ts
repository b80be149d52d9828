import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AppError } from '../model/errors.js';
import { errorResponse } from './error-response.js';

/**
 * Answers with an error on a bare socket, where there is no response object (upgrades, requests that cannot be
 * parsed), and closes it. The same shape as everywhere; harmless on a socket that is gone already.
 */
export function refuseOnSocket(socket: Duplex, error: AppError, nowMs: number, extra: Readonly<Record<string, string>> = {}): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = errorResponse(error, nowMs);
  const json = Buffer.from(JSON.stringify(body), 'utf8');
  const lines = Object.entries({
    Date: new Date(nowMs).toUTCString(),
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(json.length),
    'X-Content-Type-Options': 'nosniff',
    ...headers,
    ...extra,
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`, 'latin1');
  socket.once('finish', () => socket.destroy());
  socket.end(Buffer.concat([head, json]));
}
