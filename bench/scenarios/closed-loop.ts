/** Closed loop: every agent keeps a fixed number of batches unacknowledged. Finds the ceiling, and what it costs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, Running } from '../bench-context.js';
import { planHistory } from '../fleet.js';
import { startUsage, type Usage } from '../measure.js';
import { type Percentiles, percentiles } from '../percentiles.js';

const CONNECTING_AT_ONCE = 100;
/** Time around the measured part that a history must cover as well. */
const SPARE_SECONDS = 5;

export interface ClosedLoopShape {
  readonly agents: number;
  readonly inFlight: number;
  /** false: every batch through JSON.parse, for comparison. */
  readonly fastParser: boolean;
}

export const CLOSED_LOOP_SHAPES: readonly ClosedLoopShape[] = [
  { agents: 1, inFlight: 1, fastParser: true },
  { agents: 1, inFlight: 8, fastParser: true },
  { agents: 100, inFlight: 1, fastParser: true },
  { agents: 100, inFlight: 1, fastParser: false },
  { agents: 1_000, inFlight: 1, fastParser: true },
];

/** The run whose throughput the aims and the open loop refer to. */
export const REFERENCE_SHAPE: ClosedLoopShape = { agents: 100, inFlight: 1, fastParser: true };

/** True for the run of the reference shape. */
export function isReference(result: ClosedLoopResult): boolean {
  return result.agents === REFERENCE_SHAPE.agents && result.inFlight === REFERENCE_SHAPE.inFlight && result.fastParser;
}

export interface ClosedLoopResult extends ClosedLoopShape {
  readonly samplesPerSecond: number;
  readonly samplesPerCpuSecond: number;
  readonly ackMs: Percentiles;
  readonly usage: Usage;
  /** The measured window, on the clock of `process.hrtime`. */
  readonly window: { readonly fromUs: number; readonly toUs: number };
}

/** One measurement against a fresh server. `nodeArgs` go to the server's Node. */
export function closedLoop(context: BenchContext, shape: ClosedLoopShape, nodeArgs: readonly string[] = []): Promise<ClosedLoopResult> {
  const env = { FAST_PARSER: String(shape.fastParser) };
  return context.withServer((running) => measure(context, running, shape), { nodeArgs, env });
}

async function measure(context: BenchContext, running: Running, shape: ClosedLoopShape): Promise<ClosedLoopResult> {
  const { server, load } = running;
  const { seconds, warmUpSeconds } = context.options;
  const history = planHistory(Date.now(), shape.agents, warmUpSeconds + seconds + SPARE_SECONDS);
  await load.connect(server, shape.agents, CONNECTING_AT_ONCE, history);
  await load.closedLoop(shape.inFlight);
  await sleep(warmUpSeconds * 1000);

  await load.mark();
  const fromUs = nowUs();
  const stopUsage = startUsage(running);
  await sleep(seconds * 1000);
  const window = await load.mark();
  const usage = stopUsage();
  const toUs = nowUs();

  await load.drain();
  await load.disconnect();
  if (window.samples === 0) throw new Error('nothing was acknowledged');
  return {
    ...shape,
    samplesPerSecond: window.samples / (window.elapsedMs / 1000),
    samplesPerCpuSecond: window.samples / usage.serverCpu,
    ackMs: percentiles(window.latenciesMs),
    usage,
    window: { fromUs, toUs },
  };
}

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
