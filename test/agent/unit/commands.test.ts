import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Command, type CommandActions, type CommandResult, Commands } from '../../../agent/src/control/commands.js';
import type { CheckTarget } from '../../../agent/src/model.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';

const ALL = ['ping_now', 'run_check', 'report_status', 'flush', 'restart_collectors'];
const target = (type: CheckTarget['type'], address: string, port: number | null = null): CheckTarget => ({
  type,
  address,
  port,
  timeoutMs: 1_000,
});
const TARGETS = [
  target('ping', '8.8.8.8'),
  target('ping', 'a.test'),
  target('tcp', 'a.test', 80),
  target('tcp', 'a.test', 443),
  target('tcp', 'b.test', 25),
];

let nowMs: number;
let logger: MemoryLogger;
let calls: unknown[][];
let targets: CheckTarget[];
/** What an action meets; answers its output. */
let act: (name: string, signal?: AbortSignal) => string | object | Promise<string | object>;

beforeEach(() => {
  nowMs = 1_000_000;
  logger = new MemoryLogger();
  calls = [];
  targets = [...TARGETS];
  act = (name) => `${name} was done`;
});

function actions(): CommandActions {
  const called = async (name: string, args: unknown[], signal?: AbortSignal): Promise<string | object> => {
    calls.push([name, ...args]);
    return act(name, signal);
  };
  return {
    pingNow: (aims, signal) =>
      called(
        'pingNow',
        aims.map(({ address }) => address),
        signal,
      ),
    runCheck: ({ type, address, port }, signal) => called('runCheck', [type, address, port], signal),
    reportStatus: () => called('reportStatus', []),
    flush: (signal) => called('flush', [], signal),
    restartCollectors: () => called('restartCollectors', []),
  };
}

