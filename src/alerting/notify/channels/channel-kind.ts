import Joi from 'joi';
import { type HttpMessage, post } from '../http-post.js';
import type { Notification } from '../notification.js';
import { DELIVERED, type SendResult } from '../send-result.js';
import type { SsrfGuard } from '../ssrf-guard.js';

/** What every kind of channel can do. Settings were checked with its schema before they were stored. */
export interface ChannelKind {
  /** Of `settings` in requests. Unknown keys are refused. */
  readonly schema: Joi.ObjectSchema;
  /** Names of settings that never come back out. */
  readonly secrets: readonly string[];
  /** Names of settings that say where to send to: when one changes, kept secrets would go to somebody else. */
  readonly addresses: readonly string[];
  /** Alerts in one notification; further ones are counted, or come in another one where `forwards`. */
  readonly maxAlerts: number;
  /** Programs are told, who need every alert, not only the most important ones. */
  readonly forwards: boolean;
  /** How it groups and waits, unless people say otherwise. */
  readonly waits: ChannelWaits;
  /** Never throws. */
  send(notification: Notification, settings: Settings, context: SendContext): Promise<SendResult>;
}

export interface ChannelWaits {
  readonly groupBy: readonly string[];
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
}

export type Settings = Readonly<Record<string, unknown>>;

export interface RenderContext {
  readonly channelId: string;
  readonly channelName: string;
  readonly repeatIntervalMs: number;
  /** The same for every attempt at this notification. */
  readonly deliveryId: string;
  readonly nowMs: number;
  /** Address of the console; null: not known. */
  readonly externalUrl: string | null;
}

export interface SendContext extends RenderContext {
  readonly guard: SsrfGuard;
  /** Of one answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Of the configuration: for channels that name no server, no sender of their own. */
  readonly mail: { readonly smtpUrl: string; readonly from: string | null };
}

/** As Alertmanager's: by rule, after half a minute, five minutes between changes, again after four hours. */
export const WAITS_FOR_PEOPLE: ChannelWaits = {
  groupBy: ['alertname'],
  groupWaitMs: 30_000,
  groupIntervalMs: 300_000,
  repeatIntervalMs: 14_400_000,
};

const MAX_ALERTS_FOR_PEOPLE = 50;

/** A kind that posts. `render` is pure; of several messages each must be harmless when it comes again. */
export function httpKind<S extends object>(kind: {
  readonly schema: Joi.ObjectSchema;
  readonly secrets: readonly (keyof S & string)[];
  readonly addresses: readonly (keyof S & string)[];
  readonly maxAlerts?: number;
  readonly forwards?: boolean;
  readonly waits?: ChannelWaits;
  /** What it answers to a body that it will never take; 400, 413, 415 and 422. */
  readonly finalStatuses?: readonly number[];
  render(notification: Notification, settings: S, context: RenderContext): readonly HttpMessage[];
}): ChannelKind {
  const { finalStatuses } = kind;
  const final = finalStatuses === undefined ? {} : { finalStatuses: new Set(finalStatuses) };
  return {
    schema: kind.schema,
    secrets: kind.secrets,
    addresses: kind.addresses,
    maxAlerts: kind.maxAlerts ?? MAX_ALERTS_FOR_PEOPLE,
    forwards: kind.forwards ?? false,
    waits: kind.waits ?? WAITS_FOR_PEOPLE,
    async send(notification, settings, context) {
      for (const message of kind.render(notification, settings as unknown as S, context)) {
        const headers = { 'Idempotency-Key': context.deliveryId, ...message.headers };
        const result = await post({ ...message, headers }, { ...context, ...final }, context.nowMs);
        if (result.outcome !== 'delivered') return result;
      }
      return DELIVERED;
    },
  };
}

export function jsonMessage(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpMessage {
  return { url, headers: { 'Content-Type': 'application/json', ...headers }, body: jsonText(body) };
}

/** JSON that everybody reads: half characters, which a text may have, become U+FFFD. A pair of backslashes is one that was in the text. */
export function jsonText(body: unknown): string {
  return JSON.stringify(body).replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === '\\\\' ? found : '\ufffd'));
}

const MAX_URL_LENGTH = 2_048;

export function httpUrl(): Joi.StringSchema {
  return Joi.string()
    .trim()
    .max(MAX_URL_LENGTH)
    .uri({ scheme: ['http', 'https'] })
    .custom((value: string, helpers) => (URL.canParse(value) ? value : helpers.error('string.uri')))
    .messages({
      'string.uri': '{{#label}} must be an address such as https://example.org/path',
      'string.uriCustomScheme': '{{#label}} must be an address such as https://example.org/path',
    });
}

/** Something that ends up in a header or in an address: one line of printable ASCII. */
export function token(): Joi.StringSchema {
  return Joi.string()
    .trim()
    .min(1)
    .max(1_000)
    .pattern(/^[\x21-\x7e]+$/)
    .messages({ 'string.pattern.base': '{{#label}} must be one word of printable characters' });
}

/** Another place than the usual one: a proxy, or a server of one's own. It is shown to everybody who may see the channel, so that nothing in it may be secret. */
export function apiUrl(usual: string): Joi.StringSchema {
  return httpUrl()
    .custom((value: string, helpers) => {
      const { username, password, search, hash } = new URL(value);
      return `${username}${password}${search}${hash}` === '' ? value : helpers.error('url.notPlain');
    })
    .messages({ 'url.notPlain': '{{#label}} must be an address without user name, password, query and fragment' })
    .default(usual);
}

/** An address below another one, whose query it keeps. */
export function withPath(base: string, path: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`;
  return url.href;
}

export interface Credentials {
  readonly bearer_token?: string;
  readonly username?: string;
  readonly password?: string;
}

export const CREDENTIALS = {
  bearer_token: token(),
  username: Joi.string().max(500),
  password: Joi.string().max(500),
};

/** The `Authorization` header these settings ask for, if any. */
export function authorization({ bearer_token: bearer, username, password }: Credentials): Record<string, string> {
  if (bearer !== undefined) return { Authorization: `Bearer ${bearer}` };
  if (username === undefined) return {};
  return { Authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
}
