import { createHash } from 'node:crypto';
import Joi from 'joi';
import { isoTime } from '../../../model/iso-time.js';
import type { Notification } from '../notification.js';
import { alertsLink, cut, severityOf, spanOf, textOf, titleOf } from '../notification-text.js';
import { apiUrl, httpKind, jsonMessage, type RenderContext, token, withPath } from './channel-kind.js';

/**
 * PagerDuty's Events API v2. A group of alerts is one incident, known by its `dedup_key`: whatever is sent twice changes
 * nothing. It is over when no alert of the group fires any more, which includes acknowledged and silenced ones.
 */
interface PagerDutySettings {
  readonly routing_key: string;
  readonly api_url: string;
}

const MAX_DETAILS = 20;

export const pagerduty = httpKind<PagerDutySettings>({
  schema: Joi.object({ routing_key: token().required(), api_url: apiUrl('https://events.pagerduty.com') })
    .rename('routingKey', 'routing_key')
    .rename('apiUrl', 'api_url'),
  secrets: ['routing_key'],
  addresses: ['api_url'],
  // A routing key it does not know is a 400 as well, and can be put right.
  finalStatuses: [413, 415, 422],
  render(notification, settings, context) {
    const event = pagerDutyEvent(notification, context);
    return event === null ? [] : [jsonMessage(withPath(settings.api_url, '/v2/enqueue'), { routing_key: settings.routing_key, ...event })];
  },
});

/** Null: nothing that PagerDuty would want to know of. */
export function pagerDutyEvent(notification: Notification, { channelId, externalUrl }: RenderContext): object | null {
  const { alerts, groupKey, stillFiring, omittedAlerts } = notification;
  const dedupKey = createHash('sha256').update(`${channelId} ${groupKey}`).digest('hex');
  if (stillFiring === 0) return { event_action: 'resolve', dedup_key: dedupKey };
  const firing = alerts.filter((alert) => alert.status === 'firing');
  const [first] = firing;
  if (first === undefined) return null;
  const link = alertsLink(externalUrl);
  const firstMs = Math.min(...firing.map((alert) => alert.startsAtMs));
  return {
    event_action: 'trigger',
    dedup_key: dedupKey,
    payload: {
      summary: cut(firing.length === 1 ? `${titleOf(notification)} ${textOf(first).headline}` : titleOf(notification), 1_024),
      source: cut(first.labels.agent ?? 'CloudConsoleVibe', 255),
      severity: severityOf(notification),
      timestamp: isoTime(firstMs),
      class: cut(first.labels.alertname ?? 'alert', 255),
      custom_details: {
        firing: firing.slice(0, MAX_DETAILS).map((alert) => {
          const text = textOf(alert);
          return [text.headline, text.description, text.labels, spanOf(text)].filter((part) => part !== null && part !== '').join('\n');
        }),
        num_firing: firing.length + omittedAlerts,
      },
    },
    client: 'CloudConsoleVibe',
    ...(link === null ? {} : { client_url: link, links: [{ href: link, text: 'Alerts' }] }),
  };
}
