/**
 * All agents, in memory: who is there, who owns which connection, what they said of themselves, what they count.
 *
 * Invariants: one record per id; all changes of what is stored about one id run one after another; the newest
 * connection owns the agent, and whatever an older one does changes nothing. Storage is told of activity every
 * two seconds and at the stop: a crash loses that much of `last_seen` and the message counts, never a sample.
 * When a write-back fails it is kept and tried again.
 */
import type { Agent, AgentDirectory } from '../model/agent.js';
import { configStateOf } from '../model/config-state.js';
import { AppError } from '../model/errors.js';
import type { ActivityType, Events } from '../model/event.js';
import { isoTime } from '../model/iso-time.js';
import { type Clock, monotonicMs } from '../runtime/clock.js';
import type { EventBus } from '../runtime/event-bus.js';
import type { Logger } from '../runtime/logger.js';
import type { ActivityStore, AgentDescription, AgentStore, DroppedReport, KeyedConfigState } from '../storage/ports.js';
import { ActivityWriteBack } from './activity-write-back.js';
import { type AgentLink, AgentRecord } from './agent-record.js';
import { LateMark } from './late-batch.js';
import { addsNothing, readDropped, type StatusReport } from './messages.js';
import { SeriesDictionary, StringPool } from './series-dictionary.js';

export interface RegistrySettings {
  /** Agents known at once; further ones are refused as `overloaded`. */
  readonly maxAgents: number;
  /** How long samples are kept, by whole days: of older ones nothing is missing. */
  readonly retentionMs: number;
}

export interface RegistryDeps {
  readonly agents: AgentStore;
  readonly activities: ActivityStore;
  readonly bus: EventBus<Events>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: RegistrySettings;
  /** Monotonic milliseconds; another one only in tests. */
  readonly monotonic?: () => number;
}

const DAY_MS = 86_400_000;
const WRITE_BACK_INTERVAL_MS = 2_000;
const ANNOUNCE_INTERVAL_MS = 5_000;
const HEALTH_NOTE_INTERVAL_MS = 1_000;
const MAX_SHARED_STRINGS = 20_000;
const HTTP_INTERVAL_MS = { least: 5_000, usual: 60_000, most: 3_600_000 };
const MISSED_INTERVALS = 3;

