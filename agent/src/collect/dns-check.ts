import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isHost } from '../control/target-text.js';
import type { CheckTarget } from '../model.js';
import { hostAndPort } from './check.js';
import { withDeadline } from './deadline.js';
import { flag, gauge, type Reading, roundedMs } from './metric.js';

const DNS_PORT = 53;
/** A datagram may get lost. */
const TRIES = 2;
/** The server answered, though it has or gives nothing. */
const ANSWERS: ReadonlySet<string | undefined> = new Set(['ENODATA', 'ENOTFOUND', 'EREFUSED']);

/**
 * How long DNS takes to answer. A target that is a name is looked up with the system's servers, and must have an address; an IP address is
 * that of a server, which must answer at all. Neither the hosts file nor search domains take part.
 */
export async function dnsCheck({ address, port, timeoutMs }: CheckTarget, signal: AbortSignal): Promise<Reading[]> {
  const tags = { target: hostAndPort(address, port) };
  if (!isHost(address)) return [flag('dns_success', false, tags)];
  // Made anew, so that a change of the system's servers is noticed.
  const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / TRIES), tries: TRIES });
  const isServer = isIP(address) !== 0;
  if (isServer) resolver.setServers([hostAndPort(address, port ?? DNS_PORT)]);
  const startMs = performance.now();
  try {
    await withDeadline(timeoutMs, signal, () => (isServer ? askAnything(resolver) : lookUp(resolver, address)));
    return [flag('dns_success', true, tags), gauge('dns_lookup_time_ms', roundedMs(performance.now() - startMs), 'ms', tags)];
  } catch {
    signal.throwIfAborted();
    return [flag('dns_success', false, tags)];
  } finally {
    resolver.cancel();
  }
}

/** The root's name servers: a question every server understands. */
async function askAnything(resolver: Resolver): Promise<void> {
  try {
    await resolver.resolveNs('.');
  } catch (error) {
    if (!ANSWERS.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}

/** An IPv4 address, or else an IPv6 one. */
async function lookUp(resolver: Resolver, name: string): Promise<void> {
  try {
    await resolver.resolve4(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENODATA') throw error;
    await resolver.resolve6(name);
  }
}
