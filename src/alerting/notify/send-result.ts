/** What became of an attempt to send; errors hold no secrets. */
export type SendResult =
  | { readonly outcome: 'delivered' }
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

/** A text for the delivery log: one line, not too long, and without these secrets in any spelling a server may repeat them in. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  const spellings = secrets.flatMap(spellingsOf).toSorted((a, b) => b.length - a.length);
  for (const secret of spellings) clean = clean.replaceAll(secret, '***');
  return clean.length <= MAX_ERROR_LENGTH ? clean : `${clean.slice(0, MAX_ERROR_LENGTH)}…`;
}

/** A secret as it is, encoded, and of an URL its parts: path, query and credentials are what is secret in it. */
function spellingsOf(secret: string): string[] {
  const found = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64'), JSON.stringify(secret).slice(1, -1)];
  if (URL.canParse(secret)) {
    const { pathname, search, username, password } = new URL(secret);
    found.push(`${pathname}${search}`, ...pathname.split('/').filter((part) => part.length >= 8), search.slice(1), username, password);
    for (const part of [username, password]) if (isDecodable(part)) found.push(decodeURIComponent(part));
  }
  return found.filter((text) => text.length >= MIN_SECRET_LENGTH);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
