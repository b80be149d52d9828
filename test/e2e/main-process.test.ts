import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { metric, TestAgent } from '../helpers/agent-client.js';
import { type BuiltServer, type BuiltServerOptions, startBuiltServer } from '../helpers/built-server.js';

/** The process as npm start runs it: where its settings come from, how it ends, and what it says when it cannot begin. */
describe('node dist/main.js', () => {
  let dir: string;
  let servers: BuiltServer[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ccv-main-'));
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.dispose()));
    servers = [];
    rmSync(dir, { recursive: true, force: true });
  });

  async function start(env: BuiltServerOptions['env'] = {}): Promise<BuiltServer> {
    const server = await startBuiltServer({ dir, env });
    servers.push(server);
    return server;
  }

  /** Starts a server that is not to come up, and checks what every such end looks like. */
  async function refused(env: BuiltServerOptions['env'] = {}): Promise<string> {
    const server = await start(env);
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.output).not.toMatch(/^\s+at /m);
    expect(server.output).not.toContain('node:internal');
    return server.output;
  }

  test('settings come from .env of the working folder, and the environment wins over it', async () => {
    writeFileSync(join(dir, '.env'), 'DB_PATH=./from-file/x.db\nLOG_DIR=./my-logs\nHOST=0.0.0.0\nMAX_METRICS_PER_BATCH=2\n');
    const server = await start({ DB_PATH: 'from-environment/x.db', LOG_DIR: undefined, HOST: 'localhost' });
    await server.ready;

    const agent = await TestAgent.connect(server);
    await expect(agent.push([1, 2, 3].map((n) => metric(`m${n}`, n)))).rejects.toMatchObject({ name: 'BatchRefused' });
    await agent.close();
    server.kill();
    await server.exited;

    expect(readdirSync(join(dir, 'from-environment'))).toContain('x.db');
    expect(existsSync(join(dir, 'from-file'))).toBe(false);
    const log = readFileSync(join(dir, 'my-logs/server.log'), 'utf8').trim().split('\n');
    expect(log.map((line) => JSON.parse(line) as { message: string })).toContainEqual(
      expect.objectContaining({ message: 'listening', port: server.port }),
    );
  });

  test('with an empty LOG_DIR nothing is written beside the database', async () => {
    const server = await start({ LOG_DIR: '' });
    await server.ready;
    server.kill();
    await server.exited;
    expect(readdirSync(dir).filter((name) => !name.startsWith('monitoring.db'))).toEqual([]);
  });

  test('a warning is logged for a name that is known and not used', async () => {
    writeFileSync(join(dir, '.env'), 'REDIS_URL=redis://cache.example\nBATCH_PROCESSING_INTERVAL=5000\n');
    const server = await start();
    await server.ready;
    expect(server.output).toContain('REDIS_URL is set but not used');
    expect(server.output).toContain('BATCH_PROCESSING_INTERVAL is set but not used');
  });

  test('an unknown name in .env stops the start, with a suggestion', async () => {
    writeFileSync(join(dir, '.env'), 'METRICS_RETENTION_DAY=3\n');
    expect(await refused()).toContain('"METRICS_RETENTION_DAY" (did you mean METRICS_RETENTION_DAYS?)');
  });

  test('a bad value stops the start, naming setting and value', async () => {
    const output = await refused({ PORT: 'eighty', READER_THREADS: '99' });
    expect(output).toContain('"PORT"');
    expect(output).toContain('"eighty"');
    expect(output).toContain('"READER_THREADS"');
  });

  test('an open address without tokens and keys stops the start, with the three ways out', async () => {
    const output = await refused({ HOST: '0.0.0.0' });
    expect(output).toContain('1. set AGENT_TOKENS');
    expect(output).toContain('2. set HOST=127.0.0.1');
    expect(output).toContain('3. set ALLOW_UNAUTHENTICATED=true');
  });

  test('a short secret stops the start and is not printed', async () => {
    const output = await refused({ API_KEYS: 'hunter2' });
    expect(output).toContain('"API_KEYS"');
    expect(output).not.toContain('hunter2');
  });

  test('a port that is taken stops the start, naming it', async () => {
    const first = await start();
    await first.ready;
    const output = await refused({ PORT: String(first.port), DB_PATH: join(dir, 'other.db') });
    expect(output).toContain(String(first.port));
  });

  test('a database that cannot be opened stops the start, naming it', async () => {
    writeFileSync(join(dir, 'not-a-folder'), '');
    expect(await refused({ DB_PATH: join(dir, 'not-a-folder/x.db') })).toContain('not-a-folder');
  });

  test('a second server on the same database is refused, and the first goes on', async () => {
    const first = await start();
    await first.ready;
    const agent = await TestAgent.connect(first);

    expect(await refused()).toContain('monitoring.db');

    expect(await agent.push([metric('still_here', 1)])).toMatchObject({ processed: 1, errors: 0 });
    expect((await first.api('/health')).status).toBe(200);
  });

  test('the database of a server that was killed can be opened again', async () => {
    const first = await start();
    await first.ready;
    first.kill('SIGKILL');
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' });
    const second = await start();
    await second.ready;
    expect((await second.api('/health')).status).toBe(200);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: sockets are closed with 1001, the database is left clean, the exit code is 0',
    async (signal) => {
      const server = await start();
      await server.ready;
      const agent = await TestAgent.connect(server);
      await agent.push([metric('m', 1)]);

      server.kill(signal);

      expect(await agent.closed).toMatchObject({ code: 1001 });
      expect(await server.exited).toEqual({ code: 0, signal: null });
      // No write-ahead log left behind: it was folded into the file by a clean close.
      expect(readdirSync(dir).filter((name) => name.endsWith('-wal'))).toEqual([]);
    },
  );

  describe('while a stop hangs', () => {
    let upstream: Server;
    let asked: Promise<void>;
    beforeEach(async () => {
      // An upstream that takes the question and never answers keeps a request, and so the stop, waiting.
      asked = new Promise((resolve) => {
        upstream = createServer(() => resolve());
      });
      await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    });
    afterEach(async () => {
      upstream.closeAllConnections();
      await new Promise((resolve) => upstream.close(resolve));
    });

    async function hangingServer(env: Record<string, string>): Promise<BuiltServer> {
      const { port } = upstream.address() as { port: number };
      const server = await start({ LOGGING_UPSTREAM: `http://127.0.0.1:${port}`, PROXY_TIMEOUT_MS: '60000', ...env });
      await server.ready;
      server.api('/api/logging/v2/entries').catch(() => undefined);
      await asked;
      return server;
    }

    test('a second signal ends the process at once', async () => {
      const server = await hangingServer({ STOP_TIMEOUT_MS: '60000' });
      server.kill('SIGTERM');
      const early = await Promise.race([server.exited, new Promise((resolve) => setTimeout(resolve, 500, 'still stopping'))]);
      expect(early).toBe('still stopping');

      const before = performance.now();
      server.kill('SIGTERM');
      const { code } = await server.exited;
      expect(performance.now() - before).toBeLessThan(1_000);
      expect(code).not.toBe(0);
    });

    test('STOP_TIMEOUT_MS bounds it', async () => {
      const server = await hangingServer({ STOP_TIMEOUT_MS: '300' });
      const before = performance.now();
      server.kill('SIGTERM');
      await server.exited;
      expect(performance.now() - before).toBeLessThan(3_000);
    });
  });
});
