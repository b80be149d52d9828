import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SendResult } from '../../../../src/alerting/notify/send-result.js';
import { projectRoot } from '../../../helpers/project-root.js';
import { type SmtpReceiver, type SmtpTls, startSmtpReceiver } from '../../../helpers/smtp-receiver.js';
import { testCertificate } from '../../../helpers/test-certificate.js';

/**
 * Mail over TLS, in a process of its own: what a process trusts besides the usual authorities, it learns at its start, from
 * `NODE_EXTRA_CA_CERTS`. All names lead to this machine there.
 */
const SCRIPT = `
const { email } = await import(process.argv[1]);
const { SsrfGuard } = await import(process.argv[2]);
const alert = { id: 'a', status: 'firing', labels: { alertname: 'Hot' }, annotations: {}, startsAtMs: 0, endsAtMs: null, value: 1 };
const result = await email.send(
  { groupKey: '{}', groupLabels: {}, alerts: [alert], omittedAlerts: 0, stillFiring: 1 },
  { smtp_url: process.argv[3], from: 'a@example.org', to: ['b@example.org'] },
  {
    channelId: 'c', channelName: 'people', repeatIntervalMs: 1, deliveryId: 'd', nowMs: 0, externalUrl: null, timeoutMs: 5000,
    guard: new SsrfGuard(true, () => [], (host, options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])),
    signal: new AbortController().signal,
    mail: { smtpUrl: '', from: null },
  },
);
console.log(JSON.stringify(result));
`;

const built = (path: string): string => pathToFileURL(join(projectRoot, 'dist/alerting/notify', path)).href;

let dir: string;
let server: SmtpReceiver | null = null;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ccv-tls-'));
  await writeFile(join(dir, 'ca.pem'), testCertificate);
});
afterEach(async () => {
  server?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** What comes of a mail with a password over `protocol` to `host`, which is a mail server that speaks `tls`. */
async function send(tls: SmtpTls, protocol: 'smtp' | 'smtps', host: string, { isTrusted = true } = {}): Promise<SendResult> {
  server = await startSmtpReceiver(tls);
  const url = `${protocol}://user:hush@${host}:${server.port}`;
  const args = ['--input-type=module', '-e', SCRIPT, built('channels/email.js'), built('ssrf-guard.js'), url];
  const env = { PATH: process.env.PATH, ...(isTrusted ? { NODE_EXTRA_CA_CERTS: join(dir, 'ca.pem') } : {}) };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 20_000 });
  return JSON.parse(stdout) as SendResult;
}

describe('mail over TLS', () => {
  test.each<[SmtpTls, 'smtp' | 'smtps']>([
    ['starttls', 'smtp'],
    ['smtps', 'smtps'],
  ])('%s: arrives, with its password', async (tls, protocol) => {
    expect(await send(tls, protocol, 'mail.test')).toEqual({ outcome: 'delivered' });
    expect(server?.mails).toMatchObject([{ to: ['b@example.org'], login: 'user:hush', isEncrypted: true }]);
  });

  test.each<[SmtpTls, 'smtp' | 'smtps']>([
    ['starttls', 'smtp'],
    ['smtps', 'smtps'],
  ])('%s: a certificate that nobody vouches for, or of another name, is refused before anything is said', async (tls, protocol) => {
    const unknown = await send(tls, protocol, 'mail.test', { isTrusted: false });
    expect(unknown).toMatchObject({ outcome: 'retry', error: expect.stringContaining('self-signed certificate') });
    expect(server?.lines.filter((line) => /AUTH|MAIL/.test(line))).toEqual([]);
    server?.stop();
    const other = await send(tls, protocol, 'other.test');
    expect(other).toMatchObject({ outcome: 'retry', error: expect.stringMatching(/does not match certificate.*other\.test/) });
    expect(server?.lines.filter((line) => /AUTH|MAIL/.test(line))).toEqual([]);
  });

  test('a server without TLS is told no password', async () => {
    expect(await send('none', 'smtp', 'mail.test')).toMatchObject({ outcome: 'retry', error: expect.stringContaining('STARTTLS') });
    expect(server?.lines.filter((line) => /AUTH|MAIL/.test(line))).toEqual([]);
  });
});
