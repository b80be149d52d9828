/**
 * Writes a fleet's samples through SqliteStorage, batch by batch as agents send them, but without sockets; then folds and
 * vacuums. What is written is what a server would have written.
 */
import { copyFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { canonicalTags } from '../../dist/model/metric.js';
import { SqliteStorage } from '../../dist/storage/sqlite/sqlite-storage.js';

const Database = createRequire(import.meta.url)('better-sqlite3');
const SAMPLES_PER_BATCH = 100;
/** Batches on their way to the writer: enough for it to commit in groups. */
const IN_FLIGHT = 200;
const DAY_MS = 86_400_000;
const REGIONS = [
  ['gcp', 'us-central1'],
  ['gcp', 'europe-west3'],
  ['gcp', 'asia-east1'],
  ['aws', 'eu-central-1'],
  ['on-premise', 'lab'],
];

export class DatabaseFiller {
  constructor(path, agents) {
    this.path = path;
    this.senders = agents.map((agent) => ({ agent, agentKey: 0, ids: null, rows: [] }));
    this.nowMs = 0;
  }

  /** Appends `cycles` collections of every agent. Answers how many samples that were. */
  async append(cycles, say = () => {}) {
    let samples = 0;
    await this.withStorage(async (storage) => {
      const waiting = new Set();
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        for (const sender of this.senders) {
          if (sender.agentKey === 0) sender.agentKey = (await storage.agents.upsert(describe(sender.agent), sender.agent.startMs)).agentKey;
          collect(sender);
          const smallest = cycle === cycles - 1 ? 1 : SAMPLES_PER_BATCH;
          while (sender.rows.length >= smallest) {
            const rows = sender.rows.splice(0, SAMPLES_PER_BATCH);
            samples += rows.length;
            // Until all its series have ids an agent waits, as one does that has just connected.
            if (sender.ids === null) await this.send(storage, sender, rows);
            else {
              const sent = this.send(storage, sender, rows).finally(() => waiting.delete(sent));
              waiting.add(sent);
              if (waiting.size >= IN_FLIGHT) await Promise.race(waiting);
            }
          }
        }
        if (cycle % 240 === 0) say(`  ${cycle} of ${cycles} cycles`);
      }
      await Promise.all(waiting);
    });
    return samples;
  }

  /** Folds what is due, as a running server does, or everything, however young. Answers the CPU time it took, in seconds. */
  async fold(everything) {
    const before = process.cpuUsage();
    await this.withStorage((storage) => storage.compact(everything));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  }

  /** Leaves the closed database as it is now under another path. */
  copyTo(path) {
    copyFileSync(this.path, path);
  }

  /** Goes on with the copy. */
  appendTo(path, cycles) {
    this.path = path;
    return this.append(cycles);
  }

  /** What `npm run compact` ends with. */
  vacuum() {
    const db = new Database(this.path);
    try {
      db.exec('VACUUM');
      db.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      db.close();
    }
  }

  /** Of the closed database: how large the file is, and what it is made of. */
  sizes() {
    const wal = statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (wal > 0) throw new Error(`a write-ahead log of ${wal} bytes is left`);
    const db = new Database(this.path, { readonly: true });
    try {
      const tables = db.prepare('SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name ORDER BY bytes DESC').all();
      const tiers = db
        .prepare('SELECT tier, sum(byte_count) AS bytes, sum(sample_count) AS samples, count(*) AS units FROM units GROUP BY tier')
        .all();
      const left = db.prepare('SELECT count(*) FROM metric_batches').pluck().get();
      return { fileBytes: statSync(this.path).size, tables, tiers, logRows: left };
    } finally {
      db.close();
    }
  }

  async send(storage, sender, rows) {
    const { ids } = sender;
    const newSeries = [];
    const places = [];
    const seriesIds = Int32Array.from(rows, ({ place, series }) => {
      if (ids !== null) return ids[place];
      const known = sender.first.get(place);
      if (known !== undefined) return known;
      places.push(place);
      return -newSeries.push(series);
    });
    const result = await storage.writer.append({
      agentKey: sender.agentKey,
      batchId: null,
      receivedAtMs: rows.at(-1).timeMs + 20,
      seriesIds,
      timestampsMs: Float64Array.from(rows, ({ timeMs }) => timeMs),
      values: Float64Array.from(rows, ({ value }) => value),
      objectValues: null,
      newSeries,
      rejected: 0,
      lastError: null,
      clockSkewMs: 0,
      seq: null,
    });
    if (result.processed !== rows.length || result.errors !== 0) throw new Error(`${result.processed} of ${rows.length} were stored`);
    for (const [i, place] of places.entries()) sender.first.set(place, result.newSeriesIds[i]);
    if (ids === null && sender.first.size === sender.agent.seriesCount) {
      sender.ids = Array.from({ length: sender.agent.seriesCount }, (_, place) => sender.first.get(place));
    }
  }

  async withStorage(use) {
    const logger = { error: complain, warn: complain, info() {}, debug() {} };
    const storage = new SqliteStorage(
      {
        path: this.path,
        readerThreads: 1,
        queryTimeoutMs: 60_000,
        maxQueuedQueries: 100,
        maxSeriesPerAgent: 10_000,
        retentionMs: 30 * DAY_MS,
        // Folds when it is told to.
        compactIntervalMs: DAY_MS,
      },
      { nowMs: () => Date.now() },
      logger,
      { writable() {}, activitiesDropped() {}, folded() {} },
    );
    await storage.start();
    try {
      await use(storage);
    } finally {
      await storage.stop();
    }
  }
}

function collect(sender) {
  sender.first ??= new Map();
  sender.identities ??= sender.agent.groups.map(({ prefix, tags, series }) =>
    series.map(({ field, type, unit }) => ({ name: `${prefix}_${field}`, type, unit, tagsJson: canonicalTags(tags) })),
  );
  let place = 0;
  sender.agent.next((group, timeMs, values) => {
    for (const [i, value] of values.entries()) {
      sender.rows.push({ place, series: sender.identities[group][i], timeMs, value });
      place += 1;
    }
  });
}

function describe(agent) {
  const [provider, region] = REGIONS[agent.index % REGIONS.length];
  return {
    id: agent.id,
    provider,
    region,
    zone: `${region}-a`,
    network: 'default',
    subnet: 'default',
    instanceId: `i-${agent.index}`,
    ipAddress: '10.0.0.1',
    version: '1.0.0',
    capabilities: null,
  };
}

function complain(message, meta) {
  process.stderr.write(`${message} ${JSON.stringify(meta, (_, value) => (value instanceof Error ? value.stack : value))}\n`);
}
