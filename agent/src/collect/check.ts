import { isIPv6 } from 'node:net';
import type { CheckTarget } from '../model.js';
import type { Reading } from './metric.js';

/**
 * Checks one target, now, and says what it found: a target that fails is a reading, too.
 * Rejects only when `signal` ends it, with the signal's reason.
 */
export type Check = (target: CheckTarget, signal: AbortSignal) => Promise<Reading[]>;

/** `host:port`, with an IPv6 address in brackets; the host alone without a port. */
export function hostAndPort(host: string, port: number | null): string {
  if (port === null) return host;
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
