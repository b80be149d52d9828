import Joi from 'joi';
import type { Notification } from '../notification.js';
import { alertsLink, colourOf, cut, omittedText, spanOf, textOf, titleOf } from '../notification-text.js';
import { httpKind, httpUrl, jsonMessage } from './channel-kind.js';

/** An incoming webhook of Slack (or Mattermost, which takes the same). Its address is all the secret there is. */
interface SlackSettings {
  readonly url: string;
  readonly channel?: string;
}

const MAX_SHOWN = 15;

export const slack = httpKind<SlackSettings>({
  schema: Joi.object({ url: httpUrl().required(), channel: Joi.string().trim().max(100) }),
  secrets: ['url'],
  addresses: ['url'],
  render: (notification, { url, channel }, { externalUrl }) => [
    jsonMessage(url, { ...slackBody(notification, externalUrl), ...(channel === undefined ? {} : { channel }) }),
  ],
});

export function slackBody(notification: Notification, externalUrl: string | null): object {
  const { alerts, omittedAlerts } = notification;
  const title = escaped(titleOf(notification));
  const link = alertsLink(externalUrl);
  const lines = alerts.slice(0, MAX_SHOWN).map((alert) => {
    const text = textOf(alert, 300);
    const mark =
      text.status === 'resolved' ? ':white_check_mark:' : text.severity === 'critical' ? ':red_circle:' : ':large_orange_circle:';
    const description = text.description === null ? '' : `\n${escaped(text.description)}`;
    return `${mark} *${escaped(text.headline)}*${description}\n_${escaped(`${text.labels} ${spanOf(text)}`.trim())}_`;
  });
  const omitted = omittedText(omittedAlerts + Math.max(0, alerts.length - MAX_SHOWN));
  if (omitted !== null) lines.push(omitted);
  return {
    text: title,
    attachments: [
      {
        color: `#${colourOf(notification).toString(16).padStart(6, '0')}`,
        fallback: title,
        mrkdwn_in: ['text'],
        text: cut(lines.join('\n\n'), 12_000),
        ...(link === null ? {} : { title: 'Alerts', title_link: link }),
      },
    ],
  };
}

/** Slack's three; stars and the like of other people's texts lose their meaning, mentions (`<!here>`) with the brackets. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[*_~`]/g, (mark) => `\u200b${mark}\u200b`);
}
