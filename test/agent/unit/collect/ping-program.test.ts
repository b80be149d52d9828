import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PingProgram } from '../../../../agent/src/collect/ping-program.js';

/** The program is a shell script that writes down how it was called. */
let dir: string;
let program: string;
let calls: string;
const never = new AbortController().signal;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ccv-ping-'));
  program = join(dir, 'ping');
  calls = join(dir, 'calls');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function script(path: string, ...lines: string[]): void {
  writeFileSync(path, ['#!/bin/sh', `echo "$0 $*" > '${calls}'`, ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
}

function ping(
  address = '192.0.2.7',
  options: { platform?: NodeJS.Platform; timeoutMs?: number; signal?: AbortSignal; file?: string } = {},
) {
  const { platform = 'linux', timeoutMs = 2_500, signal = never, file = program } = options;
  return new PingProgram({ program: file, platform }).ping(address, timeoutMs, signal);
}

const calledWith = (): string => readFileSync(calls, 'utf8').trim();

describe('how the program is called', () => {
  test('three packets, no names, and as long a wait in whole seconds as is asked for', async () => {
    script(
      program,
      'echo "PING 192.0.2.7 (192.0.2.7)"',
      'echo "3 packets transmitted, 3 received"',
      'echo "rtt min/avg/max/mdev = 1/2/3/4 ms"',
    );
    expect(await ping()).toEqual({ targetIp: '192.0.2.7', lossPercent: 0, rttMs: { min: 1, avg: 2, max: 3 } });
    expect(calledWith()).toBe(`${program} -n -c 3 -W 3 192.0.2.7`);
    await ping('192.0.2.7', { timeoutMs: 10 });
    expect(calledWith()).toBe(`${program} -n -c 3 -W 1 192.0.2.7`);
  });

  test('on a BSD the wait is in milliseconds, and IPv6 has its own program', async () => {
    script(program);
    script(`${program}6`);
    await ping('192.0.2.7', { platform: 'darwin' });
    expect(calledWith()).toBe(`${program} -n -c 3 -W 3000 192.0.2.7`);
    await ping('2001:db8::7', { platform: 'freebsd' });
    expect(calledWith()).toBe(`${program}6 -n -c 3 -W 3000 2001:db8::7`);
    await ping('2001:db8::7');
    expect(calledWith()).toBe(`${program} -n -c 3 -W 3 2001:db8::7`);
  });

  test('it sees nothing of the agent’s environment', async () => {
    script(program, `env > '${calls}'`);
    process.env.CCV_SECRET_OF_THE_TEST = 'secret';
    await ping();
    delete process.env.CCV_SECRET_OF_THE_TEST;
    expect(calledWith()).toContain('LC_ALL=C');
    expect(calledWith()).not.toContain('secret');
  });
});

describe('what is impossible', () => {
  test('no such program', async () => {
    expect(await ping('192.0.2.7', { file: join(dir, 'none') })).toEqual({ impossible: `${join(dir, 'none')} cannot be run (ENOENT)` });
  });

  test('a program that may not be run', async () => {
    writeFileSync(join(dir, 'locked'), 'x', { mode: 0o600 });
    expect(await ping('192.0.2.7', { file: join(dir, 'locked') })).toEqual({ impossible: expect.stringContaining('EACCES') });
  });

  test.each([
    'ping: socket: Operation not permitted',
    'ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\nping: => missing cap_net_raw+p capability or setuid?',
    'ping: permission denied (are you root?)',
    'ping: Lacking privilege for icmp socket.',
  ])('not permitted: %s', async (message) => {
    script(program, `cat >&2 <<'END'\n${message}\nEND`, 'exit 2');
    expect(await ping()).toEqual({ impossible: message.split('\n')[0] });
  });

  test('the program of Windows is another one', async () => {
    expect(await ping('192.0.2.7', { platform: 'win32' })).toEqual({ impossible: expect.any(String) });
  });
});

describe('what fails', () => {
  test('an unknown host', async () => {
    script(program, 'echo "ping: example.invalid: Name or service not known" >&2', 'exit 2');
    expect(await ping('example.invalid')).toBeNull();
  });

  test('packets that a firewall takes back are lost, not impossible', async () => {
    script(
      program,
      'echo "ping: sendmsg: Operation not permitted" >&2',
      'echo "3 packets transmitted, 0 received, 100% packet loss"',
      'exit 1',
    );
    expect(await ping()).toEqual({ targetIp: null, lossPercent: 100, rttMs: null });
  });

  test('a program that floods its output', async () => {
    script(program, 'yes');
    expect(await ping()).toBeNull();
  });
});

test('its end ends the program and is told as it is', async () => {
  script(program, 'exec sleep 30');
  const controller = new AbortController();
  const running = ping('192.0.2.7', { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
});