export class AgentRegistry implements AgentDirectory {
  private readonly records = new Map<string, AgentRecord>();
  private readonly changes = new Map<string, Promise<void>>();
  private readonly pushing = new Set<AgentRecord>();
  private readonly strings = new StringPool(MAX_SHARED_STRINGS);
  private readonly monotonic: () => number;
  private readonly writeBack: ActivityWriteBack;
  private creating = 0;
  private connected = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly deps: RegistryDeps) {
    this.monotonic = deps.monotonic ?? monotonicMs;
    this.writeBack = new ActivityWriteBack(deps.agents, deps.logger);
  }

  /** Loads every agent; all of them are disconnected until they show up. */
  async start(): Promise<void> {
    if (this.timer !== null) return;
    for (const agent of await this.deps.agents.all()) this.records.set(agent.id, new AgentRecord(agent));
    this.timer = setInterval(() => this.tick(), WRITE_BACK_INTERVAL_MS);
    this.timer.unref();
  }

  /** Writes back what is not written yet. */
  async stop(): Promise<void> {
    if (this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
    await this.writeBack.flush();
  }

  find(id: string): Agent | null {
    return this.records.get(id)?.agent ?? null;
  }

  all(): readonly Agent[] {
    return Array.from(this.records.values(), (record) => record.agent);
  }

  /** Agents known, and those of them that are there. */
  get counts(): { readonly known: number; readonly connected: number } {
    return { known: this.records.size, connected: this.connected };
  }

  /** True when the agent is connected over WebSocket. */
  isReachable(id: string): boolean {
    return (this.records.get(id)?.link ?? null) !== null;
  }

  /** Sends a frame to the agent's newest connection. False when it is not connected over WebSocket. */
  send(id: string, type: string, data: object): boolean {
    return this.records.get(id)?.link?.send(type, data) ?? false;
  }

  /**
   * Makes the agent known, and stores what is new about it. What says nothing new costs no write.
   * @throws AppError `overloaded` when there are too many agents, or whatever storage throws
   */
  describe(description: AgentDescription): Promise<AgentRecord> {
    const known = this.records.get(description.id);
    if (known !== undefined && !this.changes.has(description.id) && addsNothing(known.agent, description)) return Promise.resolve(known);
    return this.inTurn(description.id, () => this.store(description));
  }

  /**
   * Deletes the agent: its data goes out of sight, its socket is closed, its series are forgotten.
   * Resolves to false when there was none.
   */
  remove(id: string): Promise<boolean> {
    return this.inTurn(id, async () => {
      const record = this.records.get(id);
      if (record === undefined) return false;
      const removed = await this.deps.agents.remove(record.agent.agentKey);
      const { link } = record;
      record.deleted = true;
      record.link = null;
      record.http = null;
      this.refreshStatus(record);
      this.records.delete(id);
      this.writeBack.forget(record);
      this.pushing.delete(record);
      link?.close(1000, 'agent deleted');
      this.note('agent_deleted', record, 'Agent deleted', null);
      this.deps.bus.emit('agentDeleted', record.agent);
      return removed;
    });
  }

  /** A connection takes the agent over; from now on it is the newest. */
  attach(record: AgentRecord, link: AgentLink): void {
    if (record.deleted || record.link === link) return;
    record.link = link;
    record.http = null;
    this.pushing.delete(record);
    this.arrived(record, 'Agent connected');
  }

  /** A connection has ended. Only the newest one takes the agent with it. `quietly` while the server itself stops. */
  detach(record: AgentRecord, link: AgentLink, reason: string, quietly = false): void {
    if (record.link !== link) return;
    record.link = null;
    this.left(record, reason, quietly);
  }

  /**
   * An agent registered over HTTP or, with `batch`, pushed one: two batches tell its interval, while a registration
   * comes right before the first. Changes nothing while the agent has a WebSocket connection.
   */
  pushed(record: AgentRecord, batch: boolean): void {
    this.heard(record);
    if (record.deleted || record.link !== null) return;
    const nowMs = this.monotonic();
    const isNew = record.http === null;
    record.http ??= { lastHeardMs: nowMs, lastBatchMs: null, lastGapMs: null, intervalMs: HTTP_INTERVAL_MS.usual };
    const { http } = record;
    http.lastHeardMs = nowMs;
    if (batch) {
      if (http.lastBatchMs !== null) {
        const gapMs = nowMs - http.lastBatchMs;
        const intervalMs = Math.max(gapMs, http.lastGapMs ?? gapMs);
        http.intervalMs = Math.min(Math.max(intervalMs, HTTP_INTERVAL_MS.least), HTTP_INTERVAL_MS.most);
        http.lastGapMs = gapMs;
      }
      http.lastBatchMs = nowMs;
    }
    if (!isNew) return;
    this.pushing.add(record);
    this.arrived(record, 'Agent connected over HTTP');
  }

  /** Something came from the agent: `messages` frames, or only a sign of life. */
  heard(record: AgentRecord, messages = 1): void {
    record.agent.lastSeenMs = this.deps.clock.nowMs();
    record.agent.totalMessages += messages;
    record.unsavedMessages += messages;
    this.writeBack.mark(record);
    if (!this.deps.bus.hasListeners('agentUpdated')) return;
    const nowMs = this.monotonic();
    if (nowMs - record.announcedMs < ANNOUNCE_INTERVAL_MS) return;
    record.announcedMs = nowMs;
    this.deps.bus.emit('agentUpdated', record.agent);
  }

  /** The agent registered and has been told so. */
  registered(record: AgentRecord): void {
    const nowMs = this.deps.clock.nowMs();
    record.agent.lastRegistrationMs = nowMs;
    record.agent.updatedAtMs = nowMs;
    this.writeBack.mark(record);
    this.announce(record);
    this.deps.bus.emit('agentRegistered', record.agent);
  }

  /** The agent said how it is. */
  reportHealth(record: AgentRecord, { health, message }: StatusReport): void {
    const { agent } = record;
    const changed = agent.health !== health;
    agent.health = health;
    agent.healthMessage = message;
    agent.updatedAtMs = this.deps.clock.nowMs();
    this.refreshStatus(record);
    this.writeBack.mark(record);
    const nowMs = this.monotonic();
    // An agent that changes its mind a thousand times a second must not fill the feed.
    if (changed && nowMs - record.healthNotedMs >= HEALTH_NOTE_INTERVAL_MS) {
      record.healthNotedMs = nowMs;
      this.note('agent_status', record, `Agent reports ${health}${message === '' ? '' : `: ${message}`}`);
    }
    this.announce(record);
  }

  /** How the agent's configuration is by now, from storage. What is of another incarnation, or older than what is known, changes nothing. */
  configChanged(id: string, state: KeyedConfigState): void {
    const record = this.records.get(id);
    if (record === undefined || record.agent.agentKey !== state.agentKey || state.version < (record.agent.config?.version ?? 0)) return;
    record.agent.config = configStateOf(state);
    this.announce(record);
  }

  /**
   * What the agent says it had to throw away, as it came. It may say so several times; resolves when it is on disk. What cannot be read
   * does not cost the registration it came with. @throws of storage
   */
  async reportDropped(record: AgentRecord, dropped: unknown): Promise<void> {
    const report = this.readDropped(record, dropped);
    if (report === null || !(await this.deps.agents.recordDropped(record.agent.agentKey, report))) return;
    const text = `Agent had to drop ${report.count} samples (${isoTime(report.fromMs)} to ${isoTime(report.toMs)})`;
    this.deps.logger.warn(text, { agentId: record.agent.id });
    this.note('agent_status', record, text);
  }

  /** A batch is on disk. Storage counts by itself; these are the same figures for those who look now. */
  recordBatch(record: AgentRecord, processed: number, errors: number, clockSkewMs: number | null): void {
    record.agent.totalMetrics += processed;
    record.agent.totalErrors += errors;
    if (clockSkewMs !== null) record.agent.clockSkewMs = clockSkewMs;
  }

  /**
   * Samples up to this time come late; to be said before anybody can read them. The answer is to be told whether they were news: what
   * storage had already changes nothing.
   */
  noteLate(record: AgentRecord, newestMs: number): (isNews: boolean) => void {
    const { late, agent } = record;
    late.enter(newestMs);
    agent.newestLateMs = late.newestMs;
    return (isNews) => {
      late.leave(newestMs, isNews);
      if (record.late === late) agent.newestLateMs = late.newestMs;
    };
  }

  /** Adds to the activity feed. */
  note(type: ActivityType, record: AgentRecord, message: string, agentKey: number | null = record.agent.agentKey): void {
    const activity = { timestampMs: this.deps.clock.nowMs(), type, agentId: record.agent.id, message };
    this.deps.activities.record(activity, agentKey);
    this.deps.bus.emit('activity', activity);
  }

  /** The series this agent's session knows. What comes after its end (its last frames) gets one that is not kept. */
  dictionaryOf(record: AgentRecord): SeriesDictionary {
    const dictionary = record.dictionary ?? new SeriesDictionary(this.strings);
    if (record.connected) record.dictionary = dictionary;
    return dictionary;
  }

  /** Ends HTTP agents that missed three intervals, and writes back. Runs by itself every two seconds. */
  tick(): void {
    const nowMs = this.monotonic();
    for (const record of this.pushing) {
      if (record.http === null || nowMs - record.http.lastHeardMs < MISSED_INTERVALS * record.http.intervalMs) continue;
      record.http = null;
      this.pushing.delete(record);
      this.left(record, `no push for ${MISSED_INTERVALS} intervals`, false);
    }
    void this.writeBack.flush();
  }

  private readDropped({ agent }: AgentRecord, dropped: unknown): DroppedReport | null {
    const nowMs = this.deps.clock.nowMs();
    // Gaps go by days, as samples do. It also keeps a report that is repeated the same report.
    const oldestMs = Math.floor((nowMs - this.deps.settings.retentionMs) / DAY_MS) * DAY_MS;
    try {
      return readDropped(dropped, nowMs, oldestMs);
    } catch (error) {
      this.deps.logger.debug('what an agent says it dropped is ignored', { agentId: agent.id, error });
      return null;
    }
  }

  private async store(description: AgentDescription): Promise<AgentRecord> {
    const known = this.records.get(description.id);
    if (known !== undefined && addsNothing(known.agent, description)) return known;
    if (known !== undefined) {
      const row = await this.deps.agents.upsert(description, this.deps.clock.nowMs());
      // Series ids, and what came late, belong to one incarnation.
      if (row.agentKey !== known.agent.agentKey) {
        known.dictionary = known.agent.config = known.agent.newestLateMs = null;
        known.late = new LateMark();
      }
      takeOver(known, row);
      this.refreshStatus(known);
      this.announce(known);
      return known;
    }
    if (this.records.size + this.creating >= this.deps.settings.maxAgents) {
      throw new AppError('overloaded', `This server knows ${this.records.size} agents, as many as MAX_AGENTS allows`);
    }
    this.creating++;
    try {
      const record = new AgentRecord(await this.deps.agents.upsert(description, this.deps.clock.nowMs()));
      this.records.set(description.id, record);
      this.note('agent_registered', record, 'Agent seen for the first time');
      return record;
    } finally {
      this.creating--;
    }
  }

  /** Runs changes of one id one after another, whether the one before succeeded or not. */
  private inTurn<T>(id: string, change: () => Promise<T>): Promise<T> {
    const result = (this.changes.get(id) ?? Promise.resolve()).then(change);
    const ended: Promise<void> = result.then(
      () => this.endTurn(id, ended),
      () => this.endTurn(id, ended),
    );
    this.changes.set(id, ended);
    return result;
  }

  private endTurn(id: string, turn: Promise<void>): void {
    if (this.changes.get(id) === turn) this.changes.delete(id);
  }

  private arrived(record: AgentRecord, message: string): void {
    const wasThere = record.agent.status !== 'disconnected';
    record.agent.connectedAtMs = this.deps.clock.nowMs();
    record.agent.updatedAtMs = record.agent.connectedAtMs;
    this.refreshStatus(record);
    this.heard(record, 0);
    if (wasThere) {
      this.announce(record);
      return;
    }
    this.note('agent_connected', record, message);
    this.deps.bus.emit('agentConnected', record.agent);
  }

  private left(record: AgentRecord, reason: string, quietly: boolean): void {
    record.agent.updatedAtMs = this.deps.clock.nowMs();
    this.refreshStatus(record);
    this.writeBack.mark(record);
    if (quietly) return;
    this.note('agent_disconnected', record, `Agent disconnected: ${reason}`);
    this.deps.bus.emit('agentDisconnected', record.agent);
  }

  /** Makes the status follow from who is connected and what the agent said; a session that is over loses its series. */
  private refreshStatus(record: AgentRecord): void {
    const { agent, connected } = record;
    const wasThere = agent.status !== 'disconnected';
    if (!connected) {
      agent.status = 'disconnected';
      record.dictionary = null;
    } else {
      agent.status = agent.health === 'error' ? 'error' : 'connected';
    }
    this.connected += Number(connected) - Number(wasThere);
  }

  private announce(record: AgentRecord): void {
    record.announcedMs = this.monotonic();
    this.deps.bus.emit('agentUpdated', record.agent);
  }
}

/** What storage knows better; the counts and the presence in memory are ahead of it. */
function takeOver({ agent }: AgentRecord, row: Agent): void {
  agent.agentKey = row.agentKey;
  agent.provider = row.provider;
  agent.region = row.region;
  agent.zone = row.zone;
  agent.network = row.network;
  agent.subnet = row.subnet;
  agent.instanceId = row.instanceId;
  agent.ipAddress = row.ipAddress;
  agent.version = row.version;
  agent.capabilities = row.capabilities;
  agent.updatedAtMs = row.updatedAtMs;
}
