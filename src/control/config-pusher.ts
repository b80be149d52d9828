import type { Agent } from '../model/agent.js';
import { isAppError } from '../model/errors.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { ConfigStore, KeyedConfigState, StoredAgentConfig } from '../storage/ports.js';
import { withTargets } from './agent-config-body.js';
import type { TargetBook } from './target-book.js';

/** What control needs of the agent registry. */
export interface AgentChannel {
  find(id: string): Agent | null;
  all(): readonly Agent[];
  /** True when the agent is connected over WebSocket; false for those that push over HTTP. */
  isReachable(id: string): boolean;
  /** Sends a frame over the agent's newest connection; false when it has none. */
  send(id: string, type: string, data: object): boolean;
  /** Keeps and announces how an agent's configuration is by now. */
  configChanged(id: string, state: KeyedConfigState): void;
}

export interface ConfigPusherDeps {
  readonly configs: ConfigStore;
  readonly targets: TargetBook;
  readonly agents: AgentChannel;
  readonly clock: Clock;
  readonly logger: Logger;
}

const CONCURRENT_PUSHES = 8;
const MAX_ATTEMPTS = 5;
const BUMP_SLICE = 500;

/**
 * Gets configurations to agents. What is pushed is read at the moment of the push, and pushes to one agent follow
 * one another, so that the last frame an agent sees is the newest version. Nothing waits for an answer: the Go
 * agents never give one. Agents get it with every registration, also when they said that they run it: one that lost what it
 * kept, or was set up anew under its old id, has it again.
 *
 * `push` is for one agent and answers at once; `enqueue` is for a fleet (targets changed, ten thousand agents
 * reconnected): it asks storage for a few at a time, and tries again when storage is busy. An agent that could
 * not be told gets the configuration when it registers next.
 */
export class ConfigPusher {
  private readonly tails = new Map<string, Promise<boolean>>();
  private readonly waiting = new Map<string, { attempts: number }>();
  private readonly retries = new Set<NodeJS.Timeout>();
  private running = 0;
  private stopped = false;

  constructor(private readonly deps: ConfigPusherDeps) {}

  start(): void {
    this.stopped = false;
  }

  stop(): void {
    this.stopped = true;
    this.waiting.clear();
    for (const timer of this.retries) clearTimeout(timer);
    this.retries.clear();
  }

  /** Pushes the agent's configuration now; true when it went out. @throws AppError of storage */
  push(agentId: string): Promise<boolean> {
    return this.inTurn(agentId, () => this.send(agentId));
  }

  /** Pushes to these agents soon, each once however often it is asked. */
  enqueue(agentIds: Iterable<string>, attempts = 0): void {
    if (this.stopped) return;
    for (const agentId of agentIds) {
      if (!this.waiting.has(agentId)) this.waiting.set(agentId, { attempts });
    }
    while (this.running < CONCURRENT_PUSHES && this.waiting.size > 0) void this.work();
  }

  /** Counts up the versions of these agents and enqueues them. @throws AppError of storage */
  async announce(agents: readonly Agent[]): Promise<void> {
    for (let from = 0; from < agents.length; from += BUMP_SLICE) {
      const slice = agents.slice(from, from + BUMP_SLICE);
      await this.bump(slice);
      this.enqueue(slice.map((agent) => agent.id));
    }
  }

  private async work(): Promise<void> {
    this.running += 1;
    try {
      for (let next = this.next(); next !== null; next = this.next()) {
        const { agentId, attempts } = next;
        try {
          await this.inTurn(agentId, () => this.send(agentId));
        } catch (error) {
          this.failed(agentId, attempts + 1, error);
        }
        // Storage answers in bursts: give sockets their turn between two agents.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    } finally {
      this.running -= 1;
    }
  }

  private next(): { agentId: string; attempts: number } | null {
    for (const [agentId, { attempts }] of this.waiting) {
      this.waiting.delete(agentId);
      return { agentId, attempts };
    }
    return null;
  }

  private failed(agentId: string, attempts: number, error: unknown): void {
    const retryAfterMs = isAppError(error) ? error.retryAfterMs : null;
    if (this.stopped || (isAppError(error) && error.code === 'agent_deleted')) return;
    if (retryAfterMs === null || attempts >= MAX_ATTEMPTS) {
      this.deps.logger.warn('configuration not pushed; the agent gets it when it registers next', { agentId, attempts, error });
      return;
    }
    const timer = setTimeout(() => {
      this.retries.delete(timer);
      this.enqueue([agentId], attempts);
    }, retryAfterMs);
    this.retries.add(timer);
  }

  private inTurn(agentId: string, run: () => Promise<boolean>): Promise<boolean> {
    const before = this.tails.get(agentId);
    const mine = before === undefined ? run() : before.then(run, run);
    this.tails.set(agentId, mine);
    const leave = (): void => {
      if (this.tails.get(agentId) === mine) this.tails.delete(agentId);
    };
    mine.then(leave, leave);
    return mine;
  }

  private async send(agentId: string): Promise<boolean> {
    const { agents, targets } = this.deps;
    const agent = agents.find(agentId);
    if (agent === null || agent.status === 'disconnected') return false;
    const row = await this.row(agent);
    if (row === null) return false;
    // Targets are looked up after the version: newer content under an older version is followed by its own push.
    const config = withTargets(row.config, targets.applyingTo(agentId));
    return agents.send(agentId, 'config_update', { version: row.version, config });
  }

  /** The stored row; made on the spot for an agent that came after the targets that apply to it. */
  private async row(agent: Agent): Promise<StoredAgentConfig | null> {
    const { configs, targets } = this.deps;
    const row = await configs.get(agent.agentKey);
    if (row !== null || Object.keys(targets.applyingTo(agent.id)).length === 0) return row;
    await this.bump([agent]);
    return configs.get(agent.agentKey);
  }

  private async bump(agents: readonly Agent[]): Promise<void> {
    const idOf = new Map(agents.map((agent) => [agent.agentKey, agent.id]));
    for (const state of await this.deps.configs.bump([...idOf.keys()], this.deps.clock.nowMs())) {
      this.deps.agents.configChanged(idOf.get(state.agentKey) ?? '', state);
    }
  }
}
