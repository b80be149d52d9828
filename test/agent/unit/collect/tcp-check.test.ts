import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tcpCheck } from '../../../../agent/src/collect/tcp-check.js';
import { tcpPing } from '../../../../agent/src/collect/tcp-ping.js';
import type { CheckTarget } from '../../../../agent/src/model.js';

const never = new AbortController().signal;
let server: Server;
let openPort: number;
let connections = 0;
let closedPort: number;

beforeAll(async () => {
  server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.resume();
  });
  openPort = await listen(server);
  const other = createServer();
  closedPort = await listen(other);
  await new Promise((resolve) => other.close(resolve));
});
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

function listen(on: Server): Promise<number> {
  return new Promise((resolve) => on.listen(0, '127.0.0.1', () => resolve((on.address() as AddressInfo).port)));
}

function target(address: string, port: number | null): CheckTarget {
  return { type: 'tcp', address, port, timeoutMs: 2_000 };
}

describe('tcpCheck', () => {
  test('an open port', async () => {
    const tags = { target: `127.0.0.1:${openPort}` };
    expect(await tcpCheck(target('127.0.0.1', openPort), never)).toEqual([
      { name: 'tcp_success', type: 'gauge', value: 1, unit: 'boolean', tags },
      { name: 'tcp_connect_time_ms', type: 'gauge', value: expect.any(Number), unit: 'ms', tags },
    ]);
  });

  test.each([
    ['a closed port', '127.0.0.1', () => closedPort],
    ['no port', '127.0.0.1', () => null],
    ['no such host', 'nobody.invalid', () => 80],
    ['what is no host', '-x', () => 80],
  ])('%s', async (_, address, portOf) => {
    const port = portOf();
    const shown = port === null ? address : `${address}:${port}`;
    expect(await tcpCheck(target(address, port), never)).toEqual([
      { name: 'tcp_success', type: 'gauge', value: 0, unit: 'boolean', tags: { target: shown } },
    ]);
  });

  test('an IPv6 address is shown in brackets', async () => {
    const [reading] = await tcpCheck(target('::1', closedPort), never);
    expect(reading?.tags).toEqual({ target: `[::1]:${closedPort}` });
  });

  test('ended from outside, it says so', async () => {
    await expect(tcpCheck(target('127.0.0.1', openPort), AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

describe('tcpPing', () => {
  test('three connections to the first port that answers', async () => {
    const before = connections;
    const result = await tcpPing('localhost', 2_000, never, [openPort, closedPort]);
    expect(result).toEqual({
      targetIp: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
      lossPercent: 0,
      rttMs: { min: expect.any(Number), avg: expect.any(Number), max: expect.any(Number) },
    });
    const { min = 0, avg = 0, max = 0 } = result?.rttMs ?? {};
    expect(min).toBeGreaterThan(0);
    expect(avg).toBeGreaterThanOrEqual(min);
    expect(max).toBeGreaterThanOrEqual(avg);
    // The server hears of them a moment later; of no further ones.
    expect(connections - before).toBeLessThanOrEqual(3);
  });

  test('a refused connection shows that the host is there', async () => {
    expect(await tcpPing('127.0.0.1', 2_000, never, [closedPort])).toMatchObject({ targetIp: '127.0.0.1', lossPercent: 0 });
  });

  test('an unknown host, or one where no port answers', async () => {
    expect(await tcpPing('nobody.invalid', 2_000, never)).toBeNull();
    expect(await tcpPing('127.0.0.1', 2_000, never, [])).toBeNull();
  });

  test('a port that cannot be reached at all is followed by the next', async () => {
    // Nobody may connect to the broadcast address over TCP: an error, and no answer.
    expect(await tcpPing('255.255.255.255', 200, never, [80, 443])).toBeNull();
  });

  test('ended from outside, it says so', async () => {
    await expect(tcpPing('127.0.0.1', 2_000, AbortSignal.abort(new Error('enough')), [openPort])).rejects.toThrow('enough');
  });
});
