/**
 * A server with the built console, agents and a browser, each a process of its own, for what looks at the console from outside:
 * its bench and its screenshots. Everything ends with `stop`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { chromiumArguments, chromiumPath, consoleDir, whyNoBrowserTests } from './chromium.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const JSON_HEADERS = { 'Content-Type': 'application/json' };

export class ConsoleLab {
  dir = mkdtempSync(join(tmpdir(), 'ccv-console-'));
  children = [];
  browser = null;
  port = 0;

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl() {
    return `ws://127.0.0.1:${this.port}`;
  }

  async start() {
    const reason = whyNoBrowserTests();
    if (reason !== null) throw new Error(`This takes a browser and a console: ${reason}`);
    const server = this.run(['dist/main.js'], {
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_DIR: '',
      CONSOLE_DIR: consoleDir,
      DB_PATH: join(this.dir, 'lab.db'),
    });
    for await (const line of createInterface({ input: server.stdout })) {
      this.port = Number(/"message":"listening","port":(\d+)/.exec(line)?.[1] ?? 0);
      if (this.port !== 0) break;
    }
    if (this.port === 0) throw new Error('the server did not start');
    server.stdout.resume();
    this.browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumArguments });
    return this;
  }

  /** Simulated agents; resolves when all of them have delivered something. */
  async startFleet({ agents, intervalS, series, prefix = 'fleet' }) {
    const options = { url: this.wsUrl, agents, interval: intervalS, series, prefix };
    const fleet = this.run([
      'agent/dist/fleet/main.js',
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ]);
    fleet.stdout.resume();
    await this.until(async () => {
      const { agents: all } = await this.get(`/api/v1/agents?limit=1000&search=${prefix}-`);
      return all.length === Math.min(agents, 1_000) && all.every(({ total_metrics: count }) => count > 0);
    });
    return fleet;
  }

  /** The reference agent on this machine. */
  startAgent(id, more = []) {
    const agent = this.run(['agent/dist/main.js', '--url', this.wsUrl, '--id', id, '--spool', join(this.dir, id), ...more]);
    agent.stdout.resume();
    return agent;
  }

  async get(path) {
    const response = await fetch(`${this.url}${path}`);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async post(path, body) {
    const response = await fetch(`${this.url}${path}`, { method: 'POST', body: JSON.stringify(body), headers: JSON_HEADERS });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async put(path, body) {
    const response = await fetch(`${this.url}${path}`, { method: 'PUT', body: JSON.stringify(body), headers: JSON_HEADERS });
    if (!response.ok) throw new Error(`PUT ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async until(check) {
    for (const deadline = Date.now() + 60_000; !(await check()); await sleep(100)) {
      if (Date.now() > deadline) throw new Error('it did not happen within a minute');
    }
  }

  async stop() {
    await this.browser?.close();
    await Promise.all(this.children.toReversed().map(end));
    rmSync(this.dir, { recursive: true, force: true });
  }

  run(args, env = {}) {
    const { PATH, HOME } = process.env;
    const [script, ...rest] = args;
    const child = spawn(process.execPath, [join(ROOT, script), ...rest], {
      cwd: this.dir,
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.children.push(child);
    return child;
  }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 12_000);
  await gone;
  clearTimeout(force);
}
