import { AppError } from '../model/errors.js';
import { monotonicMs } from '../runtime/clock.js';

const TICK_MS = 10;
/** How many may come in at once after a quiet time, as time's worth of the pace. */
const BURST_MS = 50;

export interface UpgradeGateSettings {
  readonly upgradesPerSecond: number;
  readonly upgradeWaitMs: number;
  readonly maxWaitingUpgrades: number;
  readonly maxConnections: number;
}

/** Somebody at the gate. Exactly one of the two is called, once — none when it leaves. */
export interface Waiting {
  admit(): void;
  refuse(error: AppError): void;
}

/**
 * Lets agents' upgrades in at a pace, and only while there is room. A refused agent dies (its first connect must
 * succeed) and a fleet that reconnects at once is normal: so they wait here, first come first served, and are
 * refused only after `upgradeWaitMs` or when too many wait already. Waiting costs one entry in a Set, whoever goes
 * away is dropped from it; the timer runs only while somebody waits.
 */
export class UpgradeGate {
  private readonly queue = new Map<Waiting, number>();
  private tokens: number;
  private refilledMs = monotonicMs();
  private timer: NodeJS.Timeout | null = null;
  private closed = false;

  /** @param connections how many agents are connected right now, counted as soon as `admit` returns. */
  constructor(
    private readonly settings: UpgradeGateSettings,
    private readonly connections: () => number,
  ) {
    this.tokens = this.burst;
  }

  /** How many wait. */
  get waiting(): number {
    return this.queue.size;
  }

  enter(one: Waiting): void {
    if (this.closed) {
      one.refuse(shuttingDown());
      return;
    }
    this.refill();
    if (this.queue.size === 0 && this.mayPass()) {
      this.tokens -= 1;
      one.admit();
      return;
    }
    if (this.queue.size >= this.settings.maxWaitingUpgrades) {
      one.refuse(new AppError('overloaded', `${this.queue.size} connections are waiting already; come again in a moment`));
      return;
    }
    this.queue.set(one, monotonicMs() + this.settings.upgradeWaitMs);
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  /** Whoever waits and goes away. */
  leave(one: Waiting): void {
    this.queue.delete(one);
    this.stopTimerWhenIdle();
  }

  /** Refuses all who wait and all who come. */
  close(): void {
    this.closed = true;
    const all = [...this.queue.keys()];
    this.queue.clear();
    this.stopTimerWhenIdle();
    for (const one of all) one.refuse(shuttingDown());
  }

  private tick(): void {
    this.refill();
    const nowMs = monotonicMs();
    for (const [one, deadlineMs] of this.queue) {
      if (this.mayPass()) {
        this.queue.delete(one);
        this.tokens -= 1;
        one.admit();
      } else if (deadlineMs <= nowMs) {
        this.queue.delete(one);
        one.refuse(new AppError('overloaded', `no place became free within ${this.settings.upgradeWaitMs} ms`));
      } else {
        break;
      }
    }
    this.stopTimerWhenIdle();
  }

  private mayPass(): boolean {
    return this.tokens >= 1 && this.connections() < this.settings.maxConnections;
  }

  private refill(): void {
    const nowMs = monotonicMs();
    this.tokens = Math.min(this.burst, this.tokens + ((nowMs - this.refilledMs) * this.settings.upgradesPerSecond) / 1_000);
    this.refilledMs = nowMs;
  }

  private get burst(): number {
    return Math.max(1, (this.settings.upgradesPerSecond * BURST_MS) / 1_000);
  }

  private stopTimerWhenIdle(): void {
    if (this.queue.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'the server is stopping');
}
