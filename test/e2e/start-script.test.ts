import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type BuiltServer, startBuiltServer } from '../helpers/built-server.js';
import { eventually } from '../helpers/eventually.js';
import { projectRoot } from '../helpers/project-root.js';

/**
 * start-backend.sh in a copy of the project. The packages are those of this checkout (links), and `npm` is a wrapper
 * that writes down what it is asked, so that the test sees what is done again and what is not; `npm ci` itself, which takes
 * minutes, and building the console are only pretended. The server's build is real.
 */
const START_LIMIT_MS = 3_000;
const FIRST_START_LIMIT_MS = 60_000;
const searchPath = process.env.PATH ?? '';

describe('start-backend.sh', () => {
  let work: string;
  let project: string;
  let bin: string;
  let npmCalls: string;
  let server: BuiltServer | null = null;

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'ccv-start-'));
    project = join(work, 'a checkout');
    bin = join(work, 'bin');
    npmCalls = join(work, 'npm-calls');
    mkdirSync(project);
    mkdirSync(bin);
    mkdirSync(join(work, 'elsewhere'));
    const agent = ['agent/src', 'agent/package.json', 'agent/tsconfig.json'];
    const web = ['web/src', 'web/public', 'web/angular.json', 'web/tsconfig.json', 'web/package.json'];
    for (const name of [
      'src',
      ...agent,
      ...web,
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'config.env.example',
      'start-backend.sh',
    ]) {
      cpSync(join(projectRoot, name), join(project, name), { recursive: true });
    }
    symlinkSync(join(project, 'start-backend.sh'), join(work, 'elsewhere/start'));
    script(
      'npm',
      `echo "$*" >> '${npmCalls}'`,
      'case "$*" in *build:console)',
      '  [ -z "${CONSOLE_BUILD_FAILS-}" ] || exit 1',
      '  mkdir -p web/dist/browser && echo built > web/dist/browser/index.html',
      '  exit 0 ;;',
      'esac',
      'if [ "$1" != ci ]; then',
      `  exec '${pathOf('npm')}' "$@"`,
      'fi',
      '[ -z "${NPM_CI_FAILS-}" ] || exit 1',
      'rm -rf node_modules && mkdir node_modules',
      `for entry in '${projectRoot}'node_modules/* '${projectRoot}'node_modules/.bin; do ln -s "$entry" node_modules/; done`,
    );
  });
  afterEach(async () => {
    await server?.dispose();
    server = null;
    rmSync(npmCalls, { force: true });
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  /** Puts a program of that name in front of the real one. */
  function script(name: string, ...lines: string[]): void {
    writeFileSync(join(bin, name), ['#!/usr/bin/env bash', ...lines, ''].join('\n'));
    chmodSync(join(bin, name), 0o755);
  }

  /** A search path with what the script itself and npm's wrapper need, and the compilers, but without some of it. */
  function pathWithout(...missing: string[]): string {
    const folder = mkdtempSync(join(work, 'path-'));
    const needed = ['bash', 'env', 'dirname', 'readlink', 'cksum', 'cat', 'find', 'head', 'sed', 'mkdir', 'node', 'python3', 'make', 'g++'];
    for (const tool of needed.filter((name) => !missing.includes(name))) symlinkSync(pathOf(tool), join(folder, tool));
    symlinkSync(join(bin, 'npm'), join(folder, 'npm'));
    return folder;
  }

  /** What npm was asked since the test began. */
  function calls(): string[] {
    return existsSync(npmCalls) ? readFileSync(npmCalls, 'utf8').trim().split('\n') : [];
  }

  /** Runs the script through its link and from another folder, with the script's and the server's own defaults. */
  async function start(
    env: Record<string, string | undefined> = {},
    startTimeoutMs = FIRST_START_LIMIT_MS,
    args: readonly string[] = [],
  ): Promise<BuiltServer> {
    server = await startBuiltServer({
      command: [join(work, 'elsewhere/start'), ...args],
      dir: join(work, 'elsewhere'),
      env: {
        PATH: `${bin}:${searchPath}`,
        HOST: undefined,
        LOG_DIR: undefined,
        DB_PATH: undefined,
        NODE_V8_COVERAGE: undefined,
        ...env,
      },
      startTimeoutMs,
    });
    return server;
  }

  /** Runs the script for a start that ends early. */
  function run(args: string[], env: Record<string, string> = {}): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(join(project, 'start-backend.sh'), args, {
      encoding: 'utf8',
      env: { PATH: `${bin}:${searchPath}`, HOME: process.env.HOME, PORT: '0', ...env },
    });
  }

  test('--help explains itself and does nothing', () => {
    const { status, stdout } = run(['--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('Usage: ./start-backend.sh');
    expect(calls()).toEqual([]);
    expect(existsSync(join(project, '.env'))).toBe(false);
  });

  test('an unknown argument is refused with the usage', () => {
    const { status, stderr } = run(['--port=1']);
    expect(status).toBe(2);
    expect(stderr).toContain('Usage: ./start-backend.sh');
  });

  test('the first start installs, builds, makes folders and settings, prints the URLs and serves; SIGTERM ends it with 0', async () => {
    const started = await start();
    await started.ready;

    expect(calls()).toEqual([
      expect.stringMatching(/^ci --include=dev\b/),
      expect.stringMatching(/^run .*build:server$/),
      expect.stringMatching(/^run .*build:console$/),
    ]);
    expect(statSync(join(project, '.env')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(project, '.env'), 'utf8')).toBe(readFileSync(join(projectRoot, 'config.env.example'), 'utf8'));
    expect(readdirSync(join(project, 'data'))).toContain('monitoring.db');
    expect(readdirSync(join(work, 'elsewhere'))).toEqual(['start']);
    for (const url of ['/api/v1', '/health', '/metrics', '/api/v1/agents/connect', '/ws']) {
      expect(started.stdout).toMatch(new RegExp(`(http|ws)://localhost:PORT${url}\n`));
    }
    expect((await started.api('/health')).status).toBe(200);

    started.kill('SIGTERM');
    expect(await started.exited).toEqual({ code: 0, signal: null });
    expect(existsSync(join(project, 'logs/server.log'))).toBe(true);
  }, 90_000);

  test('the second start does none of that again, serves within 3 s, and shows the port of .env', async () => {
    const port = await freePort();
    appendFileSync(join(project, '.env'), `PORT=1\nPORT="${port}" # for "this" test\n`);
    const before = performance.now();
    const started = await start({ PORT: undefined }, START_LIMIT_MS * 3);
    await started.ready;
    const health = await started.api('/health');
    const tookMs = performance.now() - before;

    expect(health.status).toBe(200);
    expect(tookMs).toBeLessThan(START_LIMIT_MS);
    expect(calls()).toEqual([]);
    expect(started.port).toBe(port);
    expect(started.stdout).toContain(`REST     http://localhost:${port}/api/v1\n`);
    expect(started.stdout).toContain(`Agents   ws://localhost:${port}/api/v1/agents/connect\n`);
    expect(started.stdout).not.toMatch(/Installing|Building|Made/);
  }, 30_000);

  test.each([
    ['src/main.ts', 'server'],
    ['agent/src/main.ts', 'server'],
    ['web/src/main.ts', 'console'],
  ])(
    'a changed source (%s) is built again, and nothing else, without installing',
    async (name, part) => {
      const file = join(project, name);
      const { atime, mtime } = statSync(file);
      const later = new Date(Date.now() + 2_000);
      utimesSync(file, later, later);
      await (await start()).ready;
      expect(calls()).toEqual([`run --silent build:${part}`]);
      utimesSync(file, atime, mtime);
    },
    60_000,
  );

  describe('--with-agent', () => {
    const TOKEN = 'the-first-agent-token';
    const KEY = 'a-key-for-this-test';
    const logPath = (): string => join(project, 'logs/agent.log');
    const agentLog = (): string => readFileSync(logPath(), 'utf8');
    beforeEach(() => rmSync(logPath(), { force: true }));

    /** Runs server and agent until the server has the agent's measurements. */
    async function startBoth(
      tokens: { AGENT_TOKENS?: string } = { AGENT_TOKENS: ` ${TOKEN} , the-second-agent-token` },
    ): Promise<BuiltServer> {
      const port = await freePort();
      const env = { PORT: String(port), API_KEYS: KEY, HOST: '127.0.0.1', ...tokens };
      const started = await start(env, FIRST_START_LIMIT_MS, ['--with-agent']);
      await started.ready;
      expect(started.stdout).toContain(`Agent    http://127.0.0.1:${port}/api/v1/agents/local-agent (its log: logs/agent.log)\n`);
      await eventually(async () => {
        const { body } = await started.api('/api/v1/metrics/names?agentId=local-agent', { headers: { 'X-API-Key': KEY } });
        const names = body.metricNames.map(({ name }: { name: string }) => name);
        return ['network_interface_rx_bytes_total', 'system_memory_percent', 'ping_success'].every((name) => names.includes(name));
      });
      return started;
    }

    test('an agent monitors this machine, with a token of the settings; SIGTERM ends both, with the server’s exit code', async () => {
      const started = await startBoth();
      expect(readdirSync(join(project, 'data'))).toContain('agent');
      started.kill('SIGTERM');
      expect(await started.exited).toEqual({ code: 0, signal: null });
      expect(agentLog()).toMatch(/agent stopped/);
      expect(agentLog()).not.toContain(TOKEN);
    }, 60_000);

    test('the agent ends with the server even when that is killed', async () => {
      const started = await startBoth();
      started.kill('SIGKILL');
      // The output ends when all who could write to it are gone.
      expect(await started.exited).toEqual({ code: null, signal: 'SIGKILL' });
      expect(agentLog()).toMatch(/agent stopped/);
    }, 60_000);

    test('without the agent’s build there is a new one; an agent that cannot start is told, and the server serves', async () => {
      rmSync(join(project, 'agent/dist/main.js'));
      rmSync(join(project, 'data/agent'), { recursive: true });
      writeFileSync(join(project, 'data/agent'), 'no folder');
      const port = await freePort();
      const started = await start({ PORT: String(port) }, FIRST_START_LIMIT_MS, ['--with-agent']);
      await started.ready;
      expect(calls()).toEqual([expect.stringMatching(/^run .*build:server$/)]);
      await eventually(async () =>
        started.stderr.includes(
          'start-backend: the agent has ended (exit code 1) and the server goes on without it; logs/agent.log says why\n',
        ),
      );
      expect(agentLog()).toMatch(/could not start/);
      expect((await started.api('/health')).status).toBe(200);
      rmSync(join(project, 'data/agent'));
    }, 60_000);

    test('an agent that dies later is told, and the server serves; the log goes on at the next start and is moved aside when it is long', async () => {
      const started = await startBoth();
      // Whose spool it is stands in the lock's name: lock.<process>.…
      const lock = readdirSync(join(project, 'data/agent')).find((name) => name.startsWith('lock.'));
      process.kill(Number(lock?.split('.')[1]), 'SIGKILL');
      await eventually(async () => started.stderr.includes('the agent has ended (exit code 137)'));
      expect((await started.api('/health')).status).toBe(200);
      const before = agentLog();
      await started.dispose();

      await (await startBoth()).dispose();
      expect(agentLog().length).toBeGreaterThan(before.length);
      expect(agentLog().startsWith(before)).toBe(true);
      appendFileSync(logPath(), 'x'.repeat(5_300_000));
      await (await startBoth()).dispose();
      expect(readFileSync(`${logPath()}.1`, 'utf8').startsWith(before)).toBe(true);
      expect(agentLog().length).toBeLessThan(10_000);
    }, 60_000);

    test('a token in quotes is read from .env as the server reads it', async () => {
      const path = join(project, '.env');
      const before = readFileSync(path, 'utf8');
      appendFileSync(
        path,
        `AGENT_TOKENS=none-of-these-tokens\nexport AGENT_TOKENS = 'the#token"of"this-test,the-second-agent-token' # two\n`,
      );
      try {
        await startBoth({});
      } finally {
        writeFileSync(path, before);
      }
    }, 60_000);

    test('it needs a port that is known beforehand', () => {
      const { status, stderr } = run(['--with-agent']);
      expect(status).toBe(1);
      expect(stderr).toContain("start-backend: --with-agent needs to know the server's port");
    });
  });

  test('a source that does not compile stops the start, this time and the next', () => {
    const broken = join(project, 'src/broken.ts');
    writeFileSync(broken, "export const port: number = 'eighty';\n");
    for (const attempt of [1, 2]) {
      const { status, stdout, stderr } = run([]);
      expect({ attempt, status }).toEqual({ attempt, status: 1 });
      expect(stdout + stderr).toContain('src/broken.ts');
      expect(stderr).toContain('start-backend: the build failed');
    }
    rmSync(broken);
  }, 60_000);

  test('a console that cannot be built stops the start', () => {
    rmSync(join(project, 'web/dist'), { recursive: true });
    const { status, stderr } = run([], { CONSOLE_BUILD_FAILS: 'yes' });
    expect(status).toBe(1);
    expect(stderr).toContain('start-backend: the build of the console failed');
  });

  test('a changed lock file installs again', async () => {
    appendFileSync(join(project, 'package-lock.json'), '\n');
    await (await start()).ready;
    expect(calls()[0]).toMatch(/^ci /);
  }, 60_000);

  test('packages somebody installed by hand are taken as they are', async () => {
    rmSync(join(project, 'node_modules/.installed-for'));
    writeFileSync(join(project, 'node_modules/.package-lock.json'), '{}');
    const earlier = new Date(Date.now() - 60_000);
    utimesSync(join(project, 'package-lock.json'), earlier, earlier);
    await (await start()).ready;
    expect(calls().filter((call) => call.startsWith('ci'))).toEqual([]);
  }, 60_000);

  test('when installing fails, the missing compilers are named', () => {
    appendFileSync(join(project, 'package-lock.json'), '\n');
    const { status, stderr } = run([], { PATH: pathWithout('python3', 'g++'), NPM_CI_FAILS: '1' });

    expect(status).toBe(1);
    expect(stderr).toContain('npm ci failed');
    expect(stderr).toContain('needs python3 g++, missing here');
  });

  test('a Node that is too old, or none, is said clearly', () => {
    script('node', 'echo 20.14.9');
    try {
      const { status, stderr } = run([]);
      expect(status).toBe(1);
      expect(stderr).toBe('start-backend: Node.js 20.14.9 is too old: version 20.15 or newer is needed (https://nodejs.org).\n');
    } finally {
      rmSync(join(bin, 'node'));
    }

    const without = run([], { PATH: pathWithout('node') });
    expect(without.status).toBe(1);
    expect(without.stderr).toContain('Node.js is not installed');
    expect(calls()).toEqual([]);
  });
});

/** Where a program is. One that this machine lacks is as good as a broken link. */
function pathOf(program: string): string {
  return spawnSync('bash', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim() || '/nonexistent';
}

/** A port nobody listens on right now. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
