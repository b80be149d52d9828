import { expect, test } from '@jest/globals';
import { PingCheck } from '../../../../agent/src/collect/ping-check.js';
import type { PingResult } from '../../../../agent/src/collect/ping-output.js';
import type { Impossible } from '../../../../agent/src/collect/ping-program.js';
import type { CheckTarget } from '../../../../agent/src/model.js';
import { MemoryLogger } from '../../../helpers/memory-logger.js';

const GOOD: PingResult = { targetIp: '192.0.2.7', lossPercent: 100 / 3, rttMs: { min: 1.00049, avg: 2, max: 3 } };
const IMPOSSIBLE: Impossible = { impossible: 'not permitted' };
const never = new AbortController().signal;
const logger = new MemoryLogger();

function target(address: string): CheckTarget {
  return { type: 'ping', address, port: null, timeoutMs: 1_000 };
}

function check(icmp: PingResult | Impossible | null, tcp: PingResult | null = null): { check: PingCheck; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    check: new PingCheck({
      icmp: {
        ping: async (address) => {
          asked.push(`icmp ${address}`);
          return icmp;
        },
      },
      tcp: async (address) => {
        asked.push(`tcp ${address}`);
        return tcp;
      },
      logger,
    }),
  };
}

test('a good ping: success, times to the microsecond, loss', async () => {
  const tags = { target: 'example.org', target_ip: '192.0.2.7' };
  expect(await check(GOOD).check.run(target('example.org'), never)).toEqual([
    { name: 'ping_success', type: 'gauge', value: 1, unit: 'boolean', tags },
    { name: 'ping_rtt_avg_ms', type: 'gauge', value: 2, unit: 'ms', tags },
    { name: 'ping_rtt_min_ms', type: 'gauge', value: 1, unit: 'ms', tags },
    { name: 'ping_rtt_max_ms', type: 'gauge', value: 3, unit: 'ms', tags },
    { name: 'ping_packet_loss_percent', type: 'gauge', value: 100 / 3, unit: 'percent', tags },
  ]);
});

test.each([
  ['no statistics', null],
  ['all lost', { targetIp: '192.0.2.7', lossPercent: 100, rttMs: null }],
])('a failed one (%s) says only that, with the target alone', async (_, result) => {
  expect(await check(result).check.run(target('192.0.2.7'), never)).toEqual([
    { name: 'ping_success', type: 'gauge', value: 0, unit: 'boolean', tags: { target: '192.0.2.7' } },
  ]);
});

test('a program that says neither address nor times', async () => {
  const readings = await check({ targetIp: null, lossPercent: 0, rttMs: null }).check.run(target('a'), never);
  expect(readings.map(({ name, tags }) => [name, tags])).toEqual([
    ['ping_success', { target: 'a' }],
    ['ping_packet_loss_percent', { target: 'a' }],
  ]);
});

test.each(['-f', '-c 9', 'a b', '', '$(id)'])('what is no host (%s) reaches no program', async (address) => {
  const { check: pingCheck, asked } = check(GOOD, GOOD);
  expect(await pingCheck.run(target(address), never)).toEqual([expect.objectContaining({ name: 'ping_success', value: 0 })]);
  expect(asked).toEqual([]);
});

test('without ICMP it is TCP from then on, tagged and said once', async () => {
  logger.entries.length = 0;
  const { check: pingCheck, asked } = check(IMPOSSIBLE, GOOD);
  const both = await Promise.all([pingCheck.run(target('a'), never), pingCheck.run(target('b'), never)]);
  expect(both[0]?.every(({ tags }) => tags.method === 'tcp' && tags.target_ip === '192.0.2.7')).toBe(true);
  await pingCheck.run(target('c'), never);
  expect(asked.toSorted()).toEqual(['icmp a', 'icmp b', 'tcp a', 'tcp b', 'tcp c']);
  expect(logger.of('warn')).toEqual([expect.objectContaining({ meta: { reason: 'not permitted' } })]);
});

test('a failed ping by TCP', async () => {
  expect(await check(IMPOSSIBLE, null).check.run(target('a'), never)).toEqual([
    expect.objectContaining({ name: 'ping_success', value: 0, tags: { target: 'a', method: 'tcp' } }),
  ]);
});
