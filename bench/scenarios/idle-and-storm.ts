/**
 * Ten thousand registered agents with nothing to say: what they cost in memory; and then all of them drop and come
 * back at once, as after a network failure: how long until everyone is registered again, and does the server stay
 * answerable meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, Running } from '../bench-context.js';
import { planHistory } from '../fleet.js';
import { withHealthProbe } from '../health-polling.js';
import { type Percentiles, percentiles } from '../percentiles.js';
import { openFilesLimit, processMemory } from '../process-usage.js';

const CONNECTING_AT_ONCE = 200;
/** Files a process of the server or the load needs besides its connections. */
const OTHER_FILES = 200;

export interface IdleResult {
  readonly connections: number;
  /** Of the server before the first connection, and settled with all of them. */
  readonly emptyBytes: number;
  readonly residentBytes: number;
  readonly peakBytes: number;
  readonly bytesPerConnection: number;
  readonly connectSeconds: number;
  readonly refusals: number;
}

export interface StormResult {
  readonly connections: number;
  /** From the drop to the last registration_ack. */
  readonly seconds: number;
  readonly refusals: number;
  readonly firstRefusal: string | null;
  /** From an agent's first attempt to its registration_ack. */
  readonly waitMs: Percentiles;
  readonly healthMs: Percentiles;
  readonly peakBytes: number;
}

/** Why the scenario cannot run here, or null. */
export function whyNotIdle(connections: number): string | null {
  const limit = openFilesLimit();
  if (limit >= connections + OTHER_FILES) return null;
  return `${connections} connections were not measured: this shell allows ${limit} open files (ulimit -n), and ${connections + OTHER_FILES} are needed`;
}

export function idleAndStorm(context: BenchContext, withStorm: boolean): Promise<{ idle: IdleResult; storm: StormResult | null }> {
  return context.withServer(async (running) => {
    const idle = await connectAll(context, running);
    const storm = withStorm ? await reconnectAll(context, running) : null;
    await running.load.disconnect();
    return { idle, storm };
  });
}

async function connectAll(context: BenchContext, { server, load }: Running): Promise<IdleResult> {
  const { connections, settleSeconds } = context.options;
  await sleep(settleSeconds * 1000);
  const emptyBytes = processMemory(server.pid).residentBytes;
  const connected = await load.connect(server, connections, CONNECTING_AT_ONCE, planHistory(Date.now(), connections, 1));
  await sleep(settleSeconds * 1000);
  load.check();
  const memory = processMemory(server.pid);
  return {
    connections,
    emptyBytes,
    residentBytes: memory.residentBytes,
    peakBytes: memory.peakBytes,
    bytesPerConnection: (memory.residentBytes - emptyBytes) / connections,
    connectSeconds: connected.elapsedMs / 1000,
    refusals: connected.refusals,
  };
}

async function reconnectAll(context: BenchContext, { server, load }: Running): Promise<StormResult> {
  const { result, health } = await withHealthProbe(context, server, () => load.storm());
  // Connections that are lost right after the storm are part of its outcome.
  await sleep(context.options.settleSeconds * 1000);
  load.check();
  return {
    connections: context.options.connections,
    seconds: result.elapsedMs / 1000,
    refusals: result.refusals,
    firstRefusal: result.firstRefusal,
    waitMs: percentiles(result.waitsMs),
    healthMs: health,
    peakBytes: processMemory(server.pid).peakBytes,
  };
}
