import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiAnswer, type ApiInit, httpRequest } from './http.js';
import { projectRoot } from './project-root.js';

/**
 * The built server as a process of its own (`node dist/main.js`), for tests that kill it, signal it or look at its
 * exit code. It runs in a temporary folder, so that no `.env` of the checkout takes part, and sees only the
 * environment given here.
 */
export interface BuiltServerOptions {
  /** Settings, over the defaults of a test (free port, loopback, database in `dir`, console log alone). An undefined one is left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Working folder; kept by `dispose` when given. Default: a fresh temporary one. */
  readonly dir?: string;
  /** Default: `node dist/main.js` of this checkout. */
  readonly command?: readonly [string, ...string[]];
  /** Longest wait for `ready`. */
  readonly startTimeoutMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const DEFAULT_START_TIMEOUT_MS = 15_000;

/** Starts the server; look at `ready` for success. */
export async function startBuiltServer(options: BuiltServerOptions = {}): Promise<BuiltServer> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'ccv-server-')));
  return new BuiltServer(dir, options);
}

export class BuiltServer {
  /** Resolves when the server says that it listens; rejects when it exits first, or does not listen in time. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone and its output is read to the end. */
  readonly exited: Promise<Exit>;
  /** Standard output and standard error, as they came. */
  stdout = '';
  stderr = '';
  /** As announced on the line "listening"; 0 before. */
  port = 0;
  private readonly child: ChildProcess;

  constructor(
    readonly dir: string,
    private readonly options: BuiltServerOptions,
  ) {
    const [program, ...args] = options.command ?? [process.execPath, join(projectRoot, 'dist/main.js')];
    const child = spawn(program, args, { cwd: dir, env: this.environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    this.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    this.ready = new Promise((resolve, reject) => {
      const timeoutMs = options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS;
      const timer = setTimeout(() => reject(new Error(`not listening after ${timeoutMs} ms\n${this.output}`)), timeoutMs);
      child.once('error', reject);
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        this.stdout += text;
        if (this.port !== 0) return;
        this.port = announcedPort(this.stdout);
        if (this.port === 0) return;
        clearTimeout(timer);
        resolve();
      });
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.stderr += text;
      });
      void this.exited.then(({ code, signal }) => {
        clearTimeout(timer);
        reject(new Error(`the server exited with ${code ?? signal ?? 'nothing'} before it listened\n${this.output}`));
      });
    });
    // A test that waits for `exited` alone must not fail by an unhandled rejection of `ready`.
    this.ready.catch(() => undefined);
  }

  get output(): string {
    return `${this.stdout}${this.stderr}`;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  get dbPath(): string {
    return this.environment().DB_PATH ?? join(this.dir, 'monitoring.db');
  }

  /** One HTTP request; `path` is the whole path, such as `/health`. */
  api<T = any>(path: string, init: ApiInit = {}): Promise<ApiAnswer<T>> {
    return httpRequest<T>(`${this.url}${path}`, init);
  }

  /** Sends a signal; await `exited` for the end. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.child.kill(signal);
  }

  /** Ends the process, politely first (so that coverage is written), and removes a folder made here. May be called twice. */
  async dispose(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.kill('SIGTERM');
      const force = setTimeout(() => this.kill('SIGKILL'), 12_000);
      await this.exited;
      clearTimeout(force);
    }
    if (this.options.dir === undefined) await rm(this.dir, { recursive: true, force: true });
  }

  private environment(): Record<string, string | undefined> {
    const { PATH, HOME, NODE_V8_COVERAGE } = process.env;
    return {
      PATH,
      HOME,
      ...(NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE }),
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_DIR: '',
      DB_PATH: join(this.dir, 'monitoring.db'),
      ...this.options.env,
    };
  }
}

/** The port in the log line "listening" (JSON or text), or 0 while there is none. Only whole lines count. */
function announcedPort(output: string): number {
  const lines = output.split('\n').slice(0, -1);
  const line = lines.find((text) => /\blistening\b/.test(text) && /"port":\d+/.test(text));
  return Number(/"port":(\d+)/.exec(line ?? '')?.[1] ?? 0);
}
