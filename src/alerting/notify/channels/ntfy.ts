import Joi from 'joi';
import type { NotifiedAlert, Notification } from '../notification.js';
import { statusOf } from '../notification.js';
import { alertsLink, listed, severityOf, spanOf, textOf, titleOf } from '../notification-text.js';
import { apiUrl, authorization, httpKind, jsonMessage, token, withPath } from './channel-kind.js';

/** A topic at ntfy.sh, or at a server of one's own. */
interface NtfySettings {
  readonly topic: string;
  readonly api_url: string;
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
}

/** As JSON. ntfy makes an attachment of what has more than 4,096 bytes, and reads twice that of the whole body. */
const MAX_MESSAGE_BYTES = 4_000;
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
  const link = alertsLink(externalUrl);
  const isOver = statusOf(notification) === 'resolved';
  const render = (alert: NotifiedAlert): string => {
    const text = textOf(alert, 200);
    const description = text.description === null ? '' : `\n${text.description}`;
    return `${text.status === 'resolved' ? '🟢' : '🔴'} ${text.headline}${description}\n${text.labels} ${spanOf(text)}`;
  };
  const parts = listed(notification, render, String, (some) => Buffer.byteLength(JSON.stringify(some.join('\n\n'))) <= MAX_MESSAGE_BYTES);
  return {
    title: titleOf(notification),
    message: parts.join('\n\n'),
    priority: isOver ? 3 : PRIORITIES[severityOf(notification)],
    tags: [isOver ? 'white_check_mark' : 'rotating_light'],
    ...(link === null ? {} : { click: link }),
  };
}
