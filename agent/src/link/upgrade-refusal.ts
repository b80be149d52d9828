import type { IncomingMessage } from 'node:http';

/** The server answered the upgrade with something else than a WebSocket. */
export interface UpgradeRefusal {
  /** For people: the status, and what the answer says. */
  readonly text: string;
  /** True when trying again soon is of no use: the token is wrong, the id is malformed, nobody is at home there. */
  readonly isLasting: boolean;
  readonly retryAfterMs: number | null;
}

const MAX_BODY_BYTES = 4_096;
const MAX_TEXT_LENGTH = 200;
const BODY_TIMEOUT_MS = 2_000;
const MAX_RETRY_AFTER_S = 600;
/** Worth another try soon. */
const PASSING = new Set([408, 425, 429]);

/** Never rejects. */
export async function readUpgradeRefusal(response: IncomingMessage): Promise<UpgradeRefusal> {
  const status = response.statusCode ?? 0;
  const message = messageOf(await readBody(response));
  const retryAfterS = Number(response.headers['retry-after'] ?? Number.NaN);
  return {
    text: `HTTP ${status}${message === '' ? '' : `: ${message}`}`,
    isLasting: status < 500 && !PASSING.has(status),
    retryAfterMs: retryAfterS >= 0 ? Math.min(retryAfterS, MAX_RETRY_AFTER_S) * 1_000 : null,
  };
}

async function readBody(response: IncomingMessage): Promise<string> {
  const timer = setTimeout(() => response.destroy(), BODY_TIMEOUT_MS);
  let body = '';
  try {
    response.setEncoding('utf8');
    for await (const part of response) {
      body += String(part);
      if (body.length >= MAX_BODY_BYTES) break;
    }
  } catch {
    // What came is enough.
  } finally {
    clearTimeout(timer);
  }
  return body;
}

/** What the body says is wrong, in the server's error shape; '' for anything else, such as a proxy's page. */
function messageOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown } };
    return typeof error?.message === 'string' ? error.message.slice(0, MAX_TEXT_LENGTH) : '';
  } catch {
    return '';
  }
}
