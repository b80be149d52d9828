import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { NicCounter, NicCounters } from '../../../../agent/src/collect/host.js';
import { NicCollector } from '../../../../agent/src/collect/nic-collector.js';
import { projectRoot } from '../../../helpers/project-root.js';

const RATES: readonly NicCounter[] = ['rx_bytes', 'tx_bytes', 'rx_packets', 'tx_packets', 'rx_errors', 'tx_errors', 'rx_drops', 'tx_drops'];
const NOW_MS = 1_795_400_000_000;

let nics: NicCounters[];
let monotonicMs: number;

beforeEach(() => {
  monotonicMs = 5_000;
  nics = [nic('eth0', 1_000)];
});

/** An interface whose counters are `base`, `base` + 1 and so on, in the order of RATES. */
function nic(name: string, base: number): NicCounters {
  return { name, counters: Object.fromEntries(RATES.map((key, at) => [key, base + at])) };
}

function collector(interfaces: readonly string[] = []): NicCollector {
  return new NicCollector({ host: { nics: async () => nics }, interfaces, monotonicMs: () => monotonicMs });
}

async function values(of: NicCollector): Promise<Record<string, number>> {
  const metrics = await of.collect(NOW_MS);
  return Object.fromEntries(metrics.map(({ name, tags, value }) => [`${tags.interface ?? ''} ${name}`, value]));
}

async function reported(of: NicCollector): Promise<string[]> {
  return [...new Set((await of.collect(NOW_MS)).map(({ tags }) => tags.interface ?? ''))];
}

test('names, types, units, tags and their order are those of the Go agents', async () => {
  const frame = JSON.parse(readFileSync(join(projectRoot, 'test/fixtures/go-agent/basic-003-metrics.json'), 'utf8')) as {
    data: { metrics: { name: string; type: string; unit: string; tags: object }[] };
  };
  const expected = frame.data.metrics
    .filter(({ name }) => name.startsWith('network_'))
    .map(({ name, type, unit, tags }) => ({ name, type, unit, tags }));
  const nicCollector = collector();
  await nicCollector.collect(NOW_MS);
  monotonicMs += 1_000;
  const metrics = await nicCollector.collect(NOW_MS + 1_000);

  expect(expected).toHaveLength(12);
  expect(metrics.map(({ name, type, unit, tags }) => ({ name, type, unit, tags }))).toEqual(expected);
  expect(new Set(metrics.map(({ timestampMs }) => timestampMs))).toEqual(new Set([NOW_MS + 1_000]));
});

describe('rates', () => {
  test('there are none at first, and then those since the collection before, by the monotonic clock', async () => {
    const nicCollector = collector();
    expect(Object.keys(await values(nicCollector)).every((name) => name.endsWith('_total'))).toBe(true);

    monotonicMs += 2_500;
    nics = [nic('eth0', 2_000)];
    expect(await values(nicCollector)).toMatchObject({
      'eth0 network_interface_rx_bytes_per_sec': 400,
      'eth0 network_interface_tx_drops_per_sec': 400,
      'eth0 network_interface_rx_bytes_total': 2_000,
      'eth0 network_interface_tx_packets_total': 2_003,
    });

    monotonicMs += 1_000;
    expect(await values(nicCollector)).toMatchObject({ 'eth0 network_interface_rx_bytes_per_sec': 0 });
  });

  test('a counter that fell has none, the others of the interface do', async () => {
    const nicCollector = collector();
    await nicCollector.collect(NOW_MS);
    monotonicMs += 1_000;
    nics = [{ name: 'eth0', counters: { ...nic('eth0', 1_010).counters, rx_bytes: 3 } }];
    const seen = await values(nicCollector);
    expect(seen).not.toHaveProperty('eth0 network_interface_rx_bytes_per_sec');
    expect(seen).toMatchObject({ 'eth0 network_interface_tx_bytes_per_sec': 10, 'eth0 network_interface_rx_bytes_total': 3 });

    monotonicMs += 1_000;
    nics = [nic('eth0', 2_000)];
    expect(await values(nicCollector)).toMatchObject({ 'eth0 network_interface_rx_bytes_per_sec': 1_997 });
  });

  test('an interface that was away begins anew', async () => {
    const nicCollector = collector();
    for (const step of [[nic('eth0', 1_000)], [], [nic('eth0', 9_000)]]) {
      nics = step;
      monotonicMs += 1_000;
      const seen = await values(nicCollector);
      expect(Object.keys(seen).filter((name) => name.endsWith('_per_sec'))).toEqual([]);
    }
  });

  test('no time has passed: none', async () => {
    const nicCollector = collector();
    await nicCollector.collect(NOW_MS);
    expect(await nicCollector.collect(NOW_MS)).toHaveLength(4);
  });

  test('what a system does not count is not made up', async () => {
    nics = [{ name: 'en0', counters: { rx_bytes: 10, tx_bytes: 20 } }];
    const nicCollector = collector();
    await nicCollector.collect(NOW_MS);
    monotonicMs += 1_000;
    expect(Object.keys(await values(nicCollector))).toEqual([
      'en0 network_interface_rx_bytes_per_sec',
      'en0 network_interface_tx_bytes_per_sec',
      'en0 network_interface_rx_bytes_total',
      'en0 network_interface_tx_bytes_total',
    ]);
  });
});

describe('which interfaces', () => {
  const idle: NicCounters = { name: 'ifb0', counters: { rx_bytes: 0, tx_bytes: 0 } };
  beforeEach(() => {
    nics = [nic('lo', 1), nic('lo0', 1), nic('Loopback Pseudo-Interface 1', 1), nic('eth0', 1), nic('eth1', 1), nic('lorawan', 1), idle];
  });

  test('without a filter: all that ever carried a packet, but loopback', async () => {
    expect(await reported(collector())).toEqual(['eth0', 'eth1', 'lorawan']);
  });

  test('with one: those that are named, loopback and idle ones too', async () => {
    expect(await reported(collector(['eth1', 'lo', 'ifb*', 'none']))).toEqual(['lo', 'eth1', 'ifb0']);
    expect(await reported(collector(['*']))).toHaveLength(7);
  });
});
