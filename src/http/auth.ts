import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler, Response } from 'express';
import { AppError } from '../model/errors.js';

/**
 * Who may come in. Two kinds of credentials: agent tokens (agents) and API keys (people and programs). A kind
 * that is configured is always enforced; one that is not leaves its routes open, and it is the configuration
 * that then refuses to listen beyond this machine (config.ts).
 *
 * Values are compared in constant time: both sides are hashed, so that neither length nor a common prefix shows,
 * and every configured value is looked at. A refusal says what to send and never repeats what was sent.
 */
export interface AuthSettings {
  readonly agentTokens: readonly string[];
  readonly apiKeys: readonly string[];
}

/** What a request needs: nothing, an agent's token (or a key), a key, or a key that may come as a bearer token. */
export type AccessClass = 'open' | 'agent' | 'person' | 'scrape';

/** A refusal, and the challenge that belongs into `WWW-Authenticate`. */
export interface Refusal {
  readonly error: AppError;
  readonly challenge: string;
}

const AGENT_CALLS = [
  /^\/api\/v1\/agents\/register\/?$/,
  /^\/api\/v1\/metrics\/?$/,
  /^\/api\/v1\/monitoring\/agents\/register\/?$/,
  /^\/api\/v1\/monitoring\/metrics\/?$/,
  /^\/api\/v1\/deployments\/[^/]+\/complete\/?$/,
];

/** True for the calls agents and their start-up scripts make over plain HTTP. */
export function isAgentCall(method: string | undefined, path: string): boolean {
  return method === 'POST' && AGENT_CALLS.some((call) => call.test(path.toLowerCase()));
}

/** Everything below /api is closed unless it is an agent's call; paths match as loosely as Express' router does. */
export function accessClass(method: string | undefined, path: string): AccessClass {
  if (isAgentCall(method, path)) return 'agent';
  const lower = path.toLowerCase();
  if (lower === '/api' || lower.startsWith('/api/')) return 'person';
  if (lower === '/metrics' || lower === '/metrics/') return 'scrape';
  return 'open';
}

const AGENT_REFUSAL = {
  message: 'an agent token is needed: send it as the query parameter "token" or as the header "Authorization: Bearer <token>"',
  challenge: 'Bearer realm="agents"',
};
const AGENT_CALL_REFUSAL = {
  message: `${AGENT_REFUSAL.message}; an API key in the header "X-API-Key" does as well`,
  challenge: AGENT_REFUSAL.challenge,
};
const PERSON_REFUSAL = { message: 'an API key is needed: send it in the header "X-API-Key"', challenge: 'ApiKey realm="api"' };
const LIVE_REFUSAL = {
  message: 'an API key is needed: send it in the header "X-API-Key" or as the query parameter "api_key"',
  challenge: PERSON_REFUSAL.challenge,
};
const SCRAPE_REFUSAL = {
  message: 'an API key is needed: send it in the header "X-API-Key" or as "Authorization: Bearer <key>"',
  challenge: 'Bearer realm="metrics"',
};

export class Authorizer {
  private readonly tokens: readonly Buffer[];
  private readonly keys: readonly Buffer[];

  constructor(settings: AuthSettings) {
    this.tokens = settings.agentTokens.map(digest);
    this.keys = settings.apiKeys.map(digest);
  }

  /** An agent's socket: null, or why not. */
  authorizeAgent(req: IncomingMessage, query: URLSearchParams): Refusal | null {
    return this.hasToken(req, query) ? null : refusal(AGENT_REFUSAL);
  }

  /** A console's socket: browsers cannot set headers there, so the key may also be in the query. */
  authorizePerson(req: IncomingMessage, query: URLSearchParams): Refusal | null {
    const allowed = this.hasKey(req) || matches(query.get('api_key'), this.keys) || matches(query.get('apiKey'), this.keys);
    return allowed ? null : refusal(LIVE_REFUSAL);
  }

  /** A plain HTTP request. */
  authorizeRequest(req: IncomingMessage, path: string, query: URLSearchParams): Refusal | null {
    const access = accessClass(req.method, path);
    if (access === 'open') return null;
    if (access === 'agent') {
      // Without keys configured everybody "has" one: that must not stand in for a token.
      const allowed = this.hasToken(req, query) || (this.keys.length > 0 && this.hasKey(req));
      return allowed ? null : refusal(AGENT_CALL_REFUSAL);
    }
    if (access === 'scrape') return this.hasKey(req) || matches(bearer(req), this.keys) ? null : refusal(SCRAPE_REFUSAL);
    return this.hasKey(req) ? null : refusal(PERSON_REFUSAL);
  }

  private hasToken(req: IncomingMessage, query: URLSearchParams): boolean {
    return this.tokens.length === 0 || matches(query.get('token'), this.tokens) || matches(bearer(req), this.tokens);
  }

  private hasKey(req: IncomingMessage): boolean {
    const given = req.headers['x-api-key'];
    return this.keys.length === 0 || matches(typeof given === 'string' ? given : null, this.keys);
  }
}

/** The same rules as a middleware. `limitFailures` is asked about refused requests only, and may find its own reason to refuse them. */
export function authMiddleware(authorizer: Authorizer, limitFailures: RequestHandler): RequestHandler {
  return (req, res: Response, next) => {
    const mark = req.url.indexOf('?');
    const query = new URLSearchParams(mark === -1 ? '' : req.url.slice(mark + 1));
    const refused = authorizer.authorizeRequest(req, req.path, query);
    if (refused === null) {
      next();
      return;
    }
    void limitFailures(req, res, (tooMany?: unknown) => {
      if (tooMany === undefined) res.setHeader('WWW-Authenticate', refused.challenge);
      next(tooMany ?? refused.error);
    });
  };
}

function refusal(words: { message: string; challenge: string }): Refusal {
  return { error: new AppError('unauthorized', words.message), challenge: words.challenge };
}

function bearer(req: IncomingMessage): string | null {
  return /^bearer +([^\s]+)\s*$/i.exec(req.headers.authorization ?? '')?.[1] ?? null;
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value, 'utf8').digest();
}

function matches(given: string | null, known: readonly Buffer[]): boolean {
  if (given === null) return false;
  const offered = digest(given);
  let found = false;
  for (const value of known) found = timingSafeEqual(offered, value) || found;
  return found;
}
