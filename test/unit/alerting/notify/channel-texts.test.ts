import { describe, expect, test } from '@jest/globals';
import { alertmanagerBody } from '../../../../src/alerting/notify/channels/alertmanager.js';
import { jsonMessage } from '../../../../src/alerting/notify/channels/channel-kind.js';
import { discordBody } from '../../../../src/alerting/notify/channels/discord.js';
import { ntfyBody } from '../../../../src/alerting/notify/channels/ntfy.js';
import { pagerDutyEvent } from '../../../../src/alerting/notify/channels/pagerduty.js';
import { slackBody } from '../../../../src/alerting/notify/channels/slack.js';
import { teamsBody } from '../../../../src/alerting/notify/channels/teams.js';
import { telegramText } from '../../../../src/alerting/notify/channels/telegram.js';
import type { NotifiedAlert, Notification } from '../../../../src/alerting/notify/notification.js';
import { pieces } from '../../../../src/alerting/notify/pieces.js';
import { webhook, webhookBody } from '../../../../src/alerting/notify/channels/webhook.js';
import type { Tags } from '../../../../src/model/metric.js';
import { NOW, notificationOf, notifiedAlert, sendContext } from '../../../helpers/channel-context.js';

/** What receivers refuse: texts that are too long as they count it, and names they do not take. */

const LINK = 'https://console.example';
const context = sendContext();

function alert(fields: Partial<NotifiedAlert> = {}): NotifiedAlert {
  return notifiedAlert({ labels: { alertname: 'Hot', severity: 'critical' }, annotations: {}, ...fields });
}

const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Fifty alerts whose every text is as long as somebody liked. */
function longOnes(text: string): Notification {
  const long = text.repeat(5_000);
  const labels = { alertname: long, severity: 'critical', ...Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`l${i}`, long])) };
  return notificationOf(Array.from({ length: 50 }, () => alert({ labels, annotations: { summary: long, description: long } })));
}

describe.each([
  ['ASCII', 'x'],
  ['CJK', '温'],
  ['emoji', '🔥'],
  ['what is escaped in JSON', '"\\'],
  ['what is escaped in HTML', '<"'],
  ['what is escaped in Markdown', '*_'],
  ['control characters', '\u0001x'],
])('texts of %s stay within what is taken', (_what, text) => {
  const told = longOnes(text);

  test('by ntfy: 4,096 bytes, and twice as much for all of the JSON', () => {
    const body = ntfyBody(told, LINK) as { message: string };
    expect(Buffer.byteLength(body.message)).toBeLessThanOrEqual(4_096);
    expect(bytes(body)).toBeLessThanOrEqual(7_500);
    expect(body.message).toMatch(/since .*… and \d\d more alerts$/s);
  });

  test('by Teams: 28 kB, which it counts as UTF-16', () => {
    const json = JSON.stringify(teamsBody(told, LINK));
    expect(Buffer.byteLength(json)).toBeLessThanOrEqual(28_000);
    expect(Buffer.byteLength(json, 'utf16le')).toBeLessThanOrEqual(28_000);
    expect(json).toContain('since 2026');
    expect(json).toMatch(/… and \d\d more alerts/);
  });

  test('by Discord: 256 and 4,096 characters', () => {
    const { embeds } = discordBody(told, LINK) as { embeds: { title: string; description: string }[] };
    expect(embeds[0]!.title.length).toBeLessThanOrEqual(256);
    expect(embeds[0]!.description.length).toBeLessThanOrEqual(4_096);
    expect(embeds[0]!.description).toMatch(/since .*… and \d\d more alerts$/s);
  });

  test('by Slack', () => {
    const { attachments } = slackBody(told, LINK) as { attachments: { text: string }[] };
    expect(attachments[0]!.text.length).toBeLessThanOrEqual(8_000);
    expect(attachments[0]!.text).toMatch(/since .*… and \d\d more alerts$/s);
  });

  test('by Telegram: 4,096 characters', () => {
    const message = telegramText(told, LINK);
    expect(message.length).toBeLessThanOrEqual(4_096);
    expect(message).toMatch(/… and \d\d more alerts/);
  });

  test('by PagerDuty: a summary of 1,024 characters, 512 kB', () => {
    const event = pagerDutyEvent(told, context) as { payload: { summary: string } };
    expect(event.payload.summary.length).toBeLessThanOrEqual(1_024);
    expect(bytes(event)).toBeLessThan(512_000);
  });
});

describe('what a text could mean to the receiver', () => {
  const slackText = (summary: string): string => JSON.stringify(slackBody(notificationOf([alert({ annotations: { summary } })]), null));

  test("Slack's three characters are escaped", () => {
    expect(slackText('a & b <!here> <#C1> <http://x|y> &lt;')).toContain('a &amp; b &lt;!here&gt; &lt;#C1&gt; &lt;http://x|y&gt; &amp;lt;');
  });

  test('Mattermost takes no mention and no link of another name out of it', () => {
    const text = slackText('@channel, (@here) [bank](http://evil.example) ![x](http://evil.example) ops@example.org');
    expect(text).not.toMatch(/@channel|@here|\]\(/);
    expect(text).toContain('ops@example.org');
  });

  test('half a character is none, and nothing else changes', () => {
    const { body } = jsonMessage('https://x.example/', { ['k\ud800']: '\ud83d 🔥 \\ud800 \\\udc00' });
    expect(JSON.parse(body)).toEqual({ 'k\ufffd': '\ufffd 🔥 \\ud800 \\\ufffd' });
  });
});

describe('an Alertmanager', () => {
  const labelsOf = (labels: Tags): Tags =>
    (alertmanagerBody(notificationOf([alert({ labels })]), context) as { labels: Tags }[])[0]!.labels;

  test('gets names it takes, and all of the labels', () => {
    const given = {
      'net.target': '1',
      'net-target': '2',
      net_target: '3',
      net_target_2: '4',
      '1st': '5',
      '': '6',
      größe: '7',
      ['__proto__']: '8',
    };
    const labels = labelsOf(given);
    expect(Object.values(labels).toSorted()).toEqual(Object.values(given));
    for (const name of Object.keys(labels)) expect(name).toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*$/);
    expect(labels).toMatchObject({ net_target: '3', net_target_2: '4' });
  });

  test('gets the same names for the same labels, whatever their order', () => {
    expect(labelsOf({ 'a.b': '1', 'a-b': '2' })).toEqual(labelsOf({ 'a-b': '2', 'a.b': '1' }));
  });

  test('gets no empty labels, and no end before the start', () => {
    expect(labelsOf({ alertname: 'Hot', rack: '' })).toEqual({ alertname: 'Hot' });
    const [sent] = alertmanagerBody(notificationOf([alert({ status: 'resolved', startsAtMs: NOW, endsAtMs: NOW - 1 })]), context) as any[];
    expect(sent).toMatchObject({ startsAt: '2026-11-23T12:00:00.000Z', endsAt: '2026-11-23T12:00:00.000Z' });
  });
});

test('a webhook gets 200 alerts, the worst first, and is told how many there are beside them', () => {
  const alerts = Array.from({ length: 250 }, (_, i) => alert({ id: `a${i}`, labels: { severity: i === 249 ? 'critical' : 'info' } }));
  const [piece, ...others] = pieces(notificationOf(alerts), webhook);
  expect(others).toEqual([]);
  const { alerts: sent, truncatedAlerts } = webhookBody(piece!, context) as any;
  expect([sent.length, truncatedAlerts, sent[0].labels.severity]).toEqual([200, 50, 'critical']);
});
