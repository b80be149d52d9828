import { once } from 'node:events';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { type BuiltServer, type BuiltServerOptions, startBuiltServer } from './built-server.js';
import type { ApiAnswer, ApiInit } from './http.js';
import { projectRoot } from './project-root.js';

/**
 * The built server with a window into it, for tests that want to hurt it. Node's inspector collects its garbage and says
 * what is left, so that "memory is back to where it was" compares two exact figures; and it shows what only the process
 * itself can see, such as a polluted prototype.
 */
export interface Memory {
  /** JavaScript objects and buffers of the main thread that are in use. */
  readonly usedBytes: number;
  /** The whole process, worker threads included. What was used once is not always given back. */
  readonly rssBytes: number;
}

const PROTOTYPES = ['Object', 'Array', 'String', 'Number', 'Function', 'Map', 'Promise', 'Buffer'];
const PROTOTYPE_KEYS = `JSON.stringify([${PROTOTYPES.join()}].map((one) => Reflect.ownKeys(one.prototype).map(String).sort()))`;
const MEMORY =
  '(({ heapUsed, external, rss }) => JSON.stringify({ usedBytes: heapUsed + external, rssBytes: rss }))(process.memoryUsage())';

/** Starts it; resolves when it listens and can be looked into. Reads are not rate-limited unless `env` says so. */
export async function startWatchedServer(env: BuiltServerOptions['env'] = {}): Promise<WatchedServer> {
  const server = await startBuiltServer({
    command: [process.execPath, '--inspect=127.0.0.1:0', join(projectRoot, 'dist/main.js')],
    env: { RATE_LIMIT_MAX_REQUESTS: '100000000', ...env },
  });
  try {
    await server.ready;
    const inspector = new WebSocket(/ws:\/\/\S+/.exec(server.stderr)?.[0] ?? 'the inspector does not listen');
    await once(inspector, 'open');
    const watched = new WatchedServer(server, inspector);
    await watched.remember();
    return watched;
  } catch (error) {
    await server.dispose();
    throw error;
  }
}

export class WatchedServer {
  private readonly pending = new Map<number, (result: any) => void>();
  private calls = 0;
  private prototypes = '';

  constructor(
    private readonly server: BuiltServer,
    private readonly inspector: WebSocket,
  ) {
    inspector.on('message', (raw) => {
      const { id, result } = JSON.parse((raw as Buffer).toString()) as { id?: number; result?: unknown };
      if (id === undefined) return;
      this.pending.get(id)?.(result);
      this.pending.delete(id);
    });
  }

  get port(): number {
    return this.server.port;
  }

  get wsUrl(): string {
    return this.server.wsUrl;
  }

  get dbPath(): string {
    return this.server.dbPath;
  }

  /** One HTTP request; `path` is the whole path, such as `/health`. */
  api<T = any>(path: string, init: ApiInit = {}): Promise<ApiAnswer<T>> {
    return this.server.api<T>(path, init);
  }

  /** Notes what `problems` compares with later. */
  async remember(): Promise<void> {
    this.prototypes = await this.evaluate(PROTOTYPE_KEYS);
  }

  /** What is in use after everything that is not has been collected. */
  async memory(): Promise<Memory> {
    for (let i = 0; i < 3; i++) await this.call('HeapProfiler.collectGarbage');
    return JSON.parse(await this.evaluate(MEMORY)) as Memory;
  }

  /** The sum of a self metric over its labels, or of those series whose labels contain `labels`. */
  async counter(name: string, labels = ''): Promise<number> {
    const { body } = await this.api<string>('/metrics');
    return body
      .split('\n')
      .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /**
   * Everything that hurt the server so far, in words; empty when it is as well as ever: it lives, is healthy, has logged
   * no error (nor anything beside its log, such as a warning of Node), and no prototype was changed.
   */
  async problems(): Promise<string[]> {
    const found = this.server.output.split('\n').filter(isErrorLine);
    try {
      const { status, body } = await this.api('/health');
      if (status !== 200) found.push(`/health answers ${status}: ${JSON.stringify(body)}`);
      if ((await this.evaluate(PROTOTYPE_KEYS)) !== this.prototypes) found.push('a prototype was changed');
    } catch (error) {
      found.push(`the server is gone: ${String(error)}`);
    }
    return found;
  }

  async dispose(): Promise<void> {
    this.inspector.terminate();
    await this.server.dispose();
  }

  private async evaluate(expression: string): Promise<string> {
    const { result } = (await this.call('Runtime.evaluate', { expression, returnByValue: true })) as { result: { value: string } };
    return result.value;
  }

  private call(method: string, params: object = {}): Promise<unknown> {
    if (this.inspector.readyState !== WebSocket.OPEN) return Promise.reject(new Error('the inspector is gone'));
    const id = ++this.calls;
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error('the process ended'));
      this.inspector.once('close', gone);
      this.pending.set(id, (result) => {
        this.inspector.off('close', gone);
        resolve(result);
      });
      this.inspector.send(JSON.stringify({ id, method, params }));
    });
  }
}

function isErrorLine(line: string): boolean {
  if (line === '' || /^(Debugger |For help, see)/.test(line)) return false;
  try {
    return (JSON.parse(line) as { level?: string }).level === 'error';
  } catch {
    return true;
  }
}
