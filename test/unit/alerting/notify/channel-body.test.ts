import { describe, expect, test } from '@jest/globals';
import { parseChannel, shownSettings } from '../../../../src/alerting/notify/channel-body.js';
import { applySettingsChannels } from '../../../../src/alerting/notify/settings-channels.js';
import type { Channel } from '../../../../src/model/alert.js';
import { MemoryAlertStores } from '../../../helpers/memory-alert-stores.js';

function stored(body: object): Channel {
  return { ...parseChannel(body, null), id: 'channel-1', isFromSettings: false, createdAtMs: 0, updatedAtMs: 0 };
}

function problem(body: object, current: Channel | null = null): string {
  try {
    parseChannel(body, current);
  } catch (error) {
    expect(error).toMatchObject({ name: 'AppError', code: 'validation_failed' });
    return JSON.stringify([(error as Error).message, (error as { details?: unknown }).details]);
  }
  throw new Error('it was accepted');
}

const HOOK = { name: 'ops', type: 'webhook', settings: { url: 'https://hooks.example/alerts?key=k3y', secret: 'geheim' } };

describe('a channel in a request', () => {
  test("has its type's defaults", () => {
    expect(parseChannel(HOOK, null)).toEqual({
      name: 'ops',
      type: 'webhook',
      settings: HOOK.settings,
      matchers: [],
      groupBy: ['alertname'],
      groupWaitMs: 30_000,
      groupIntervalMs: 300_000,
      repeatIntervalMs: 14_400_000,
      sendsResolved: true,
      enabled: true,
    });
    expect(parseChannel({ name: 'am', type: 'alertmanager', settings: { url: 'https://am.example' } }, null)).toMatchObject({
      groupWaitMs: 0,
      repeatIntervalMs: 60_000,
    });
    expect(parseChannel({ name: 'pd', type: 'pagerduty', settings: { routingKey: 'K' } }, null).settings).toEqual({
      routing_key: 'K',
      api_url: 'https://events.pagerduty.com',
    });
  });

  test('is read in both spellings, durations as seconds or texts', () => {
    const snake = { ...HOOK, group_by: ['agent'], group_wait: 0, group_interval: 60, repeat_interval: '1h', sends_resolved: false };
    const camel = { ...HOOK, groupBy: ['agent'], groupWait: '0s', groupInterval: '1m', repeatInterval: 3_600, sendResolved: false };
    expect(parseChannel(camel, null)).toEqual(parseChannel(snake, null));
    expect(parseChannel(snake, null)).toMatchObject({
      groupBy: ['agent'],
      groupWaitMs: 0,
      groupIntervalMs: 60_000,
      repeatIntervalMs: 3_600_000,
      sendsResolved: false,
    });
  });

  test('changes only what it says, and takes back what was shown', () => {
    const current = stored({ ...HOOK, matchers: [{ label: 'severity', value: 'critical' }] });
    const { id: _i, isFromSettings: _s, createdAtMs: _c, updatedAtMs: _u, ...fields } = current;
    expect(parseChannel({ enabled: false }, current)).toEqual({ ...fields, enabled: false });
    const shown = shownSettings(current);
    expect(shown).toEqual({ url: '***', secret: '***' });
    expect(parseChannel({ settings: shown }, current)).toEqual(fields);
    expect(parseChannel({ settings: { url: '***' } }, current).settings).toEqual({ url: HOOK.settings.url });
    expect(parseChannel({ settings: { url: '***', secret: 'other' } }, current).settings).toEqual({
      url: HOOK.settings.url,
      secret: 'other',
    });
  });

  test('gives no secrets to another address', () => {
    const pager = stored({ name: 'pd', type: 'pagerduty', settings: { routing_key: 'K' } });
    expect(problem({ settings: { routing_key: '***', api_url: 'https://evil.example' } }, pager)).toContain('must be given again');
    expect(problem({ settings: { routingKey: '***', apiUrl: 'https://evil.example' } }, pager)).toContain('must be given again');
    expect(problem({ settings: { url: 'https://evil.example', secret: '***' } }, stored(HOOK))).toContain('must be given again');
    expect(problem({ type: 'slack', settings: { url: '***' } }, stored(HOOK))).toContain('must be given');
    expect(problem({ type: 'slack' }, stored(HOOK))).toContain('another type');
  });

  test.each<[object, string]>([
    [{ name: 'x', settings: {} }, 'type'],
    [{ name: 'x', type: 'pigeon', settings: {} }, 'must be one of'],
    [{ name: 'x', type: 'webhook' }, 'settings'],
    [{ name: 'x', type: 'webhook', settings: {} }, 'settings.url'],
    [{ name: 'x', type: 'webhook', settings: { url: 'hush-not-a-url' } }, 'must be an address such as'],
    [{ name: 'x', type: 'webhook', settings: { url: 'ftp://hush@x.example' } }, 'must be an address such as'],
    [{ name: 'x', type: 'webhook', settings: { url: 'https://x.example', password: 'hush' } }, 'settings'],
    [{ name: 'x', type: 'webhook', settings: { url: 'https://x.example', hush: 1 } }, 'is not allowed'],
    [{ name: 'x', type: 'webhook', settings: { url: '***' } }, 'must be given'],
    [{ name: 'x', type: 'telegram', settings: { bot_token: 'hush/../x', chat_id: 1 } }, 'BotFather'],
    [{ name: 'x', type: 'ntfy', settings: { topic: 'hush/x' } }, 'must be 1 to 64'],
    [{ name: 'x', type: 'pagerduty', settings: { routing_key: 'hush\r\nX: y' } }, 'one word'],
    [{ name: 'x', type: 'pagerduty', settings: { routing_key: 'K', api_url: 'https://hush:hush@x.example' } }, 'settings.api_url'],
    [{ name: 'x', type: 'ntfy', settings: { topic: 'x', api_url: 'https://hush@x.example' } }, 'without user name, password'],
    [{ name: 'x', type: 'ntfy', settings: { topic: 'x', server: 'https://x.example?auth=hush' } }, 'settings.api_url'],
    [
      { name: 'x', type: 'telegram', settings: { bot_token: '123456:abcdefghijklmnop', chat_id: 1, api_url: 'https://x.example/#hush' } },
      'query and fragment',
    ],
    [{ ...HOOK, repeat_interval: 1 }, 'must be between 10 and'],
    [{ ...HOOK, matchers: [{ label: 'a', value: '(', is_regex: true }] }, 'is not closed'],
    [{ ...HOOK, colour: 'red' }, 'is not allowed'],
  ])('%j is refused: %s', (body, message) => {
    const said = problem(body);
    expect(said).toContain(message);
    if (!('hush' in ((body as typeof HOOK).settings ?? {}))) expect(said).not.toContain('hush');
  });
});

