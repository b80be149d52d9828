import type { Agent } from '../model/agent.js';
import { AppError } from '../model/errors.js';
import { isoTime } from '../model/iso-time.js';
import type { Clock } from '../runtime/clock.js';
import { Turns } from '../runtime/turns.js';
import type { Target, TargetFields, TargetStore, TargetType } from '../storage/ports.js';
import type { AgentChannel, ConfigPusher } from './config-pusher.js';
import type { TargetBook } from './target-book.js';
import { parseTarget } from './target-body.js';

export interface TargetServiceDeps {
  readonly store: TargetStore;
  readonly book: TargetBook;
  readonly agents: AgentChannel;
  readonly pusher: ConfigPusher;
  readonly clock: Clock;
}

export interface TargetAnswer {
  readonly id: string;
  readonly name: string;
  readonly type: TargetType;
  readonly address: string;
  readonly port?: number;
  readonly interval: number;
  readonly timeout: number;
  readonly enabled: boolean;
  readonly agent_ids: readonly string[];
  readonly created_at: string;
  readonly updated_at: string;
}

const MAX_TARGETS = 1_000;

/**
 * The monitoring targets. Changes follow one another: on disk, then in the book, then the versions of the agents
 * concerned are counted up and their configuration is pushed (without waiting for the pushes).
 *
 * Should the server die between the first and the last step, agents that register again without a new version
 * keep their old targets until the next change.
 */
export class TargetService {
  private readonly turns = new Turns();

  constructor(private readonly deps: TargetServiceDeps) {}

  list(): TargetAnswer[] {
    return this.deps.book.all().map(presentTarget);
  }

  /** @throws AppError `validation_failed`; `conflict` when there are a thousand already */
  create(body: unknown): Promise<TargetAnswer> {
    return this.turns.take(async () => {
      const { store, book, clock } = this.deps;
      const fields = parseTarget(body, null);
      if (book.size >= MAX_TARGETS) throw new AppError('conflict', `there are ${MAX_TARGETS} targets already, more are not allowed`);
      const target = await store.create(fields, clock.nowMs());
      book.set(target);
      await this.announce(target);
      return presentTarget(target);
    });
  }

  /** Fields that are missing in the body stay as they are. @throws AppError `not_found`, `validation_failed` */
  update(id: string, body: unknown): Promise<TargetAnswer> {
    return this.turns.take(async () => {
      const { store, book, clock } = this.deps;
      const before = this.require(id);
      const after = await store.update(id, parseTarget(body, before), clock.nowMs());
      if (after === null) throw noSuchTarget(id);
      book.set(after);
      await this.announce(before, after);
      return presentTarget(after);
    });
  }

  /** @throws AppError `not_found` */
  remove(id: string): Promise<{ message: string; id: string }> {
    return this.turns.take(async () => {
      const { store, book } = this.deps;
      const target = this.require(id);
      await store.remove(id);
      book.delete(id);
      await this.announce(target);
      return { message: 'target deleted', id };
    });
  }

  private require(id: string): Target {
    const target = this.deps.book.find(id);
    if (target === null) throw noSuchTarget(id);
    return target;
  }

  /** Tells every agent that one of these states of a target concerns. */
  private async announce(...states: readonly TargetFields[]): Promise<void> {
    const { agents, pusher } = this.deps;
    const enabled = states.filter((state) => state.enabled);
    if (enabled.length === 0) return;
    if (enabled.some((state) => state.agentIds.length === 0)) return pusher.announce(agents.all());
    const ids = new Set(enabled.flatMap((state) => state.agentIds));
    const concerned = [...ids].map((id) => agents.find(id)).filter((agent): agent is Agent => agent !== null);
    return pusher.announce(concerned);
  }
}

function noSuchTarget(id: string): AppError {
  return new AppError('not_found', `there is no target "${id.slice(0, 100)}"`);
}

function presentTarget(target: Target): TargetAnswer {
  return {
    id: target.id,
    name: target.name,
    type: target.type,
    address: target.address,
    ...(target.port === null ? {} : { port: target.port }),
    interval: target.interval,
    timeout: target.timeout,
    enabled: target.enabled,
    agent_ids: target.agentIds,
    created_at: isoTime(target.createdAtMs),
    updated_at: isoTime(target.updatedAtMs),
  };
}
