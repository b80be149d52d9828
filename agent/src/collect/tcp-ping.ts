import type { PingResult } from './ping-output.js';
import { addressOf, connectTimeMs } from './tcp-connect.js';

/** Ports that are tried in this order. */
export const TCP_PING_PORTS: readonly number[] = [443, 80];
const CONNECTS = 3;

/**
 * Reachability and round-trip time where ICMP cannot be used: how long TCP takes to connect. A connection that is refused took one round
 * trip as well, and shows that the host is there.
 * @param timeoutMs how long to wait for each answer
 * @returns null when no port answers, or the host is not known. @throws the reason of `signal`
 */
export async function tcpPing(
  host: string,
  timeoutMs: number,
  signal: AbortSignal,
  ports: readonly number[] = TCP_PING_PORTS,
): Promise<PingResult | null> {
  const targetIp = await addressOf(host, timeoutMs, signal).catch(() => null);
  signal.throwIfAborted();
  if (targetIp === null) return null;
  for (const port of ports) {
    const first = await answerTimeMs(targetIp, port, timeoutMs, signal);
    if (first === null) continue;
    const times = [first];
    for (let asked = 1; asked < CONNECTS; asked += 1) {
      const next = await answerTimeMs(targetIp, port, timeoutMs, signal);
      if (next !== null) times.push(next);
    }
    const avg = times.reduce((sum, ms) => sum + ms, 0) / times.length;
    return {
      targetIp,
      lossPercent: 100 * (1 - times.length / CONNECTS),
      rttMs: { min: Math.min(...times), avg, max: Math.max(...times) },
    };
  }
  return null;
}

/** Null: no answer. */
async function answerTimeMs(ip: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<number | null> {
  const startMs = performance.now();
  try {
    return await connectTimeMs(ip, port, timeoutMs, signal);
  } catch (error) {
    signal.throwIfAborted();
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? performance.now() - startMs : null;
  }
}
