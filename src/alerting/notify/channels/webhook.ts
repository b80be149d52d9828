import { createHash, createHmac } from 'node:crypto';
import Joi from 'joi';
import { isoTime } from '../../../model/iso-time.js';
import { canonicalTags, type Tags } from '../../../model/metric.js';
import { commonOf, type Notification, statusOf } from '../notification.js';
import { alertsLink } from '../notification-text.js';
import {
  authorization,
  CREDENTIALS,
  type Credentials,
  httpKind,
  httpUrl,
  jsonText,
  type RenderContext,
  WAITS_FOR_PEOPLE,
} from './channel-kind.js';

/**
 * Any program that takes HTTP posts. The body is that of an Alertmanager webhook, version 4. With a secret it is signed:
 * `X-Alert-Signature: sha256=` and the hex HMAC-SHA256 of `X-Alert-Timestamp` (Unix seconds), a dot and the body. The
 * timestamp is part of it, so that a receiver can refuse what somebody recorded and sends again.
 */
interface WebhookSettings extends Credentials {
  readonly url: string;
  readonly secret?: string;
}

/** How Alertmanager says that there is no end yet. */
const NO_TIME = '0001-01-01T00:00:00Z';

export const webhook = httpKind<WebhookSettings>({
  schema: Joi.object({ url: httpUrl().required(), secret: Joi.string().min(1).max(500), ...CREDENTIALS })
    .rename('bearerToken', 'bearer_token')
    .nand('bearer_token', 'username')
    .with('password', 'username'),
  secrets: ['url', 'secret', 'bearer_token', 'password'],
  addresses: ['url'],
  maxAlerts: 200,
  waits: WAITS_FOR_PEOPLE,
  render(notification, settings, context) {
    const body = jsonText(webhookBody(notification, context));
    const headers = { 'Content-Type': 'application/json', ...authorization(settings), ...signature(body, settings.secret, context.nowMs) };
    return [{ url: settings.url, headers, body }];
  },
});

export function webhookBody(notification: Notification, { channelName, externalUrl }: RenderContext): object {
  const { alerts, groupKey, groupLabels, omittedAlerts } = notification;
  return {
    version: '4',
    groupKey,
    truncatedAlerts: omittedAlerts,
    status: statusOf(notification),
    receiver: channelName,
    groupLabels,
    commonLabels: commonOf(alerts.map((alert) => alert.labels)),
    commonAnnotations: commonOf(alerts.map((alert) => alert.annotations)),
    externalURL: externalUrl ?? '',
    alerts: alerts.map((alert) => ({
      status: alert.status,
      labels: alert.labels,
      annotations: alert.annotations,
      startsAt: isoTime(alert.startsAtMs),
      endsAt: alert.endsAtMs === null ? NO_TIME : isoTime(alert.endsAtMs),
      generatorURL: alertsLink(externalUrl) ?? '',
      fingerprint: fingerprint(alert.labels),
    })),
  };
}

/** The same for the same labels, whenever and however often they are bad. */
function fingerprint(labels: Tags): string {
  return createHash('sha256').update(canonicalTags(labels)).digest('hex').slice(0, 16);
}

function signature(body: string, secret: string | undefined, nowMs: number): Record<string, string> {
  if (secret === undefined) return {};
  const timestamp = String(Math.floor(nowMs / 1_000));
  const digest = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'X-Alert-Timestamp': timestamp, 'X-Alert-Signature': `sha256=${digest}` };
}
