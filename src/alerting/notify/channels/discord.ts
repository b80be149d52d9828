import Joi from 'joi';
import type { Notification } from '../notification.js';
import { alertsLink, colourOf, cut, omittedText, spanOf, textOf, titleOf } from '../notification-text.js';
import { httpKind, httpUrl, jsonMessage } from './channel-kind.js';

/** A webhook of a Discord channel. */
interface DiscordSettings {
  readonly url: string;
}

const MAX_SHOWN = 15;
/** Discord refuses longer ones. */
const MAX_TITLE = 256;
const MAX_DESCRIPTION = 4_096;

export const discord = httpKind<DiscordSettings>({
  schema: Joi.object({ url: httpUrl().required() }),
  secrets: ['url'],
  addresses: ['url'],
  render: (notification, { url }, { externalUrl }) => [jsonMessage(url, discordBody(notification, externalUrl))],
});

export function discordBody(notification: Notification, externalUrl: string | null): object {
  const { alerts, omittedAlerts } = notification;
  const link = alertsLink(externalUrl);
  const lines = alerts.slice(0, MAX_SHOWN).map((alert) => {
    const text = textOf(alert, 200);
    const description = text.description === null ? '' : `\n${escaped(text.description)}`;
    return `${text.status === 'resolved' ? '🟢' : '🔴'} **${escaped(text.headline)}**${description}\n${escaped(`${text.labels} ${spanOf(text)}`.trim())}`;
  });
  const omitted = omittedText(omittedAlerts + Math.max(0, alerts.length - MAX_SHOWN));
  if (omitted !== null) lines.push(omitted);
  return {
    embeds: [
      {
        title: cut(escaped(titleOf(notification)), MAX_TITLE),
        description: cut(lines.join('\n\n'), MAX_DESCRIPTION),
        color: colourOf(notification),
        ...(link === null ? {} : { url: link }),
      },
    ],
    // Nobody is called by what stands in a label.
    allowed_mentions: { parse: [] },
  };
}

function escaped(text: string): string {
  return text.replace(/[\\*_~`|>#[\]()<@-]/g, '\\$&');
}
