import Joi from 'joi';
import type { NotifiedAlert, Notification } from '../notification.js';
import { alertsLink, colourOf, cut, listed, spanOf, textOf, titleOf } from '../notification-text.js';
import { httpKind, httpUrl, jsonMessage } from './channel-kind.js';

/** A webhook of a Discord channel. */
interface DiscordSettings {
  readonly url: string;
}

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
  const link = alertsLink(externalUrl);
  const render = (alert: NotifiedAlert): string => {
    const text = textOf(alert, 200);
    const description = text.description === null ? '' : `\n${escaped(text.description)}`;
    return `${text.status === 'resolved' ? '🟢' : '🔴'} **${escaped(text.headline)}**${description}\n${escaped(`${text.labels} ${spanOf(text)}`.trim())}`;
  };
  const parts = listed(notification, render, String, (some) => some.join('\n\n').length <= MAX_DESCRIPTION);
  return {
    embeds: [
      {
        title: cut(escaped(titleOf(notification)), MAX_TITLE),
        description: parts.join('\n\n'),
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
