import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { NaiveReader, type PlainSample } from './naive-reader.js';
import { batchOf, TestStorage } from './storage.js';
import { type Operation, PLACES, type PlannedSample } from './storage-arbitraries.js';

const BASE_RECEIVED_MS = 1_795_377_600_000;

/**
 * Real storage and the plain list of what is in it, changed together.
 *
 * Retention takes hours and days as they are laid down, never a part of one: what is older than a limit may be there
 * or not, what is not older is. So answers are compared from `keptFromMs` on, the highest limit there was.
 */
export class ModelledStorage {
  keptFromMs = Number.NEGATIVE_INFINITY;
  /** Storage does not use the ids of deleted agents' series again, the model does. */
  renumbered = false;
  private kept: PlainSample[] = [];
  private receivedAtMs = BASE_RECEIVED_MS;

  private constructor(private readonly store: TestStorage) {}

  static async start(): Promise<ModelledStorage> {
    return new ModelledStorage(await TestStorage.start());
  }

  get reader() {
    return this.store.storage.reader;
  }

  model(): NaiveReader {
    return new NaiveReader(this.kept, PLACES);
  }

  /** @param look compares what storage answers with the model, now */
  async apply(operation: Operation, look: () => Promise<void>): Promise<void> {
    const { agents } = this.store.storage;
    switch (operation.kind) {
      case 'append':
        return this.append(operation.agentId, operation.samples);
      case 'rewrite':
        return this.rewrite(operation.agentId, operation.count);
      case 'remove':
        return this.remove(operation.agentId, operation.samples);
      case 'erase':
        for (let i = 0; i < operation.slices; i += 1) await agents.eraseDeleted();
        return;
      case 'purge':
        return this.purge(operation.beforeMs);
      case 'restart':
        return this.store.restart();
      case 'fold':
        return this.store.foldAt(operation.atMs);
      case 'look':
        return look();
      case 'fold with': {
        const folded = this.store.foldAt(operation.atMs);
        for (const { pauseMs, change } of operation.changes) {
          await pause(pauseMs);
          await this.apply(change, look);
        }
        return folded;
      }
    }
  }

  /** Erases what deleted agents left, and counts what then still belongs to nobody. */
  async orphans(): Promise<number> {
    while (await this.store.storage.agents.eraseDeleted());
    const db = new Database(this.store.settings.path, { readonly: true });
    try {
      const ofNobody = ['metric_batches', 'units', 'metric_series'].map(
        (table) => `(SELECT count(*) FROM ${table} WHERE agent_key NOT IN (SELECT agent_key FROM agents))`,
      );
      const parts = '(SELECT count(*) FROM unit_parts WHERE id / 4096 NOT IN (SELECT id FROM units))';
      return db
        .prepare<[], number>(`SELECT ${[...ofNobody, parts].join(' + ')}`)
        .pluck()
        .get() as number;
    } finally {
      db.close();
    }
  }

  stop(): Promise<void> {
    return this.store.stop();
  }

  private append(agentId: string, planned: readonly PlannedSample[]): Promise<void> {
    this.receivedAtMs += 1;
    const { receivedAtMs } = this;
    const samples = planned.map(
      ({ object, value, ...sample }): PlainSample => ({
        ...sample,
        agentId,
        receivedAtMs,
        ...(object ? { type: 'histogram' as const, value: { value, note: receivedAtMs } } : { value }),
      }),
    );
    return this.write(agentId, samples);
  }

  private rewrite(agentId: string, count: number): Promise<void> {
    this.receivedAtMs += 1;
    const { receivedAtMs } = this;
    const samples = this.kept
      .filter((sample) => sample.agentId === agentId)
      .slice(-count)
      .map((sample) => ({
        ...sample,
        receivedAtMs,
        value: typeof sample.value === 'object' ? { ...sample.value, note: receivedAtMs } : sample.value + 1,
      }));
    return this.write(agentId, samples);
  }

  private async remove(agentId: string, returning: readonly PlannedSample[]): Promise<void> {
    await this.store.storage.agents.remove(await this.store.agentKey(agentId, PLACES[agentId]));
    this.renumbered = true;
    this.kept = this.kept.filter((sample) => sample.agentId !== agentId);
    if (returning.length > 0) await this.append(agentId, returning);
  }

  private async purge(beforeMs: number): Promise<void> {
    const limits = {
      samplesBeforeMs: beforeMs,
      fiveMinutesBeforeMs: beforeMs,
      oneHourBeforeMs: beforeMs,
      receiptsBeforeMs: 0,
      activitiesBeforeMs: 0,
    };
    while (await this.store.storage.agents.purge(limits));
    this.keptFromMs = Math.max(this.keptFromMs, beforeMs);
  }

  private async write(agentId: string, samples: readonly PlainSample[]): Promise<void> {
    const agentKey = await this.store.agentKey(agentId, PLACES[agentId]);
    await this.store.storage.writer.append(batchOf(agentKey, samples, { receivedAtMs: this.receivedAtMs }));
    this.kept.push(...samples);
  }
}
