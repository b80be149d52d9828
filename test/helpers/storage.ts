import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalTags, type SeriesIdentity } from '../../src/model/metric.js';
import { type Logger, silentLogger } from '../../src/runtime/logger.js';
import type { SampleBatch } from '../../src/storage/ports.js';
import { SqliteStorage, type SqliteStorageSettings } from '../../src/storage/sqlite/sqlite-storage.js';
import type { PlainSample } from './naive-reader.js';

/** Real storage in a folder of its own. */
export class TestStorage {
  private constructor(
    readonly dir: string,
    readonly settings: SqliteStorageSettings,
    public storage: SqliteStorage,
    private readonly clock: { atMs: number },
    private readonly logger: Logger,
  ) {}

  /** Folds what is due at a time: the storage's own clock stands still. */
  async foldAt(nowMs: number): Promise<void> {
    this.clock.atMs = nowMs;
    await this.storage.compact(false);
  }

  static async start(settings: Partial<SqliteStorageSettings> = {}, logger: Logger = silentLogger): Promise<TestStorage> {
    const dir = await mkdtemp(join(tmpdir(), 'ccv-storage-'));
    const all = {
      path: join(dir, 'test.db'),
      readerThreads: 1,
      queryTimeoutMs: 10_000,
      maxQueuedQueries: 1_000,
      maxSeriesPerAgent: 1_000,
      compactIntervalMs: 3_600_000,
      ...settings,
    };
    const clock = { atMs: 0 };
    const self = new TestStorage(dir, all, create(all, clock, logger), clock, logger);
    await self.storage.start();
    return self;
  }

  /** Closes the database and opens it again. */
  async restart(): Promise<void> {
    await this.storage.stop();
    this.storage = create(this.settings, this.clock, this.logger);
    await this.storage.start();
  }

  /** Creates the agent (or finds it) and answers its key. */
  async agentKey(id: string, place: { provider?: string; region?: string; zone?: string } = {}): Promise<number> {
    const agent = await this.storage.agents.upsert(
      {
        id,
        provider: place.provider ?? '',
        region: place.region ?? '',
        zone: place.zone ?? '',
        network: '',
        subnet: '',
        instanceId: '',
        ipAddress: '',
        version: '1.0.0',
        capabilities: null,
      },
      1_000,
    );
    return agent.agentKey;
  }

  async stop(): Promise<void> {
    await this.storage.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

function create(settings: SqliteStorageSettings, clock: { readonly atMs: number }, logger: Logger): SqliteStorage {
  return new SqliteStorage(settings, { nowMs: () => clock.atMs }, logger, { writable() {}, activitiesDropped() {}, folded() {} });
}

/** A batch as ingest would make it, with every series given as a new one. */
export function batchOf(agentKey: number, samples: readonly PlainSample[], more: Partial<SampleBatch> = {}): SampleBatch {
  const newSeries: SeriesIdentity[] = [];
  const references = new Map<string, number>();
  const seriesIds = Int32Array.from(samples, ({ name, type = 'gauge', unit = null, tags }) => {
    const identity = { name, type, unit, tagsJson: canonicalTags(tags) };
    const key = JSON.stringify(identity);
    const known = references.get(key);
    if (known !== undefined) return known;
    const reference = -newSeries.push(identity);
    references.set(key, reference);
    return reference;
  });
  return {
    agentKey,
    batchId: null,
    seq: null,
    receivedAtMs: samples[0]?.receivedAtMs ?? 1_000,
    seriesIds,
    timestampsMs: Float64Array.from(samples, (sample) => sample.timestampMs),
    values: Float64Array.from(samples, ({ value }) => (typeof value === 'object' ? value.value : value)),
    objectValues: samples.flatMap(({ value }, row) => (typeof value === 'object' ? [{ row, json: JSON.stringify(value) }] : [])),
    newSeries,
    rejected: 0,
    lastError: null,
    clockSkewMs: null,
    ...more,
  };
}
