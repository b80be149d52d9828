import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../../src/app.js';
import { type Config, parseConfig } from '../../src/config/config.js';
import type { Clock } from '../../src/runtime/clock.js';
import { type Logger, silentLogger } from '../../src/runtime/logger.js';
import { type ApiAnswer, type ApiInit, httpRequest } from './http.js';

/**
 * The production app for tests: `createApp` as main.ts calls it, on a free port, with a database of its own in a
 * temporary folder. Nothing is faked unless a test hands in a clock or a logger.
 */
export interface TestAppOverrides {
  readonly clock?: Clock;
  /** Default: silence. */
  readonly logger?: Logger;
}

type App = ReturnType<typeof createApp>;

/** Starts the app and resolves when it listens; a failure to start leaves nothing behind. */
export async function startTestApp(settings: Readonly<Record<string, string>> = {}, overrides: TestAppOverrides = {}): Promise<TestApp> {
  const dir = await mkdtemp(join(tmpdir(), 'ccv-test-'));
  const testApp = new TestApp(dir, settings, { logger: silentLogger, ...overrides });
  try {
    await testApp.start();
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
  return testApp;
}

export class TestApp {
  private running: App | null = null;
  private port = 0;

  constructor(
    /** The temporary folder: the database is `monitoring.db` in it. */
    readonly dir: string,
    private readonly settings: Readonly<Record<string, string>>,
    private readonly overrides: TestAppOverrides,
  ) {}

  /** The running app. */
  get app(): App {
    if (this.running === null) throw new Error('the test app is not running');
    return this.running;
  }

  /** `http://127.0.0.1:port`, the same after a restart. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** `ws://127.0.0.1:port`, the same after a restart. */
  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  get dbPath(): string {
    return this.config().storage.path;
  }

  async start(): Promise<void> {
    const app = createApp(this.config(), this.overrides);
    await app.start();
    this.running = app;
    this.port = app.address().port;
  }

  /** Stops and starts again: same folder, same port, same settings unless `settings` says otherwise. True when the stop was clean. */
  async restart(settings: Readonly<Record<string, string>> = {}): Promise<boolean> {
    const clean = await this.app.stop();
    this.running = null;
    const next = createApp(this.config(settings), this.overrides);
    await next.start();
    this.running = next;
    this.port = next.address().port;
    return clean;
  }

  /** Stops the app and removes its folder. True when the stop was clean. May be called twice. */
  async stop(): Promise<boolean> {
    const clean = this.running === null ? true : await this.running.stop();
    this.running = null;
    await rm(this.dir, { recursive: true, force: true });
    return clean;
  }

  /** One HTTP request; `path` is the whole path, such as `/api/v1/agents?limit=5` or `/health`. */
  api<T = any>(path: string, init: ApiInit = {}): Promise<ApiAnswer<T>> {
    return httpRequest<T>(`${this.url}${path}`, init);
  }

  private config(settings: Readonly<Record<string, string>> = {}): Config {
    return parseConfig({
      PORT: String(this.port),
      HOST: '127.0.0.1',
      NODE_ENV: 'test',
      LOG_DIR: '',
      DB_PATH: join(this.dir, 'monitoring.db'),
      ...this.settings,
      ...settings,
    }).config;
  }
}
