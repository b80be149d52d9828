/**
 * A load process: some of the fleet's agents, driven by requests from the bench (see load-protocol.ts). It runs apart
 * from the server and from the bench, so that what is measured is the server, and the generator's own cost is known.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchAgent } from './bench-agent.js';
import { reportFatal, serve } from './child-service.js';
import { SAMPLES_PER_BATCH } from './fleet.js';
import type { ConnectedAnswer, ConnectRequest, LoadRequest, LoadAnswers, OpenLoopAnswer, WindowAnswer } from './load-protocol.js';

const RETRY_MS = 1_000;
const LONGEST_CONNECT_MS = 120_000;
const LONGEST_DRAIN_MS = 30_000;
const DRAIN_POLL_MS = 5;

class LoadProcess {
  private agents: BenchAgent[] = [];
  /** What an acknowledgement leads to; replaced by each kind of load. */
  private onAck: (agent: BenchAgent, startedMs: number) => void = () => undefined;
  private latencies: number[] = [];
  private windowStartMs = performance.now();

  async handle(request: LoadRequest): Promise<LoadAnswers[LoadRequest['kind']]> {
    switch (request.kind) {
      case 'connect':
        return this.connect(request);
      case 'closedLoop':
        return this.closedLoop(request.inFlight);
      case 'mark':
        return this.mark();
      case 'drain':
        return this.drain();
      case 'openLoop':
        return this.openLoop(request.batchesPerSecond, request.warmUpSeconds, request.seconds);
      case 'storm':
        for (const agent of this.agents) agent.drop(false);
        return connectAll(this.agents, this.agents.length);
      case 'disconnect':
        break;
    }
    for (const agent of this.agents) agent.drop(true);
    this.agents = [];
    return null;
  }

  private connect(request: ConnectRequest): Promise<ConnectedAnswer> {
    const events = {
      onAck: (agent: BenchAgent, startedMs: number) => this.onAck(agent, startedMs),
      onBroken: reportFatal,
    };
    this.agents = Array.from({ length: request.agents }, (_, i) => new BenchAgent(request.firstAgent + i, request, events));
    return connectAll(this.agents, request.concurrency);
  }

  private closedLoop(inFlight: number): null {
    this.onAck = (agent, startedMs) => {
      const now = performance.now();
      this.latencies.push(now - startedMs);
      agent.sendBatch(now);
    };
    this.mark();
    for (const agent of this.agents) {
      for (let i = 0; i < inFlight; i += 1) agent.sendBatch(performance.now());
    }
    return null;
  }

  private mark(): WindowAnswer {
    const now = performance.now();
    const answer = windowOf(now - this.windowStartMs, this.latencies);
    this.latencies = [];
    this.windowStartMs = now;
    return answer;
  }

  private async drain(): Promise<null> {
    this.onAck = () => undefined;
    await this.allAcknowledged();
    return null;
  }

  private async openLoop(batchesPerSecond: number, warmUpSeconds: number, seconds: number): Promise<OpenLoopAnswer> {
    const latencies: number[] = [];
    const lateness: number[] = [];
    const gapMs = 1000 / batchesPerSecond;
    const startMs = performance.now();
    const measuredFromMs = startMs + warmUpSeconds * 1000;
    const endMs = measuredFromMs + seconds * 1000;
    this.onAck = (_agent, scheduledMs) => {
      if (scheduledMs >= measuredFromMs) latencies.push(performance.now() - scheduledMs);
    };
    for (let next = 0, dueMs = startMs; dueMs < endMs; ) {
      const now = performance.now();
      while (dueMs <= now && dueMs < endMs) {
        this.agents[next % this.agents.length]?.sendBatch(dueMs);
        if (dueMs >= measuredFromMs) lateness.push(Math.max(performance.now() - dueMs, 0));
        next += 1;
        dueMs = startMs + next * gapMs;
      }
      // What is due within a millisecond goes together, a little late, and that counts as latency. Waiting for the exact moment
      // turn by turn would take a whole core, which is then missing where the server shares the machine.
      await sleep(1);
    }
    const unacknowledgedAtEnd = this.unacknowledged();
    await this.allAcknowledged();
    return { ...windowOf(seconds * 1000, latencies), latenessMs: Float64Array.from(lateness), unacknowledgedAtEnd };
  }

  private async allAcknowledged(): Promise<void> {
    const deadline = performance.now() + LONGEST_DRAIN_MS;
    while (this.unacknowledged() > 0) {
      if (performance.now() > deadline) throw new Error(`${this.unacknowledged()} batches were never acknowledged`);
      await sleep(DRAIN_POLL_MS);
    }
  }

  private unacknowledged(): number {
    return this.agents.reduce((sum, agent) => sum + agent.inFlight, 0);
  }
}

function windowOf(elapsedMs: number, latencies: readonly number[]): WindowAnswer {
  return {
    elapsedMs,
    batches: latencies.length,
    samples: latencies.length * SAMPLES_PER_BATCH,
    latenciesMs: Float64Array.from(latencies),
  };
}

/** Connects and registers every agent, `concurrency` at a time; one that is refused tries again after a second. */
async function connectAll(agents: readonly BenchAgent[], concurrency: number): Promise<ConnectedAnswer> {
  const startMs = performance.now();
  const waits: number[] = [];
  let refusals = 0;
  let firstRefusal: string | null = null;
  let next = 0;
  const connectOne = async (agent: BenchAgent): Promise<void> => {
    const firstTryMs = performance.now();
    while (performance.now() - startMs < LONGEST_CONNECT_MS) {
      try {
        await agent.connect();
        waits.push(performance.now() - firstTryMs);
        return;
      } catch (error) {
        refusals += 1;
        firstRefusal ??= error instanceof Error ? error.message : String(error);
      }
      await sleep(RETRY_MS);
    }
    throw new Error(`agents are still refused after two minutes: ${String(firstRefusal)}`);
  };
  const worker = async (): Promise<void> => {
    for (let agent = agents[next++]; agent !== undefined; agent = agents[next++]) await connectOne(agent);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, agents.length) }, worker));
  return { elapsedMs: performance.now() - startMs, refusals, firstRefusal, waitsMs: Float64Array.from(waits) };
}

const load = new LoadProcess();
serve((request: LoadRequest) => load.handle(request));
