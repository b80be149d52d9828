/**
 * The server under test: the built program in a process of its own, on a free port of 127.0.0.1, with its database in a
 * fresh folder. Started and ended as an operator would: environment in, SIGTERM out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 30_000;
const KEPT_LINES = 40;

export interface ServerOptions {
  /** The program, e.g. dist/main.js. */
  readonly entry: string;
  /** Working folder and place of the database; must exist. */
  readonly dir: string;
  /** Flags for Node itself. */
  readonly nodeArgs: readonly string[];
  /** Settings besides those of the bench itself. */
  readonly env: Readonly<Record<string, string>>;
}

/** The database of a server with this working folder. */
export function databaseIn(dir: string): string {
  return `${dir}/bench.db`;
}

export class ServerProcess {
  readonly host = '127.0.0.1';
  /** Log lines of level error: somebody would have had to act. */
  readonly errorLines: string[] = [];
  private readonly lastLines: string[] = [];
  private listenPort = 0;
  private stopping = false;

  private constructor(
    private readonly child: ChildProcess,
    readonly databasePath: string,
  ) {}

  /** Resolves when the server says that it listens. Rejects, with its last words, when it ends or takes 30 s. */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const child = spawn(process.execPath, [...options.nodeArgs, options.entry], {
      cwd: options.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        PORT: '0',
        HOST: '127.0.0.1',
        ALLOW_UNAUTHENTICATED: 'true',
        LOG_DIR: '',
        LOG_LEVEL: 'info',
        DB_PATH: databaseIn(options.dir),
        // The probe asks /health 50 times a second; agents are never counted.
        RATE_LIMIT_MAX_REQUESTS: '1000000',
        ...options.env,
      },
    });
    const server = new ServerProcess(child, databaseIn(options.dir));
    try {
      await server.untilListening();
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    return server;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the server did not start');
    return this.child.pid;
  }

  get port(): number {
    return this.listenPort;
  }

  /** Throws when the server has ended by itself. */
  check(): void {
    if (!this.stopping && this.hasEnded()) throw new Error(`the server ended during the run:\n${this.lastLines.join('\n')}`);
  }

  /**
   * SIGTERM, and waits for the end. Throws when the server takes longer than 30 s (it is killed then) or ends with
   * anything but 0.
   */
  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    if (this.hasEnded()) return;
    const ended = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
    if (this.child.exitCode !== 0) {
      throw new Error(
        `the server did not stop cleanly (${this.child.signalCode ?? String(this.child.exitCode)}):\n${this.lastLines.join('\n')}`,
      );
    }
  }

  private hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private untilListening(): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (why: string): void => {
        clearTimeout(timer);
        reject(new Error(`the server ${why}:\n${this.lastLines.join('\n')}`));
      };
      const timer = setTimeout(() => failed('did not listen within 30 s'), START_TIMEOUT_MS);
      this.child.once('error', (error) => failed(`did not start (${error.message})`));
      // 'close' rather than 'exit': by then its last lines have been read.
      this.child.once('close', (code, signal) => failed(`ended (${signal ?? String(code)}) before it listened`));
      for (const stream of [this.child.stdout, this.child.stderr]) {
        if (stream === null) continue;
        createInterface({ input: stream }).on('line', (line) => {
          this.keep(line);
          if (this.listenPort !== 0 || !line.includes('"listening"')) return;
          this.listenPort = portOf(line);
          if (this.listenPort === 0) return;
          clearTimeout(timer);
          resolve();
        });
      }
    });
  }

  private keep(line: string): void {
    this.lastLines.push(line);
    if (this.lastLines.length > KEPT_LINES) this.lastLines.shift();
    if (line.includes('"level":"error"')) this.errorLines.push(line);
  }
}

/** The port in the server's "listening" line, or 0 when this is another line. */
function portOf(line: string): number {
  try {
    const entry = JSON.parse(line) as { message?: unknown; port?: unknown };
    return entry.message === 'listening' ? Number(entry.port) : 0;
  } catch {
    return 0;
  }
}
