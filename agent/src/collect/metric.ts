import type { Metric } from '../model.js';

/** A metric whose time is not said yet: a collector gives all of one run the same. */
export type Reading = Omit<Metric, 'timestampMs'>;
export type Tags = Metric['tags'];

const NO_TAGS: Tags = {};

export function gauge(name: string, value: number, unit: string, tags: Tags = NO_TAGS): Reading {
  return { name, type: 'gauge', value, unit, tags };
}

export function counter(name: string, value: number, unit: string, tags: Tags = NO_TAGS): Reading {
  return { name, type: 'counter', value, unit, tags };
}

/** 1 for yes, 0 for no. */
export function flag(name: string, yes: boolean, tags: Tags): Reading {
  return gauge(name, yes ? 1 : 0, 'boolean', tags);
}

export function at(readings: readonly Reading[], timestampMs: number): Metric[] {
  return readings.map((reading) => ({ ...reading, timestampMs }));
}

/** Milliseconds as they are sent: to the microsecond, below which a clock reading says nothing. */
export function roundedMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
