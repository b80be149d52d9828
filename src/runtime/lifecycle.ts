import type { Logger } from './logger.js';

/** A part of the app. Its constructor only stores arguments; `start` acquires, `stop` releases. Both are idempotent. */
export interface Part {
  start?(): Promise<void> | void;
  stop?(): Promise<void> | void;
}

/**
 * Starts parts in order and stops them in reverse. A part that fails to start stops those already started and
 * the failure is thrown; a part that fails to stop, or does not stop in time, is logged and passed by. A stop that
 * comes during the start lets the part that is starting get there, and nothing is started behind its back.
 */
export class Lifecycle {
  private readonly started: { name: string; part: Part }[] = [];
  private starting: Promise<void> = Promise.resolve();
  private stopping = false;

  constructor(
    private readonly parts: readonly { name: string; part: Part }[],
    private readonly logger: Logger,
    private readonly stopTimeoutMs: number,
  ) {}

  /** @throws what a part threw; Error when it was stopped meanwhile */
  async start(): Promise<void> {
    this.stopping = false;
    const starting = this.startParts();
    this.starting = starting.catch(() => undefined);
    await starting;
  }

  /** Resolves to true when every part stopped without a failure and within the deadline, which they share. */
  async stop(): Promise<boolean> {
    this.stopping = true;
    const deadline = performance.now() + this.stopTimeoutMs;
    let started = true;
    try {
      await withDeadline(() => this.starting, this.stopTimeoutMs);
    } catch (error) {
      started = false;
      this.logger.error('a part was still starting at the stop', { part: this.started.at(-1)?.name, error });
    }
    return (await this.stopParts(deadline)) && started;
  }

  private async startParts(): Promise<void> {
    for (const entry of this.parts) {
      this.started.push(entry);
      try {
        await entry.part.start?.();
      } catch (error) {
        await this.stopParts(performance.now() + this.stopTimeoutMs);
        throw error;
      }
      if (this.stopping) throw new Error('stopped while it was starting');
    }
  }

  private async stopParts(deadline: number): Promise<boolean> {
    let clean = true;
    for (let entry = this.started.pop(); entry !== undefined; entry = this.started.pop()) {
      try {
        await withDeadline(async () => entry.part.stop?.(), Math.max(deadline - performance.now(), 100));
      } catch (error) {
        clean = false;
        this.logger.error('a part did not stop cleanly', { part: entry.name, error });
      }
    }
    return clean;
  }
}

async function withDeadline(run: () => Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not stopped after ${Math.round(timeoutMs)} ms`)), timeoutMs);
  });
  try {
    await Promise.race([run(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
