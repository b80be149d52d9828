import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SsrfGuard } from '../../../../src/alerting/notify/ssrf-guard.js';
import type { ChannelType } from '../../../../src/model/alert.js';
import { NASTY, notificationOf, notifiedAlert, sendThrough } from '../../../helpers/channel-context.js';
import { type Receiver, startReceiver, status } from '../../../helpers/receiver.js';

const TOLD = notificationOf([notifiedAlert()]);

let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

describe('every kind that posts', () => {
  const kinds: [ChannelType, (url: string) => object][] = [
    ['webhook', (url) => ({ url })],
    ['slack', (url) => ({ url })],
    ['discord', (url) => ({ url })],
    ['teams', (url) => ({ url })],
    ['pagerduty', (url) => ({ routing_key: 'R0UTINGKEY', api_url: url })],
    ['telegram', (url) => ({ bot_token: '123456:abcdefghijklmnopqrstuvwxyz', chat_id: '@ops', api_url: url })],
    ['ntfy', (url) => ({ topic: 'ops', api_url: url })],
    ['alertmanager', (url) => ({ url })],
  ];

  test.each(kinds)("%s stays out of the server's own network", async (type, settings) => {
    const guarded = { guard: new SsrfGuard(false) };
    for (const host of ['127.0.0.1', 'localhost', '2130706433']) {
      const result = await sendThrough(type, settings(receiver.url.replace('127.0.0.1', host)), TOLD, guarded);
      expect(result).toMatchObject({ outcome: 'retry', error: expect.stringContaining('ALERT_WEBHOOK_ALLOW_PRIVATE') });
    }
    expect(receiver.received).toEqual([]);
  });

  test.each(kinds)('%s follows no redirect', async (type, settings) => {
    receiver.answer = status(302, { location: `${receiver.url}/elsewhere` });
    expect(await sendThrough(type, settings(receiver.url), TOLD)).toMatchObject({
      outcome: 'retry',
      error: 'it answered 302: redirects are not followed',
    });
    expect(receiver.received).toHaveLength(1);
  });

  test.each(['while it looks up the name', 'while it waits for an answer'])('ends at once when it is told to: %s', async (when) => {
    const stop = new AbortController();
    let began: () => void = () => undefined;
    const beginning = new Promise<void>((resolve) => {
      began = resolve;
    });
    receiver.answer = () => began();
    const guard = new SsrfGuard(true, undefined, () => began());
    const url = when === 'while it looks up the name' ? 'http://hook.test/' : receiver.url;
    const sent = sendThrough('webhook', { url }, TOLD, { guard, timeoutMs: 60_000, signal: stop.signal });
    await beginning;
    stop.abort();
    expect(await sent).toMatchObject({ outcome: 'retry' });
  });

  test.each([400, 413, 415, 422])('%p is about this body, and final', async (code) => {
    receiver.answer = status(code, {}, 'not like this');
    expect(await sendThrough('webhook', { url: receiver.url }, TOLD)).toEqual({
      outcome: 'failed',
      error: `it answered ${code}: not like this`,
    });
  });

  test.each(kinds)('%s: what a 400 is about, and that 413 is final', async (type, settings) => {
    receiver.answer = status(400, {}, 'invalid');
    // These two say so of a wrong key, or of a chat that is not there, as well.
    const outcome = type === 'pagerduty' || type === 'telegram' ? 'retry' : 'failed';
    expect(await sendThrough(type, settings(receiver.url), TOLD)).toMatchObject({ outcome, error: 'it answered 400: invalid' });
    receiver.answer = status(413);
    expect(await sendThrough(type, settings(receiver.url), TOLD)).toMatchObject({ outcome: 'failed', error: 'it answered 413' });
  });

  test.each([101, 307, 401, 402, 403, 404, 405, 407, 408, 409, 410, 425, 429, 500, 503])(
    '%p is about something that changes: it may be tried again',
    async (code) => {
      receiver.answer = (res) => void res.socket?.end(`HTTP/1.1 ${code} so\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n`);
      const result = await sendThrough('webhook', { url: receiver.url }, TOLD);
      expect(result).toMatchObject({ outcome: 'retry', error: expect.stringContaining(`it answered ${code}`) });
      if (code >= 300) expect(result).toMatchObject({ retryAfterMs: 7_000 });
    },
  );

  test.each(kinds)('%s takes alerts without texts, labels or an end, and texts of any kind', async (type, settings) => {
    const odd = [
      notifiedAlert({ labels: {}, annotations: {} }),
      notifiedAlert({
        id: 'b',
        labels: { '': '', alertname: NASTY, ['x'.repeat(300)]: '\ud800' },
        annotations: { summary: NASTY, description: '\u0000😀'.repeat(3_000) },
      }),
    ];
    expect(
      await sendThrough(type, settings(receiver.url), notificationOf(odd, { groupLabels: {}, groupKey: '{}' }), { externalUrl: null }),
    ).toEqual({ outcome: 'delivered' });
    expect(receiver.received[0]!.body).not.toBeNull();
  });
});
