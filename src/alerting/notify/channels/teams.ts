import Joi from 'joi';
import type { NotifiedAlert, Notification } from '../notification.js';
import { statusOf } from '../notification.js';
import { alertsLink, listed, severityOf, spanOf, textOf, titleOf } from '../notification-text.js';
import { httpKind, httpUrl, jsonMessage } from './channel-kind.js';

/** Microsoft Teams: the address of a workflow "when a webhook request is received", which posts an adaptive card. */
interface TeamsSettings {
  readonly url: string;
}

/** A message may have 28 kB, which Teams counts as UTF-16; some of it is its own. */
const MAX_BYTES = 26_000;

export const teams = httpKind<TeamsSettings>({
  schema: Joi.object({ url: httpUrl().required() }),
  secrets: ['url'],
  addresses: ['url'],
  render: (notification, { url }, { externalUrl }) => [jsonMessage(url, teamsBody(notification, externalUrl))],
});

export function teamsBody(notification: Notification, externalUrl: string | null): object {
  const link = alertsLink(externalUrl);
  const colour = statusOf(notification) === 'resolved' ? 'Good' : severityOf(notification) === 'critical' ? 'Attention' : 'Warning';
  const title = { ...block(titleOf(notification)), size: 'Large', weight: 'Bolder', color: colour };
  const message = (parts: readonly object[][]): object => {
    const content = {
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      type: 'AdaptiveCard',
      version: '1.4',
      body: [title, ...parts.flat()],
      ...(link === null ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Alerts', url: link }] }),
      msteams: { width: 'Full' },
    };
    return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }] };
  };
  return message(
    listed(
      notification,
      blocksOf,
      (text) => [block(text)],
      (parts) => isTaken(JSON.stringify(message(parts))),
    ),
  );
}

function isTaken(json: string): boolean {
  return Math.max(Buffer.byteLength(json, 'utf8'), Buffer.byteLength(json, 'utf16le')) <= MAX_BYTES;
}

function blocksOf(alert: NotifiedAlert): object[] {
  const text = textOf(alert, 300);
  return [
    { ...block(`${text.status === 'resolved' ? '✅' : '🔴'} ${text.headline}`), weight: 'Bolder', separator: true },
    ...(text.description === null ? [] : [block(text.description)]),
    { ...block(`${text.labels} ${spanOf(text)}`.trim()), isSubtle: true, spacing: 'None' },
  ];
}

/** Text blocks know some Markdown, links among it: other people's texts are shown as they are. */
function block(text: string): { type: string; text: string; wrap: boolean } {
  return { type: 'TextBlock', text: text.replace(/[\\*_[\]()`#>~-]/g, '\\$&'), wrap: true };
}
