import { setTimeout as pause } from 'node:timers/promises';
import { AppError, isAppError } from '../../../model/errors.js';
import type { Clock } from '../../../runtime/clock.js';
import type { Logger } from '../../../runtime/logger.js';
import { Turns } from '../../../runtime/turns.js';
import type { ReaderOps } from '../reader/reader-ops.js';
import { fromWireError, type Result } from '../threads/protocol.js';
import type { ReaderPool } from '../threads/reader-pool.js';
import type { ThreadHost } from '../threads/thread-host.js';
import type { WriterClient } from '../threads/writer-client.js';
import { expiryKey, type TierLimits } from './expiry-planner.js';
import { type Fold, type FoldJob, jobKey } from './folder.js';

export interface CompactorSettings {
  readonly compactIntervalMs: number;
}

/** Pause between two folds, so that batches and queries get their turn at the writer and at the processor. */
const FOLD_PAUSE_MS = 5;

/**
 * Keeps the log short: every minute, what is due is folded into units, one agent and window at a time. Folding and
 * expiring take turns, fold by fold: however much there is of one, the other goes on, and a stop waits for little. The
 * thread that folds lives only as long as there is something to fold (14 MB otherwise). A fold that fails is logged and
 * not tried again until the next start: its rows stay in the log, where queries find them.
 */
export class Compactor {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private stopped = true;
  private readonly failed = new Set<string>();
  /** Who needs the thread: it goes when nobody does. */
  private readonly work = new Set<Promise<unknown>>();
  private readonly turns = new Turns();

  constructor(
    private readonly host: ThreadHost,
    private readonly read: ReaderPool,
    private readonly write: WriterClient,
    private readonly settings: CompactorSettings,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly onFolded: (fold: Fold) => void,
  ) {}

  start(): void {
    this.stopped = false;
    this.timer = setInterval(() => {
      if (this.round === null) void this.compact();
    }, this.settings.compactIntervalMs);
    this.timer.unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearInterval(this.timer);
    await this.round;
    await Promise.allSettled(this.work);
    await this.turns.ended();
  }

  /** Folds all that is due, or everything; resolves when nothing is left. One round follows the other. */
  compact(everything = false): Promise<void> {
    const round = (this.round ?? Promise.resolve())
      .then(() => this.withThread(() => this.run(everything)))
      .catch((error: unknown) => {
        if (!this.stopped) this.logger.warn('folding stopped; it goes on at the next round', { error });
      })
      .finally(() => {
        if (this.round === round) this.round = null;
      });
    this.round = round;
    return round;
  }

  /**
   * Makes rollups of a few days whose samples have had their time, in their place. Answers what there was to do and how much
   * of it is done: samples may be deleted when there was nothing, but for such as cannot be read.
   * @throws AppError when the disk is full, or storage is stopping
   */
  expire(limits: TierLimits): Promise<{ due: number; done: number }> {
    return this.withThread(async () => {
      const jobs = await this.plan('planExpiry', limits, this.failed);
      return { due: jobs.length, done: await this.foldAll(jobs) };
    });
  }

  /**
   * Each stretch once a round: where samples that are old already go on coming in (a clock that is behind, a backlog), there is
   * always something due, and days would never be merged.
   */
  private async run(everything: boolean): Promise<void> {
    const folded = new Set<string>();
    const due = (): Promise<FoldJob[]> =>
      this.plan('planFolds', { nowMs: this.clock.nowMs(), everything, without: new Set([...this.failed, ...folded]) });
    for (let jobs = await due(); jobs.length > 0; jobs = await due()) {
      if ((await this.foldAll(jobs)) === 0) return;
      if (!everything) for (const job of jobs) folded.add(jobKey(job));
    }
  }

  /**
   * The first look is a query like others: usually nothing is due. Further ones do not wait for queries to end.
   * @throws AppError when storage is stopping: nobody must take that for "nothing is due"
   */
  private plan<K extends 'planFolds' | 'planExpiry'>(op: K, ...args: Parameters<ReaderOps[K]>): Promise<FoldJob[]> {
    return this.turns.take(async () => {
      if (this.stopped) throw new AppError('storage_unavailable', 'storage is stopping');
      return this.host.running ? this.ask<FoldJob[]>(op, args) : this.read.call(op, ...args);
    });
  }

  /** How many of the units are on disk; the rest was folded by somebody else, cannot be, or is left for after a stop. */
  private async foldAll(jobs: readonly FoldJob[]): Promise<number> {
    let done = 0;
    for (const job of jobs) {
      const isDone = await this.turns.take(async () => {
        if (this.stopped) return false;
        if (!this.host.running) await this.host.start();
        const folded = await this.fold(job);
        await pause(FOLD_PAUSE_MS);
        return folded;
      });
      if (isDone) done += 1;
    }
    return done;
  }

  private async withThread<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.work.add(running);
    try {
      return await running;
    } finally {
      this.work.delete(running);
      await this.turns.take(async () => {
        if (this.work.size === 0) await this.host.stop();
      });
    }
  }

  /** True when the unit is on disk. */
  private async fold(job: FoldJob): Promise<boolean> {
    try {
      const fold = await this.ask<Fold | null>('fold', [job]);
      // Somebody else was quicker (a deletion, retention): the next plan sees what there is.
      if (fold === null || !(await this.write.call('commitFold', fold))) return false;
      this.onFolded(fold);
      return true;
    } catch (error) {
      // The disk is full, the thread is gone: nothing is wrong with this job.
      if (isAppError(error)) throw error;
      this.failed.add(job.keepsRaw ? jobKey(job) : expiryKey(job));
      if (!job.keepsRaw) this.failed.add(jobKey(job));
      const what = job.keepsRaw ? 'samples could not be folded; they stay in the log' : 'samples could not be made into rollups';
      this.logger.error(what, { agentKey: job.agentKey, startMs: job.startMs, error });
      return false;
    }
  }

  private async ask<T>(op: string, args: readonly unknown[]): Promise<T> {
    const [result] = (await this.host.send([{ op, args }])) as [Result];
    if ('error' in result) throw fromWireError(result.error);
    return result.value as T;
  }
}
