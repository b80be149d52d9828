import { defaultConfig } from '../control/config.js';
import { Delivery } from '../delivery.js';
import type { Ack } from '../link/frames.js';
import type { LinkTimings } from '../link/link.js';
import type { Clock, Collector, Logger } from '../model.js';
import type { OutboxStats } from '../outbox/outbox.js';
import { Recorder } from '../recorder.js';
import { MemorySpool } from '../spool/memory-spool.js';
import type { SpoolLimits } from '../spool/spool.js';

export interface SimulatedAgentOptions {
  readonly id: string;
  readonly url: string;
  readonly token: string | null;
  readonly provider: string;
  readonly region: string;
  readonly intervalMs: number;
  /** When it collects for the first time, from its start. */
  readonly phaseMs: number;
  readonly batchSize: number;
  readonly spoolLimits: SpoolLimits;
  readonly backlogPerSecond: number;
  readonly timings: Partial<LinkTimings>;
  readonly collector: Collector;
  readonly onAcknowledged: (ack: Ack, latencyMs: number) => void;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** An agent with everything but a machine: it measures nothing, keeps in memory what a real one keeps on disk, and delivers as a real one does. */
export class SimulatedAgent {
  /** Samples it made up so far. */
  madeSamples = 0;
  /** Times it was cut off while it went on. */
  disconnects = 0;
  private readonly spool: MemorySpool;
  private readonly delivery: Delivery;
  private readonly recorder: Recorder;
  private readonly signal = new AbortController().signal;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly options: SimulatedAgentOptions) {
    const { id: agentId, spoolLimits, clock, logger, random, url, token, version, provider, region, timings } = options;
    const config = { ...defaultConfig(), batchSize: options.batchSize };
    this.spool = new MemorySpool({ agentId, clock, ...spoolLimits });
    this.delivery = new Delivery({
      spool: this.spool,
      clock,
      link: {
        url,
        token,
        version,
        location: {
          provider,
          region,
          zone: `${region}-a`,
          network: 'default',
          subnet: 'default',
          instanceId: '',
          privateIp: '',
          publicIp: '',
        },
        capabilities: ['batch_id', 'seq', 'spool'],
        timings,
        logger,
        random,
      },
      outbox: {
        backlogPerSecond: options.backlogPerSecond,
        retry: () => config,
        onAcknowledged: (_entry, ack, latencyMs) => options.onAcknowledged(ack, latencyMs),
        logger,
        random,
      },
      onDown: () => {
        if (this.timer !== null) this.disconnects += 1;
      },
      onConfigUpdate: (next) => {
        this.delivery.link.report('config_status', { version: next, status: 'failed', error: 'simulated agents have no configuration' });
      },
      onCommand: ({ commandId }) => {
        this.delivery.link.report('command_result', { command_id: commandId, status: 'refused', error: 'simulated agents obey nobody' });
      },
    });
    this.recorder = new Recorder({ spool: this.spool, outbox: this.delivery.outbox, logger, gatherMs: 0 }, config);
  }

  get isUp(): boolean {
    return this.delivery.link.isUp;
  }

  get stats(): OutboxStats & { readonly waitingBatches: number; readonly droppedSamples: number } {
    return { ...this.delivery.outbox.stats, waitingBatches: this.spool.entries.length, droppedSamples: this.spool.dropped?.count ?? 0 };
  }

  async start(): Promise<void> {
    await this.delivery.start();
    const { phaseMs, intervalMs } = this.options;
    this.timer = setTimeout(() => {
      void this.collect();
      this.timer = setInterval(() => void this.collect(), intervalMs);
    }, phaseMs);
  }

  /** Collects nothing more, and delivers what that takes little time for. */
  async stop(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    await this.recorder.stop();
    await this.delivery.stop();
  }

  private async collect(): Promise<void> {
    const metrics = await this.options.collector.collect(this.options.clock.nowMs(), this.signal);
    this.madeSamples += metrics.length;
    await this.recorder.record(metrics);
  }
}
