import { statSync } from 'node:fs';
import type { Activity } from '../../model/event.js';
import type { Clock } from '../../runtime/clock.js';
import type { Part } from '../../runtime/lifecycle.js';
import type { Logger } from '../../runtime/logger.js';
import type {
  ActivityStore,
  AgentStore,
  CommandStore,
  ConfigStore,
  GapReader,
  MetricReader,
  MetricWriter,
  Storage,
  StorageHealth,
  TargetStore,
  TierName,
} from '../ports.js';
import type { AlertStores } from '../ports/alerts.js';
import { createAlertStores } from './alert-stores.js';
import { KnownGaps } from './known-gaps.js';
import { KnownUsage } from './known-usage.js';
import type { CheckpointThreadData } from './threads/checkpoint-thread.js';
import type { CompactorThreadData } from './threads/compactor-thread.js';
import { unpack } from './threads/packed-groups.js';
import { unpackSamples, unpackSeries } from './threads/packed-series.js';
import { ReaderPool } from './threads/reader-pool.js';
import type { ReaderThreadData } from './threads/reader-thread.js';
import { ThreadHost } from './threads/thread-host.js';
import { WriterClient } from './threads/writer-client.js';
import type { WriterThreadData } from './threads/writer-thread.js';
import { Compactor } from './units/compactor.js';
import { TIER_NAME } from './units/unit-rows.js';

export interface SqliteStorageSettings {
  readonly path: string;
  readonly readerThreads: number;
  readonly queryTimeoutMs: number;
  readonly maxQueuedQueries: number;
  readonly maxSeriesPerAgent: number;
  /** Between two looks for what is to be folded. */
  readonly compactIntervalMs: number;
}

/** Who wants to know what happens in storage. */
export interface StorageListeners {
  /** Writing has stopped to work (why), or works again (null). */
  writable(failure: string | null): void;
  activitiesDropped(count: number): void;
  /** Units have taken the place of `batches` rows of the log, and of other units. Samples of a rollup are its rows. */
  folded(batches: number, units: readonly { readonly tier: TierName; readonly samples: number }[]): void;
}

/** Activities that may wait for the writer; beyond that they are dropped and counted. */
const MAX_WAITING_ACTIVITIES = 10_000;

/**
 * Storage in one SQLite file: a writer thread, a pool of reader threads, and here, on the main thread, the ports
 * that talk to them. Nothing on the main thread touches the database.
 */
export class SqliteStorage implements Storage, Part {
  readonly writer: MetricWriter;
  readonly reader: MetricReader;
  readonly gaps: GapReader;
  readonly agents: AgentStore;
  readonly configs: ConfigStore;
  readonly targets: TargetStore;
  readonly commands: CommandStore;
  readonly activities: ActivityStore;
  readonly alerts: AlertStores;
  readonly health: StorageHealth;

  private readonly writerHost: ThreadHost;
  private readonly checkpointHost: ThreadHost;
  private readonly write: WriterClient;
  private readonly read: ReaderPool;
  private readonly compactor: Compactor;
  private readonly knownGaps = new KnownGaps();
  private waitingActivities: { activity: Activity; agentKey: number | null }[] = [];
  private activityWrite: Promise<void> | null = null;

