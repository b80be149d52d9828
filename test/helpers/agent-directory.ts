/** Agents for tests of those who only look at them. */
import { type Agent, type AgentDirectory, UNKNOWN_LOCATION } from '../../src/model/agent.js';

/** An agent that was made at the Unix epoch and is connected, unless said otherwise. */
export function makeAgent(fields: Partial<Agent> & { readonly id: string }): Agent {
  return {
    ...UNKNOWN_LOCATION,
    agentKey: 1,
    version: '1.0.0',
    status: 'connected',
    health: 'healthy',
    healthMessage: '',
    capabilities: [],
    connectedAtMs: null,
    lastSeenMs: 0,
    lastRegistrationMs: null,
    totalMessages: 0,
    totalMetrics: 0,
    totalErrors: 0,
    clockSkewMs: null,
    createdAtMs: 0,
    updatedAtMs: 0,
    ...fields,
  };
}

export function directoryOf(...agents: readonly Agent[]): AgentDirectory {
  return { all: () => agents, find: (id) => agents.find((agent) => agent.id === id) ?? null };
}
