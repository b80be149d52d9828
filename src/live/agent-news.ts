import type { Agent } from '../model/agent.js';

export type AgentNewsType = 'agent_connected' | 'agent_disconnected' | 'agent_updated';

export interface AgentNewsItem {
  readonly type: AgentNewsType;
  readonly agent: Agent;
}

/**
 * What happened to agents since it was last told: one item per agent, with its newest state. An update adds to the
 * state but does not hide that the agent came or went. Holds at most one item for every agent there is.
 */
export class AgentNews {
  private items = new Map<string, AgentNewsItem>();

  add(type: AgentNewsType, agent: Agent): void {
    const before = this.items.get(agent.id);
    this.items.set(agent.id, { type: type === 'agent_updated' && before !== undefined ? before.type : type, agent });
  }

  get size(): number {
    return this.items.size;
  }

  /** All items, in the order they first happened; empty afterwards. */
  take(): AgentNewsItem[] {
    if (this.items.size === 0) return [];
    const items = [...this.items.values()];
    this.items = new Map();
    return items;
  }
}
