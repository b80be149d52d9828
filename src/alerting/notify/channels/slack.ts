import Joi from 'joi';
import type { NotifiedAlert, Notification } from '../notification.js';
import { alertsLink, colourOf, listed, spanOf, textOf, titleOf } from '../notification-text.js';
import { httpKind, httpUrl, jsonMessage } from './channel-kind.js';

/** An incoming webhook of Slack (or Mattermost, which takes the same). Its address is all the secret there is. */
interface SlackSettings {
  readonly url: string;
  readonly channel?: string;
}

/** Slack cuts longer ones. */
const MAX_TEXT = 8_000;

export const slack = httpKind<SlackSettings>({
  schema: Joi.object({ url: httpUrl().required(), channel: Joi.string().trim().max(100) }),
  secrets: ['url'],
  addresses: ['url'],
  render: (notification, { url, channel }, { externalUrl }) => [
    jsonMessage(url, { ...slackBody(notification, externalUrl), ...(channel === undefined ? {} : { channel }) }),
  ],
});

export function slackBody(notification: Notification, externalUrl: string | null): object {
  const title = escaped(titleOf(notification));
  const link = alertsLink(externalUrl);
  const render = (alert: NotifiedAlert): string => {
    const text = textOf(alert, 300);
    const mark =
      text.status === 'resolved' ? ':white_check_mark:' : text.severity === 'critical' ? ':red_circle:' : ':large_orange_circle:';
    const description = text.description === null ? '' : `\n${escaped(text.description)}`;
    return `${mark} *${escaped(text.headline)}*${description}\n_${escaped(`${text.labels} ${spanOf(text)}`.trim())}_`;
  };
  const parts = listed(notification, render, String, (some) => some.join('\n\n').length <= MAX_TEXT);
  return {
    text: title,
    attachments: [
      {
        color: `#${colourOf(notification).toString(16).padStart(6, '0')}`,
        fallback: title,
        mrkdwn_in: ['text'],
        text: parts.join('\n\n'),
        ...(link === null ? {} : { title: 'Alerts', title_link: link }),
      },
    ],
  };
}

/**
 * Slack's three; stars and the like of other people's texts lose their meaning, and Slack's mentions (`<!here>`) with the
 * brackets. Mattermost also knows `@here`, and links as Markdown has them.
 */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[*_~`]/g, (mark) => `\u200b${mark}\u200b`)
    .replace(/(?<![A-Za-z0-9])@(?=[A-Za-z0-9])|\](?=[([:])/g, (mark) => `${mark}\u200b`);
}
