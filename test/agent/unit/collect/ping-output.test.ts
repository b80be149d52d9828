import { describe, expect, test } from '@jest/globals';
import { parsePing } from '../../../../agent/src/collect/ping-output.js';

const LINUX = `PING example.org (192.0.2.7) 56(84) bytes of data.
64 bytes from 192.0.2.7: icmp_seq=1 ttl=118 time=1.23 ms
64 bytes from 192.0.2.7: icmp_seq=2 ttl=118 time=1.10 ms
64 bytes from 192.0.2.7: icmp_seq=3 ttl=118 time=1.26 ms

--- example.org ping statistics ---
3 packets transmitted, 3 received, 0% packet loss, time 2003ms
rtt min/avg/max/mdev = 1.101/1.180/1.260/0.065 ms
`;
const LINUX_IPV6 = `PING localhost(::1) 56 data bytes
64 bytes from ::1: icmp_seq=1 ttl=64 time=0.028 ms

--- localhost ping statistics ---
3 packets transmitted, 3 received, 0% packet loss, time 2040ms
rtt min/avg/max/mdev = 0.028/0.039/0.056/0.011 ms
`;
const LINUX_PART_LOST = `PING 192.0.2.7 (192.0.2.7) 56(84) bytes of data.
64 bytes from 192.0.2.7: icmp_seq=1 ttl=50 time=80.1 ms
64 bytes from 192.0.2.7: icmp_seq=3 ttl=50 time=90.3 ms

--- 192.0.2.7 ping statistics ---
3 packets transmitted, 2 received, 33.3333% packet loss, time 2014ms
rtt min/avg/max/mdev = 80.100/85.200/90.300/5.100 ms
`;
const LINUX_LOST = `PING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.
From 192.0.2.9 icmp_seq=1 Destination Host Unreachable

--- 192.0.2.1 ping statistics ---
3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 2054ms
pipe 3
`;
const LINUX_DUPLICATES = `PING 192.0.2.255 (192.0.2.255) 56(84) bytes of data.

--- 192.0.2.255 ping statistics ---
3 packets transmitted, 3 received, +6 duplicates, 0% packet loss, time 2003ms
rtt min/avg/max/mdev = 0.301/0.402/0.503/0.060 ms
`;
const MACOS = `PING example.org (192.0.2.7): 56 data bytes
64 bytes from 192.0.2.7: icmp_seq=0 ttl=57 time=12.345 ms

--- example.org ping statistics ---
3 packets transmitted, 3 packets received, 0.0% packet loss
round-trip min/avg/max/stddev = 11.043/12.062/13.088/0.819 ms
`;
const FREEBSD_PING6 = `PING6(56=40+8+8 bytes) 2001:db8::9 --> 2001:db8::7
16 bytes from 2001:db8::7, icmp_seq=0 hlim=57 time=4.100 ms

--- example.org ping6 statistics ---
3 packets transmitted, 3 packets received, 0.0% packet loss
round-trip min/avg/max/std-dev = 4.100/4.200/4.300/0.082 ms
`;
const MACOS_LOST = `PING 192.0.2.1 (192.0.2.1): 56 data bytes
Request timeout for icmp_seq 0

--- 192.0.2.1 ping statistics ---
3 packets transmitted, 0 packets received, 100.0% packet loss
`;
const BUSYBOX = `PING 192.0.2.7 (192.0.2.7): 56 data bytes
64 bytes from 192.0.2.7: seq=0 ttl=42 time=7.310 ms

--- 192.0.2.7 ping statistics ---
3 packets transmitted, 3 packets received, 0% packet loss
round-trip min/avg/max = 7.310/8.005/9.123 ms
`;
const BUSYBOX_LOST = `PING 192.0.2.1 (192.0.2.1): 56 data bytes

--- 192.0.2.1 ping statistics ---
3 packets transmitted, 0 packets received, 100% packet loss
`;

describe('parsePing', () => {
  test.each([
    ['Linux', LINUX, '192.0.2.7', 1.101, 1.18, 1.26],
    ['Linux, IPv6', LINUX_IPV6, '::1', 0.028, 0.039, 0.056],
    ['Linux, answers to a broadcast', LINUX_DUPLICATES, '192.0.2.255', 0.301, 0.402, 0.503],
    ['macOS', MACOS, '192.0.2.7', 11.043, 12.062, 13.088],
    ['FreeBSD, IPv6', FREEBSD_PING6, '2001:db8::7', 4.1, 4.2, 4.3],
    ['busybox', BUSYBOX, '192.0.2.7', 7.31, 8.005, 9.123],
  ])('%s', (_, output, targetIp, min, avg, max) => {
    expect(parsePing(output)).toEqual({ targetIp, lossPercent: 0, rttMs: { min, avg, max } });
  });

  test.each([
    ['Linux', LINUX_LOST],
    ['macOS', MACOS_LOST],
    ['busybox', BUSYBOX_LOST],
  ])('%s, all lost', (_, output) => {
    expect(parsePing(output)).toEqual({ targetIp: '192.0.2.1', lossPercent: 100, rttMs: null });
  });

  test('loss is counted, not taken from the rounded figure', () => {
    const result = parsePing(LINUX_PART_LOST);
    expect(result?.lossPercent).toBeCloseTo(100 / 3, 10);
    expect(result?.rttMs).toEqual({ min: 80.1, avg: 85.2, max: 90.3 });
    expect(parsePing(LINUX_PART_LOST.replace('33.3333%', '33%'))?.lossPercent).toBeCloseTo(100 / 3, 10);
  });

  test('more answers than questions are no negative loss', () => {
    expect(parsePing('3 packets transmitted, 4 received')).toEqual({ targetIp: null, lossPercent: 0, rttMs: null });
  });

  test.each([
    ['nothing', ''],
    ['an unknown host', 'ping: example.invalid: Name or service not known\n'],
    ['nothing was sent', 'PING 192.0.2.1 (192.0.2.1)\n0 packets transmitted, 0 received\n'],
  ])('%s: no statistics', (_, output) => {
    expect(parsePing(output)).toBeNull();
  });
});
