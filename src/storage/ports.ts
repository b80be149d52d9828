/**
 * What the rest of the house sees of storage. Readers and writers are different types: who only reads cannot
 * write by accident. Every method answers only after its transaction is on disk (writers) or from one consistent
 * snapshot (readers). Failures: AppError `storage_full`, `storage_unavailable` (retry), `query_timeout`,
 * `overloaded` (too much is waiting), `agent_deleted`.
 */
import type { AggregateGroup, AggregateWants, GroupKey, SeriesTotals } from '../model/aggregate.js';
import type { Agent, AgentHealth, AgentLocation } from '../model/agent.js';
import type { AgentConfigState } from '../model/config-state.js';
import type { Activity } from '../model/event.js';
import type { MetricType, SeriesIdentity, SeriesInfo, TimeRange } from '../model/metric.js';
import type { AlertStores } from './ports/alerts.js';

export type { AggregateGroup, AggregateWants, GroupKey, SeriesTotals } from '../model/aggregate.js';

// ---------------------------------------------------------------- samples: in

/** One agent's batch, checked, in columns. Row i of every column is one sample, in the order it was sent. */
export interface SampleBatch {
  readonly agentKey: number;
  /** The sender's name for this batch; a repeat within about an hour is recognised and stored once. */
  readonly batchId: string | null;
  /** The sender's count of its batches, from 0 or 1 to MAX_SEQ; null when it does not count. */
  readonly seq: number | null;
  readonly receivedAtMs: number;
  /** A dictionary id (≥ 1), or `-1 - n` for `newSeries[n]`, whose id the sender does not know yet. */
  readonly seriesIds: Int32Array;
  readonly timestampsMs: Float64Array;
  /** The number itself, or the `.value` of an object value. */
  readonly values: Float64Array;
  /** JSON text of object values by row; null when the batch has none. */
  readonly objectValues: readonly { readonly row: number; readonly json: string }[] | null;
  readonly newSeries: readonly SeriesIdentity[];
  /** Metrics of the batch that were rejected before they came here, and the last reason. */
  readonly rejected: number;
  readonly lastError: string | null;
  /** Server clock minus the batch's own timestamp; null when it carried none. */
  readonly clockSkewMs: number | null;
}

/** The highest `seq` there is: beyond it, SQLite and JavaScript would not agree on sums any more. */
export const MAX_SEQ = 2 ** 48;

export interface AppendResult {
  readonly duplicate: boolean;
  /** Samples on disk: of this batch, or of its first arrival when it is a duplicate. */
  readonly processed: number;
  readonly errors: number;
  /** Ids of `newSeries`, in order; 0 where the agent has reached its series limit. Empty for a duplicate. */
  readonly newSeriesIds: readonly number[];
  /** Whether anything is missing of the agent; said by a batch with a `seq` that may have changed that. */
  readonly hasGaps?: boolean;
}

export interface MetricWriter {
  append(batch: SampleBatch): Promise<AppendResult>;
}

// ---------------------------------------------------------------- samples: out

/** Every given condition must hold; within one list any value does. Absent means "no condition". */
export interface SeriesFilter {
  readonly agentIds?: readonly string[];
  readonly providers?: readonly string[];
  readonly regions?: readonly string[];
  readonly names?: readonly string[];
  readonly types?: readonly MetricType[];
  /** All of these must hold. */
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
  /** Literal, case-insensitive part of the name. */
  readonly nameContains?: string;
}

export interface SampleCursor {
  readonly timestampMs: number;
  readonly seriesId: number;
}

export interface SampleQuery {
  readonly filter: SeriesFilter;
  /** Open ends are allowed: without a start the scan goes back to the oldest sample. */
  readonly range: Partial<TimeRange>;
  readonly order: 'newest' | 'oldest';
  readonly limit: number;
  readonly offset: number;
  /** Continue behind this sample (in the query's order). */
  readonly after?: SampleCursor;
}

/** Samples in columns; `series[seriesIndex[i]]` is the series of row i. Ordered by time, then by series id. */
export interface SampleRows {
  readonly series: readonly SeriesInfo[];
  readonly seriesIndex: Uint32Array;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  /** When the server received the sample; NaN where that is no longer known. */
  readonly receivedAtMs: Float64Array;
  readonly objectValues: readonly { readonly row: number; readonly json: string }[];
  /** True when more samples follow behind the last row. */
  readonly hasMore: boolean;
}

export interface AggregateQuery {
  readonly filter: SeriesFilter;
  readonly range: TimeRange;
  /** Bucket width, aligned to the Unix epoch; null for one bucket over the whole range. */
  readonly stepMs: number | null;
  /** Empty: everything is one group. */
  readonly groupBy: readonly GroupKey[];
  /** Nothing: count, sum, min and max. */
  readonly wants?: AggregateWants;
}

export interface TotalsQuery {
  readonly filter: SeriesFilter;
  readonly range: TimeRange;
  /** As in AggregateWants. */
  readonly percentiles?: readonly number[];
}

