import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { HELP, type Invocation, parseOptions } from '../../../agent/src/options.js';

describe('parseOptions', () => {
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ccv-options-'));
  });

  afterAll(() => rm(dir, { recursive: true, force: true }));

  const parse = (line: string, env: { CCV_AGENT_TOKEN?: string } = {}): Invocation =>
    parseOptions(line.split(' ').filter(Boolean), env, '1.2.3');

  async function file(content: object): Promise<string> {
    const path = join(dir, 'agent.json');
    await writeFile(path, JSON.stringify(content));
    await chmod(path, 0o600);
    return path;
  }

  test('nothing at all is enough', () => {
    const { options, logLevel, warnings } = parse('');
    expect(options).toMatchObject({
      url: 'ws://127.0.0.1:8080',
      token: null,
      id: null,
      spoolDir: join(homedir(), '.cloudconsolevibe-agent', 'default'),
      spoolLimits: { maxBytes: 256 * 1_048_576, maxAgeMs: 7 * 86_400_000 },
      config: { collectionIntervalS: 30, transmissionIntervalS: 30, batchSize: 100, targets: [] },
      commands: [],
      version: '1.2.3',
    });
    expect({ logLevel, warnings }).toEqual({ logLevel: 'info', warnings: [] });
  });

  test('the whole command line', () => {
    const line =
      '--url https://monitor.example/x --id web-1 --token t0k3n --interval 5 --ping 127.0.0.1,gateway.example --spool /var/spool/a ' +
      '--spool-mb 10 --spool-days 2 --provider gcp --region r --zone z --debug';
    const { options, logLevel } = parse(line);
    expect(options).toMatchObject({
      url: 'https://monitor.example/x',
      token: 't0k3n',
      id: 'web-1',
      location: { provider: 'gcp', region: 'r', zone: 'z' },
      spoolDir: '/var/spool/a',
      spoolLimits: { maxBytes: 10_485_760, maxAgeMs: 172_800_000 },
      config: {
        collectionIntervalS: 5,
        transmissionIntervalS: 5,
        targets: [
          { type: 'ping', address: '127.0.0.1', port: null },
          { type: 'ping', address: 'gateway.example', port: null },
        ],
      },
    });
    expect(logLevel).toBe('debug');
  });

  test('the command line goes before the environment, and that before the file', async () => {
    const path = await file({
      url: 'ws://file:1',
      id: 'f',
      token: 'of-file',
      interval: 7,
      commands: ['flush'],
      tcp: ['db.example:5432'],
      ping: ['::1'],
    });
    expect(parse(`--config ${path}`).options).toMatchObject({ url: 'ws://file:1', id: 'f', token: 'of-file', commands: ['flush'] });
    expect(parse(`--config ${path}`, { CCV_AGENT_TOKEN: 'of-env' }).options?.token).toBe('of-env');
    expect(parse(`--config ${path}`, { CCV_AGENT_TOKEN: '' }).options?.token).toBe('of-file');
    const { options } = parse(`--config ${path} --token of-line --url ws://line:1 --interval 9 --ping 10.0.0.1`, {
      CCV_AGENT_TOKEN: 'of-env',
    });
    expect(options).toMatchObject({ url: 'ws://line:1', token: 'of-line', config: { collectionIntervalS: 9 } });
    expect(options?.config.targets.map(({ address }) => address).sort()).toEqual(['10.0.0.1', '::1', 'db.example']);
  });

  test('a target that is named twice is checked once', async () => {
    const path = await file({ ping: ['10.0.0.1', '10.0.0.2', '10.0.0.1'] });
    const { options } = parse(`--config ${path} --ping 10.0.0.3,10.0.0.1,10.0.0.3`);
    expect(options?.config.targets.map(({ address }) => address).sort()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  });

  test('the default spool of a named agent is its own, wherever its name would lead', () => {
    expect(parse('--id ..').options?.spoolDir).toBe(join(homedir(), '.cloudconsolevibe-agent', 'id-..'));
    expect(parse('--id a\\b').options?.spoolDir).toBe(join(homedir(), '.cloudconsolevibe-agent', 'id-a%5Cb'));
  });

  test('whatever the id, its folder has a name that file systems take, and one of its own', () => {
    const ids = ['ü'.repeat(128), `${'ü'.repeat(127)}u`, `${'ü'.repeat(127)}v`, 'a'.repeat(128)];
    const names = ids.map((id) => basename(parse(`--id ${id}`).options?.spoolDir ?? ''));
    expect(new Set(names).size).toBe(ids.length);
    for (const name of names) expect(name).toMatch(/^id-[\x21-\x7e]{1,252}$/);
  });

  test('help wins over everything else', () => {
    expect(parse('--help --url nonsense').options).toBeNull();
    for (const name of ['--url', '--id', '--interval', '--spool', '--ping', '--token', '--config', '--provider', '--region'])
      expect(HELP).toContain(name);
  });

  test.each([
    ['--nonsense', '--nonsense'],
    ['extra', 'extra'],
    ['--url ftp://x', '--url'],
    ['--url', '--url'],
    ['--url ws://someone:hush@host:1', "--url: a server's URL must not hold a user name or password"],
    ['--url https://hush@host', 'CCV_AGENT_TOKEN'],
    ['--url ws://some:hush@ho[st', '--url'],
    ['--url hush:hush@host', '--url'],
    ['--interval 0', '--interval must be a whole number from 1 to 3600'],
    ['--interval 1.5', '--interval'],
    ['--interval 1e3', '--interval'],
    ['--spool-mb 0', '--spool-mb'],
    ['--id a/b', '--id'],
    [`--id ${'x'.repeat(129)}`, '--id'],
    ['--ping 127.0.0.1,-f', '--ping'],
    ['--config /no/such/file', '/no/such/file'],
  ])('%s is refused', (line, told) => {
    expect(() => parse(line)).toThrow(told);
    expect(() => parse(line)).not.toThrow(/hush/);
  });

  test('a token that cannot travel is refused without being shown', () => {
    expect(() => parse('', { CCV_AGENT_TOKEN: 'sécret\n' })).toThrow(/^the token must be plain ASCII without blanks$/);
  });
});
