import type { AgentConfigState } from './config-state.js';
import { AppError } from './errors.js';

/** What the server knows of an agent. Empty strings mean "not known", as in the agents' own frames. */

export type AgentStatus = 'connected' | 'disconnected' | 'error';

/** What the agent last said of itself in a `status` frame; `unknown` until it said something. */
export type AgentHealth = 'healthy' | 'warning' | 'error' | 'stopped' | 'unknown';

export interface AgentLocation {
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
  readonly network: string;
  readonly subnet: string;
  readonly instanceId: string;
  readonly ipAddress: string;
}

export const UNKNOWN_LOCATION: AgentLocation = Object.freeze({
  provider: '',
  region: '',
  zone: '',
  network: '',
  subnet: '',
  instanceId: '',
  ipAddress: '',
});

/**
 * One agent. `agentKey` is the database's key for this incarnation: it is never reused, so an agent that is
 * deleted and comes back under the same id is another agent to storage.
 */
export interface Agent extends AgentLocation {
  readonly agentKey: number;
  readonly id: string;
  readonly version: string;
  readonly status: AgentStatus;
  readonly health: AgentHealth;
  readonly healthMessage: string;
  readonly capabilities: readonly string[];
  readonly connectedAtMs: number | null;
  readonly lastSeenMs: number;
  readonly lastRegistrationMs: number | null;
  readonly totalMessages: number;
  readonly totalMetrics: number;
  readonly totalErrors: number;
  /** Server clock minus agent clock at its last batch, in milliseconds; null until a batch came. */
  readonly clockSkewMs: number | null;
  /** The newest time of samples that came late, kept back by an outage; null: none did since the server started. */
  readonly newestLateMs: number | null;
  /** null: neither a configuration nor a target was ever meant for it. */
  readonly config: AgentConfigState | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** The agents as they are this moment, for those who only look. */
export interface AgentDirectory {
  find(id: string): Agent | null;
  all(): readonly Agent[];
}

/** @throws AppError `agent_not_found` */
export function requireAgent(agents: Pick<AgentDirectory, 'find'>, id: string): Agent {
  const agent = agents.find(id);
  if (agent === null) throw agentNotFound(id);
  return agent;
}

export function agentNotFound(id: string): AppError {
  return new AppError('agent_not_found', `there is no agent "${id.slice(0, 128)}"`);
}

const AGENT_ID_MAX_LENGTH = 128;
// eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
const FORBIDDEN_IN_ID = /[\u0000-\u001f\u007f-\u009f/]/;

/** Why this is no agent id, or null when it is one (CONTRACT: 1–128 characters, no control characters, no `/`). */
export function agentIdProblem(id: unknown): string | null {
  if (id === undefined || id === null) return 'agent_id is missing';
  if (typeof id !== 'string') return 'agent_id must be a string';
  if (id === '') return 'agent_id is empty';
  if (id.length > AGENT_ID_MAX_LENGTH) return `agent_id is longer than ${AGENT_ID_MAX_LENGTH} characters`;
  if (FORBIDDEN_IN_ID.test(id)) return 'agent_id must not contain control characters or "/"';
  if (!id.isWellFormed()) return 'agent_id is not well-formed Unicode';
  return null;
}