export interface MetricReader {
  samples(query: SampleQuery): Promise<SampleRows>;
  /**
   * Days whose samples had their time are told by their rollups, the rows of which count for the bucket of their start: where
   * the range begins or ends within a row's five minutes or hour, the row is in when its start is.
   * @throws AppError `validation_failed` when the answer would hold too many buckets, or percentiles too many samples; when
   * what is left of a day cannot tell percentiles, or buckets of this width. The message says what can be had.
   */
  aggregate(query: AggregateQuery): Promise<AggregateGroup[]>;
  /** As `aggregate` by series and in one bucket, for whoever asks of very many series: in columns. @throws as `aggregate` */
  totals(query: TotalsQuery): Promise<SeriesTotals>;
  /** The newest sample of every matching series within the range, ordered by series id. */
  latest(query: { filter: SeriesFilter; range: TimeRange }): Promise<SampleRows>;
  /**
   * A page of the dictionary, and how many series the filter leaves in all. Ordered by name, agent id and tags (as text, by
   * UTF-16 code unit), then by id.
   */
  series(query: { filter: SeriesFilter; limit: number; offset: number }): Promise<{ series: SeriesInfo[]; total: number }>;
  /** Distinct (name, type) pairs of the dictionary, ordered by name. */
  names(filter: SeriesFilter): Promise<{ name: string; type: MetricType }[]>;
}

// ---------------------------------------------------------------- what is missing

