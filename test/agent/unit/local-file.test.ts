import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type LocalFile, readLocalFile, readSettings } from '../../../agent/src/control/local-file.js';

const TOKEN = 'a-token-nobody-may-see';

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'local-file-'));
  path = join(dir, 'agent.json');
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

function read(content: unknown, mode = 0o600): LocalFile {
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return readLocalFile(path);
}

function problemOf(content: unknown): string {
  try {
    read(content);
  } catch (error) {
    return (error as Error).message.replace(`${path}: `, '');
  }
  throw new Error('it was accepted');
}

describe('the local file', () => {
  test('says all there is to say', () => {
    const content = {
      url: 'wss://monitoring.example.com',
      id: 'web-1',
      token: TOKEN,
      interval: 10,
      spool: '/var/lib/agent',
      provider: 'gcp',
      region: 'us-central1',
      zone: 'us-central1-a',
      commands: ['ping_now', 'flush', 'flush'],
    };
    const file = { ...content, spool_mb: 512, spool_days: 14, ping: ['8.8.8.8'], tcp: ['[::1]:443'] };
    expect(read(file)).toEqual({
      settings: {
        ...content,
        spoolMb: 512,
        spoolDays: 14,
        targets: [
          { type: 'ping', address: '8.8.8.8', port: null, timeoutMs: 5_000 },
          { type: 'tcp', address: '::1', port: 443, timeoutMs: 5_000 },
        ],
        commands: ['ping_now', 'flush'],
      },
      warnings: [],
    });
  });

  test('may say nothing: then no command is allowed', () => {
    expect(read('\uFEFF{}')).toEqual({ settings: { targets: [], commands: [] }, warnings: [] });
  });

  test.each<[unknown, string]>([
    [[], 'it must hold an object (it is a list of 0)'],
    [{ urll: 'ws://x' }, '"urll" is not known'],
    [{ __proto__: null, toString: 'x' }, '"toString" is not known'],
    [{ url: 'ftp://x/' }, '"url" must be a ws://, wss://, http:// or https:// URL (it is "ftp://x/")'],
    [{ url: '' }, '"url" must not be empty (it is "")'],
    [{ url: 'ws://u:p@x/' }, '"url" must not hold a user name or password'],
    [{ id: 'a/b' }, '"id" must be at most 128 characters without "/" (it is "a/b")'],
    [{ id: 7 }, '"id" must be a text (it is 7)'],
    [{ region: 'a\nb' }, '"region" must not contain control characters (it is "a\\nb")'],
    [{ spool_mb: 0.5 }, '"spool_mb" must be a whole number from 1 to 1000000 (it is 0.5)'],
    [{ spool_days: 3_651 }, '"spool_days" must be a whole number from 1 to 3650 (it is 3651)'],
    [{ interval: 0 }, '"interval" must be a whole number from 1 to 3600 (it is 0)'],
    [{ ping: 'a.test' }, '"ping" must be a list (it is "a.test")'],
    [{ ping: ['a.test', '-f'] }, '"ping[1]" must be a host name or an IP address (it is "-f")'],
    [{ commands: 'flush' }, '"commands" must be a list (it is "flush")'],
    [{ commands: ['flush', 'sh'] }, '"commands" may hold ping_now, run_check, report_status, flush, restart_collectors (not "sh")'],
    [{ interval: 0, idd: 1 }, '"interval" must be a whole number from 1 to 3600 (it is 0); "idd" is not known'],
  ])('%j is refused, and says why', (content, problem) => {
    expect(problemOf(content)).toBe(problem);
  });

  test('never shows the token, whatever is wrong', () => {
    for (const content of [
      `{"token": "${TOKEN}" "id": "x"}`,
      `{"token": ${TOKEN}}`,
      { token: [TOKEN] },
      { token: `${TOKEN}\n` },
      { url: `ftp://x/?token=${TOKEN}` },
    ]) {
      expect(problemOf(content)).not.toContain(TOKEN.slice(0, 8));
    }
    expect(problemOf('{\n"id": "x"\n"token": 1}')).toBe(`${path} is not valid JSON (line 3)`);
  });

  test('warns when everybody may read the token', () => {
    expect(read({ token: TOKEN }, 0o644).warnings).toEqual([
      `${path} holds a token and may be read by everybody on this machine: chmod 600 it`,
    ]);
    expect(read({ token: TOKEN }, 0o640).warnings).toEqual([]);
    expect(read({ id: 'x' }, 0o644).warnings).toEqual([]);
  });

  test('that is not there, or far too long, is an error that names it', () => {
    expect(() => readLocalFile(join(dir, 'none.json'))).toThrow(/none\.json cannot be read: ENOENT/);
    expect(() => read(`{"id":"${'x'.repeat(300_000)}"}`)).toThrow(/agent\.json cannot be read: it is longer than 262144 bytes/);
  });

  test('whatever it holds, reading it throws nothing but its own error', () => {
    const key = fc.oneof(fc.constantFrom('url', 'id', 'token', 'interval', 'ping', 'http', 'commands', 'zone'), fc.string());
    fc.assert(
      fc.property(fc.dictionary(key, fc.anything()), (content) => {
        const errors: string[] = [];
        const settings = readSettings(content, errors);
        if (errors.length === 0 && settings.interval !== undefined) expect(settings.interval).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});
