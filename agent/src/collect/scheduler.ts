import type { Clock, Collector, Logger, Metric } from '../model.js';
import { reasonOf } from '../reason-of.js';
import { orAborted } from './deadline.js';

/** What waits for the next collection. Default: Node's. */
export interface SchedulerTimers {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** @returns cancels it */
  after(ms: number, work: () => void): () => void;
}

export interface SchedulerOptions {
  readonly collectors: readonly Collector[];
  readonly intervalMs: number;
  /** Where in an interval the grid points are, in [0, 1); asked at the start and with every other interval. */
  readonly phase: () => number;
  /** Takes the metrics of one run of one collector, all of one time. What it does on failure is its own affair: it must not reject. */
  readonly onMetrics: (metrics: Metric[], collector: string) => void | Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timers?: SchedulerTimers;
}

/** For a status report. */
export interface CollectorState {
  readonly name: string;
  /** Runs that came to an end with or without metrics. */
  readonly runs: number;
  readonly failures: number;
  /** Times it was due while its last run still went on. */
  readonly skipped: number;
  readonly lastError: string | null;
}

const systemTimers: SchedulerTimers = {
  nowMs: () => performance.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

interface Entry {
  readonly collector: Collector;
  running: Promise<void> | null;
  runs: number;
  failures: number;
  skipped: number;
  /** It was due during the run that goes on. */
  overran: boolean;
  /** No run has ended in time since it was left out first; that is logged once. */
  late: boolean;
  /** Of the last run; null when it went well. What stays the same is logged once. */
  problem: string | null;
}

/**
 * Runs the collectors at every point of a steady grid, `intervalMs` apart however long a run takes and however late a timer is. The
 * grid lies in the time of day, at the agent's own place within each interval: agents that are started together, or are given another
 * interval together, do not collect at the same moment, and an agent that is started again goes on in its old times. The first
 * collection does not wait for the grid; the second comes half an interval to one and a half behind it.
 * A collector whose last run goes on is left out and counted; the others do not wait for it.
 */
export class Scheduler {
  private entries: Entry[];
  private intervalMs: number;
  private readonly timers: SchedulerTimers;
  /** The last collection, and the next grid point, in monotonic time. */
  private lastMs = 0;
  private nextMs = 0;
  private cancelNext: (() => void) | null = null;
  /** Ends what runs. There is one from the start to the stop, or until other collectors take over. */
  private runs: AbortController | null = null;

  constructor(private readonly options: SchedulerOptions) {
    this.entries = options.collectors.map(newEntry);
    this.intervalMs = options.intervalMs;
    this.timers = options.timers ?? systemTimers;
  }

  /** Collects at once, and from then on at every grid point. */
  start(): void {
    if (this.runs !== null) return;
    this.runs = new AbortController();
    this.lastMs = this.timers.nowMs();
    this.collectDue();
    this.align();
  }

  /** Nothing is collected any more; what runs is ended, and its metrics are given up. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.cancelNext?.();
    this.cancelNext = null;
    const running = this.running();
    this.runs?.abort(new Error('the agent stops'));
    this.runs = null;
    await Promise.all(running);
  }

  /** Another grid from now on: the next collection is at the first of its points that is half an interval behind the last one. */
  setIntervalMs(intervalMs: number): void {
    if (intervalMs === this.intervalMs) return;
    this.intervalMs = intervalMs;
    if (this.runs === null) return;
    this.align();
  }

  /** These from now on; they run for the first time at the next grid point. What still runs of the others is ended. */
  setCollectors(collectors: readonly Collector[]): void {
    this.entries = collectors.map(newEntry);
    if (this.runs === null) return;
    this.runs.abort(new Error('the agent has another configuration'));
    this.runs = new AbortController();
  }

  /** Of the collectors there are now, since they were made. */
  state(): CollectorState[] {
    return this.entries.map(({ collector, runs, failures, skipped, problem }) => ({
      name: collector.name,
      runs,
      failures,
      skipped,
      lastError: problem,
    }));
  }

  private align(): void {
    const { intervalMs } = this;
    const nowMs = this.timers.nowMs();
    const earliestMs = Math.max(nowMs, this.lastMs + intervalMs / 2);
    const wallMs = this.options.clock.nowMs() + earliestMs - nowMs;
    const phaseMs = this.options.phase() * intervalMs;
    this.nextMs = earliestMs + ((((phaseMs - wallMs) % intervalMs) + intervalMs) % intervalMs);
    this.waitForNext();
  }

  private waitForNext(): void {
    this.cancelNext?.();
    this.cancelNext = this.timers.after(Math.max(0, this.nextMs - this.timers.nowMs()), () => this.pointReached());
  }

  private pointReached(): void {
    this.lastMs = this.timers.nowMs();
    // Points that went by unseen (the machine slept, the process was busy) are skipped: their time cannot be measured any more.
    const missed = Math.max(0, Math.floor((this.lastMs - this.nextMs) / this.intervalMs));
    this.nextMs += (missed + 1) * this.intervalMs;
    if (missed > 0) for (const entry of this.entries) entry.skipped += missed;
    this.collectDue();
    this.waitForNext();
  }

  private collectDue(): void {
    if (this.runs === null) return;
    const { signal } = this.runs;
    const nowMs = this.options.clock.nowMs();
    for (const entry of this.entries) {
      if (entry.running === null) this.run(entry, nowMs, signal);
      else this.leaveOut(entry);
    }
  }

  private run(entry: Entry, nowMs: number, signal: AbortSignal): void {
    entry.overran = false;
    entry.running = this.collected(entry, nowMs, signal).finally(() => {
      entry.running = null;
      if (!entry.overran) entry.late = false;
    });
  }

  private leaveOut(entry: Entry): void {
    entry.skipped += 1;
    entry.overran = true;
    if (entry.late) return;
    entry.late = true;
    const { name } = entry.collector;
    this.options.logger.warn('a collection takes longer than the interval, one is left out', {
      collector: name,
      intervalMs: this.intervalMs,
    });
  }

  /** Ends with `signal` at the latest, also when the collector does not look at it. */
  private async collected(entry: Entry, nowMs: number, signal: AbortSignal): Promise<void> {
    const { collector } = entry;
    const { logger, onMetrics } = this.options;
    try {
      const metrics = await orAborted(collector.collect(nowMs, signal), signal);
      if (entry.problem !== null) logger.info('a collector works again', { collector: collector.name });
      entry.problem = null;
      entry.runs += 1;
      if (metrics.length > 0) await onMetrics(metrics, collector.name);
    } catch (error) {
      if (signal.aborted) return;
      entry.runs += 1;
      entry.failures += 1;
      const problem = reasonOf(error);
      if (problem !== entry.problem) logger.warn('a collector failed', { collector: collector.name, error });
      entry.problem = problem;
    }
  }

  private running(): Promise<void>[] {
    return this.entries.map(({ running }) => running).filter((running) => running !== null);
  }
}

function newEntry(collector: Collector): Entry {
  return { collector, running: null, runs: 0, failures: 0, skipped: 0, overran: false, late: false, problem: null };
}
