import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SendContext } from '../../../../src/alerting/notify/channels/channel-kind.js';
import { CHANNEL_KINDS } from '../../../../src/alerting/notify/channels/channel-kinds.js';
import type { NotifiedAlert, Notification } from '../../../../src/alerting/notify/notification.js';
import type { SendResult } from '../../../../src/alerting/notify/send-result.js';
import { SsrfGuard } from '../../../../src/alerting/notify/ssrf-guard.js';
import type { ChannelType } from '../../../../src/model/alert.js';
import { type Receiver, startReceiver, status } from '../../../helpers/receiver.js';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const NASTY = `<b>&"'*_~\`[x](http://evil.example) <!here> @everyone \r\nBcc: x@evil.example`;

function alert(fields: Partial<NotifiedAlert> = {}): NotifiedAlert {
  return {
    id: 'a1',
    status: 'firing',
    labels: { alertname: 'HighLatency', severity: 'critical', agent: 'web-1', 'net.target': '1.1.1.1' },
    annotations: { summary: 'Latency of web-1 is high', description: 'It is 250 ms.' },
    startsAtMs: NOW - 60_000,
    endsAtMs: null,
    value: 250,
    ...fields,
  };
}

const OVER = alert({
  id: 'a2',
  status: 'resolved',
  endsAtMs: NOW - 1_000,
  labels: { alertname: 'HighLatency', severity: 'critical', agent: 'web-2' },
});

function notification(fields: Partial<Notification> = {}): Notification {
  return {
    groupKey: '{"alertname":"HighLatency"}',
    groupLabels: { alertname: 'HighLatency' },
    alerts: [alert(), OVER],
    omittedAlerts: 0,
    stillFiring: 1,
    ...fields,
  };
}

let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

function context(fields: Partial<SendContext> = {}): SendContext {
  return {
    channelId: 'channel-1',
    channelName: 'people',
    repeatIntervalMs: 3_600_000,
    deliveryId: 'delivery-1',
    nowMs: NOW,
    externalUrl: 'https://console.example',
    guard: new SsrfGuard(true),
    timeoutMs: 5_000,
    signal: new AbortController().signal,
    mail: { smtpUrl: 'smtp://localhost:25', from: null },
    ...fields,
  };
}

/** Settings as a request brings them, sent through a channel of that type. */
function send(type: ChannelType, settings: object, told = notification(), more: Partial<SendContext> = {}): Promise<SendResult> {
  const kind = CHANNEL_KINDS[type];
  const checked = kind.schema.validate(settings);
  if (checked.error !== undefined) throw checked.error;
  return kind.send(told, checked.value, context(more));
}

/** What came of one notification. */
async function received(type: ChannelType, settings: object, told = notification()) {
  expect(await send(type, settings, told)).toEqual({ outcome: 'delivered' });
  const request = receiver.received.at(-1);
  if (request === undefined) throw new Error('nothing came');
  expect(request.method).toBe('POST');
  expect(request.headers['idempotency-key']).toBe('delivery-1');
  return request;
}

describe('webhook', () => {
  test("is shaped like Alertmanager's", async () => {
    const { body, headers, path } = await received('webhook', { url: `${receiver.url}/hook?x=1` }, notification({ omittedAlerts: 3 }));
    expect(path).toBe('/hook?x=1');
    expect(headers['content-type']).toBe('application/json');
    expect(headers['x-alert-signature']).toBeUndefined();
    expect(body).toEqual({
      version: '4',
      groupKey: '{"alertname":"HighLatency"}',
      truncatedAlerts: 3,
      status: 'firing',
      receiver: 'people',
      groupLabels: { alertname: 'HighLatency' },
      commonLabels: { alertname: 'HighLatency', severity: 'critical' },
      commonAnnotations: { summary: 'Latency of web-1 is high', description: 'It is 250 ms.' },
      externalURL: 'https://console.example',
      alerts: [
        {
          status: 'firing',
          labels: { alertname: 'HighLatency', severity: 'critical', agent: 'web-1', 'net.target': '1.1.1.1' },
          annotations: { summary: 'Latency of web-1 is high', description: 'It is 250 ms.' },
          startsAt: '2026-11-23T11:59:00.000Z',
          endsAt: '0001-01-01T00:00:00Z',
          generatorURL: 'https://console.example/alerts',
          fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        },
        expect.objectContaining({ status: 'resolved', endsAt: '2026-11-23T11:59:59.000Z' }),
      ],
    });
    expect(body.alerts[0].fingerprint).not.toBe(body.alerts[1].fingerprint);
    expect((await received('webhook', { url: receiver.url }, notification({ alerts: [OVER] }))).body.status).toBe('resolved');
  });

  test('is signed over timestamp and body', async () => {
    const { headers, text } = await received('webhook', { url: receiver.url, secret: 'geheim' });
    expect(headers['x-alert-timestamp']).toBe(String(NOW / 1_000));
    const digest = createHmac('sha256', 'geheim')
      .update(`${NOW / 1_000}.${text}`)
      .digest('hex');
    expect(headers['x-alert-signature']).toBe(`sha256=${digest}`);
  });

  test('brings credentials along', async () => {
    expect((await received('webhook', { url: receiver.url, bearer_token: 'abc' })).headers.authorization).toBe('Bearer abc');
    const { headers } = await received('webhook', { url: receiver.url, username: 'me', password: 'pass' });
    expect(headers.authorization).toBe(`Basic ${Buffer.from('me:pass').toString('base64')}`);
  });
});

