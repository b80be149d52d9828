import { afterEach, expect, test } from '@jest/globals';
import { CheckCollector } from '../../../../agent/src/collect/check-collector.js';
import { checksFor, collectorsFor } from '../../../../agent/src/collect/collectors.js';
import { withDeadline } from '../../../../agent/src/collect/deadline.js';
import { flag } from '../../../../agent/src/collect/metric.js';
import { matchesAny } from '../../../../agent/src/collect/patterns.js';
import { Slots } from '../../../../agent/src/collect/slots.js';
import type { AgentConfig, CheckTarget, Collector, Metric } from '../../../../agent/src/model.js';
import { MemoryLogger } from '../../../helpers/memory-logger.js';

const NOW_MS = 1_795_400_000_000;
const never = new AbortController().signal;
const logger = new MemoryLogger();
afterEach(() => {
  logger.entries.length = 0;
});

const CONFIG: AgentConfig = {
  collectionIntervalS: 30,
  transmissionIntervalS: 30,
  batchSize: 100,
  retryAttempts: 3,
  retryDelayMs: 1_000,
  targets: [],
  interfaces: [],
  metrics: [],
};

function target(type: CheckTarget['type'], address: string, port: number | null = null): CheckTarget {
  return { type, address, port, timeoutMs: 1_000 };
}

function collectors(config: Partial<AgentConfig>): Collector[] {
  return collectorsFor({ ...CONFIG, ...config }, { pingProgram: '/nonexistent/ping', slots: new Slots(8), logger });
}

async function collected(all: readonly Collector[]): Promise<Metric[]> {
  return (await Promise.all(all.map((collector) => collector.collect(NOW_MS, never)))).flat();
}

test('this machine, and one collector for each kind of target there is', () => {
  expect(collectors({}).map(({ name }) => name)).toEqual(['nic', 'system']);
  const targets = [target('tcp', 'a', 1), target('ping', 'a'), target('tcp', 'b', 2), target('http', 'http://a'), target('dns', 'a')];
  expect(collectors({ targets }).map(({ name }) => name)).toEqual(['nic', 'system', 'tcp', 'ping', 'http', 'dns']);
  expect(checksFor(targets, { slots: new Slots(8), logger }).map(({ name }) => name)).toEqual(['tcp', 'ping', 'http', 'dns']);
});

test('everything that is measured has the time of the collection; without a ping program it is TCP', async () => {
  const all = collectors({
    targets: [target('ping', '127.0.0.1'), target('tcp', '127.0.0.1', 1), target('http', 'x'), target('dns', '-')],
  });
  const metrics = await collected(all);
  expect(metrics.every(({ timestampMs }) => timestampMs === NOW_MS)).toBe(true);
  const names = new Set(metrics.map(({ name }) => name));
  for (const name of ['system_memory_percent', 'agent_rss_bytes', 'ping_success', 'tcp_success', 'http_success', 'dns_success']) {
    expect(names).toContain(name);
  }
  expect(metrics.find(({ name }) => name === 'ping_success')?.tags).toEqual({ target: '127.0.0.1', target_ip: '127.0.0.1', method: 'tcp' });
});

test('the filter of metrics: names, and beginnings with a star', async () => {
  const metrics = await collected(collectors({ metrics: ['system_load_*', 'agent_rss_bytes', 'agent'] }));
  expect(metrics.map(({ name }) => name)).toEqual(['system_load_1m', 'system_load_5m', 'system_load_15m', 'agent_rss_bytes']);
  expect(matchesAny('agent_rss_bytes', ['agent'])).toBe(false);
  expect(matchesAny('anything', ['*'])).toBe(true);
  expect(matchesAny('anything', [])).toBe(false);
});

test('checks run at once, but no more than there are slots for', async () => {
  let running = 0;
  let most = 0;
  const release: (() => void)[] = [];
  const collector = new CheckCollector({
    name: 'tcp',
    targets: Array.from({ length: 20 }, (_, at) => target('tcp', `host${at}`)),
    slots: new Slots(8),
    logger,
    check: async ({ address }) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => release.push(resolve));
      running -= 1;
      return [flag('tcp_success', true, { target: address })];
    },
  });
  const collecting = collector.collect(NOW_MS, never);
  expect(running).toBe(8);
  for (let finished = 0; finished < 20; finished += 1) {
    release.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await collecting).map(({ tags }) => tags.target)).toEqual(Array.from({ length: 20 }, (_, at) => `host${at}`));
  expect(most).toBe(8);
});

test('a check that breaks costs its own readings and is an error in the log', async () => {
  const collector = new CheckCollector({
    name: 'tcp',
    targets: [target('tcp', 'good'), target('tcp', 'bad')],
    slots: new Slots(1),
    logger,
    check: async ({ address }) => {
      if (address === 'bad') throw new Error('a bug');
      return [flag('tcp_success', true, { target: address })];
    },
  });
  expect(await collector.collect(NOW_MS, never)).toHaveLength(1);
  expect(logger.of('error')).toEqual([expect.objectContaining({ meta: expect.objectContaining({ check: 'tcp', target: 'bad' }) })]);
});

test('an end from outside ends all of them, those that wait too', async () => {
  const controller = new AbortController();
  let started = 0;
  const collector = new CheckCollector({
    name: 'tcp',
    targets: [target('tcp', 'a'), target('tcp', 'b')],
    slots: new Slots(1),
    logger,
    check: (_, signal) => {
      started += 1;
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    },
  });
  const collecting = collector.collect(NOW_MS, controller.signal);
  controller.abort(new Error('enough'));
  await expect(collecting).rejects.toThrow('enough');
  await new Promise((resolve) => setImmediate(resolve));
  expect(started).toBe(1);
});

test('a deadline: what comes in time, what does not, and what ends before', async () => {
  expect(await withDeadline(1_000, never, async () => 7)).toBe(7);
  await expect(withDeadline(5, never, () => new Promise(() => undefined))).rejects.toMatchObject({ name: 'TimeoutError', timeoutMs: 5 });
  await expect(withDeadline(1_000, AbortSignal.abort(new Error('before')), async () => 7)).rejects.toThrow('before');
});
