import Joi from 'joi';
import type { Notification } from '../notification.js';
import { statusOf } from '../notification.js';
import { alertsLink, omittedText, severityOf, spanOf, textOf, titleOf } from '../notification-text.js';
import { httpKind, httpUrl, jsonMessage } from './channel-kind.js';

/** Microsoft Teams: the address of a workflow "when a webhook request is received", which posts an adaptive card. */
interface TeamsSettings {
  readonly url: string;
}

/** A card may have 28 kB. */
const MAX_SHOWN = 12;

export const teams = httpKind<TeamsSettings>({
  schema: Joi.object({ url: httpUrl().required() }),
  secrets: ['url'],
  addresses: ['url'],
  render: (notification, { url }, { externalUrl }) => [jsonMessage(url, teamsBody(notification, externalUrl))],
});

export function teamsBody(notification: Notification, externalUrl: string | null): object {
  const { alerts, omittedAlerts } = notification;
  const link = alertsLink(externalUrl);
  const colour = statusOf(notification) === 'resolved' ? 'Good' : severityOf(notification) === 'critical' ? 'Attention' : 'Warning';
  const blocks: object[] = [{ ...block(titleOf(notification)), size: 'Large', weight: 'Bolder', color: colour }];
  for (const alert of alerts.slice(0, MAX_SHOWN)) {
    const text = textOf(alert, 300);
    blocks.push({ ...block(`${text.status === 'resolved' ? '✅' : '🔴'} ${text.headline}`), weight: 'Bolder', separator: true });
    if (text.description !== null) blocks.push(block(text.description));
    blocks.push({ ...block(`${text.labels} ${spanOf(text)}`.trim()), isSubtle: true, spacing: 'None' });
  }
  const omitted = omittedText(omittedAlerts + Math.max(0, alerts.length - MAX_SHOWN));
  if (omitted !== null) blocks.push(block(omitted));
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: blocks,
    ...(link === null ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Alerts', url: link }] }),
    msteams: { width: 'Full' },
  };
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }] };
}

/** Text blocks know some Markdown, links among it: other people's texts are shown as they are. */
function block(text: string): { type: string; text: string; wrap: boolean } {
  return { type: 'TextBlock', text: text.replace(/[\\*_[\]()`#>~-]/g, '\\$&'), wrap: true };
}
