import { isHost } from '../control/target-text.js';
import type { CheckTarget } from '../model.js';
import { hostAndPort } from './check.js';
import { flag, gauge, type Reading, roundedMs } from './metric.js';
import { addressOf, connectTimeMs } from './tcp-connect.js';

/** Whether a port takes connections, and how fast. What the name's resolution takes is not part of the time. */
export async function tcpCheck({ address, port, timeoutMs }: CheckTarget, signal: AbortSignal): Promise<Reading[]> {
  const tags = { target: hostAndPort(address, port) };
  const timeMs = port === null || !isHost(address) ? null : await timeOrNull(address, port, timeoutMs, signal);
  if (timeMs === null) return [flag('tcp_success', false, tags)];
  return [flag('tcp_success', true, tags), gauge('tcp_connect_time_ms', roundedMs(timeMs), 'ms', tags)];
}

async function timeOrNull(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<number | null> {
  try {
    const ip = await addressOf(host, timeoutMs, signal);
    return await connectTimeMs(ip, port, timeoutMs, signal);
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
