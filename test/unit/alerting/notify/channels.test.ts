import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ChannelType } from '../../../../src/model/alert.js';
import { ALERT_OVER, NASTY, NOW, notificationOf, notifiedAlert, sendThrough } from '../../../helpers/channel-context.js';
import { type Receiver, startReceiver } from '../../../helpers/receiver.js';

const BOTH = notificationOf([notifiedAlert(), ALERT_OVER]);

let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.stop());

/** What came of one notification. */
async function received(type: ChannelType, settings: object, told = BOTH) {
  expect(await sendThrough(type, settings, told)).toEqual({ outcome: 'delivered' });
  const request = receiver.received.at(-1);
  if (request === undefined) throw new Error('nothing came');
  expect(request.method).toBe('POST');
  expect(request.headers['idempotency-key']).toBe('delivery-1');
  return request;
}

describe('webhook', () => {
  test("is shaped like Alertmanager's", async () => {
    const { body, headers, path } = await received('webhook', { url: `${receiver.url}/hook?x=1` }, { ...BOTH, omittedAlerts: 3 });
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
    expect((await received('webhook', { url: receiver.url }, notificationOf([ALERT_OVER]))).body.status).toBe('resolved');
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
      notificationOf([notifiedAlert({ annotations: { summary: NASTY, description: NASTY } })]),
    );
    expect(text).not.toContain('<!here>');
    expect(text).toContain('&lt;!here&gt;');
  });
});

describe('discord', () => {
  test('is an embed that calls nobody', async () => {
    const { body } = await received('discord', { url: receiver.url }, notificationOf([notifiedAlert({ annotations: { summary: NASTY } })]));
    expect(body.allowed_mentions).toEqual({ parse: [] });
    expect(body.embeds[0].description).toContain('\\[x\\]\\(http');
    expect(body.embeds[0].color).toBe(0xd0342c);
  });
});

describe('teams', () => {
  test('is an adaptive card', async () => {
    const { body } = await received('teams', { url: receiver.url }, notificationOf([notifiedAlert({ annotations: { summary: NASTY } })]));
    expect(body.type).toBe('message');
    const [{ contentType, content }] = body.attachments;
    expect(contentType).toBe('application/vnd.microsoft.card.adaptive');
    expect(content).toMatchObject({ type: 'AdaptiveCard', actions: [{ type: 'Action.OpenUrl', url: 'https://console.example/alerts' }] });
    expect(content.body[0]).toMatchObject({ type: 'TextBlock', color: 'Attention' });
    expect(content.body[1].text).toContain('\\[x\\]\\(http');
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
    const closing = await received('pagerduty', settings(), notificationOf([ALERT_OVER]));
    expect(closing.body).toEqual({ routing_key: 'R0UTINGKEY', event_action: 'resolve', dedup_key: body.dedup_key });
  });

  test('leaves it open while something of the group fires that is not told again', async () => {
    expect(await sendThrough('pagerduty', settings(), notificationOf([ALERT_OVER], { stillFiring: 1 }))).toEqual({ outcome: 'delivered' });
    expect(receiver.received).toEqual([]);
  });
});

describe('telegram', () => {
  const settings = () => ({ bot_token: '123456:abcdefghijklmnopqrstuvwxyz', chat_id: -1001234567890123, api_url: receiver.url });

  test('is a message of escaped HTML', async () => {
    const { path, body } = await received(
      'telegram',
      { ...settings(), message_thread_id: 7 },
      notificationOf([notifiedAlert({ annotations: { summary: NASTY } })]),
    );
    expect(path).toBe('/bot123456:abcdefghijklmnopqrstuvwxyz/sendMessage');
    expect(body).toMatchObject({ chat_id: '-1001234567890123', message_thread_id: 7, parse_mode: 'HTML' });
    expect(body.text).toContain('&lt;b&gt;&amp;&quot;');
    expect(body.text).not.toContain('<!here>');
  });

  test('leaves out alerts rather than cutting tags', async () => {
    const alerts = Array.from({ length: 50 }, (_, i) => notifiedAlert({ id: `a${i}`, annotations: { summary: '<'.repeat(250) } }));
    const { body } = await received('telegram', settings(), notificationOf(alerts));
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
      notificationOf([ALERT_OVER]),
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
