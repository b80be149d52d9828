import type { Activity } from '../../src/model/event.js';
import type {
  ActivityStore,
  AgentConfigBody,
  CommandStore,
  ConfigAttempt,
  ConfigStore,
  KeyedConfigState,
  StoredAgentConfig,
  StoredCommand,
  Target,
  TargetFields,
  TargetStore,
} from '../../src/storage/ports.js';

/** The control ports over Maps: slow, small, obviously right. Set `failWith` to have the next calls rejected. */
export class MemoryConfigStore implements ConfigStore {
  readonly rows = new Map<number, StoredAgentConfig>();
  failWith: Error | null = null;

  async get(agentKey: number): Promise<StoredAgentConfig | null> {
    if (this.failWith !== null) throw this.failWith;
    return this.rows.get(agentKey) ?? null;
  }

  async put(agentKey: number, config: AgentConfigBody, nowMs: number): Promise<StoredAgentConfig> {
    const next = { ...this.nextVersion(agentKey, nowMs), config };
    this.rows.set(agentKey, next);
    return next;
  }

  async bump(agentKeys: readonly number[], nowMs: number): Promise<KeyedConfigState[]> {
    for (const agentKey of agentKeys) this.rows.set(agentKey, this.nextVersion(agentKey, nowMs));
    return agentKeys.map((agentKey) => this.rows.get(agentKey) as StoredAgentConfig);
  }

  async recordStatus(agentKey: number, report: ConfigAttempt, nowMs: number): Promise<KeyedConfigState | null> {
    const row = this.rows.get(agentKey);
    if (row === undefined || report.version > row.version) return null;
    const applied = report.status === 'applied';
    const next: StoredAgentConfig = {
      ...row,
      attemptedVersion: report.version,
      attemptStatus: report.status,
      attemptError: report.error,
      attemptedAtMs: nowMs,
      effectiveVersion: applied ? report.version : row.effectiveVersion,
      effectiveAtMs: applied && report.version !== row.effectiveVersion ? nowMs : row.effectiveAtMs,
    };
    this.rows.set(agentKey, next);
    return next;
  }

  private nextVersion(agentKey: number, nowMs: number): StoredAgentConfig {
    const row = this.rows.get(agentKey);
    if (row !== undefined) return { ...row, version: row.version + 1, updatedAtMs: nowMs };
    return {
      agentKey,
      config: null,
      version: 1,
      attemptedVersion: null,
      attemptStatus: null,
      attemptError: null,
      attemptedAtMs: null,
      effectiveVersion: null,
      effectiveAtMs: null,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
  }
}

export class MemoryTargetStore implements TargetStore {
  readonly rows = new Map<string, Target>();

  async all(): Promise<Target[]> {
    return [...this.rows.values()];
  }

  async create(fields: TargetFields, nowMs: number): Promise<Target> {
    const target = { ...fields, id: `target-${this.rows.size + 1}`, createdAtMs: nowMs, updatedAtMs: nowMs };
    this.rows.set(target.id, target);
    return target;
  }

  async update(id: string, fields: TargetFields, nowMs: number): Promise<Target | null> {
    const row = this.rows.get(id);
    if (row === undefined) return null;
    const next = { ...row, ...fields, updatedAtMs: nowMs };
    this.rows.set(id, next);
    return next;
  }

  async remove(id: string): Promise<boolean> {
    return this.rows.delete(id);
  }
}

export class MemoryCommandStore implements CommandStore {
  readonly rows: StoredCommand[] = [];

  async create(command: StoredCommand): Promise<void> {
    this.rows.push(command);
  }

  async get(agentKey: number, id: string): Promise<StoredCommand | null> {
    return this.rows.find((row) => row.agentKey === agentKey && row.id === id) ?? null;
  }

  async list(agentKey: number, limit: number): Promise<StoredCommand[]> {
    return this.rows
      .filter((row) => row.agentKey === agentKey)
      .toReversed()
      .slice(0, limit);
  }

  async complete(
    agentKey: number,
    id: string,
    result: { status: 'ok' | 'failed' | 'refused'; output: string | null; error: string | null },
    nowMs: number,
  ): Promise<boolean> {
    const index = this.rows.findIndex((row) => row.agentKey === agentKey && row.id === id && row.status === 'sent');
    const row = this.rows[index];
    if (row === undefined) return false;
    this.rows[index] = { ...row, ...result, completedAtMs: nowMs };
    return true;
  }
}

export class MemoryActivities implements Pick<ActivityStore, 'record'> {
  readonly entries: { activity: Activity; agentKey: number | null }[] = [];

  record(activity: Activity, agentKey: number | null): void {
    this.entries.push({ activity, agentKey });
  }
}
