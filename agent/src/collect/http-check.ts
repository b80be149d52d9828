import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { CheckTarget } from '../model.js';
import { shownAddress } from '../shown-address.js';
import { withDeadline } from './deadline.js';
import { flag, gauge, type Reading, roundedMs } from './metric.js';

export interface HttpCheckOptions {
  /** Certificates (PEM) of authorities to trust instead of the system's. */
  readonly ca?: string;
}

/** What is known by the time a check ends, however it ends. */
interface Findings {
  status: number | null;
  timeMs: number;
  redirectedTooOften: boolean;
  certificateEndsMs: number | null;
}

const MAX_REDIRECTS = 3;
const DAY_MS = 86_400_000;
const HEADERS = { 'user-agent': 'cloudconsolevibe-agent', accept: '*/*' };

/**
 * Asks for a URL with GET. Success is a status below 400 behind at most three redirects, and for https a certificate that is valid for the
 * host. Bodies are not read: the connection is closed when the head of the answer is there.
 */
export class HttpCheck {
  constructor(private readonly options: HttpCheckOptions = {}) {}

  async run({ address, timeoutMs }: CheckTarget, signal: AbortSignal): Promise<Reading[]> {
    const url = webUrl(address);
    const tags = { target: shownAddress(address) };
    if (url === null) return [flag('http_success', false, tags)];
    const found: Findings = { status: null, timeMs: 0, redirectedTooOften: false, certificateEndsMs: null };
    try {
      await withDeadline(timeoutMs, signal, (until) => this.follow(url, found, until));
    } catch {
      signal.throwIfAborted();
      // A redirect that led nowhere: the status of the way there is not the target's.
      found.status = null;
    }
    const { status, timeMs, redirectedTooOften, certificateEndsMs } = found;
    const readings = [flag('http_success', status !== null && status < 400 && !redirectedTooOften, tags)];
    if (status !== null) {
      readings.push(gauge('http_status_code', status, '', tags), gauge('http_response_time_ms', roundedMs(timeMs), 'ms', tags));
    }
    if (certificateEndsMs !== null) {
      readings.push(gauge('http_certificate_days_left', (certificateEndsMs - Date.now()) / DAY_MS, 'days', tags));
    }
    return readings;
  }

  private async follow(first: URL, found: Findings, until: AbortSignal): Promise<void> {
    const startMs = performance.now();
    let url: URL | null = first;
    for (let redirects = 0; url !== null; redirects += 1) {
      const { statusCode, headers } = await this.ask(url, found, until);
      found.status = statusCode ?? null;
      found.timeMs = performance.now() - startMs;
      url = redirectOf(url, statusCode ?? 0, headers.location);
      if (url === null || redirects < MAX_REDIRECTS) continue;
      found.redirectedTooOften = true;
      return;
    }
  }

  private ask(url: URL, found: Findings, until: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      // Every check makes a connection of its own: that it can be made is part of what is checked.
      const options = { agent: false, headers: HEADERS, signal: until } as const;
      const request =
        url.protocol === 'https:'
          ? // An invalid certificate fails the check below, and not before its end is known: that it ran out is worth knowing.
            httpsRequest(url, { ...options, rejectUnauthorized: false, ...this.options })
          : httpRequest(url, options);
      request.once('socket', (socket) => {
        if (!(socket instanceof TLSSocket)) return;
        socket.once('secureConnect', () => {
          const endsMs = Date.parse(socket.getPeerCertificate().valid_to);
          found.certificateEndsMs = Number.isFinite(endsMs) ? endsMs : null;
          if (!socket.authorized) request.destroy(socket.authorizationError);
        });
      });
      request.once('response', (response) => {
        resolve(response);
        response.destroy();
      });
      request.once('error', reject);
      request.end();
    });
  }
}

/** Null for what is no http or https URL, or one with a password: such a URL would be a secret in a tag. */
function webUrl(address: string): URL | null {
  const url = URL.canParse(address) ? new URL(address) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? url : null;
}

/** Where an answer sends us; null when it is the last one. A redirect to what is no web address is the last one, too. */
function redirectOf(from: URL, status: number, location: string | undefined): URL | null {
  if (status < 300 || status >= 400 || location === undefined || !URL.canParse(location, from.href)) return null;
  const to = new URL(location, from);
  return /^https?:$/.test(to.protocol) ? to : null;
}
