import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connectionProblem, DELIVERED, type SendResult } from './send-result.js';
import type { SsrfGuard } from './ssrf-guard.js';

/** One request of a channel. */
export interface HttpMessage {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, or whatever the headers say. */
  readonly body: string;
}

export interface PostOptions {
  readonly guard: SsrfGuard;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** What it answers to a body that it will never take; `BODY_STATUSES`, unless it means something else by one of them. */
  readonly finalStatuses?: ReadonlySet<number>;
}

/** Of an answer's body; what comes beyond it is not read. */
const MAX_BODY_BYTES = 4_096;

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/**
 * What a receiver says of this body: it would say the same of it tomorrow. Everything else is about who may send what to
 * where (a wrong token, an address that is not there yet, a redirect during a deploy), which people put right.
 */
const BODY_STATUSES: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/**
 * Posts, and says what became of it: 2xx is delivered, what is wrong with the body is final, everything else may be tried
 * again. Redirects are not followed: they could lead anywhere. Never throws.
 */
export async function post(message: HttpMessage, options: PostOptions, nowMs: number): Promise<SendResult> {
  try {
    return judge(await exchange(message, options), options.finalStatuses ?? BODY_STATUSES, nowMs);
  } catch (error) {
    return { outcome: 'retry', error: connectionProblem(error), retryAfterMs: null };
  }
}

function judge({ status, retryAfter, text }: Answer, finalStatuses: ReadonlySet<number>, nowMs: number): SendResult {
  if (status >= 200 && status < 300) return DELIVERED;
  const said = text.trim() === '' ? '' : `: ${text.trim()}`;
  const error = status >= 300 && status < 400 ? `it answered ${status}: redirects are not followed` : `it answered ${status}${said}`;
  if (finalStatuses.has(status)) return { outcome: 'failed', error };
  return { outcome: 'retry', error, retryAfterMs: waitOf(retryAfter, text, nowMs) };
}

/** `Retry-After` in seconds or as a date; Telegram and Discord say it in the body. */
function waitOf(header: string | undefined, text: string, nowMs: number): number | null {
  const seconds = header !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) : bodyWait(text);
  if (seconds !== null) return Math.ceil(seconds * 1_000);
  const dateMs = Date.parse(header ?? '');
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - nowMs);
}

function bodyWait(text: string): number | null {
  try {
    const body = JSON.parse(text) as { retry_after?: unknown; parameters?: { retry_after?: unknown } } | null;
    const wait = body?.parameters?.retry_after ?? body?.retry_after;
    return typeof wait === 'number' && wait >= 0 ? wait : null;
  } catch {
    return null;
  }
}

function exchange(message: HttpMessage, { guard, timeoutMs, signal }: PostOptions): Promise<Answer> {
  const url = new URL(message.url);
  guard.checkHost(url.hostname);
  const body = Buffer.from(message.body);
  const options: RequestOptions = {
    method: 'POST',
    agent: false,
    lookup: guard.lookup,
    signal,
    headers: { 'User-Agent': 'CloudConsoleVibe-Alerts', ...message.headers, 'Content-Length': body.length },
  };
  return new Promise((resolve, reject) => {
    const request: ClientRequest = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
    /** Once there is an answer it counts, whatever happens to the connection after it. */
    let end = (error: Error): void => {
      reject(error);
      request.destroy();
    };
    const timer = setTimeout(() => end(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })), timeoutMs);
    request.on('close', () => clearTimeout(timer));
    request.on('error', (error) => end(error));
    // Nobody asked for another protocol: it is an answer, and without this there would be neither an answer nor an error.
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, retryAfter: undefined, text: '' });
    });
    request.on('response', (response) => {
      end = readAnswer(response, resolve);
    });
    request.end(body);
  });
}

/** The status is what counts: an answer whose body does not end, or is cut, is an answer all the same. What is returned stops the reading. */
function readAnswer(response: IncomingMessage, resolve: (answer: Answer) => void): () => void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const done = (): void => {
    const text = Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('utf8');
    resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], text });
    response.destroy();
  };
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MAX_BODY_BYTES) done();
  });
  response.on('end', done);
  response.on('error', done);
  response.on('close', done);
  return done;
}
