/** Agents for tests of those who only look at them. */
import { type Agent, type AgentDirectory, UNKNOWN_LOCATION } from '../../src/model/agent.js';
import { agentOf, FakeAgents } from './fake-agents.js';

/** A connected agent that is nowhere and was made and seen at the Unix epoch, unless said otherwise. */
export function makeAgent(fields: Partial<Agent> & { readonly id: string }): Agent {
  return agentOf(fields.id, { ...UNKNOWN_LOCATION, connectedAtMs: null, lastSeenMs: 0, createdAtMs: 0, updatedAtMs: 0, ...fields });
}

export function directoryOf(...agents: readonly Agent[]): AgentDirectory {
  return new FakeAgents(...agents);
}