function commands(allowed: readonly string[] = ALL, timeoutMs?: number): Commands {
  const clock = { nowMs: () => nowMs };
  return new Commands({
    allowed: new Set(allowed),
    targets: () => targets,
    actions: actions(),
    clock,
    logger,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

const command = (name: string, args: unknown = {}, more: Partial<Command> = {}): Command => ({
  commandId: 'c-1',
  name,
  args,
  expiresAtMs: nowMs + 60_000,
  ...more,
});

/** Resolves when `release` is called. */
function gate(): { readonly open: Promise<void>; readonly release: () => void } {
  let release = (): void => undefined;
  const open = new Promise<void>((resolve) => (release = resolve));
  return { open, release };
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('what is obeyed', () => {
  test.each<[string, unknown, unknown[]]>([
    ['ping_now', {}, ['pingNow', '8.8.8.8', 'a.test']],
    ['ping_now', { target: 'a.test' }, ['pingNow', 'a.test']],
    ['run_check', { type: 'ping', address: '8.8.8.8' }, ['runCheck', 'ping', '8.8.8.8', null]],
    ['run_check', { type: 'tcp', address: 'a.test', port: 443 }, ['runCheck', 'tcp', 'a.test', 443]],
    ['run_check', { type: 'tcp', address: 'b.test' }, ['runCheck', 'tcp', 'b.test', 25]],
    ['report_status', {}, ['reportStatus']],
    ['flush', undefined, ['flush']],
    ['restart_collectors', null, ['restartCollectors']],
  ])('%s %j', async (name, args, call) => {
    expect(await commands().run(command(name, args))).toEqual({ status: 'ok', output: `${String(call[0])} was done` });
    expect(calls).toEqual([call]);
    expect(logger.entries.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'command received'],
      ['info', 'command done'],
    ]);
  });

  test('an object comes back as JSON', async () => {
    act = () => ({ spool: 3 });
    expect(await commands().run(command('report_status'))).toEqual({ status: 'ok', output: '{"spool":3}' });
  });

  test('what goes wrong is failed, with the reason', async () => {
    act = () => Promise.reject(new Error('no route'));
    expect(await commands().run(command('flush'))).toEqual({ status: 'failed', error: 'no route' });
    expect(logger.of('warn')).toMatchObject([{ message: 'command failed', meta: { reason: 'no route' } }]);
  });

  test('an answer is at most 8 kB of UTF-8, an error 1 kB', async () => {
    act = () => 'ü'.repeat(10_000);
    const { output = '' } = await commands().run(command('flush'));
    expect(Buffer.byteLength(output)).toBeLessThanOrEqual(8_192);
    expect(output).toMatch(/^ü+\n\[cut by the agent\]$/);
    act = () => Promise.reject(new Error('x'.repeat(10_000)));
    const { error = '' } = await commands().run(command('flush'));
    expect(Buffer.byteLength(error)).toBeLessThanOrEqual(1_024);
  });
});

describe('what is refused', () => {
  test('everything, unless the local file allows it by name', async () => {
    for (const name of ALL) {
      const { status, error } = await commands([]).run(command(name, { surprise: 1 }));
      expect([status, error]).toEqual(['refused', `${name} is not allowed here: the agent's own file must list it under "commands"`]);
      const others = ALL.filter((other) => other !== name);
      expect(await commands(others).run(command(name))).toMatchObject({ status: 'refused' });
    }
    expect(calls).toEqual([]);
    expect(logger.of('warn').every(({ message }) => message === 'command refused')).toBe(true);
  });

  test.each<[string, unknown, string]>([
    ['reboot', {}, 'there is no command "reboot"'],
    ['constructor', {}, 'there is no command "constructor"'],
    ['flush', [], '"args" must be an object (it is a list of 0)'],
    ['flush', 'now', '"args" must be an object (it is "now")'],
    ['flush', { now: true }, 'flush has no argument "now"'],
    ['ping_now', { address: 'a.test' }, 'ping_now has no argument "address" (it has target)'],
    ['ping_now', { target: 1 }, '"target" must be a text (it is 1)'],
    ['ping_now', { target: 'b.test' }, '"b.test" is not a configured ping target'],
    ['ping_now', { target: '8.8.8.8; reboot' }, '"8.8.8.8; reboot" is not a configured ping target'],
    ['run_check', {}, '"type" must be one of ping, dns, http, tcp (it is undefined)'],
    ['run_check', { type: 'icmp', address: 'a.test' }, '"type" must be one of ping, dns, http, tcp (it is "icmp")'],
    ['run_check', { type: 'tcp' }, '"address" must be a text (it is undefined)'],
    ['run_check', { type: 'tcp', address: 'a.test', port: '80' }, '"port" must be a whole number (it is "80")'],
    ['run_check', { type: 'tcp', address: 'a.test', port: 22 }, '"a.test" is not a configured tcp target on port 22'],
    ['run_check', { type: 'tcp', address: 'a.test' }, '"a.test" is configured with several ports: say which'],
    ['run_check', { type: 'http', address: 'a.test' }, '"a.test" is not a configured http target'],
  ])('%s %j', async (name, args, error) => {
    expect(await commands().run(command(name, args))).toEqual({ status: 'refused', error });
    expect(calls).toEqual([]);
  });

  test('a ping without a target when none is configured', async () => {
    targets = [];
    expect(await commands().run(command('ping_now'))).toEqual({ status: 'refused', error: 'no ping target is configured' });
  });

  test('names that are no text', async () => {
    expect(await commands().run(command(['flush'] as unknown as string))).toEqual({
      status: 'refused',
      error: 'there is no command a list of 1',
    });
  });

  test('what is late, and what says no time', async () => {
    expect(await commands().run(command('flush', {}, { expiresAtMs: nowMs - 1_500 }))).toEqual({
      status: 'refused',
      error: "it expired 2 s ago by this machine's clock",
    });
    expect(await commands().run(command('flush', {}, { expiresAtMs: nowMs }))).toMatchObject({ status: 'refused' });
    expect(await commands().run(command('flush', {}, { expiresAtMs: Number.NaN }))).toEqual({
      status: 'refused',
      error: '"expires_at" is not a time',
    });
    expect(await commands().run(command('flush', {}, { expiresAtMs: nowMs + 1 }))).toMatchObject({ status: 'ok' });
  });
});

describe('turns', () => {
  test('one of a kind at a time, in order; other kinds beside it', async () => {
    const house = commands();
    const { open, release } = gate();
    let first = true;
    act = async (name) => {
      if (name === 'flush' && first) {
        first = false;
        await open;
      }
      return name;
    };
    const flushes = [house.run(command('flush')), house.run(command('flush'))];
    expect(await house.run(command('report_status'))).toMatchObject({ status: 'ok' });
    expect(calls).toEqual([['flush'], ['reportStatus']]);
    release();
    expect(await Promise.all(flushes)).toEqual([
      { status: 'ok', output: 'flush' },
      { status: 'ok', output: 'flush' },
    ]);
    expect(await house.run(command('flush'))).toMatchObject({ status: 'ok' });
  });

  test('who expires, or whose target is gone, while waiting is refused then', async () => {
    const house = commands();
    const { open, release } = gate();
    act = async (name) => {
      await open;
      return name;
    };
    const results: Promise<CommandResult>[] = [
      house.run(command('ping_now')),
      house.run(command('ping_now', {}, { expiresAtMs: nowMs + 1_000 })),
      house.run(command('ping_now', { target: 'a.test' })),
      house.run(command('ping_now', { target: '8.8.8.8' })),
    ];
    await turns();
    nowMs += 1_000;
    targets = targets.filter(({ address }) => address !== 'a.test');
    release();
    expect((await Promise.all(results)).map(({ status }) => status)).toEqual(['ok', 'refused', 'refused', 'ok']);
    expect(calls).toEqual([
      ['pingNow', '8.8.8.8', 'a.test'],
      ['pingNow', '8.8.8.8'],
    ]);
  });

  test('four of a kind may wait', async () => {
    const house = commands();
    const { open, release } = gate();
    act = async (name) => {
      await open;
      return name;
    };
    const results = Array.from({ length: 7 }, () => house.run(command('flush')));
    await turns();
    release();
    const statuses = (await Promise.all(results)).map(({ status }) => status);
    expect(statuses).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'refused', 'refused']);
    expect(await house.run(command('flush'))).toMatchObject({ status: 'ok' });
  });

  test('what takes too long is told to stop, fails, and does not hold up the next', async () => {
    const house = commands(ALL, 20);
    const signals: (AbortSignal | undefined)[] = [];
    act = (_name, signal) => {
      signals.push(signal);
      return signals.length === 1 ? new Promise(() => undefined) : 'done';
    };
    const [stuck, next] = await Promise.all([house.run(command('flush')), house.run(command('flush'))]);
    expect(stuck).toEqual({ status: 'failed', error: 'it took longer than 0.02 s' });
    expect(next).toEqual({ status: 'ok', output: 'done' });
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
  });
});

