/**
 * Many simulated agents in one process, each with the real agent's link and outbox: for trying out servers. They start one after the other, and
 * collect each at a point of the interval of its own, as fleets do that were not all switched on at once.
 */
import type { LinkTimings } from '../link/link.js';
import type { Clock, Logger } from '../model.js';
import { Latencies } from './latencies.js';
import { SimulatedAgent } from './simulated-agent.js';
import { SyntheticCollector } from './synthetic-collector.js';

export interface FleetOptions {
  readonly url: string;
  readonly token: string | null;
  readonly agents: number;
  /** Default: 30. */
  readonly intervalS?: number;
  /** Of each agent. Default: 100. */
  readonly series?: number;
  /** Agents are `<prefix>-0001` and so on. Default: `fleet`. */
  readonly prefix?: string;
  /** Default: 200. */
  readonly startsPerSecond?: number;
  /** Default: 100. */
  readonly batchSize?: number;
  /** Of each agent. Default: 20. */
  readonly backlogPerSecond?: number;
  /** What each agent keeps. Default: 4 MB. */
  readonly spoolBytes?: number;
  readonly timings?: Partial<LinkTimings>;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random?: () => number;
}

export interface FleetStats {
  readonly agents: number;
  readonly connected: number;
  readonly madeSamples: number;
  readonly ackedBatches: number;
  readonly ackedSamples: number;
  /** Batches without an acknowledgement. */
  readonly waitingBatches: number;
  readonly resentBatches: number;
  /** Batches acknowledged as being there already. */
  readonly duplicates: number;
  /** Batches the server will never take, and samples in others that it rejected. */
  readonly refusedBatches: number;
  readonly rejectedSamples: number;
  /** Samples that were given up for want of room, or that were refused. */
  readonly droppedSamples: number;
  readonly disconnects: number;
}

const PLACES = [
  ['gcp', 'us-central1'],
  ['gcp', 'europe-west3'],
  ['gcp', 'asia-east1'],
  ['aws', 'eu-central-1'],
  ['on-premise', 'lab'],
] as const;
const DEFAULT_SPOOL_BYTES = 4 * 1_048_576;
const WEEK_MS = 7 * 86_400_000;
const KEPT_LATENCIES = 100_000;
const STARTS_INTERVAL_MS = 20;

export class Fleet {
  private readonly members: SimulatedAgent[];
  private readonly latencies = new Latencies(KEPT_LATENCIES);
  private duplicates = 0;
  private started = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly options: FleetOptions) {
    this.members = Array.from({ length: options.agents }, (_, index) => this.member(index));
  }

  /** Agents start in the background, at their pace. @throws Error when the URL is none */
  async start(): Promise<void> {
    if (this.timer !== null || this.started > 0) return;
    await this.startUpTo(1);
    const { startsPerSecond = 200 } = this.options;
    const beganMs = performance.now();
    this.timer = setInterval(() => {
      void this.startUpTo(1 + Math.floor(((performance.now() - beganMs) / 1_000) * startsPerSecond));
    }, STARTS_INTERVAL_MS);
  }

  /** Nothing new is collected; what can be delivered soon is. */
  async stop(): Promise<void> {
    this.stopStarting();
    await Promise.all(this.members.slice(0, this.started).map((member) => member.stop()));
  }

  stats(): FleetStats {
    const totals = { madeSamples: 0, ackedBatches: 0, ackedSamples: 0, waitingBatches: 0, resentBatches: 0, refusedBatches: 0 };
    const more = { rejectedSamples: 0, droppedSamples: 0, disconnects: 0, connected: 0 };
    for (const member of this.members) {
      const { stats } = member;
      totals.madeSamples += member.madeSamples;
      totals.ackedBatches += stats.ackedBatches;
      totals.ackedSamples += stats.ackedSamples;
      totals.waitingBatches += stats.waitingBatches;
      totals.resentBatches += stats.resentBatches;
      totals.refusedBatches += stats.refusedBatches;
      more.rejectedSamples += stats.rejectedSamples;
      more.droppedSamples += stats.droppedSamples;
      more.disconnects += member.disconnects;
      more.connected += member.isUp ? 1 : 0;
    }
    return { agents: this.members.length, duplicates: this.duplicates, ...totals, ...more };
  }

  /** Milliseconds from sending to acknowledgement, of those since the last call; null when there were none. */
  takeLatencies(): { readonly p50: number; readonly p99: number } | null {
    return this.latencies.take();
  }

  private member(index: number): SimulatedAgent {
    const { options } = this;
    const { intervalS = 30, random = Math.random } = options;
    const [provider, region] = PLACES[index % PLACES.length] ?? PLACES[0];
    return new SimulatedAgent({
      id: `${options.prefix ?? 'fleet'}-${String(index + 1).padStart(4, '0')}`,
      url: options.url,
      token: options.token,
      provider,
      region,
      intervalMs: intervalS * 1_000,
      phaseMs: random() * intervalS * 1_000,
      batchSize: options.batchSize ?? 100,
      spoolLimits: { maxBytes: options.spoolBytes ?? DEFAULT_SPOOL_BYTES, maxAgeMs: WEEK_MS },
      backlogPerSecond: options.backlogPerSecond ?? 20,
      timings: options.timings ?? {},
      collector: new SyntheticCollector(options.series ?? 100, random),
      onAcknowledged: ({ duplicate }, latencyMs) => {
        this.latencies.add(latencyMs);
        if (duplicate) this.duplicates += 1;
      },
      version: options.version,
      clock: options.clock,
      logger: options.logger,
      random,
    });
  }

  private async startUpTo(count: number): Promise<void> {
    const next = this.members.slice(this.started, count);
    this.started += next.length;
    if (this.started === this.members.length) this.stopStarting();
    await Promise.all(next.map((member) => member.start()));
  }

  private stopStarting(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }
}