describe('slack', () => {
  test('has a title, the alerts, and a colour', async () => {
    const { body } = await received('slack', { url: `${receiver.url}/services/T/B/X`, channel: '#ops' });
    expect(body.text).toBe('[FIRING:1, RESOLVED:1] HighLatency');
    expect(body.channel).toBe('#ops');
    expect(body.attachments[0]).toMatchObject({ color: '#d0342c', title_link: 'https://console.example/alerts' });
    expect(body.attachments[0].text).toContain('*Latency of web-1 is high*');
    expect(body.attachments[0].text).toContain('since 2026-11-23 11:59:00 UTC');
  });

  test('leaves no mention and no markup of others', async () => {
    const { text } = await received(
      'slack',
      { url: receiver.url },
      notification({ alerts: [alert({ annotations: { summary: NASTY, description: NASTY } })] }),
    );
    expect(text).not.toContain('<!here>');
    expect(text).toContain('&lt;!here&gt;');
  });
});

describe('discord', () => {
  test('is an embed that calls nobody', async () => {
    const { body } = await received(
      'discord',
      { url: receiver.url },
      notification({ alerts: [alert({ annotations: { summary: NASTY } })] }),
    );
    expect(body.allowed_mentions).toEqual({ parse: [] });
    expect(body.embeds[0].description).toContain('\\[x\\]\\(http');
    expect(body.embeds[0].color).toBe(0xd0342c);
  });

  test('stays within what Discord takes', async () => {
    const alerts = Array.from({ length: 50 }, (_, i) =>
      alert({ id: `a${i}`, annotations: { summary: 'x'.repeat(5_000), description: 'y'.repeat(5_000) } }),
    );
    const { body } = await received('discord', { url: receiver.url }, notification({ alerts }));
    expect(body.embeds[0].title.length).toBeLessThanOrEqual(256);
    expect(body.embeds[0].description.length).toBeLessThanOrEqual(4_096);
  });
});

describe('teams', () => {
  test('is an adaptive card', async () => {
    const { body } = await received('teams', { url: receiver.url }, notification({ alerts: [alert({ annotations: { summary: NASTY } })] }));
    expect(body.type).toBe('message');
    const [{ contentType, content }] = body.attachments;
    expect(contentType).toBe('application/vnd.microsoft.card.adaptive');
    expect(content).toMatchObject({ type: 'AdaptiveCard', actions: [{ type: 'Action.OpenUrl', url: 'https://console.example/alerts' }] });
    expect(content.body[0]).toMatchObject({ type: 'TextBlock', color: 'Attention' });
    expect(content.body[1].text).toContain('\\[x\\]\\(http');
  });

  test('stays within what Teams takes', async () => {
    const alerts = Array.from({ length: 50 }, (_, i) =>
      alert({ id: `a${i}`, annotations: { summary: '*'.repeat(5_000), description: '*'.repeat(5_000) } }),
    );
    const { text } = await received('teams', { url: receiver.url }, notification({ alerts }));
    expect(text.length).toBeLessThan(28_000);
  });
});

describe('pagerduty', () => {
  const settings = () => ({ routing_key: 'R0UTINGKEY', api_url: `${receiver.url}/` });

  test('opens an incident for a group, and closes the same one', async () => {
    const { path, body } = await received('pagerduty', settings());
    expect(path).toBe('/v2/enqueue');
    expect(body).toMatchObject({
      routing_key: 'R0UTINGKEY',
      event_action: 'trigger',
      dedup_key: expect.stringMatching(/^[0-9a-f]{64}$/),
      payload: {
        source: 'web-1',
        severity: 'critical',
        timestamp: '2026-11-23T11:59:00.000Z',
        class: 'HighLatency',
        custom_details: { num_firing: 1 },
      },
      client_url: 'https://console.example/alerts',
    });
    const closing = await received('pagerduty', settings(), notification({ alerts: [OVER], stillFiring: 0 }));
    expect(closing.body).toEqual({ routing_key: 'R0UTINGKEY', event_action: 'resolve', dedup_key: body.dedup_key });
  });

  test('leaves it open while something of the group fires that is not told again', async () => {
    expect(await send('pagerduty', settings(), notification({ alerts: [OVER], stillFiring: 1 }))).toEqual({ outcome: 'delivered' });
    expect(receiver.received).toEqual([]);
  });
});

