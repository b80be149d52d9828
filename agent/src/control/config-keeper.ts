/**
 * Keeps the configuration: what the server pushes is checked, applied without a restart, kept on disk and answered.
 *
 * What runs and what is on disk change together or not at all: the new file is written and synced before anything is
 * applied, and takes its name when the new configuration runs. Should the agent die in between it starts with the old one, and
 * gets the new one again when it registers. Kept is what the server sent, not what became of it, so that it is read
 * anew, with the local settings of that day, at every start.
 */
import { readFileSync, renameSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { AgentConfig, Logger } from '../model.js';
import { reasonOf } from '../reason-of.js';
import { syncFolder, writeSynced } from '../spool/safe-file.js';
import { parseConfig } from './config.js';
import { isObject, shown } from './shown.js';

export interface ConfigKeeperDeps {
  /** The folder the configuration is kept in. */
  readonly dir: string;
  /** What the agent does as long as the server says nothing else. */
  readonly defaults: AgentConfig;
  /** Makes the agent run this configuration; throwing means that it does not. */
  readonly apply: (config: AgentConfig) => void | Promise<void>;
  readonly logger: Logger;
}

/** What the server is told of a version. */
export interface ConfigStatus {
  readonly version: number;
  readonly status: 'applied' | 'failed';
  /** Why it failed; null when it did not. */
  readonly error: string | null;
}

interface Pushed {
  readonly version: number;
  readonly body: unknown;
}

const FILE = 'config.json';
const MAX_WAITING = 100;
const MAX_ERROR_LENGTH = 500;

export class ConfigKeeper {
  private running: AgentConfig;
  private pushed: Pushed | null = null;
  private tail: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(private readonly deps: ConfigKeeperDeps) {
    this.running = deps.defaults;
  }

  /** The configuration that runs, or is to run from the start. */
  get config(): AgentConfig {
    return this.running;
  }

  /** The server's version that runs; null while it is the agent's own configuration. */
  get version(): number | null {
    return this.pushed?.version ?? null;
  }

  /**
   * What to start with: the configuration that was kept, else the defaults. A file that cannot be used is set aside, with
   * a warning. Never throws.
   */
  load(): AgentConfig {
    const { dir, defaults, logger } = this.deps;
    const path = join(dir, FILE);
    try {
      const { version, body, config } = readKept(readFileSync(path, 'utf8'), defaults);
      this.pushed = { version, body };
      this.running = config;
      logger.info('configuration loaded', { version });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return this.running;
      logger.warn('the kept configuration cannot be used, the defaults are', { path, error: reasonOf(error) });
      this.setAside(path);
    }
    return this.running;
  }

  /** Takes a pushed configuration, after those that came before it. Never rejects: whatever goes wrong is the answer's `error`. */
  update(version: number, body: unknown): Promise<ConfigStatus> {
    if (this.waiting >= MAX_WAITING) return Promise.resolve(failed(version, `${MAX_WAITING} configurations are waiting already`));
    this.waiting += 1;
    const mine = this.tail.then(() => this.take({ version, body })).finally(() => (this.waiting -= 1));
    this.tail = mine;
    return mine;
  }

  private async take(next: Pushed): Promise<ConfigStatus> {
    const { logger } = this.deps;
    if (isDeepStrictEqual(next, this.pushed)) return { version: next.version, status: 'applied', error: null };
    const error = await this.change(next);
    if (error !== null) {
      const answer = failed(next.version, error);
      logger.warn('configuration not applied', { version: next.version, error: answer.error, running: this.version });
      return answer;
    }
    logger.info('configuration applied', { version: next.version });
    return { version: next.version, status: 'applied', error: null };
  }

  /** Null when the new configuration runs and is kept; else why not, with the old one running and kept. */
  private async change(next: Pushed): Promise<string | null> {
    const { dir, defaults } = this.deps;
    if (!isVersion(next.version)) return `the version must be a whole number from 1 on (it is ${shown(next.version)})`;
    const parsed = parseConfig(next.body, defaults);
    if ('errors' in parsed) return parsed.errors.join('; ');
    const path = join(dir, FILE);
    const draft = `${path}.tmp`;
    try {
      await mkdir(dir, { recursive: true });
      await writeSynced(draft, JSON.stringify({ version: next.version, config: next.body }));
    } catch (error) {
      await removeQuietly(draft);
      return `it cannot be kept on disk: ${reasonOf(error)}`;
    }
    const old = this.running;
    // Whoever asks while it is being applied must not bring the old one back.
    this.running = parsed.config;
    try {
      await this.deps.apply(parsed.config);
      await rename(draft, path);
    } catch (error) {
      this.running = old;
      await removeQuietly(draft);
      return `it could not be applied: ${reasonOf(error)}${await this.restore(old)}`;
    }
    // Should the machine die before the name is on disk, the server sends it again.
    await syncFolder(dir).catch(() => undefined);
    this.pushed = next;
    return null;
  }

  private async restore(old: AgentConfig): Promise<string> {
    try {
      await this.deps.apply(old);
      return '';
    } catch (error) {
      this.deps.logger.error('the configuration before could not be applied again: restart the agent', { error: reasonOf(error) });
      return `; nor could the one before be applied again: ${reasonOf(error)}`;
    }
  }

  private setAside(path: string): void {
    try {
      renameSync(path, `${path}.bad`);
    } catch (error) {
      this.deps.logger.warn('it could not be set aside either', { path, error: reasonOf(error) });
    }
  }
}

/** @throws Error when the text is no configuration that can be used */
function readKept(text: string, defaults: AgentConfig): Pushed & { config: AgentConfig } {
  const kept: unknown = JSON.parse(text);
  if (!isObject(kept) || !isVersion(kept.version)) throw new Error('it is not what this agent writes');
  const parsed = parseConfig(kept.config, defaults);
  if ('errors' in parsed) throw new Error(parsed.errors.join('; '));
  return { version: kept.version, body: kept.config, config: parsed.config };
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function failed(version: number, error: string): ConfigStatus {
  return { version, status: 'failed', error: error.length <= MAX_ERROR_LENGTH ? error : `${error.slice(0, MAX_ERROR_LENGTH - 1)}…` };
}

/** What is left of a draft is written over by the next one. */
async function removeQuietly(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}
