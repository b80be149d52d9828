import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Fleet, type FleetOptions } from '../../../agent/src/fleet/fleet.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { eventually } from '../../helpers/eventually.js';
import { projectRoot } from '../../helpers/project-root.js';
import { startTestApp, type TestApp } from '../../helpers/test-app.js';

const AGENTS = 50;
let app: TestApp;
let fleet: Fleet | null = null;

beforeEach(async () => {
  app = await startTestApp();
});

afterEach(async () => {
  await fleet?.stop();
  fleet = null;
  await app.stop();
});

async function start(options: Partial<FleetOptions> = {}): Promise<Fleet> {
  fleet = new Fleet({
    url: app.wsUrl,
    token: null,
    agents: AGENTS,
    intervalS: 0.3,
    series: 20,
    startsPerSecond: 1_000,
    timings: { minBackoffMs: 20, maxBackoffMs: 200 },
    version: '9.9.9',
    clock: { nowMs: () => Date.now() },
    logger: silentLogger,
    ...options,
  });
  await fleet.start();
  return fleet;
}

async function storedSamples(): Promise<number> {
  const { body } = await app.api('/api/v1/agents?limit=1000');
  return body.agents.reduce((sum: number, agent: { total_metrics: number }) => sum + agent.total_metrics, 0);
}

test('fifty agents connect, deliver, and everything they made is stored once when they stop', async () => {
  const one = await start();
  await eventually(() => Promise.resolve(one.stats().connected === AGENTS && one.stats().ackedBatches > 4 * AGENTS));
  const { p50, p99 } = one.takeLatencies() ?? { p50: 0, p99: 0 };
  expect(p50).toBeGreaterThan(0);
  expect(p99).toBeGreaterThanOrEqual(p50);
  await one.stop();
  const stats = one.stats();
  expect(stats).toMatchObject({
    connected: 0,
    waitingBatches: 0,
    droppedSamples: 0,
    rejectedSamples: 0,
    refusedBatches: 0,
    disconnects: 0,
  });
  expect(stats.ackedSamples).toBe(stats.madeSamples);
  const { body } = await app.api('/api/v1/agents/summary/stats');
  expect(body.overall.total_agents).toBe(AGENTS);
  await eventually(async () => (await storedSamples()) === stats.madeSamples);
});

test('a restart of the server costs them nothing', async () => {
  const one = await start();
  await eventually(() => Promise.resolve(one.stats().ackedBatches > AGENTS));
  await app.app.stop();
  const before = one.stats().madeSamples;
  await eventually(() => Promise.resolve(one.stats().madeSamples > before + AGENTS * 20));
  await app.start();
  await eventually(() => Promise.resolve(one.stats().connected === AGENTS));
  await eventually(() => Promise.resolve(one.stats().waitingBatches === 0));
  await one.stop();
  const stats = one.stats();
  expect(stats).toMatchObject({ waitingBatches: 0, droppedSamples: 0, rejectedSamples: 0 });
  expect(stats.disconnects).toBeGreaterThanOrEqual(AGENTS);
  await eventually(async () => (await storedSamples()) === stats.madeSamples);
});

test('the command line: runs as long as it is told, and says what happened', async () => {
  const args = ['--url', app.url, '--agents', '5', '--interval', '1', '--series', '10', '--seconds', '2', '--prefix', 'cli'];
  const child = spawn(process.execPath, [join(projectRoot, 'agent/dist/fleet/main.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(output).toMatch(/batches acked \d+ \(\+\d+\) \| \d+ samples\/s \| ack p50 .* \| waiting 0 \| errors: none\nwarnings 0, errors 0/);
  expect(code).toBe(0);
  const { body } = await app.api('/api/v1/agents?search=cli');
  expect(body.agents.map(({ id }: { id: string }) => id).sort()).toEqual(['cli-0001', 'cli-0002', 'cli-0003', 'cli-0004', 'cli-0005']);
});
