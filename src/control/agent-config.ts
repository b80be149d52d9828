import { requireAgent } from '../model/agent.js';
import { type ConfigStatus, configStatus } from '../model/config-state.js';
import { AppError } from '../model/errors.js';
import type { ConfigStatusReport } from '../model/event.js';
import { isoTime, isoTimeOrNull } from '../model/iso-time.js';
import type { Logger } from '../runtime/logger.js';
import type { AgentConfigBody, ConfigAttempt, ConfigStore, StoredAgentConfig } from '../storage/ports.js';
import { parseAgentConfig } from './agent-config-body.js';
import type { AgentChannel, ConfigPusher } from './config-pusher.js';
import { type ActivityDeps, noteActivity } from './note-activity.js';

export interface ConfigServiceDeps extends ActivityDeps {
  readonly configs: ConfigStore;
  readonly agents: AgentChannel;
  readonly pusher: ConfigPusher;
  readonly logger: Logger;
}

export interface AgentConfigAnswer {
  readonly agentId: string;
  /** The agent's own configuration, without the targets that are pushed along with it. */
  readonly config: AgentConfigBody;
  /** The one the agent is to run, as `desired_version` says too. */
  readonly version: number;
  readonly status: ConfigStatus;
  readonly desired_version: number;
  readonly attempted_version: number | null;
  readonly effective_version: number | null;
  readonly error: string | null;
  readonly desired_since: string;
  readonly attempted_at: string | null;
  readonly effective_since: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface ConfigChanged {
  readonly message: string;
  readonly agentId: string;
  readonly config: AgentConfigBody;
  readonly version: number;
  /** False: the agent is away and gets it when it registers next. */
  readonly delivered: boolean;
}

/** It is in memory for every agent, and in every answer about one. */
const MAX_ERROR_LENGTH = 500;

/** Configurations of agents: what people set, what was pushed, and what agents said of it. */
export class ConfigService {
  private readonly unsubscribe: (() => void)[] = [];

  constructor(private readonly deps: ConfigServiceDeps) {}

  start(): void {
    if (this.unsubscribe.length > 0) return;
    const { bus, pusher } = this.deps;
    this.unsubscribe.push(
      bus.on('agentRegistered', (agent) => pusher.enqueue([agent.id])),
      bus.on('configStatusReported', (report) => void this.record(report)),
    );
  }

  stop(): void {
    for (const leave of this.unsubscribe.splice(0)) leave();
  }

  /** @throws AppError `agent_not_found`; `not_found` while nobody set one */
  async get(agentId: string): Promise<AgentConfigAnswer> {
    const agent = requireAgent(this.deps.agents, agentId);
    const row = await this.deps.configs.get(agent.agentKey);
    if (row === null || row.config === null) {
      throw new AppError('not_found', `no configuration has been set for agent "${agentId}"`);
    }
    return {
      agentId,
      config: row.config,
      version: row.version,
      status: configStatus(row),
      desired_version: row.version,
      attempted_version: row.attemptedVersion,
      effective_version: row.effectiveVersion,
      error: row.attemptError,
      desired_since: isoTime(row.updatedAtMs),
      attempted_at: isoTimeOrNull(row.attemptedAtMs),
      effective_since: isoTimeOrNull(row.effectiveAtMs),
      created_at: isoTime(row.createdAtMs),
      updated_at: isoTime(row.updatedAtMs),
    };
  }

  /**
   * Stores the configuration in either shape in place of the last one and pushes it.
   * @throws AppError `agent_not_found`, `validation_failed`
   */
  async put(agentId: string, body: unknown): Promise<ConfigChanged> {
    const { agents, configs, pusher, clock, logger } = this.deps;
    const agent = requireAgent(agents, agentId);
    const config = parseAgentConfig(body, agentId);
    const row = await configs.put(agent.agentKey, config, clock.nowMs());
    agents.configChanged(agentId, row);
    noteActivity(this.deps, 'config_changed', agent, `configuration version ${row.version} was set`);
    const delivered = await pusher.push(agentId).catch((error: unknown) => {
      logger.warn('configuration stored but not pushed', { agentId, version: row.version, error });
      pusher.enqueue([agentId]);
      return false;
    });
    const message = delivered ? 'configuration stored and pushed' : 'configuration stored; the agent gets it when it connects';
    return { message, agentId, config: row.config ?? config, version: row.version, delivered };
  }

  private async record(report: ConfigStatusReport): Promise<void> {
    const { configs, agents, clock, logger } = this.deps;
    const { agent, version, status } = report;
    try {
      const row = await configs.get(agent.agentKey);
      if (row === null || version > row.version) {
        logger.debug('agent reports a configuration it was never sent', { agentId: agent.id, version });
        return;
      }
      const error = report.error === null ? null : report.error.slice(0, MAX_ERROR_LENGTH);
      const attempt = { version, status, error };
      // Agents say it again whenever they register.
      if (saysNothingNew(row, attempt)) return;
      const state = await configs.recordStatus(agent.agentKey, attempt, clock.nowMs());
      if (state === null) return;
      agents.configChanged(agent.id, state);
      noteActivity(this.deps, 'config_status', agent, `configuration version ${version} ${status}${error === null ? '' : `: ${error}`}`);
    } catch (error) {
      logger.warn('what an agent said of its configuration was not recorded', { agentId: agent.id, version, status, error });
    }
  }
}

function saysNothingNew(row: StoredAgentConfig, { version, status, error }: ConfigAttempt): boolean {
  return row.attemptedVersion === version && row.attemptStatus === status && row.attemptError === error;
}
