import type { Metric } from '../../../agent/src/model.js';

/** `count` metrics measured at `timestampMs`, each with a value of its own. */
export function metricsAt(timestampMs: number, count = 1, firstValue = 0): Metric[] {
  return Array.from({ length: count }, (_, i) => ({
    name: 'test_value',
    type: 'gauge',
    value: firstValue + i,
    unit: '',
    tags: { slot: String(i) },
    timestampMs,
  }));
}

/** A clock that stands still until it is set. */
export class SettableClock {
  constructor(public ms: number) {}

  nowMs(): number {
    return this.ms;
  }
}