  constructor(
    private readonly settings: SqliteStorageSettings,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly listeners: StorageListeners,
  ) {
    const { path, readerThreads, queryTimeoutMs, maxQueuedQueries, maxSeriesPerAgent } = settings;
    const writerData: WriterThreadData = { path, maxSeriesPerAgent };
    const readerData: ReaderThreadData = { path, queryTimeoutMs };
    const script = (name: string): URL => new URL(`./threads/${name}.js`, import.meta.url);
    this.writerHost = new ThreadHost(script('writer-thread'), writerData, 'writer thread', logger);
    const checkpointData: CheckpointThreadData = { path };
    this.checkpointHost = new ThreadHost(script('checkpoint-thread'), checkpointData, 'checkpoint thread', logger);
    const readerHosts = Array.from(
      { length: readerThreads },
      (_, i) => new ThreadHost(script('reader-thread'), readerData, `reader thread ${i + 1}`, logger, () => this.read.dispatch()),
    );
    const write = new WriterClient(this.writerHost, logger, (failure) => listeners.writable(failure));
    const read = new ReaderPool(readerHosts, maxQueuedQueries, logger);
    this.write = write;
    this.read = read;
    const compactorHost = new ThreadHost(script('compactor-thread'), { path } satisfies CompactorThreadData, 'compactor thread', logger);
    this.compactor = new Compactor(compactorHost, read, write, settings, clock, logger, ({ job, units }) =>
      listeners.folded(
        job.batchIds.length,
        units.map(({ tier, sampleCount }) => ({ tier: TIER_NAME[tier], samples: sampleCount })),
      ),
    );

    const known = this.knownGaps;
    this.writer = {
      append: (batch) => {
        const appended = write.call('append', batch);
        return batch.seq === null ? appended : known.watch(batch.agentKey, appended, ({ hasGaps = null }) => hasGaps);
      },
    };
    this.gaps = { agents: known.keys, within: (query) => read.call('gaps', query) };
    this.reader = {
      samples: async (query) => unpackSamples(await read.call('samples', query)),
      aggregate: async (query) => unpack(await read.call('aggregate', query)),
      totals: (query) => read.call('totals', query),
      latest: async (query) => unpackSamples(await read.call('latest', query)),
      series: async (query) => {
        const { series, total } = await read.call('series', query);
        return { series: unpackSeries(series), total };
      },
      names: (filter) => read.call('names', filter),
    };
    this.agents = {
      all: () => read.call('allAgents'),
      upsert: (description, nowMs) => write.call('upsertAgent', description, nowMs),
      recordActivity: (activities) => write.call('recordAgentActivity', activities),
      recordDropped: (agentKey, report) =>
        known.watch(agentKey, write.call('recordDropped', agentKey, report), (isNew) => (isNew ? true : null)),
      remove: async (agentKey) => {
        const removed = await write.call('removeAgent', agentKey);
        known.note(agentKey, false);
        return removed;
      },
      eraseDeleted: () => write.call('eraseDeleted'),
      expired: (beforeMs) => read.call('expiredAgents', beforeMs),
      purge: async (limits) => {
        const { due, done } = await this.compactor.expire(limits);
        // Samples that are still to be made into rollups stay; also when that was of no use this time.
        const more = await write.call('purge', due === 0 ? limits : { ...limits, samplesBeforeMs: Number.MIN_SAFE_INTEGER });
        const gaps = await write.call('purgeGaps', limits.samplesBeforeMs);
        for (const agentKey of gaps.without) known.note(agentKey, false);
        return more || gaps.more || done > 0;
      },
    };
    this.configs = {
      get: (agentKey) => read.call('getConfig', agentKey),
      put: (agentKey, config, nowMs) => write.call('putConfig', agentKey, config, nowMs),
      bump: (agentKeys, nowMs) => write.call('bumpConfigs', agentKeys, nowMs),
      recordStatus: (agentKey, report, nowMs) => write.call('recordConfigStatus', agentKey, report, nowMs),
    };
    this.targets = {
      all: () => read.call('allTargets'),
      create: (fields, nowMs) => write.call('createTarget', fields, nowMs),
      update: (id, fields, nowMs) => write.call('updateTarget', id, fields, nowMs),
      remove: (id) => write.call('removeTarget', id),
    };
    this.commands = {
      create: (command) => write.call('createCommand', command),
      get: (agentKey, id) => read.call('getCommand', agentKey, id),
      list: (agentKey, limit) => read.call('listCommands', agentKey, limit),
      complete: (agentKey, id, result, nowMs) => write.call('completeCommand', agentKey, id, result, nowMs),
    };
    this.activities = {
      record: (activity, agentKey) => this.recordActivity(activity, agentKey),
      recent: (query) => read.call('recentActivities', query),
    };
    this.alerts = createAlertStores(write, read);
    const usage = new KnownUsage(() => read.call('usage'));
    this.health = {
      usage: () => usage.fresh(),
      knownUsage: () => usage.latest(),
      status: () => ({
        databaseBytes: fileSize(path),
        walBytes: fileSize(`${path}-wal`),
        writerQueue: write.queueLength,
        readerQueue: read.queueLength,
        writeFailure: write.writeFailure,
      }),
      probe: async () => {
        await Promise.all([write.call('probe', this.clock.nowMs()), read.call('probe')]);
      },
      batchErrors: (sinceMs) => read.call('batchErrors', sinceMs),
    };
  }

  async start(): Promise<void> {
    await this.writerHost.start();
    await Promise.all([this.read.start(), this.checkpointHost.start()]);
    this.knownGaps.load(await this.read.call('agentsWithGaps'));
    this.compactor.start();
    this.logger.info('database open', { path: this.settings.path });
  }

  /** Folds what is due now, or everything however young; resolves when it is done. */
  compact(everything: boolean): Promise<void> {
    return this.compactor.compact(everything);
  }

  /** Finishes what is waiting, then closes the database: the log is copied into the file and removed. */
  async stop(): Promise<void> {
    await this.compactor.stop();
    if (this.writerHost.running) {
      await this.activityWrite;
      await this.write.drain();
    }
    // The writer closes last, because it tidies up; whatever became of the others.
    const others = await Promise.allSettled([this.read.stop(), this.checkpointHost.stop()]);
    await this.writerHost.stop();
    for (const other of others) if (other.status === 'rejected') throw other.reason;
  }

  /** Activities are written together, one write at a time: a storm of connects must not queue up behind the batches. */
  private recordActivity(activity: Activity, agentKey: number | null): void {
    if (this.waitingActivities.length >= MAX_WAITING_ACTIVITIES) {
      this.listeners.activitiesDropped(1);
      return;
    }
    this.waitingActivities.push({ activity, agentKey });
    this.activityWrite ??= this.writeActivities();
  }

  private async writeActivities(): Promise<void> {
    while (this.waitingActivities.length > 0) {
      const entries = this.waitingActivities;
      this.waitingActivities = [];
      try {
        await this.write.call('recordActivities', entries);
      } catch (error) {
        this.listeners.activitiesDropped(entries.length);
        this.logger.warn('activities could not be written', { count: entries.length, error });
      }
    }
    // At once, not when the promise is settled: what comes in between would wait for the next activity.
    this.activityWrite = null;
  }
}

/** 0 when there is no such file (a write-ahead log comes and goes). */
function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
