import Joi from 'joi';
import type { Notification } from '../notification.js';
import { statusOf } from '../notification.js';
import { alertsLink, cut, omittedText, severityOf, spanOf, textOf, titleOf } from '../notification-text.js';
import { apiUrl, authorization, httpKind, jsonMessage, token, withPath } from './channel-kind.js';

/** A topic at ntfy.sh, or at a server of one's own. */
interface NtfySettings {
  readonly topic: string;
  readonly api_url: string;
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
}

const MAX_SHOWN = 15;
/** ntfy makes an attachment of longer ones. */
const MAX_MESSAGE = 3_500;
const PRIORITIES = { critical: 5, warning: 4, info: 3 } as const;

export const ntfy = httpKind<NtfySettings>({
  schema: Joi.object({
    topic: Joi.string()
      .trim()
      .pattern(/^[A-Za-z0-9_-]{1,64}$/)
      .required()
      .messages({ 'string.pattern.base': '{{#label}} must be 1 to 64 letters, digits, "_" or "-"' }),
    api_url: apiUrl('https://ntfy.sh'),
    token: token(),
    username: Joi.string().max(500),
    password: Joi.string().max(500),
  })
    .rename('apiUrl', 'api_url')
    .rename('server', 'api_url')
    .nand('token', 'username')
    .with('password', 'username'),
  // Whoever knows the topic of an open server may read it.
  secrets: ['topic', 'token', 'password'],
  addresses: ['api_url'],
  render: (notification, settings, { externalUrl }) => {
    const { token: bearer, username, password } = settings;
    const credentials = {
      ...(bearer === undefined ? {} : { bearer_token: bearer }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    };
    const body = { topic: settings.topic, ...ntfyBody(notification, externalUrl) };
    return [jsonMessage(withPath(settings.api_url, '/'), body, authorization(credentials))];
  },
});

export function ntfyBody(notification: Notification, externalUrl: string | null): object {
  const { alerts, omittedAlerts } = notification;
  const link = alertsLink(externalUrl);
  const isOver = statusOf(notification) === 'resolved';
  const lines = alerts.slice(0, MAX_SHOWN).map((alert) => {
    const text = textOf(alert, 200);
    const description = text.description === null ? '' : `\n${text.description}`;
    return `${text.status === 'resolved' ? '🟢' : '🔴'} ${text.headline}${description}\n${text.labels} ${spanOf(text)}`;
  });
  const omitted = omittedText(omittedAlerts + Math.max(0, alerts.length - MAX_SHOWN));
  if (omitted !== null) lines.push(omitted);
  return {
    title: titleOf(notification),
    message: cut(lines.join('\n\n'), MAX_MESSAGE),
    priority: isOver ? 3 : PRIORITIES[severityOf(notification)],
    tags: [isOver ? 'white_check_mark' : 'rotating_light'],
    ...(link === null ? {} : { click: link }),
  };
}
