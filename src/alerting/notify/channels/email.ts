import Joi from 'joi';
import nodemailer from 'nodemailer';
import { isLoopback } from '../../../model/loopback.js';
import type { Notification } from '../notification.js';
import { alertsLink, colourOf, oneLine, omittedText, spanOf, textOf, titleOf } from '../notification-text.js';
import { connectionProblem, DELIVERED, type SendResult } from '../send-result.js';
import { connectGuarded } from '../guarded-socket.js';
import { SsrfGuard } from '../ssrf-guard.js';
import { type ChannelKind, type SendContext, WAITS_FOR_PEOPLE } from './channel-kind.js';
import { escapeHtml } from './html.js';

/**
 * Mail over SMTP. Without an `smtp_url` of its own a channel uses the server of the configuration, which may be in the
 * own network: whoever set that may do so. STARTTLS is used where it is offered; a password is not sent without it,
 * except to this machine itself.
 */
interface EmailSettings {
  readonly smtp_url?: string;
  readonly from?: string;
  readonly to: readonly string[];
}

const MAX_RECEIVERS = 50;
/** The whole of a delivery may take so many times as long as one answer: mail servers like to let strangers wait. */
const TIMEOUTS_PER_DELIVERY = 3;
const SMTP_PORT = 25;
const SMTPS_PORT = 465;

const ADDRESS = /^(?:[^<>@\r\n]{0,200}<[^\s<>@]{1,64}@[^\s<>@]{1,255}>|[^\s<>@,;]{1,64}@[^\s<>@,;]{1,255})$/;
const address = Joi.string().trim().max(400).pattern(ADDRESS).messages({ 'string.pattern.base': '{{#label}} must be a mail address' });

export const email: ChannelKind = {
  schema: Joi.object({
    smtp_url: Joi.string()
      .trim()
      .max(2_048)
      .custom((value: string, helpers) => (smtpServer(value) === null ? helpers.error('string.uri') : value))
      .messages({ 'string.uri': '{{#label}} must be like smtp://user:password@mail.example.org:587, or smtps:// for TLS from the start' }),
    from: address,
    to: Joi.alternatives(
      Joi.array().items(address).min(1).max(MAX_RECEIVERS),
      address.custom((value: string) => [value]),
    ).required(),
  }).rename('smtpUrl', 'smtp_url'),
  secrets: ['smtp_url'],
  addresses: ['smtp_url'],
  maxAlerts: 50,
  forwards: false,
  waits: WAITS_FOR_PEOPLE,
  async send(notification, settings, context) {
    const { smtp_url: smtpUrl, from = context.mail.from, to } = settings as unknown as EmailSettings;
    if (from === null) return later('there is no sender: neither "from" nor ALERT_EMAIL_FROM is set');
    const server = smtpServer(smtpUrl ?? context.mail.smtpUrl);
    if (server === null) return later('the address of the mail server is wrong');
    try {
      return await deliver(notification, { from, to, server, guard: smtpUrl === undefined ? new SsrfGuard(true) : context.guard }, context);
    } catch (error) {
      return failure(error);
    }
  },
};

interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
  readonly server: SmtpServer;
  readonly guard: SsrfGuard;
}

/** Of nodemailer's answer. */
interface SentMail {
  readonly rejectedErrors?: readonly { readonly recipient: string; readonly response: string }[];
}

interface SmtpServer {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly auth: { readonly user: string; readonly pass: string } | null;
}

