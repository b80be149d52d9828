import type { Logger } from './logger.js';

/** A part of the app. Its constructor only stores arguments; `start` acquires, `stop` releases. Both are idempotent. */
export interface Part {
  start?(): Promise<void> | void;
  stop?(): Promise<void> | void;
}

/**
 * Starts parts in order and stops them in reverse. A part that fails to start stops those already started and
 * the failure is thrown; a part that fails to stop, or does not stop in time, is logged and passed by.
 */
export class Lifecycle {
  private readonly started: { name: string; part: Part }[] = [];

  constructor(
    private readonly parts: readonly { name: string; part: Part }[],
    private readonly logger: Logger,
    private readonly stopTimeoutMs: number,
  ) {}

  async start(): Promise<void> {
    for (const entry of this.parts) {
      this.started.push(entry);
      try {
        await entry.part.start?.();
      } catch (error) {
        await this.stop();
        throw error;
      }
    }
  }

  /** Resolves to true when every part stopped without a failure and within the deadline, which they share. */
  async stop(): Promise<boolean> {
    const deadline = performance.now() + this.stopTimeoutMs;
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
