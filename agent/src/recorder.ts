/**
 * From what was measured to batches in the spool, and from there to the outbox. What several collectors measured at one time goes into
 * one batch, so that a long outage is not a hundred thousand files: the first waits a moment for the others, a second at most,
 * or until `batchSize` is full. Batches are sent when the transmission interval says so.
 */
import type { AgentConfig, Logger, Metric } from './model.js';
import type { Outbox } from './outbox/outbox.js';
import { reasonOf } from './reason-of.js';
import type { Spool } from './spool/spool.js';

export interface RecorderDeps {
  readonly spool: Pick<Spool, 'add'>;
  readonly outbox: Pick<Outbox, 'spooled' | 'release'>;
  readonly logger: Logger;
  /** How long what was recorded waits for more. Default: a tenth of the collection interval, and a second at most. */
  readonly gatherMs?: number;
}

const MAX_GATHER_MS = 1_000;
const GATHER_SHARE = 0.1;

type Pace = Pick<AgentConfig, 'batchSize' | 'collectionIntervalS' | 'transmissionIntervalS'>;

export class Recorder {
  private buffer: Metric[] = [];
  private draining: Promise<void> | null = null;
  /** When what is gathered is spooled, however little it is. Monotonic. */
  private dueMs = 0;
  private endGathering: () => void = () => undefined;
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
    if (this.buffer.length >= this.pace.batchSize) this.endGathering();
    return this.drain();
  }

  /** Spools what is there without waiting for more, and sends it whatever the transmission interval says. */
  async flush(): Promise<void> {
    const drained = this.drain();
    this.dueMs = 0;
    this.endGathering();
    await drained;
    this.deps.outbox.release();
  }

  private drain(): Promise<void> {
    this.draining ??= this.spoolAll();
    return this.draining;
  }

  private async spoolAll(): Promise<void> {
    this.dueMs = this.isRunning ? performance.now() + this.gatherMs : 0;
    for (await this.gather(); this.buffer.length > 0; await this.gather()) {
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

  private get gatherMs(): number {
    return this.deps.gatherMs ?? Math.min(MAX_GATHER_MS, this.pace.collectionIntervalS * 1_000 * GATHER_SHARE);
  }

  /** Resolves when there is a whole batch, or nothing more is waited for. */
  private async gather(): Promise<void> {
    // What is recorded in this turn of the event loop belongs together in any case.
    await new Promise((resolve) => setImmediate(resolve));
    const waitMs = this.dueMs - performance.now();
    if (waitMs <= 0 || this.buffer.length === 0 || this.buffer.length >= this.pace.batchSize) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.endGathering = () => {
        clearTimeout(timer);
        resolve();
      };
    });
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
