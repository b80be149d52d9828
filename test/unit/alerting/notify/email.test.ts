import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SendContext } from '../../../../src/alerting/notify/channels/channel-kind.js';
import { email } from '../../../../src/alerting/notify/channels/email.js';
import type { NotifiedAlert, Notification } from '../../../../src/alerting/notify/notification.js';
import type { SendResult } from '../../../../src/alerting/notify/send-result.js';
import { SsrfGuard } from '../../../../src/alerting/notify/ssrf-guard.js';
import { notificationOf, notifiedAlert, sendThrough } from '../../../helpers/channel-context.js';
import { type SmtpReceiver, startSmtpReceiver } from '../../../helpers/smtp-receiver.js';
import { urlOfNobody } from '../../../helpers/upstream.js';

let server: SmtpReceiver;
let sent: Promise<SendResult>;

beforeEach(async () => {
  server = await startSmtpReceiver();
});
afterEach(() => server.stop());

function notification(fields: Partial<NotifiedAlert> = {}): Notification {
  const alert = notifiedAlert({
    labels: { alertname: 'HighLatency', severity: 'critical', agent: 'web-1' },
    annotations: { summary: 'Latency is high', description: 'It is 250 ms.\nSince lunch.' },
    ...fields,
  });
  return notificationOf([alert], { omittedAlerts: 2, stillFiring: 3 });
}

function send(settings: object, told = notification(), more: Partial<SendContext> = {}): Promise<SendResult> {
  return sendThrough('email', settings, told, { mail: { smtpUrl: own(), from: null }, timeoutMs: 3_000, ...more });
}

const own = (): string => `smtp://127.0.0.1:${server.port}`;
const settings = () => ({ from: 'Alerts <alerts@example.org>', to: ['one@example.org', 'Two <two@example.org>'], smtp_url: own() });

/** Parts of a mail, decoded: quoted-printable and base64. */
function decoded(data: string): string {
  const quoted = data
    .replace(/=\r\n/g, '')
    .replace(/(?:=[0-9A-F]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll('=', ''), 'hex').toString('utf8'));
  return quoted.replace(/base64\r\n\r\n([A-Za-z0-9+/=\r\n]+?)\r\n(?=\r\n|--)/g, (_, text: string) =>
    Buffer.from(text, 'base64').toString('utf8'),
  );
}