describe('the channels of the configuration', () => {
  const nothing = { webhookUrl: null, webhookSecret: null, emailFrom: null, emailTo: [] };

  test('are made, changed and removed as it says, without what people made', async () => {
    const { channels } = new MemoryAlertStores();
    await channels.create(parseChannel(HOOK, null), 0);
    const all = async () => (await channels.all()).filter(({ isFromSettings }) => isFromSettings);
    await applySettingsChannels(
      { webhookUrl: 'https://x.example/', webhookSecret: 's', emailFrom: 'a@example.org', emailTo: ['b@example.org'] },
      channels,
      1,
    );
    expect(await all()).toMatchObject([
      { name: 'ALERT_WEBHOOK_URL', type: 'webhook', settings: { url: 'https://x.example/', secret: 's' }, enabled: true, matchers: [] },
      { name: 'ALERT_EMAIL_TO', type: 'email', settings: { from: 'a@example.org', to: ['b@example.org'] } },
    ]);
    const [{ id } = { id: '' }] = await all();
    await applySettingsChannels({ ...nothing, webhookUrl: 'https://y.example/' }, channels, 2);
    expect(await all()).toMatchObject([{ id, settings: { url: 'https://y.example/' } }]);
    await applySettingsChannels(nothing, channels, 3);
    expect(await all()).toEqual([]);
    expect(await channels.all()).toHaveLength(1);
  });
});