describe('telegram', () => {
  const settings = () => ({ bot_token: '123456:abcdefghijklmnopqrstuvwxyz', chat_id: -1001234567890123, api_url: receiver.url });

  test('is a message of escaped HTML', async () => {
    const { path, body } = await received(
      'telegram',
      { ...settings(), message_thread_id: 7 },
      notification({ alerts: [alert({ annotations: { summary: NASTY } })] }),
    );
    expect(path).toBe('/bot123456:abcdefghijklmnopqrstuvwxyz/sendMessage');
    expect(body).toMatchObject({ chat_id: '-1001234567890123', message_thread_id: 7, parse_mode: 'HTML' });
    expect(body.text).toContain('&lt;b&gt;&amp;&quot;');
    expect(body.text).not.toContain('<!here>');
  });

  test('leaves out alerts rather than cutting tags', async () => {
    const alerts = Array.from({ length: 50 }, (_, i) => alert({ id: `a${i}`, annotations: { summary: '<'.repeat(250) } }));
    const { body } = await received('telegram', settings(), notification({ alerts }));
    expect(body.text.length).toBeLessThanOrEqual(4_096);
    expect(body.text).toMatch(/and 4\d more alerts/);
    for (const tag of ['b', 'i', 'a']) expect(body.text.split(`<${tag}`).length).toBe(body.text.split(`</${tag}>`).length);
  });
});

describe('ntfy', () => {
  test('has a priority and a link', async () => {
    const { path, body, headers } = await received('ntfy', { topic: 'ops', api_url: receiver.url, token: 'tk_1' });
    expect([path, headers.authorization]).toEqual(['/', 'Bearer tk_1']);
    expect(body).toMatchObject({
      topic: 'ops',
      title: '[FIRING:1, RESOLVED:1] HighLatency',
      priority: 5,
      tags: ['rotating_light'],
      click: 'https://console.example/alerts',
    });
    const over = await received(
      'ntfy',
      { topic: 'ops', api_url: receiver.url, username: 'me', password: 'x' },
      notification({ alerts: [OVER] }),
    );
    expect(over.body).toMatchObject({ priority: 3, tags: ['white_check_mark'] });
    expect(over.headers.authorization).toMatch(/^Basic /);
  });
});

describe('alertmanager', () => {
  test('gets all alerts, with an end some repeats ahead', async () => {
    const { path, body } = await received('alertmanager', { url: `${receiver.url}/am/` });
    expect(path).toBe('/am/api/v2/alerts');
    expect(body).toEqual([
      {
        labels: { alertname: 'HighLatency', severity: 'critical', agent: 'web-1', net_target: '1.1.1.1' },
        annotations: { summary: 'Latency of web-1 is high', description: 'It is 250 ms.' },
        startsAt: '2026-11-23T11:59:00.000Z',
        endsAt: '2026-11-23T15:00:00.000Z',
        generatorURL: 'https://console.example/alerts',
      },
      expect.objectContaining({ endsAt: '2026-11-23T11:59:59.000Z' }),
    ]);
  });
});

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
      const result = await send(type, settings(receiver.url.replace('127.0.0.1', host)), notification(), guarded);
      expect(result).toMatchObject({ outcome: 'retry', error: expect.stringContaining('ALERT_WEBHOOK_ALLOW_PRIVATE') });
    }
    expect(receiver.received).toEqual([]);
  });

  test.each(kinds)('%s follows no redirect', async (type, settings) => {
    receiver.answer = status(302, { location: `${receiver.url}/elsewhere` });
    expect(await send(type, settings(receiver.url))).toMatchObject({
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
    const sent = send('webhook', { url }, notification(), { guard, timeoutMs: 60_000, signal: stop.signal });
    await beginning;
    stop.abort();
    expect(await sent).toMatchObject({ outcome: 'retry' });
  });

  test.each([400, 413, 415, 422])('%p is about this body, and final', async (code) => {
    receiver.answer = status(code, {}, 'not like this');
    expect(await send('webhook', { url: receiver.url })).toEqual({ outcome: 'failed', error: `it answered ${code}: not like this` });
  });

  test.each([101, 307, 401, 402, 403, 404, 405, 407, 408, 409, 410, 425, 429, 500, 503])(
    '%p is about something that changes: it may be tried again',
    async (code) => {
      receiver.answer = (res) => void res.socket?.end(`HTTP/1.1 ${code} so\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n`);
      const result = await send('webhook', { url: receiver.url });
      expect(result).toMatchObject({ outcome: 'retry', error: expect.stringContaining(`it answered ${code}`) });
      if (code >= 300) expect(result).toMatchObject({ retryAfterMs: 7_000 });
    },
  );

  test.each(kinds)('%s takes alerts without texts, labels or an end, and texts of any kind', async (type, settings) => {
    const odd = [
      alert({ labels: {}, annotations: {} }),
      alert({
        id: 'b',
        labels: { '': '', alertname: NASTY, ['x'.repeat(300)]: '\ud800' },
        annotations: { summary: NASTY, description: '\u0000😀'.repeat(3_000) },
      }),
    ];
    expect(
      await send(type, settings(receiver.url), notification({ alerts: odd, groupLabels: {}, groupKey: '{}' }), { externalUrl: null }),
    ).toEqual({ outcome: 'delivered' });
    expect(receiver.received[0]!.body).not.toBeNull();
  });
});
