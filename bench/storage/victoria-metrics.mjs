/**
 * VictoriaMetrics beside our server: a process of its own on a free port of 127.0.0.1, its data in a fresh folder. It gets
 * the same samples, as Influx lines with all values of one time in one line: the cheapest form it takes.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processCpu } from '../../dist-bench/process-usage.js';
import { HttpClient } from './http-client.mjs';

const PROGRAM = 'victoria-metrics';
const START_TIMEOUT_MS = 30_000;
const CHUNK_BYTES = 4_000_000;

/** Its version, or null where it is not on the PATH. */
export function victoriaMetricsVersion() {
  const { error, stdout } = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  if (error !== undefined) return null;
  // Debian's says nothing of itself.
  const { stdout: packaged } = spawnSync('dpkg-query', ['-W', '-f', '${Version}', PROGRAM], { encoding: 'utf8' });
  return `VictoriaMetrics ${stdout.trim() || packaged || '(of unknown version)'}`;
}

export class VictoriaMetrics {
  static async start(dir) {
    mkdirSync(dir, { recursive: true });
    const port = await freePort();
    const child = spawn(
      PROGRAM,
      [`-storageDataPath=${dir}`, `-httpListenAddr=127.0.0.1:${port}`, '-retentionPeriod=12', '-loggerLevel=ERROR'],
      {
        stdio: 'ignore',
      },
    );
    const started = new VictoriaMetrics(child, port, dir);
    for (let waitedMs = 0; ; waitedMs += 10) {
      try {
        await started.client.get('/health');
        return started;
      } catch (error) {
        if (child.exitCode !== null || waitedMs > START_TIMEOUT_MS) {
          child.kill('SIGKILL');
          throw new Error(`${PROGRAM} did not start`, { cause: error });
        }
        await pause(10);
      }
    }
  }

  constructor(child, port, dir) {
    this.child = child;
    this.dir = dir;
    this.client = new HttpClient(port);
  }

  get pid() {
    return this.child.pid;
  }

  /** Imports `cycles` collections of every agent. Answers how many samples that were and the CPU seconds it took to take them. */
  async import(agents, cycles, say = () => {}) {
    const before = processCpu(this.pid).total;
    let samples = 0;
    let lines = [];
    let bytes = 0;
    const heads = agents.map((agent) =>
      agent.groups.map(({ prefix, tags }) =>
        [prefix, `agent_id=${agent.id}`, ...Object.entries(tags).map(([k, v]) => `${k}=${v}`)].join(','),
      ),
    );
    const fields = agents.map((agent) => agent.groups.map(({ series }) => series.map(({ field }) => field)));
    const send = async () => {
      await this.client.send('POST', '/write?precision=ms', lines.join('\n'));
      lines = [];
      bytes = 0;
    };
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      for (const [a, agent] of agents.entries()) {
        agent.next((group, timeMs, values) => {
          const names = fields[a][group];
          const line = `${heads[a][group]} ${values.map((value, i) => `${names[i]}=${value}`).join(',')} ${timeMs}`;
          samples += values.length;
          bytes += line.length;
          lines.push(line);
        });
        if (bytes >= CHUNK_BYTES) await send();
      }
      if (cycle % 240 === 0) say(`  ${cycle} of ${cycles} cycles`);
    }
    if (lines.length > 0) await send();
    await this.client.get('/internal/force_flush');
    return { samples, cpuSeconds: processCpu(this.pid).total - before };
  }

  /** Merges all it has into few large parts, and waits until it has come to rest. Answers the CPU seconds. */
  async merge() {
    const before = processCpu(this.pid).total;
    await this.client.get('/internal/force_merge');
    let last = -1;
    let still = 0;
    while (still < 6) {
      await pause(500);
      const cpu = processCpu(this.pid).total;
      still = cpu - last < 0.02 ? still + 1 : 0;
      last = cpu;
    }
    await this.client.get('/internal/force_flush');
    return last - before;
  }

  dataBytes() {
    return { data: treeBytes(join(this.dir, 'data')), index: treeBytes(join(this.dir, 'indexdb')), all: treeBytes(this.dir) };
  }

  async stop() {
    this.client.close();
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
  }
}

function treeBytes(dir) {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + (statSync(join(entry.parentPath ?? entry.path, entry.name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
