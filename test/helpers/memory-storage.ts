/**
 * Storage in memory, for tests of what stands before it. The writer keeps every batch and can be told to hold its
 * answers back or to fail; ids and duplicates follow the rules of the port, and nothing else does.
 */
import { type Agent, UNKNOWN_LOCATION } from '../../src/model/agent.js';
import type { Activity } from '../../src/model/event.js';
import type { SeriesIdentity } from '../../src/model/metric.js';
import type {
  ActivityStore,
  AgentActivity,
  AgentDescription,
  AgentStore,
  AppendResult,
  DroppedReport,
  MetricWriter,
  SampleBatch,
} from '../../src/storage/ports.js';

export interface StoredSample extends SeriesIdentity {
  readonly agentKey: number;
  readonly seriesId: number;
  readonly timestampMs: number;
  readonly value: number;
  readonly json: string | null;
}

export class MemoryWriter implements MetricWriter {
  readonly batches: SampleBatch[] = [];
  readonly series = new Map<number, SeriesIdentity & { agentKey: number }>();
  maxSeries = Number.POSITIVE_INFINITY;
  /** Thrown by the next appends, one each. */
  readonly failures: Error[] = [];
  private readonly ids = new Map<string, number>();
  private readonly receipts = new Map<string, AppendResult>();
  private held: (() => void)[] | null = null;

  /** From now on answers wait for `release`. */
  hold(): void {
    this.held ??= [];
  }

  release(): void {
    const waiting = this.held ?? [];
    this.held = null;
    for (const answer of waiting) answer();
  }

  async append(batch: SampleBatch): Promise<AppendResult> {
    if (this.held !== null) await new Promise<void>((resolve) => this.held?.push(resolve));
    else await Promise.resolve();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const receipt = batch.batchId === null ? undefined : this.receipts.get(`${batch.agentKey} ${batch.batchId}`);
    if (receipt !== undefined) return { ...receipt, duplicate: true, newSeriesIds: [] };
    const newSeriesIds = batch.newSeries.map((identity) => this.idOf(batch.agentKey, identity));
    let beyond = 0;
    for (const ref of batch.seriesIds) if (ref < 0 && newSeriesIds[-1 - ref] === 0) beyond++;
    this.batches.push({ ...batch, seriesIds: batch.seriesIds.map((ref) => (ref < 0 ? (newSeriesIds[-1 - ref] ?? 0) : ref)) });
    const result = { duplicate: false, processed: batch.seriesIds.length - beyond, errors: batch.rejected + beyond, newSeriesIds };
    if (batch.batchId !== null) this.receipts.set(`${batch.agentKey} ${batch.batchId}`, result);
    return result;
  }

  /** Every sample, in the order of arrival. */
  samples(): StoredSample[] {
    return this.batches.flatMap((batch) =>
      Array.from(batch.seriesIds, (seriesId, row) => ({
        ...(this.series.get(seriesId) as SeriesIdentity),
        agentKey: batch.agentKey,
        seriesId,
        timestampMs: batch.timestampsMs[row] ?? NaN,
        value: batch.values[row] ?? NaN,
        json: batch.objectValues?.find((object) => object.row === row)?.json ?? null,
      })).filter((sample) => sample.seriesId !== 0),
    );
  }

  private idOf(agentKey: number, identity: SeriesIdentity): number {
    const key = JSON.stringify([agentKey, identity]);
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    if (this.ids.size >= this.maxSeries) return 0;
    const id = this.ids.size + 1;
    this.ids.set(key, id);
    this.series.set(id, { ...identity, agentKey });
    return id;
  }
}

export class MemoryAgentStore implements AgentStore {
  readonly rows = new Map<string, Agent>();
  readonly written: AgentActivity[] = [];
  /** What agents said they dropped, as JSON. */
  readonly dropped = new Set<string>();
  upserts = 0;
  readonly failures: Error[] = [];
  private keys = 0;

  async all(): Promise<Agent[]> {
    return [...this.rows.values()];
  }

  async upsert(description: AgentDescription, nowMs: number): Promise<Agent> {
    this.upserts++;
    await Promise.resolve();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const row = { ...(this.rows.get(description.id) ?? newAgent(description.id, ++this.keys, nowMs)), updatedAtMs: nowMs };
    for (const key of [...(Object.keys(UNKNOWN_LOCATION) as (keyof typeof UNKNOWN_LOCATION)[]), 'version'] as const) {
      if (description[key] !== '') row[key] = description[key];
    }
    if (description.capabilities !== null) row.capabilities = description.capabilities;
    this.rows.set(description.id, row);
    return row;
  }

  async recordActivity(activities: readonly AgentActivity[]): Promise<void> {
    await Promise.resolve();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.written.push(...activities);
  }

  async recordDropped(agentKey: number, report: DroppedReport): Promise<boolean> {
    await Promise.resolve();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const said = JSON.stringify([agentKey, report]);
    const isNew = !this.dropped.has(said);
    this.dropped.add(said);
    return isNew;
  }

  async remove(agentKey: number): Promise<boolean> {
    await Promise.resolve();
    for (const [id, row] of this.rows) if (row.agentKey === agentKey) return this.rows.delete(id);
    return false;
  }

  async eraseDeleted(): Promise<boolean> {
    return false;
  }

  async expired(): Promise<{ agentKey: number; id: string }[]> {
    return [];
  }

  async purge(): Promise<boolean> {
    return false;
  }
}

export class MemoryActivityStore implements ActivityStore {
  readonly activities: Activity[] = [];

  record(activity: Activity): void {
    this.activities.push(activity);
  }

  async recent({ limit, sinceMs = 0, agentId }: { limit: number; sinceMs?: number; agentId?: string }): Promise<Activity[]> {
    return this.activities
      .filter((activity) => activity.timestampMs >= sinceMs && (agentId === undefined || activity.agentId === agentId))
      .toReversed()
      .slice(0, limit);
  }
}

function newAgent(id: string, agentKey: number, nowMs: number): { -readonly [K in keyof Agent]: Agent[K] } {
  return {
    ...UNKNOWN_LOCATION,
    agentKey,
    id,
    version: '',
    status: 'disconnected',
    health: 'unknown',
    healthMessage: '',
    capabilities: [],
    connectedAtMs: null,
    lastSeenMs: nowMs,
    lastRegistrationMs: null,
    totalMessages: 0,
    totalMetrics: 0,
    totalErrors: 0,
    clockSkewMs: null,
    newestLateMs: null,
    config: null,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}