describe('e-mail', () => {
  test('goes to everybody, as text and as HTML', async () => {
    expect(await send(settings())).toEqual({ outcome: 'delivered' });
    const [mail] = server.mails;
    expect(mail).toMatchObject({ from: 'alerts@example.org', to: ['one@example.org', 'two@example.org'], login: null });
    const data = decoded(mail!.data);
    expect(data).toContain('Subject: [FIRING:1+] HighLatency (agent=web-1)');
    expect(data).toContain('Message-ID: <delivery-1@cloudconsolevibe>');
    expect(data).toContain('Auto-Submitted: auto-generated');
    expect(data).toContain('FIRING (critical): Latency is high');
    expect(data).toContain('<div>It is 250 ms.<br>Since lunch.</div>');
    expect(data).toContain('… and 2 more alerts');
    expect(data).toContain('https://console.example/alerts');
  });

  test("leaves nothing of other people's texts that means something", async () => {
    const nasty = '<script>alert(1)</script>\r\nBcc: evil@example.net';
    await send(
      settings(),
      notification({ labels: { alertname: nasty, severity: '"><img>' }, annotations: { summary: nasty, description: nasty } }),
    );
    const [mail] = server.mails;
    expect(mail!.to).toEqual(['one@example.org', 'two@example.org']);
    const headers = mail!.data.split('\r\n\r\n')[0];
    expect(headers).not.toMatch(/^Bcc:/im);
    const data = decoded(mail!.data);
    const html = data.slice(data.indexOf('<!doctype'));
    expect(html).toContain('&lt;script&gt;');
    expect(html).not.toMatch(/<script|<img/);
  });

  test('logs in', async () => {
    const withLogin = { ...settings(), smtp_url: `smtp://us%40er:p%3Ass@127.0.0.1:${server.port}` };
    expect(await send(withLogin)).toEqual({ outcome: 'delivered' });
    expect(server.mails[0]).toMatchObject({ login: 'us@er:p:ss' });
  });

  test('uses the server and the sender of the configuration', async () => {
    const configured = { mail: { smtpUrl: own(), from: 'config@example.org' }, guard: new SsrfGuard(false) };
    expect(await send({ to: 'one@example.org' }, notification(), configured)).toEqual({ outcome: 'delivered' });
    expect(server.mails[0]).toMatchObject({ from: 'config@example.org', to: ['one@example.org'] });
    expect(await send({ to: 'one@example.org' })).toMatchObject({ outcome: 'retry', error: expect.stringContaining('ALERT_EMAIL_FROM') });
  });

  test.each(['127.0.0.1', 'localhost', '2130706433', '[::1]'])("stays out of the server's own network: %s", async (host) => {
    const result = await send({ ...settings(), smtp_url: `smtp://${host}:${server.port}` }, notification(), {
      guard: new SsrfGuard(false),
    });
    expect(result).toMatchObject({ outcome: 'retry', error: expect.stringContaining('ALERT_WEBHOOK_ALLOW_PRIVATE') });
    expect(server.lines).toEqual([]);
  });

  test.each<[string, string, SendResult['outcome']]>([
    ['RCPT', '550 no such user', 'retry'],
    ['RCPT', '554 relay access denied', 'retry'],
    ['MAIL', '550 not from you', 'retry'],
    ['DATA', '554 no', 'retry'],
    ['RCPT', '450 come back later', 'retry'],
    ['MAIL', '451 greylisted', 'retry'],
    ['.', '554 we do not like it', 'failed'],
    ['.', '452 full', 'retry'],
  ])('%s answered with "%s": %s', async (verb, answer, outcome) => {
    server.answers.set(verb, answer);
    const result = await send(settings());
    expect(result).toMatchObject({ outcome, error: expect.stringContaining(answer.slice(4)) });
  });

  test('a wrong password may be put right', async () => {
    server.answers.set('AUTH', '535 wrong');
    const result = await send({ ...settings(), smtp_url: `smtp://user:hush@127.0.0.1:${server.port}` });
    expect(result).toMatchObject({ outcome: 'retry', error: expect.stringContaining('535 wrong') });
    expect(JSON.stringify(result)).not.toContain('hush');
  });

  test('some of the receivers are refused: it is delivered, and says to whom not', async () => {
    server.answers.set('RCPT TO:<two@example.org>', '550 no such user');
    expect(await send(settings())).toEqual({
      outcome: 'delivered',
      warning: 'the mail server took it, but not for two@example.org (550 no such user)',
    });
    expect(server.mails).toMatchObject([{ to: ['one@example.org'] }]);
  });

  test.each(['while it connects', 'while it waits for an answer', 'before it began'])(
    'ends at once when it is told to: %s',
    async (when) => {
      const stop = new AbortController();
      server.isSilent = true;
      const lookup = new Promise<void>((resolve) => {
        const guard = new SsrfGuard(true, undefined, () => resolve());
        if (when === 'before it began') stop.abort();
        const url = when === 'while it connects' ? 'smtp://mail.test' : own();
        sent = send({ ...settings(), smtp_url: url }, notification(), { guard, timeoutMs: 60_000, signal: stop.signal });
      });
      if (when === 'while it connects') await lookup;
      else if (when === 'while it waits for an answer') await server.connected();
      stop.abort();
      expect(await sent).toMatchObject({ outcome: 'retry' });
    },
  );

  test('a server that is not there, or says nothing, may be tried again', async () => {
    const nobody = (await urlOfNobody()).replace('http', 'smtp');
    expect(await send({ ...settings(), smtp_url: nobody })).toMatchObject({
      outcome: 'retry',
      error: 'the connection was refused (ECONNREFUSED)',
    });
    server.isSilent = true;
    expect(await send(settings(), notification(), { timeoutMs: 100 })).toMatchObject({ outcome: 'retry' });
  });

  test('a server that goes on talking for ever does not keep a delivery from ending', async () => {
    server.isEndless = true;
    const result = await send(settings(), notification(), { timeoutMs: 200 });
    expect(result).toMatchObject({ outcome: 'retry', error: expect.stringMatching(/took too long|timed out/) });
  });

  test.each([
    [{ to: [] }, '"to"'],
    [{ to: ['nobody'] }, 'must be a mail address'],
    [{ from: 'a@b\r\nBcc: c@d' }, 'must be a mail address'],
    [{ smtp_url: 'http://mail.example' }, 'must be like smtp://'],
    [{ smtp_url: 'smtp://' }, 'must be like smtp://'],
  ])('settings %j are refused', (more, message) => {
    expect(email.schema.validate({ ...settings(), ...more }).error?.message).toContain(message);
  });
});