/** Samples that an agent had to throw away, as it reports them. */
export interface DroppedReport {
  readonly count: number;
  /** Times of the oldest and the newest of them. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** A stretch of time in which something of an agent is known to be missing. */
export interface AgentGap {
  readonly agentKey: number;
  /** `missing`: batches that have not come. `dropped`: samples that will not. */
  readonly reason: 'missing' | 'dropped';
  readonly fromMs: number;
  readonly toMs: number;
  /** How many batches or samples. */
  readonly lost: number;
}

export interface GapReader {
  /** Keys of the agents that may have gaps: at once, from memory. Who is not among them has none. */
  readonly agents: ReadonlySet<number>;
  /** Gaps that touch the range, also such of no length: at most `limit`, the newest by their end. null: of all agents. */
  within(query: { agentKeys: readonly number[] | null; range: TimeRange; limit: number }): Promise<AgentGap[]>;
}

// ---------------------------------------------------------------- agents

/** What a connection or a registration says of an agent; an empty string says nothing and changes nothing. */
export interface AgentDescription extends AgentLocation {
  readonly id: string;
  readonly version: string;
  /** null: not said, keep what is known. */
  readonly capabilities: readonly string[] | null;
}

/** What the registry writes back now and then; the totals of batches are counted with the batches themselves. */
export interface AgentActivity {
  readonly agentKey: number;
  readonly lastSeenMs: number;
  readonly connectedAtMs: number | null;
  readonly lastRegistrationMs: number | null;
  readonly health: AgentHealth;
  readonly healthMessage: string;
  /** Frames since the last write-back. */
  readonly messages: number;
  readonly updatedAtMs: number;
}

export interface AgentStore {
  all(): Promise<Agent[]>;
  /** Creates the agent or updates what the description knows; answers the row as it is now. */
  upsert(description: AgentDescription, nowMs: number): Promise<Agent>;
  recordActivity(activities: readonly AgentActivity[]): Promise<void>;
  /** Answers whether this says more than the agent has said before: reports are repeated until they were heard. */
  recordDropped(agentKey: number, report: DroppedReport): Promise<boolean>;
  /**
   * Takes the agent out of sight at once (its data is erased in slices afterwards, see eraseDeleted).
   * Answers false when there was none.
   */
  remove(agentKey: number): Promise<boolean>;
  /** Erases one bounded slice of deleted agents' data; true while there is more to do. */
  eraseDeleted(): Promise<boolean>;
  /**
   * Agents that were neither seen nor have samples since `beforeMs`, and of which nothing is left, rollups included; those
   * that never lived for a day go with what there is of them. A page.
   */
  expired(beforeMs: number): Promise<{ agentKey: number; id: string }[]>;
  /**
   * One bounded slice of what is past its time: days of samples become rollups, or go where no tier wants them; rollups,
   * receipts, activities and gaps (with the samples) are deleted. True while there is more to do.
   */
  purge(limits: PurgeLimits): Promise<boolean>;
}

/** Samples and rollups go by days (UTC): when all of the day is before the limit of their tier. */
export interface PurgeLimits {
  readonly samplesBeforeMs: number;
  readonly fiveMinutesBeforeMs: number;
  readonly oneHourBeforeMs: number;
  readonly receiptsBeforeMs: number;
  readonly activitiesBeforeMs: number;
}

// ---------------------------------------------------------------- control

/** Flat agent configuration (CONTRACT §3), only the keys that were set. */
export type AgentConfigBody = Readonly<Record<string, unknown>>;

export interface KeyedConfigState extends AgentConfigState {
  readonly agentKey: number;
}

export interface StoredAgentConfig extends KeyedConfigState {
  /** null: nobody set one; the row is there because targets apply to the agent. */
  readonly config: AgentConfigBody | null;
  readonly createdAtMs: number;
}

/** What an agent said of a version it was sent. */
export interface ConfigAttempt {
  readonly version: number;
  readonly status: 'applied' | 'failed';
  readonly error: string | null;
}

export interface ConfigStore {
  get(agentKey: number): Promise<StoredAgentConfig | null>;
  /** Stores the config under the next version. */
  put(agentKey: number, config: AgentConfigBody, nowMs: number): Promise<StoredAgentConfig>;
  /**
   * Counts up the version of these agents without touching their config; creates rows where there are none. Answers how
   * they are now, without agents that are gone.
   */
  bump(agentKeys: readonly number[], nowMs: number): Promise<KeyedConfigState[]>;
  /** Answers how it is now; null when there is no such version. */
  recordStatus(agentKey: number, attempt: ConfigAttempt, nowMs: number): Promise<KeyedConfigState | null>;
}

export type TargetType = 'ping' | 'http' | 'tcp' | 'dns';

export interface TargetFields {
  readonly name: string;
  readonly type: TargetType;
  readonly address: string;
  readonly port: number | null;
  /** Seconds. */
  readonly interval: number;
  /** Seconds. */
  readonly timeout: number;
  readonly enabled: boolean;
  /** Empty: every agent. */
  readonly agentIds: readonly string[];
}

export interface Target extends TargetFields {
  readonly id: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface TargetStore {
  all(): Promise<Target[]>;
  create(fields: TargetFields, nowMs: number): Promise<Target>;
  /** null: there is no such target. */
  update(id: string, fields: TargetFields, nowMs: number): Promise<Target | null>;
  remove(id: string): Promise<boolean>;
}

export type CommandStatus = 'sent' | 'ok' | 'failed' | 'refused' | 'expired';

export interface StoredCommand {
  readonly id: string;
  readonly agentKey: number;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly status: CommandStatus;
  readonly output: string | null;
  readonly error: string | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly completedAtMs: number | null;
}

export interface CommandStore {
  create(command: StoredCommand): Promise<void>;
  get(agentKey: number, id: string): Promise<StoredCommand | null>;
  /** Newest first. */
  list(agentKey: number, limit: number): Promise<StoredCommand[]>;
  /** Records what came back, once; false when there is no such command or it is already complete. */
  complete(
    agentKey: number,
    id: string,
    result: { status: 'ok' | 'failed' | 'refused'; output: string | null; error: string | null },
    nowMs: number,
  ): Promise<boolean>;
}

export interface ActivityStore {
  /** Fire and forget: an activity that cannot be written is counted and logged, never awaited. */
  record(activity: Activity, agentKey: number | null): void;
  /** Newest first, optionally of one agent. */
  recent(query: { limit: number; sinceMs?: number; agentId?: string }): Promise<Activity[]>;
}

/** What went wrong with batches lately, per agent. */
export interface BatchErrors {
  readonly agentId: string;
  readonly errorCount: number;
  readonly lastError: string;
}

export interface StorageStatus {
  /** Bytes of the database file, and of its write-ahead log. */
  readonly databaseBytes: number;
  readonly walBytes: number;
  /** Messages waiting for the writer, and queries waiting for a reader. */
  readonly writerQueue: number;
  readonly readerQueue: number;
  /** null while writes succeed; otherwise why the last one failed. */
  readonly writeFailure: string | null;
}

export type TierName = 'raw' | '5m' | '1h';

/** What one tier occupies. */
export interface TierUsage {
  readonly tier: TierName;
  readonly units: number;
  /** Samples folded into units; of rollups their rows. */
  readonly samples: number;
  readonly bytes: number;
  /** Start and end of the time covered; null when there are no units. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
}

export interface StorageUsage {
  /** raw, 5m, 1h. */
  readonly tiers: readonly TierUsage[];
  /** The batch log; its bytes are estimated from the newest rows. */
  readonly log: { readonly batches: number; readonly bytes: number };
  readonly series: number;
}

export interface StorageHealth {
  status(): StorageStatus;
  /** What is stored, at most a minute old. */
  usage(): Promise<StorageUsage>;
  /** The same as far as it is known: at once, and asks for newer figures when these are a minute old. null: not yet. */
  knownUsage(): StorageUsage | null;
  /** Writes and reads one row: resolves when the database can do its job, rejects with an AppError when not. */
  probe(): Promise<void>;
  /** Rejected metrics since `sinceMs`, per agent, most errors first. */
  batchErrors(sinceMs: number): Promise<BatchErrors[]>;
}

/** All of storage, as the composition root hands it out piece by piece. */
export interface Storage {
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
}
