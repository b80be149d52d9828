/** Spool, outbox and link as one: what an agent delivers with, whether it is a real one or simulated. */
import { type CommandFrame, metricsData } from './link/frames.js';
import { Link, type LinkOptions } from './link/link.js';
import type { Clock } from './model.js';
import { Outbox, type OutboxOptions } from './outbox/outbox.js';
import type { Spool } from './spool/spool.js';

export interface DeliveryOptions {
  readonly spool: Spool;
  readonly link: Omit<LinkOptions, 'agentId'>;
  readonly outbox: OutboxOptions;
  readonly clock: Clock;
  readonly onUp?: () => void;
  readonly onDown?: () => void;
  readonly onConfigUpdate: (version: number, config: unknown) => void;
  readonly onCommand: (command: CommandFrame) => void;
}

/** How long a stop waits for the acknowledgement of what was sent last. What is not acknowledged stays in the spool. */
const STOP_GRACE_MS = 2_000;

export class Delivery {
  readonly link: Link;
  readonly outbox: Outbox;
  private isStarted = false;

  constructor(private readonly options: DeliveryOptions) {
    const { spool, clock, onUp, onDown } = options;
    const sender = {
      sendBatch: (batch: Parameters<typeof metricsData>[1]) =>
        void this.link.send('metrics', metricsData(spool.agentId, batch, clock.nowMs())),
      giveUp: (reason: string) => this.link.giveUp(reason),
    };
    this.outbox = new Outbox(spool, sender, options.outbox);
    const { outbox } = this;
    this.link = new Link(
      { ...options.link, agentId: () => spool.agentId },
      {
        tellDropped: () => spool.tellDropped(),
        droppedTold: () => void spool.forgetDropped(),
        up: () => {
          outbox.up();
          onUp?.();
        },
        down: (code) => {
          outbox.down(code);
          onDown?.();
        },
        acknowledged: (ack) => outbox.acknowledged(ack),
        refused: (refusal) => outbox.refused(refusal),
        configUpdate: options.onConfigUpdate,
        command: options.onCommand,
      },
    );
  }

  /** Opens the spool and connects in the background. @throws Error when the spool cannot be used or the URL is none */
  async start(): Promise<void> {
    if (this.isStarted) return;
    await this.options.spool.start();
    try {
      this.link.start();
      this.isStarted = true;
    } catch (error) {
      await this.options.spool.stop();
      throw error;
    }
  }

  /** Sends what is left as far as that goes quickly, says that the agent stops, and closes. */
  async stop(): Promise<void> {
    if (!this.isStarted) return;
    this.isStarted = false;
    this.outbox.release();
    let grace: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      grace = setTimeout(resolve, STOP_GRACE_MS);
    });
    await Promise.race([this.outbox.idle(), patience]);
    clearTimeout(grace);
    this.link.send('status', { status: 'stopped' });
    await this.link.stop();
    await this.options.spool.stop();
  }
}
