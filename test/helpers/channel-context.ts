/** What channels are told in tests, and the sending of it: settings as a request brings them, everything said unless a test wants otherwise. */
import type { SendContext } from '../../src/alerting/notify/channels/channel-kind.js';
import { CHANNEL_KINDS } from '../../src/alerting/notify/channels/channel-kinds.js';
import type { NotifiedAlert, Notification } from '../../src/alerting/notify/notification.js';
import type { SendResult } from '../../src/alerting/notify/send-result.js';
import { SsrfGuard } from '../../src/alerting/notify/ssrf-guard.js';
import type { ChannelType } from '../../src/model/alert.js';

export const NOW = Date.parse('2026-11-23T12:00:00Z');
/** Means something everywhere. */
export const NASTY = `<b>&"'*_~\`[x](http://evil.example) <!here> @everyone \r\nBcc: x@evil.example`;

export function notifiedAlert(fields: Partial<NotifiedAlert> = {}): NotifiedAlert {
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

export const ALERT_OVER = notifiedAlert({
  id: 'a2',
  status: 'resolved',
  endsAtMs: NOW - 1_000,
  labels: { alertname: 'HighLatency', severity: 'critical', agent: 'web-2' },
});

export function notificationOf(alerts: readonly NotifiedAlert[], fields: Partial<Notification> = {}): Notification {
  return {
    groupKey: '{"alertname":"HighLatency"}',
    groupLabels: { alertname: 'HighLatency' },
    alerts,
    omittedAlerts: 0,
    stillFiring: alerts.filter(({ status }) => status === 'firing').length,
    ...fields,
  };
}

export function sendContext(fields: Partial<SendContext> = {}): SendContext {
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

/** Sends through a channel of that type. @throws what is wrong with the settings */
export function sendThrough(type: ChannelType, settings: object, told: Notification, more: Partial<SendContext> = {}): Promise<SendResult> {
  const kind = CHANNEL_KINDS[type];
  const checked = kind.schema.validate(settings);
  if (checked.error !== undefined) throw checked.error;
  return kind.send(told, checked.value, sendContext(more));
}