/** @throws what went wrong; not when some of the receivers have it */
async function deliver(notification: Notification, { from, to, server, guard }: Envelope, context: SendContext): Promise<SendResult> {
  const { host, port, secure, auth } = server;
  const isLocal = isLoopback(host);
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(TIMEOUTS_PER_DELIVERY * context.timeoutMs)]);
  const connection = await connectGuarded(host, port, { guard, timeoutMs: context.timeoutMs, signal });
  const transport = nodemailer.createTransport({
    host,
    port,
    secure,
    ...(auth === null ? {} : { auth }),
    ...(auth !== null && !secure && !isLocal ? { requireTLS: true } : {}),
    // The certificate of a mail server on this machine is hardly ever made out to "localhost".
    ...(isLocal && !secure ? { ignoreTLS: true } : {}),
    greetingTimeout: context.timeoutMs,
    socketTimeout: context.timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    connection,
  });
  try {
    const sent = (await transport.sendMail({ ...mailOf(notification, context), from, to: [...to], signal })) as SentMail;
    const { rejectedErrors = [] } = sent;
    if (rejectedErrors.length === 0) return DELIVERED;
    const refusals = rejectedErrors.map(({ recipient, response }) => `${recipient} (${response})`);
    return { outcome: 'delivered', warning: `the mail server took it, but not for ${refusals.join(', ')}` };
  } finally {
    transport.close();
    connection.destroySoon();
  }
}

export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function mailOf(notification: Notification, { externalUrl, deliveryId }: Pick<SendContext, 'externalUrl' | 'deliveryId'>): Mail {
  const { alerts, omittedAlerts } = notification;
  const title = oneLine(titleOf(notification));
  const link = alertsLink(externalUrl);
  const omitted = omittedText(omittedAlerts);
  const texts = alerts.map((alert) => textOf(alert, 2_000));
  const paragraphs = texts.map((text) =>
    [`${text.status.toUpperCase()} (${text.severity}): ${text.headline}`, text.description, text.labels, spanOf(text)]
      .filter((line) => line !== null && line !== '')
      .join('\n'),
  );
  const rows = texts.map((text) => {
    const description = text.description === null ? '' : `<div>${escapeHtml(text.description).replaceAll('\n', '<br>')}</div>`;
    const small = `<div style="color:#666;font-size:90%">${escapeHtml(`${text.labels} ${spanOf(text)}`.trim())}</div>`;
    return `<li style="margin-bottom:1em"><b>${escapeHtml(`${text.status} (${text.severity}): ${text.headline}`)}</b>${description}${small}</li>`;
  });
  const colour = `#${colourOf(notification).toString(16).padStart(6, '0')}`;
  const html = [
    `<!doctype html><html><body style="font-family:sans-serif"><h2 style="border-left:6px solid ${colour};padding-left:.5em">${escapeHtml(title)}</h2>`,
    `<ul>${rows.join('')}</ul>`,
    omitted === null ? '' : `<p>${escapeHtml(omitted)}</p>`,
    link === null ? '' : `<p><a href="${escapeHtml(link)}">Alerts</a></p>`,
    '</body></html>',
  ];
  return {
    subject: title,
    text: [title, ...paragraphs, omitted, link].filter((part) => part !== null).join('\n\n'),
    html: html.join(''),
    // The same for every attempt: a mail that was delivered after all is known by it.
    messageId: `<${deliveryId}@cloudconsolevibe>`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  };
}

/** A mail that was sent and refused for good (5xx) is final; a password, an address and the way there can be put right. */
function failure(error: unknown): SendResult {
  const { code, responseCode, command, message } = error as {
    code?: unknown;
    responseCode?: unknown;
    command?: unknown;
    message?: unknown;
  };
  if (typeof responseCode !== 'number') return later(connectionProblem(error));
  const reason = said(command, message);
  return code === 'EMESSAGE' && responseCode >= 500 ? { outcome: 'failed', error: reason } : later(reason);
}

function later(error: string): SendResult {
  return { outcome: 'retry', error, retryAfterMs: null };
}

function said(command: unknown, message: unknown): string {
  return `the mail server refused${typeof command === 'string' ? ` ${command}` : ''}: ${String(message)}`;
}

/** Null for what is no address of a mail server. */
function smtpServer(text: string): SmtpServer | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, port, username, password } = new URL(text);
  if ((protocol !== 'smtp:' && protocol !== 'smtps:') || hostname === '') return null;
  const secure = protocol === 'smtps:';
  try {
    const auth = username === '' ? null : { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
    const host = decodeURIComponent(hostname).replace(/^\[|\]$/g, '');
    return { host, port: port === '' ? (secure ? SMTPS_PORT : SMTP_PORT) : Number(port), secure, auth };
  } catch {
    return null;
  }
}
