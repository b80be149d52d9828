import { StringDecoder } from 'node:string_decoder';
import type { CheckTarget, Clock, Logger } from '../model.js';
import { reasonOf } from '../reason-of.js';
import { type CommandName, isCommandName, type ReadCommand, readCommand } from './command-args.js';
import { isObject, shown } from './shown.js';

/** A command as the server sends it. */
export interface Command {
  readonly commandId: string;
  readonly name: string;
  readonly args: unknown;
  /** Unix milliseconds, by the agent's clock: nothing is begun any more from here on. */
  readonly expiresAtMs: number;
}

export interface CommandResult {
  readonly status: 'ok' | 'failed' | 'refused';
  readonly output?: string;
  readonly error?: string;
}

/** What a command does; the answer is shown to who sent it, an object as JSON. Rejecting makes it `failed`. */
export interface CommandActions {
  pingNow(targets: readonly CheckTarget[], signal: AbortSignal): Promise<string | object>;
  runCheck(target: CheckTarget, signal: AbortSignal): Promise<string | object>;
  reportStatus(): Promise<string | object>;
  flush(signal: AbortSignal): Promise<string | object>;
  restartCollectors(): Promise<string | object>;
}

export interface CommandsDeps {
  /** The names the agent's own file allows. The server cannot add to them. */
  readonly allowed: ReadonlySet<string>;
  /** What is configured now: checks are aimed at nothing else. */
  readonly targets: () => readonly CheckTarget[];
  readonly actions: CommandActions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a command may run before it is given up. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 60_000;
const MAX_WAITING_PER_KIND = 4;
const MAX_OUTPUT_BYTES = 8_192;
const MAX_ERROR_BYTES = 1_024;
const MAX_LOGGED_ARGS = 20;
const CUT_NOTE = '\n[cut by the agent]';

/**
 * Obeys commands: typed and few, each off unless the agent's own file allows it by name. Commands of one kind run one after
 * another, those of different kinds side by side. What cannot be understood, is not allowed, or is late is
 * `refused` and does nothing; every command is in the log with what became of it, those that are taken already when they come.
 */
export class Commands {
  private readonly tails = new Map<CommandName, { readonly last: Promise<unknown>; readonly waiting: number }>();

  constructor(private readonly deps: CommandsDeps) {}

  /** Never rejects: whatever goes wrong is in the answer, whose texts are at most 8 kB. */
  async run(command: Command): Promise<CommandResult> {
    const { logger, clock } = this.deps;
    const about = aboutOf(command);
    const receivedMs = clock.nowMs();
    const result = bounded(await this.obey(command));
    const tookMs = clock.nowMs() - receivedMs;
    if (result.status === 'refused') logger.warn('command refused', { ...about, reason: result.error });
    else if (result.status === 'failed') logger.warn('command failed', { ...about, tookMs, reason: result.error });
    else logger.info('command done', { ...about, tookMs });
    return result;
  }

  private async obey(command: Command): Promise<CommandResult> {
    const { allowed, targets } = this.deps;
    const { name } = command;
    if (!isCommandName(name)) return refused(`there is no command ${shown(name)}`);
    if (!allowed.has(name)) return refused(`${name} is not allowed here: the agent's own file must list it under "commands"`);
    // Also before waiting: who sent something wrong is told at once.
    const problem = this.late(command) ?? problemOf(readCommand(name, command.args, targets()));
    return problem === null ? this.inTurn(name, command) : refused(problem);
  }

  /** The configuration may have changed, and time has passed, while it waited. */
  private async begin(name: CommandName, command: Command): Promise<CommandResult> {
    const read = readCommand(name, command.args, this.deps.targets());
    const problem = this.late(command) ?? problemOf(read);
    if (problem !== null || 'problem' in read) return refused(problem ?? '');
    try {
      const output = await this.withinTime((signal) => this.act(read, signal));
      return { status: 'ok', output: typeof output === 'string' ? output : JSON.stringify(output) };
    } catch (error) {
      return { status: 'failed', error: reasonOf(error) };
    }
  }

  private act(read: ReadCommand, signal: AbortSignal): Promise<string | object> {
    const { actions } = this.deps;
    switch (read.name) {
      case 'ping_now':
        return actions.pingNow(read.targets, signal);
      case 'run_check':
        return actions.runCheck(read.target, signal);
      case 'report_status':
        return actions.reportStatus();
      case 'flush':
        return actions.flush(signal);
      default:
        return actions.restartCollectors();
    }
  }

  /** @throws Error when it takes too long; an action that does not heed the signal is left alone */
  private async withinTime<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { timeoutMs = TIMEOUT_MS } = this.deps;
    const abort = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`it took longer than ${timeoutMs / 1_000} s`));
        abort.abort();
      }, timeoutMs);
    });
    try {
      return await Promise.race([run(abort.signal), tooLong]);
    } finally {
      clearTimeout(timer);
    }
  }

  private async inTurn(name: CommandName, command: Command): Promise<CommandResult> {
    const before = this.tails.get(name);
    const waiting = before?.waiting ?? 0;
    if (waiting > MAX_WAITING_PER_KIND) return refused(`${MAX_WAITING_PER_KIND} more ${name} are waiting already`);
    this.deps.logger.info('command received', aboutOf(command));
    const run = (): Promise<CommandResult> => this.begin(name, command);
    const mine = before === undefined ? run() : before.last.then(run);
    this.tails.set(name, { last: mine, waiting: waiting + 1 });
    try {
      return await mine;
    } finally {
      const now = this.tails.get(name);
      if (now === undefined || now.waiting === 1) this.tails.delete(name);
      else this.tails.set(name, { ...now, waiting: now.waiting - 1 });
    }
  }

  private late({ expiresAtMs }: Command): string | null {
    if (!Number.isFinite(expiresAtMs)) return '"expires_at" is not a time';
    const lateMs = this.deps.clock.nowMs() - expiresAtMs;
    return lateMs < 0 ? null : `it expired ${Math.ceil(lateMs / 1_000)} s ago by this machine's clock`;
  }
}

function refused(error: string): CommandResult {
  return { status: 'refused', error };
}

function problemOf(read: ReadCommand | { readonly problem: string }): string | null {
  return 'problem' in read ? read.problem : null;
}

/** For the log. Values of arguments may be secrets: names only. */
function aboutOf({ commandId, name, args }: Command): object {
  const argNames = isObject(args) ? Object.keys(args).slice(0, MAX_LOGGED_ARGS).map(shown) : [];
  return { commandId: shown(commandId), command: shown(name), argNames };
}

function bounded({ status, output, error }: CommandResult): CommandResult {
  return {
    status,
    ...(output === undefined ? {} : { output: cut(output, MAX_OUTPUT_BYTES) }),
    ...(error === undefined ? {} : { error: cut(error, MAX_ERROR_BYTES) }),
  };
}

/** As much of the text as fits into so many bytes of UTF-8, with a note when it was cut. */
function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text).subarray(0, maxBytes - CUT_NOTE.length);
  return new StringDecoder('utf8').write(bytes) + CUT_NOTE;
}
