import type { Agent } from '../model/agent.js';
import { AppError } from '../model/errors.js';

/** @throws AppError `agent_not_found` */
export function requireAgent(agents: { find(id: string): Agent | null }, agentId: string): Agent {
  const agent = agents.find(agentId);
  if (agent === null) throw new AppError('agent_not_found', `there is no agent "${agentId.slice(0, 128)}"`);
  return agent;
}
