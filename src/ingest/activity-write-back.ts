/**
 * What is only in memory for a moment: when agents were last seen, their health, their message counts. Changed
 * agents are collected and written together now and then. A write that fails is kept and tried again.
 */
import type { Logger } from '../runtime/logger.js';
import type { AgentActivity, AgentStore } from '../storage/ports.js';
import type { AgentRecord } from './agent-record.js';

export class ActivityWriteBack {
  private readonly dirty = new Set<AgentRecord>();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly agents: Pick<AgentStore, 'recordActivity'>,
    private readonly logger: Logger,
  ) {}

  /** This agent has something to be written. */
  mark(record: AgentRecord): void {
    if (record.dirty || record.deleted) return;
    record.dirty = true;
    this.dirty.add(record);
  }

  /** This agent was deleted. */
  forget(record: AgentRecord): void {
    this.dirty.delete(record);
  }

  /** Writes all that is marked, behind a write that is still under way. Never rejects. */
  flush(): Promise<void> {
    this.running = this.running.then(() => this.write());
    return this.running;
  }

  private async write(): Promise<void> {
    if (this.dirty.size === 0) return;
    const records = [...this.dirty];
    this.dirty.clear();
    const activities = records.map(takeActivity);
    try {
      await this.agents.recordActivity(activities);
    } catch (error) {
      this.logger.warn('agent activity not written, will be tried again', { agents: records.length, error });
      for (const [i, record] of records.entries()) {
        record.unsavedMessages += activities[i]?.messages ?? 0;
        this.mark(record);
      }
    }
  }
}

/** Takes the pending counts out of the record: they are part of this write now. */
function takeActivity(record: AgentRecord): AgentActivity {
  const { agent, unsavedMessages: messages } = record;
  record.unsavedMessages = 0;
  record.dirty = false;
  return {
    agentKey: agent.agentKey,
    lastSeenMs: agent.lastSeenMs,
    connectedAtMs: agent.connectedAtMs,
    lastRegistrationMs: agent.lastRegistrationMs,
    health: agent.health,
    healthMessage: agent.healthMessage,
    messages,
    updatedAtMs: agent.updatedAtMs,
  };
}
