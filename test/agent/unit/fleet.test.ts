import { describe, expect, test } from '@jest/globals';
import { parseFleetOptions } from '../../../agent/src/fleet/fleet-options.js';
import { Latencies } from '../../../agent/src/fleet/latencies.js';
import { errorsOf } from '../../../agent/src/fleet/summary.js';
import { SyntheticCollector } from '../../../agent/src/fleet/synthetic-collector.js';
import { TallyLogger } from '../../../agent/src/fleet/tally-logger.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { SeededRandom } from '../../helpers/seeded-random.js';

const NOW_MS = Date.UTC(2026, 10, 22);

describe('SyntheticCollector', () => {
  const collector = (series: number): SyntheticCollector => {
    const random = new SeededRandom(7);
    return new SyntheticCollector(series, () => random.next());
  };

  test('makes up the series of a Go agent: five interfaces, eight ping targets', async () => {
    const metrics = await collector(100).collect(NOW_MS);
    const names = new Map<string, number>();
    for (const { name } of metrics) names.set(name, (names.get(name) ?? 0) + 1);
    const expected = new Map<string, number>();
    for (const way of ['rx', 'tx']) {
      for (const kind of ['bytes', 'packets', 'errors', 'drops']) expected.set(`network_interface_${way}_${kind}_per_sec`, 5);
      for (const kind of ['bytes', 'packets']) expected.set(`network_interface_${way}_${kind}_total`, 5);
    }
    for (const name of ['ping_success', 'ping_rtt_avg_ms', 'ping_rtt_min_ms', 'ping_rtt_max_ms', 'ping_packet_loss_percent'])
      expected.set(name, 8);
    expect(names).toEqual(expected);
    expect(metrics.every(({ timestampMs }) => timestampMs === NOW_MS)).toBe(true);
  });

  test.each([1, 2, 99, 1_000])('%d series are so many, all different', async (count) => {
    const metrics = await collector(count).collect(NOW_MS);
    expect(new Set(metrics.map(({ name, tags }) => `${name} ${JSON.stringify(tags)}`)).size).toBe(count);
  });

  test('counters grow by what their rates say', async () => {
    const synthetic = collector(100);
    const [before, after] = [await synthetic.collect(NOW_MS), await synthetic.collect(NOW_MS + 5_000)];
    const valueOf = (metrics: typeof before, name: string): number =>
      metrics.find((metric) => metric.name === name && metric.tags.interface === 'eth0')!.value;
    const growth = valueOf(after, 'network_interface_rx_bytes_total') - valueOf(before, 'network_interface_rx_bytes_total');
    expect(growth).toBeGreaterThan(0);
    expect(valueOf(after, 'network_interface_rx_bytes_per_sec')).toBeCloseTo(growth / 5, 6);
  });
});

test('latencies are told by nearest rank, of those since the last time', () => {
  const latencies = new Latencies(200);
  expect(latencies.take()).toBeNull();
  for (let i = 100; i >= 1; i--) latencies.add(i);
  expect(latencies.take()).toEqual({ p50: 50, p99: 99 });
  latencies.add(7);
  expect(latencies.take()).toEqual({ p50: 7, p99: 7 });
  for (let i = 0; i < 1_000; i++) latencies.add(i);
  // The last two hundred of them.
  expect(latencies.take()).toEqual({ p50: 899, p99: 997 });
});

test('trouble is told once per kind, and counted', () => {
  const logger = new MemoryLogger();
  const tally = new TallyLogger(logger);
  for (let i = 0; i < 5; i++) tally.warn('not connected', { reason: 'ECONNREFUSED', waitMs: i });
  tally.warn('not connected', { reason: 'HTTP 401' });
  tally.error('refused');
  tally.info();
  expect(logger.entries.map(({ message, meta }) => [message, meta.reason])).toEqual([
    ['not connected', 'ECONNREFUSED'],
    ['not connected', 'HTTP 401'],
    ['refused', undefined],
  ]);
  expect(tally.counts).toEqual({ warnings: 6, errors: 1 });
});

test('what went wrong is named', () => {
  const fine = {
    agents: 1,
    connected: 1,
    madeSamples: 9,
    ackedBatches: 1,
    ackedSamples: 9,
    waitingBatches: 0,
    resentBatches: 0,
    duplicates: 0,
    refusedBatches: 0,
    rejectedSamples: 0,
    droppedSamples: 0,
    disconnects: 0,
  };
  expect(errorsOf(fine)).toBe('none');
  expect(errorsOf({ ...fine, disconnects: 2, droppedSamples: 3 })).toBe('disconnects 2, dropped samples 3');
});

describe('parseFleetOptions', () => {
  const parse = (line: string, env = {}): ReturnType<typeof parseFleetOptions> => parseFleetOptions(line.split(' ').filter(Boolean), env);

  test('defaults, and everything', () => {
    expect(parse('')).toEqual({
      isHelp: false,
      url: 'ws://127.0.0.1:8080',
      agents: 100,
      intervalS: 30,
      series: 100,
      seconds: null,
      prefix: 'fleet',
      token: null,
    });
    expect(parse('--url http://h --agents 1000 --interval 5 --series 20 --seconds 60 --prefix x', { CCV_AGENT_TOKEN: 't' })).toEqual({
      isHelp: false,
      url: 'http://h',
      agents: 1_000,
      intervalS: 5,
      series: 20,
      seconds: 60,
      prefix: 'x',
      token: 't',
    });
  });

  test.each(['--agents 0', '--agents x', '--interval 0', '--seconds -1', '--url nonsense', '--prefix a/b', '--nonsense', 'extra'])(
    '%s is refused',
    (line) => {
      expect(() => parse(line)).toThrow();
    },
  );
});
