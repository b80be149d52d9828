import type { Agent, AgentDirectory } from '../../src/model/agent.js';
import type { AgentConfigState } from '../../src/model/config-state.js';

/** An agent as the registry would show it; connected unless `fields` says otherwise. */
export function agentOf(id: string, fields: Partial<Agent> = {}): Agent {
  return {
    agentKey: 1,
    id,
    version: '1.0.0',
    status: 'connected',
    health: 'unknown',
    healthMessage: '',
    capabilities: [],
    provider: 'gcp',
    region: 'us-central1',
    zone: 'us-central1-a',
    network: '',
    subnet: '',
    instanceId: '',
    ipAddress: '',
    connectedAtMs: 1_000,
    lastSeenMs: Date.now(),
    lastRegistrationMs: null,
    totalMessages: 0,
    totalMetrics: 0,
    totalErrors: 0,
    clockSkewMs: null,
    newestLateMs: null,
    config: null,
    createdAtMs: 1_000,
    updatedAtMs: 1_000,
    ...fields,
  };
}

export interface SentFrame {
  readonly id: string;
  readonly type: string;
  readonly data: any;
}

/** The agents somebody put in, and the frames that were sent to them. An agent in `withoutSocket` takes none. */
export class FakeAgents implements AgentDirectory {
  readonly agents = new Map<string, Agent>();
  readonly withoutSocket = new Set<string>();
  /** Their connection ends when they are next sent something. */
  readonly leaving = new Set<string>();
  readonly sent: SentFrame[] = [];
  private readonly waiters: { count: number; resolve: () => void }[] = [];

  constructor(...agents: readonly Agent[]) {
    for (const agent of agents) this.agents.set(agent.id, agent);
  }

  find(id: string): Agent | null {
    return this.agents.get(id) ?? null;
  }

  all(): readonly Agent[] {
    return [...this.agents.values()];
  }

  isReachable(id: string): boolean {
    const agent = this.agents.get(id);
    return agent !== undefined && agent.status !== 'disconnected' && !this.withoutSocket.has(id);
  }

  send(id: string, type: string, data: object): boolean {
    if (!this.isReachable(id) || this.leaving.has(id)) return false;
    this.sent.push({ id, type, data });
    for (const waiter of this.waiters) if (this.sent.length >= waiter.count) waiter.resolve();
    return true;
  }

  configChanged(id: string, state: AgentConfigState): void {
    const agent = this.agents.get(id);
    if (agent !== undefined) this.agents.set(id, { ...agent, config: state });
  }

  /** Resolves once this many frames were sent in all. */
  sentCount(count: number): Promise<void> {
    if (this.sent.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ count, resolve }));
  }
}
