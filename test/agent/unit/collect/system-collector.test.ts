import { beforeEach, expect, test } from '@jest/globals';
import type { Host } from '../../../../agent/src/collect/host.js';
import { type OwnUsage, SystemCollector } from '../../../../agent/src/collect/system-collector.js';
import { MemoryLogger } from '../../../helpers/memory-logger.js';

const NOW_MS = 1_795_400_000_000;
let host: Host;
let cpu: { busy: number; total: number };
let own: OwnUsage;
let monotonicMs: number;
let logger: MemoryLogger;
let collector: SystemCollector;

beforeEach(() => {
  cpu = { busy: 1_000, total: 10_000 };
  own = { cpuUs: 500_000, rssBytes: 60_000_000 };
  monotonicMs = 1_000;
  logger = new MemoryLogger();
  host = {
    nics: async () => [],
    cpuTimes: () => cpu,
    memory: async () => ({ totalBytes: 8_000, availableBytes: 6_000 }),
    disks: async () => [
      { mount: '/', usedBytes: 60, availableBytes: 30 },
      { mount: '/data', usedBytes: 0, availableBytes: 0 },
    ],
    load: () => [0.5, 0.25, 0.125],
    uptimeS: () => 15_458.89,
  };
  collector = new SystemCollector({ host, ownUsage: () => own, monotonicMs: () => monotonicMs, logger });
});

async function lines(): Promise<string[]> {
  const metrics = await collector.collect(NOW_MS);
  expect(metrics.every(({ type, timestampMs }) => type === 'gauge' && timestampMs === NOW_MS)).toBe(true);
  return metrics.map(({ name, value, unit, tags }) =>
    [name, value, unit, ...Object.entries(tags).map((tag) => tag.join('='))].join(' ').replace(/ +/g, ' '),
  );
}

const ALWAYS = [
  'system_memory_percent 25 percent',
  'system_memory_used_bytes 2000 bytes',
  `system_disk_percent ${(60 / 90) * 100} percent`,
  `system_disk_percent ${(60 / 90) * 100} percent mount=/`,
  'system_disk_percent 0 percent mount=/data',
  'system_load_1m 0.5 ',
  'system_load_5m 0.25 ',
  'system_load_15m 0.125 ',
  'system_uptime_seconds 15458.89 seconds',
  'agent_rss_bytes 60000000 bytes',
];

test('shares of processor time are those since the collection before; there are none at first', async () => {
  expect(await lines()).toEqual(ALWAYS);

  cpu = { busy: 1_300, total: 11_000 };
  own = { cpuUs: 520_000, rssBytes: 60_000_000 };
  monotonicMs += 10_000;
  expect(await lines()).toEqual(['system_cpu_percent 30 percent', ...ALWAYS, 'agent_cpu_percent 0.2 percent']);
});

test('figures that are corrected downwards stay within 0 and 100, and without a step there is no share', async () => {
  await lines();
  for (const [next, percent] of [
    [{ busy: 990, total: 10_010 }, 0],
    [{ busy: 1_100, total: 10_050 }, 100],
  ] as const) {
    cpu = next;
    expect((await lines())[0]).toBe(`system_cpu_percent ${percent} percent`);
  }
  expect(await lines()).toEqual(ALWAYS);
});

test('what the system does not tell does not cost the rest', async () => {
  host.memory = () => Promise.reject(new Error('no meminfo'));
  host.load = () => null;
  host.disks = async () => [{ mount: 'C:', usedBytes: 1, availableBytes: 1 }];
  expect(await lines()).toEqual([
    'system_disk_percent 50 percent mount=C:',
    'system_uptime_seconds 15458.89 seconds',
    'agent_rss_bytes 60000000 bytes',
  ]);
  expect(logger.of('debug')[0]?.meta).toEqual({ problems: ['Error: no meminfo'] });
});

test('a system that tells nothing at all is an error', async () => {
  const fail = (): never => {
    throw new Error('no such file');
  };
  Object.assign(host, { cpuTimes: fail, memory: async () => fail(), disks: async () => fail(), load: fail, uptimeS: fail });
  await expect(collector.collect(NOW_MS)).rejects.toThrow('the system tells nothing');
});

test('the agent itself is measured when nobody says otherwise', async () => {
  const real = new SystemCollector({ host, monotonicMs: () => performance.now(), logger });
  await real.collect(NOW_MS);
  const metrics = await real.collect(NOW_MS);
  expect(metrics.find(({ name }) => name === 'agent_rss_bytes')?.value).toBeGreaterThan(10_000_000);
  expect(metrics.find(({ name }) => name === 'agent_cpu_percent')?.value).toBeGreaterThanOrEqual(0);
});
