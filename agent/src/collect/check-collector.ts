import type { CheckTarget, Collector, Logger, Metric } from '../model.js';
import { shownAddress } from '../shown-address.js';
import type { Check } from './check.js';
import { at, type Reading } from './metric.js';
import type { Slots } from './slots.js';

export interface CheckCollectorOptions {
  readonly name: string;
  readonly targets: readonly CheckTarget[];
  readonly check: Check;
  /** Shared by all kinds of checks: so many run at once. */
  readonly slots: Slots;
  readonly logger: Logger;
}

/** Checks all targets of one kind at each collection. */
export class CheckCollector implements Collector {
  readonly name: string;

  constructor(private readonly options: CheckCollectorOptions) {
    this.name = options.name;
  }

  async collect(nowMs: number, signal: AbortSignal): Promise<Metric[]> {
    const { targets, slots } = this.options;
    const readings = await Promise.all(targets.map((target) => slots.run(() => this.checked(target, signal))));
    return at(readings.flat(), nowMs);
  }

  /** A check that goes wrong in a way it should not costs its own target's readings only. */
  private async checked(target: CheckTarget, signal: AbortSignal): Promise<Reading[]> {
    signal.throwIfAborted();
    try {
      return await this.options.check(target, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.options.logger.error('a check failed to run', { check: this.name, target: shownAddress(target.address), error });
      return [];
    }
  }
}
