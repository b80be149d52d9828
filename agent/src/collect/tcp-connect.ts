import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { withDeadline } from './deadline.js';

/** The IP address of a host, as the system resolves it. @throws what the resolver says, TimeoutError, or the reason of `signal` */
export async function addressOf(host: string, timeoutMs: number, signal: AbortSignal): Promise<string> {
  // The system's resolver cannot be told to stop: its answer is not waited for any longer.
  const { address } = await withDeadline(timeoutMs, signal, () => lookup(host));
  return address;
}

/**
 * How long a TCP connection takes to be made, in milliseconds; it is closed at once.
 * @throws the error of the connection (its `code` says more), TimeoutError, or the reason of `signal`
 */
export function connectTimeMs(ip: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<number> {
  return withDeadline(
    timeoutMs,
    signal,
    (until) =>
      new Promise((resolve, reject) => {
        const startMs = performance.now();
        const socket = connect({ host: ip, port });
        until.addEventListener('abort', () => socket.destroy(), { once: true });
        socket.once('connect', () => {
          resolve(performance.now() - startMs);
          socket.destroy();
        });
        socket.once('error', reject);
      }),
  );
}
