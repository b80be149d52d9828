/**
 * Open loop: 100 agents send on a fixed schedule at 70 % of the ceiling, whether the server keeps up or not. Latency
 * counts from the scheduled time, so a stall is felt by everything that was due during it (no coordinated omission).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, Running } from '../bench-context.js';
import { planHistory, SAMPLES_PER_BATCH } from '../fleet.js';
import { withHealthProbe } from '../health-polling.js';
import { startUsage, type Usage } from '../measure.js';
import { type Percentiles, percentiles } from '../percentiles.js';

export const SHARE_OF_CEILING = 0.7;
const AGENTS = 100;
const SPARE_SECONDS = 5;

export interface OpenLoopResult {
  readonly agents: number;
  readonly ceilingSamplesPerSecond: number;
  /** What was asked for, and what was acknowledged of it. */
  readonly offeredSamplesPerSecond: number;
  readonly samplesPerSecond: number;
  readonly samplesPerCpuSecond: number;
  readonly ackMs: Percentiles;
  readonly healthMs: Percentiles;
  /** How late the generator was with sending: contained in the ack latency. */
  readonly latenessMs: Percentiles;
  readonly unacknowledgedAtEnd: number;
  readonly usage: Usage;
}

/** Runs at 70 % of `ceilingSamplesPerSecond` against a fresh server. */
export function openLoop(context: BenchContext, ceilingSamplesPerSecond: number): Promise<OpenLoopResult> {
  return context.withServer((running) => measure(context, running, ceilingSamplesPerSecond));
}

async function measure(context: BenchContext, running: Running, ceilingSamplesPerSecond: number): Promise<OpenLoopResult> {
  const { server, load } = running;
  const { seconds, warmUpSeconds } = context.options;
  const batchesPerSecond = (ceilingSamplesPerSecond * SHARE_OF_CEILING) / SAMPLES_PER_BATCH;
  await load.connect(server, AGENTS, AGENTS, planHistory(Date.now(), AGENTS, warmUpSeconds + seconds + SPARE_SECONDS));
  const loading = load.openLoop(batchesPerSecond, warmUpSeconds, seconds);
  // Awaited below; until then a failure must not count as unhandled.
  loading.catch(() => undefined);
  await sleep(warmUpSeconds * 1000);
  const { result: usage, health } = await withHealthProbe(context, server, async (probePid) => {
    const stopUsage = startUsage(running, [probePid]);
    await Promise.race([sleep(seconds * 1000), loading]);
    return stopUsage();
  });
  const answer = await loading;
  await load.disconnect();
  return {
    agents: AGENTS,
    ceilingSamplesPerSecond,
    offeredSamplesPerSecond: batchesPerSecond * SAMPLES_PER_BATCH,
    samplesPerSecond: answer.samples / seconds,
    samplesPerCpuSecond: (batchesPerSecond * SAMPLES_PER_BATCH * usage.seconds) / usage.serverCpu,
    ackMs: percentiles(answer.latenciesMs),
    healthMs: health,
    latenessMs: percentiles(answer.latenessMs),
    unacknowledgedAtEnd: answer.unacknowledgedAtEnd,
    usage,
  };
}
