import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../model/errors.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Authorizer } from './auth.js';
import { originAllowed, type PageRules } from './origin.js';
import { refuseOnSocket } from './raw-response.js';
import { redactUrl } from './redact.js';
import { pickRequestId } from './request-id.js';
import type { UpgradeGate, Waiting } from './upgrade-gate.js';

/** Who takes the sockets of one path. */
export interface UpgradeRoute {
  /** Agents show a token and wait at the gate; people show an API key and come in at once. */
  readonly kind: 'agent' | 'person';
  /** Why this upgrade is refused, or null; called before any waiting. */
  validate?(url: URL): AppError | null;
  /** Completes the WebSocket handshake. `head` is what the client sent behind its request. */
  accept(req: IncomingMessage, socket: Duplex, head: Buffer, url: URL): void;
}

export interface UpgradeRouterDeps {
  /** By exact path, without a trailing slash. */
  readonly routes: ReadonlyMap<string, UpgradeRoute>;
  readonly gate: UpgradeGate;
  readonly authorizer: Authorizer;
  readonly pages: PageRules;
  /** Counts refusals by their error code. */
  readonly refused: { inc(labels: { reason: string }): void };
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Everything a WebSocket upgrade goes through before somebody takes it: path, origin, credentials, the route's own
 * check, and for agents the gate. A refusal is a plain HTTP answer in the one error shape. While a socket waits it
 * has no reader, so nothing it sends is lost; when its client goes away it loses its place.
 */
export class UpgradeRouter {
  private stopping = false;

  constructor(private readonly deps: UpgradeRouterDeps) {}

  /** Refuses those who wait and all further upgrades with 503. */
  refuseAll(): void {
    this.stopping = true;
    this.deps.gate.close();
  }

  /** For the http server's `upgrade` event. Never throws. */
  handle(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onError = (error: Error): void => {
      this.deps.logger.debug('socket failed before its upgrade', { error });
      socket.destroy();
    };
    socket.on('error', onError);
    // From here on heartbeats decide how long a silent connection lives, not the HTTP server's inactivity limit.
    (socket as Partial<Socket>).setTimeout?.(0);

    const found = this.find(req);
    if ('error' in found) {
      this.refuse(req, socket, found.error, found.challenge);
      return;
    }
    const { route, url } = found;
    const accept = (): void => {
      socket.removeListener('error', onError);
      this.accept(route, req, socket, head, url);
    };
    if (route.kind === 'agent') this.enterGate(req, socket, accept);
    else accept();
  }

  private find(req: IncomingMessage): { route: UpgradeRoute; url: URL } | { error: AppError; challenge?: string } {
    if (this.stopping) return { error: new AppError('shutting_down', 'the server is stopping') };
    const url = parseUrl(req.url ?? '');
    if (url === null) return { error: new AppError('validation_failed', 'the request target is not a valid URL') };
    const route = this.deps.routes.get(url.pathname.length > 1 ? url.pathname.replace(/\/$/, '') : url.pathname);
    if (route === undefined) {
      return { error: new AppError('not_found', `no WebSocket here; there are ${[...this.deps.routes.keys()].join(' and ')}`) };
    }
    if (!originAllowed(req.headers.origin, req.headers.host, this.deps.pages)) {
      return { error: new AppError('forbidden', 'pages of this origin may not connect; FRONTEND_URL names those that may') };
    }
    const { authorizer } = this.deps;
    const refused =
      route.kind === 'agent' ? authorizer.authorizeAgent(req, url.searchParams) : authorizer.authorizePerson(req, url.searchParams);
    if (refused !== null) return refused;
    const problem = handshakeProblem(req);
    if (problem !== null) return { error: new AppError('validation_failed', problem) };
    const invalid = route.validate?.(url) ?? null;
    return invalid === null ? { route, url } : { error: invalid };
  }

  private enterGate(req: IncomingMessage, socket: Duplex, accept: () => void): void {
    const { gate } = this.deps;
    const gone = (): void => {
      done();
      gate.leave(waiting);
      socket.destroy();
    };
    const done = (): void => {
      socket.removeListener('end', gone);
      socket.removeListener('close', gone);
    };
    const waiting: Waiting = {
      admit: () => {
        done();
        accept();
      },
      refuse: (error) => {
        done();
        this.refuse(req, socket, error);
      },
    };
    socket.once('end', gone);
    socket.once('close', gone);
    gate.enter(waiting);
  }

  private accept(route: UpgradeRoute, req: IncomingMessage, socket: Duplex, head: Buffer, url: URL): void {
    try {
      route.accept(req, socket, head, url);
    } catch (error) {
      this.deps.logger.error('an upgrade failed', { url: redactUrl(req.url ?? ''), error });
      socket.destroy();
    }
  }

  private refuse(req: IncomingMessage, socket: Duplex, error: AppError, challenge?: string): void {
    this.deps.refused.inc({ reason: error.code });
    this.deps.logger.debug('upgrade refused', { url: redactUrl(req.url ?? ''), code: error.code, reason: error.message });
    refuseOnSocket(socket, error, this.deps.clock.nowMs(), {
      'X-Request-Id': pickRequestId(req.headers['x-request-id']),
      ...(challenge === undefined ? {} : { 'WWW-Authenticate': challenge }),
    });
  }
}

const KEY = /^[+/0-9A-Za-z]{22}==$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Why this is no WebSocket handshake, or null. Looked at here, because ws would refuse it in a shape of its own. */
function handshakeProblem({ method, headers }: IncomingMessage): string | null {
  if (method !== 'GET') return 'a WebSocket handshake is a GET';
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) return 'Sec-WebSocket-Key is missing or not 16 bytes in base64';
  const version = headers['sec-websocket-version'];
  if (version !== '13' && version !== '8') return 'Sec-WebSocket-Version must be 13';
  const protocols = headers['sec-websocket-protocol']?.split(/[ \t]*,[ \t]*/) ?? [];
  if (new Set(protocols).size < protocols.length || !protocols.every((name) => TOKEN.test(name))) {
    return 'Sec-WebSocket-Protocol must be a list of different tokens';
  }
  return null;
}

/** The request target as a URL; a path that starts with `//` stays a path. */
function parseUrl(target: string): URL | null {
  const text = target.startsWith('/') ? `http://localhost${target}` : target;
  return URL.canParse(text) ? new URL(text) : null;
}
