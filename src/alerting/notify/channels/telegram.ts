import Joi from 'joi';
import type { NotifiedAlert, Notification } from '../notification.js';
import { alertsLink, listed, spanOf, textOf, titleOf } from '../notification-text.js';
import { apiUrl, httpKind, jsonMessage, withPath } from './channel-kind.js';
import { escapeHtml } from './html.js';

/** A bot of Telegram that writes to a chat. */
interface TelegramSettings {
  readonly bot_token: string;
  readonly chat_id: string;
  readonly message_thread_id?: number;
  readonly api_url: string;
}

/** Telegram refuses longer ones. Alerts are left out rather than cut, so that no tag is left open. */
const MAX_TEXT = 4_096;

export const telegram = httpKind<TelegramSettings>({
  schema: Joi.object({
    bot_token: Joi.string()
      .trim()
      .pattern(/^\d{1,20}:[A-Za-z0-9_-]{10,100}$/)
      .required()
      .messages({ 'string.pattern.base': '{{#label}} must be a token as BotFather gives it: digits, a colon, letters and digits' }),
    chat_id: Joi.alternatives(Joi.number().integer().unsafe(), Joi.string().trim().max(100)).required().custom(String),
    message_thread_id: Joi.number().integer(),
    api_url: apiUrl('https://api.telegram.org'),
  })
    .rename('botToken', 'bot_token')
    .rename('chatId', 'chat_id')
    .rename('messageThreadId', 'message_thread_id')
    .rename('apiUrl', 'api_url'),
  secrets: ['bot_token'],
  addresses: ['api_url'],
  // A chat it does not know is a 400 as well, and can be put right.
  finalStatuses: [413, 415, 422],
  render: (notification, { bot_token: botToken, chat_id: chatId, message_thread_id: threadId, api_url: base }, { externalUrl }) => [
    jsonMessage(withPath(base, `/bot${botToken}/sendMessage`), {
      chat_id: chatId,
      ...(threadId === undefined ? {} : { message_thread_id: threadId }),
      text: telegramText(notification, externalUrl),
      parse_mode: 'HTML',
      link_preview_options: { is_disabled: true },
    }),
  ],
});

export function telegramText(notification: Notification, externalUrl: string | null): string {
  const link = alertsLink(externalUrl);
  const message = (parts: readonly string[]): string => {
    const footer = link === null ? [] : [`<a href="${escapeHtml(link)}">Alerts</a>`];
    return [`<b>${escapeHtml(titleOf(notification))}</b>`, ...parts, ...footer].join('\n\n');
  };
  return message(listed(notification, partOf, String, (parts) => message(parts).length <= MAX_TEXT));
}

function partOf(alert: NotifiedAlert): string {
  const text = textOf(alert, 300);
  const description = text.description === null ? '' : `\n${escapeHtml(text.description)}`;
  const labels = escapeHtml(`${text.labels} ${spanOf(text)}`.trim());
  return `${text.status === 'resolved' ? '🟢' : '🔴'} <b>${escapeHtml(text.headline)}</b>${description}\n<i>${labels}</i>`;
}
