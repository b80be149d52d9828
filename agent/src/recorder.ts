/**
 * From what was measured to batches in the spool, and from there to the outbox. Metrics are spooled at once, in batches of at most
 * `batchSize`; what comes in while the disk is busy goes into one batch. They are sent when the transmission interval says so.
 */
import type { AgentConfig, Logger, Metric } from './model.js';
import type { Outbox } from './outbox/outbox.js';
import { reasonOf } from './reason-of.js';
import type { Spool } from './spool/spool.js';

export interface RecorderDeps {
  readonly spool: Pick<Spool, 'add'>;
  readonly outbox: Pick<Outbox, 'spooled' | 'release'>;
  readonly logger: Logger;
}

type Pace = Pick<AgentConfig, 'batchSize' | 'collectionIntervalS' | 'transmissionIntervalS'>;

export class Recorder {
  private buffer: Metric[] = [];
  private draining: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private isRunning = false;

  constructor(
    private readonly deps: RecorderDeps,
    private pace: Pace,
  ) {}

  start(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    this.setTimer();
  }

  /** Resolves when everything recorded is spooled. */
  async stop(): Promise<void> {
    this.isRunning = false;
    this.setTimer();
    await this.flush();
  }

  setPace(pace: Pace): void {
    this.pace = pace;
    this.setTimer();
    this.deps.outbox.release();
  }

  /** Resolves when these are spooled. Never rejects. */
  record(metrics: readonly Metric[]): Promise<void> {
    for (const metric of metrics) this.buffer.push(metric);
    return this.drain();
  }

  /** Spools what is there, and sends it whatever the transmission interval says. */
  async flush(): Promise<void> {
    await this.drain();
    this.deps.outbox.release();
  }

  private drain(): Promise<void> {
    this.draining ??= this.spoolAll();
    return this.draining;
  }

  private async spoolAll(): Promise<void> {
    // What is recorded in this turn of the event loop belongs together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.buffer.length > 0) {
      const metrics = this.buffer.splice(0, this.pace.batchSize);
      try {
        const entry = await this.deps.spool.add(metrics);
        if (entry !== null) this.deps.outbox.spooled(entry);
      } catch (error) {
        this.deps.logger.error('metrics could not be spooled and are lost', { metrics: metrics.length, reason: reasonOf(error) });
      }
    }
    // In the same turn as the look at the buffer, so that nothing that comes next is overlooked.
    this.draining = null;
    if (!this.isPaced()) this.deps.outbox.release();
  }

  /** True when sending has an interval of its own; otherwise everything goes as it comes. */
  private isPaced(): boolean {
    return this.pace.transmissionIntervalS > this.pace.collectionIntervalS;
  }

  private setTimer(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    if (!this.isRunning || !this.isPaced()) return;
    this.timer = setInterval(() => this.deps.outbox.release(), this.pace.transmissionIntervalS * 1_000);
  }
}