test('the log has names of arguments and no values, and nothing raw', async () => {
  targets.push(target('http', 'http://a.test/?key=hush'));
  const house = commands();
  await house.run(command('run_check', { type: 'http', address: 'http://a.test/?key=hush' }, { commandId: 'id\n2' }));
  await house.run(command('run_check', { type: 'http', address: 'http://a.test/?key=hush-hush' }));
  await house.run(command('ping_now', { target: 'hush-hush', '\u001b[2J': 1 }));
  expect(logger.entries).toMatchObject([
    { message: 'command received', meta: { commandId: '"id\\n2"', argNames: ['"type"', '"address"'] } },
    { message: 'command done' },
    { message: 'command refused', meta: { reason: '"http://a.test/?key=*" is not a configured http target' } },
    { message: 'command refused', meta: { argNames: ['"target"', '"\\u001b[2J"'] } },
  ]);
  expect(JSON.stringify(logger.entries)).not.toContain('hush');
});

test('only what is taken is told when it comes: who sends too much gets one line each', async () => {
  const house = commands();
  const { open, release } = gate();
  act = () => open.then(() => 'done');
  const results = Array.from({ length: 50 }, () => house.run(command('flush')));
  await turns();
  expect(logger.of('info')).toHaveLength(5);
  expect(logger.of('warn')).toHaveLength(45);
  release();
  await Promise.all(results);
});
