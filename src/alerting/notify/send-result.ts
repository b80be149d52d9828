import { escapeHtml } from './channels/html.js';
import { cut } from './notification-text.js';

/** What became of an attempt to send; errors and warnings hold what the other side said, also secrets it may have repeated. */
export type SendResult =
  /** With a warning when not everybody has it; it is not sent again for those. */
  | { readonly outcome: 'delivered'; readonly warning?: string }
  /** It may be different later. */
  | { readonly outcome: 'retry'; readonly error: string; readonly retryAfterMs: number | null }
  /** It would be the same however often it was tried. */
  | { readonly outcome: 'failed'; readonly error: string };

export const DELIVERED: SendResult = { outcome: 'delivered' };

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'the connection timed out',
  EABORT: 'it took too long',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
};

/** What a failed connection was about, in words that tell nothing of the request. */
export function connectionProblem(error: unknown): string {
  if (!(error instanceof Error) && (typeof error !== 'object' || error === null)) return 'it failed';
  const { code, message } = error as { code?: unknown; message?: unknown };
  const known = typeof code === 'string' ? WORDS[code] : undefined;
  if (known !== undefined) return `${known} (${String(code)})`;
  const text = typeof message === 'string' ? message : 'it failed';
  if (code === 'FORBIDDEN_HOST') return text;
  return typeof code === 'string' && !text.includes(code) ? `${text} (${code})` : text;
}

const MAX_ERROR_LENGTH = 500;
const MIN_SECRET_LENGTH = 3;

/**
 * A text for the delivery log: one line, not too long, and without these secrets in any spelling a server may repeat them
 * in. They are taken out before anything is cut: half a secret would not be known as one.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const spellings = secrets
    .flatMap(partsOf)
    .flatMap(spellingsOf)
    .filter((spelling) => spelling.length >= MIN_SECRET_LENGTH);
  let clean = text;
  for (const spelling of spellings.toSorted((a, b) => b.length - a.length)) clean = clean.replaceAll(spelling, '***');
  return cut(clean.replace(/[\s\p{Cc}]+/gu, ' ').trim(), MAX_ERROR_LENGTH);
}

/** A secret, and of an URL what is secret in it: path, query, credentials, and these as HTTP and SMTP put them into one. */
function partsOf(secret: string): string[] {
  if (!URL.canParse(secret)) return [secret];
  const { pathname, search, searchParams, username, password } = new URL(secret);
  const [user, pass] = [decoded(username), decoded(password)];
  const credentials = username === '' ? [] : [username, password, user, pass, `${user}:${pass}`, `\0${user}\0${pass}`];
  const segments = pathname.split('/').filter((part) => part.length >= 8);
  return [secret, `${pathname}${search}`, ...segments, search.slice(1), ...searchParams.values(), ...credentials];
}

function spellingsOf(text: string): string[] {
  const base64 = Buffer.from(text).toString('base64');
  const unpadded = base64.replace(/=+$/, '');
  return [text, encodeURIComponent(text.toWellFormed()), base64, unpadded, escapeHtml(text), JSON.stringify(text).slice(1, -1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
