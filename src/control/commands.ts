import { randomUUID } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import Joi from 'joi';
import { requireAgent } from '../model/agent.js';
import { AppError } from '../model/errors.js';
import type { CommandResultReport } from '../model/event.js';
import { isoTime, isoTimeOrNull } from '../model/iso-time.js';
import type { Logger } from '../runtime/logger.js';
import { validate } from '../runtime/validate.js';
import type { CommandStatus, CommandStore, StoredCommand } from '../storage/ports.js';
import type { AgentChannel } from './config-pusher.js';
import { type ActivityDeps, noteActivity } from './note-activity.js';

export interface CommandServiceDeps extends ActivityDeps {
  readonly store: CommandStore;
  readonly agents: AgentChannel;
  readonly logger: Logger;
}

export interface CommandSent {
  readonly id: string;
  readonly agentId: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly status: CommandStatus;
  readonly created_at: string;
  readonly expires_at: string;
}

export interface CommandAnswer extends CommandSent {
  readonly output: string | null;
  readonly error: string | null;
  readonly completed_at: string | null;
}

interface GivenCommand {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly expires_in: number;
}

const MAX_ARGS_BYTES = 16_384;
const MAX_RESULT_BYTES = 65_536;
const CUT_NOTE = '\n[cut by the server]';
const MAX_LOGGED_ARG_NAMES = 20;

const schema = Joi.object<GivenCommand>({
  name: Joi.string()
    .pattern(/^[a-z][a-z0-9_]{0,63}$/, 'a lower-case name of at most 64 letters, digits and _')
    .required(),
  args: Joi.object().unknown().default({}),
  expires_in: Joi.number().integer().min(1).max(3_600).default(60),
})
  .rename('expiresIn', 'expires_in')
  .rename('expires_in_seconds', 'expires_in')
  .rename('expiresInSeconds', 'expires_in');

/**
 * Commands to agents: sent once, never repeated, and what came back. The server cannot enable a command: which
 * ones an agent obeys is its own decision, and `refused` is an answer like any other. A command goes to disk
 * before it is sent, so that a result always finds it.
 */
export class CommandService {
  private unsubscribe: (() => void) | null = null;

  constructor(private readonly deps: CommandServiceDeps) {}

  start(): void {
    this.unsubscribe ??= this.deps.bus.on('commandResultReported', (report) => void this.complete(report));
  }

  stop(): void {
    this.unsubscribe?.();
    this.unsubscribe = null;
  }

  /** @throws AppError `agent_not_found`, `agent_disconnected`, `validation_failed` */
  async send(agentId: string, body: unknown): Promise<CommandSent> {
    const { store, agents, clock, logger } = this.deps;
    const agent = requireAgent(agents, agentId);
    const { name, args, expires_in: expiresInSeconds } = validate(schema, body, 'command');
    checkSize(args);
    if (!agents.isReachable(agentId)) throw disconnected(agentId);
    const nowMs = clock.nowMs();
    const command: StoredCommand = {
      id: randomUUID(),
      agentKey: agent.agentKey,
      name,
      args,
      status: 'sent',
      output: null,
      error: null,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + expiresInSeconds * 1_000,
      completedAtMs: null,
    };
    await store.create(command);
    const sent = agents.send(agentId, 'command', { command_id: command.id, name, args, expires_at: isoTime(command.expiresAtMs) });
    if (!sent) {
      // It left while the command went to disk: the row stays, and says so.
      const result = { status: 'failed', output: null, error: 'not sent: the agent is not connected any more' } as const;
      await store.complete(agent.agentKey, command.id, result, clock.nowMs());
      throw disconnected(agentId);
    }
    // Values of arguments may be secrets: names only.
    const argNames = Object.keys(args).slice(0, MAX_LOGGED_ARG_NAMES);
    logger.info('command sent', { agentId, commandId: command.id, command: name, argNames });
    noteActivity(this.deps, 'command', agent, `command ${name} was sent`);
    return presentSent(agentId, command, command.status);
  }

  /** @throws AppError `agent_not_found`, `not_found` */
  async get(agentId: string, commandId: string): Promise<CommandAnswer> {
    const agent = requireAgent(this.deps.agents, agentId);
    const command = await this.deps.store.get(agent.agentKey, commandId);
    if (command === null) throw new AppError('not_found', `there is no command "${commandId.slice(0, 100)}" of agent "${agentId}"`);
    return this.present(agentId, command);
  }

  /** Newest first. @throws AppError `agent_not_found` */
  async list(agentId: string, limit: number): Promise<{ agentId: string; commands: CommandAnswer[] }> {
    const agent = requireAgent(this.deps.agents, agentId);
    const commands = await this.deps.store.list(agent.agentKey, limit);
    return { agentId, commands: commands.map((command) => this.present(agentId, command)) };
  }

  private async complete(report: CommandResultReport): Promise<void> {
    const { store, clock, logger } = this.deps;
    const { agent, commandId, status } = report;
    try {
      const result = { status, output: bounded(report.output), error: bounded(report.error) };
      if (await store.complete(agent.agentKey, commandId, result, clock.nowMs())) {
        logger.info('command answered', { agentId: agent.id, commandId, status });
        noteActivity(this.deps, 'command', agent, `command ${commandId} came back: ${status}`);
      } else {
        logger.debug('result of a command that is unknown or already answered', { agentId: agent.id, commandId, status });
      }
    } catch (error) {
      logger.warn('the result of a command was not recorded', { agentId: agent.id, commandId, status, error });
    }
  }

  private present(agentId: string, command: StoredCommand): CommandAnswer {
    const expired = command.status === 'sent' && this.deps.clock.nowMs() >= command.expiresAtMs;
    return {
      ...presentSent(agentId, command, expired ? 'expired' : command.status),
      output: command.output,
      error: command.error,
      completed_at: isoTimeOrNull(command.completedAtMs),
    };
  }
}

function presentSent(agentId: string, command: StoredCommand, status: CommandStatus): CommandSent {
  return {
    id: command.id,
    agentId,
    name: command.name,
    args: command.args,
    status,
    created_at: isoTime(command.createdAtMs),
    expires_at: isoTime(command.expiresAtMs),
  };
}

function checkSize(args: object): void {
  let sizeBytes: number;
  try {
    sizeBytes = Buffer.byteLength(JSON.stringify(args));
  } catch {
    // Nested deeper than the stack: JSON.parse takes that, JSON.stringify does not.
    throw tooLarge('is nested too deeply');
  }
  if (sizeBytes > MAX_ARGS_BYTES) throw tooLarge(`is ${sizeBytes} bytes of JSON, ${MAX_ARGS_BYTES} are allowed`);
}

function tooLarge(reason: string): AppError {
  return new AppError('validation_failed', `invalid command: "args" ${reason}`, [{ field: 'args', message: `"args" ${reason}` }]);
}

function disconnected(agentId: string): AppError {
  return new AppError(
    'agent_disconnected',
    `agent "${agentId}" is not connected over WebSocket; agents that push over HTTP cannot take commands`,
  );
}

/** The text, or as much of it as fits into 64 kB of UTF-8 with a note that it was cut. */
function bounded(text: string | null): string | null {
  if (text === null || Buffer.byteLength(text) <= MAX_RESULT_BYTES) return text;
  const bytes = Buffer.from(text).subarray(0, MAX_RESULT_BYTES - CUT_NOTE.length);
  return new StringDecoder('utf8').write(bytes) + CUT_NOTE;
}
