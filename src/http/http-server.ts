import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../model/errors.js';
import type { Clock } from '../runtime/clock.js';
import type { Part } from '../runtime/lifecycle.js';
import type { Logger } from '../runtime/logger.js';
import { errorResponse } from './error-response.js';
import { refuseOnSocket } from './raw-response.js';
import { originForm, withoutUpgrade } from './request-head.js';

const MAX_HEADER_BYTES = 16 * 1_024;
const HEADERS_TIMEOUT_MS = 60_000;
/** Longest time a whole request may take to arrive. Generous: proxied uploads may be large and lines thin. */
const REQUEST_TIMEOUT_MS = 3_600_000;
/** Longer than load balancers keep their side, so that it is never we who close under a request. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** A fleet that reconnects at once must fit into the kernel's queue. */
const LISTEN_BACKLOG = 4_096;
const CLOSE_POLL_MS = 25;
/** What a request that is still running at the stop may take. */
const DRAIN_TIMEOUT_MS = 5_000;

export interface HttpServerSettings {
  readonly host: string;
  readonly port: number;
  /** A connection on which nothing moves for so long is cut; must be longer than a proxied upstream may be silent. */
  readonly inactivityTimeoutMs: number;
}

export interface HttpServerDeps {
  readonly settings: HttpServerSettings;
  readonly app: RequestListener;
  readonly upgrades: { handle(req: IncomingMessage, socket: Duplex, head: Buffer): void; refuseAll(): void };
  readonly logger: Logger;
  readonly clock: Clock;
}

/** The listening socket: everything comes in here. Upgraded sockets belong to whoever accepted them, who closes them before this stops. */
export class HttpServer implements Part {
  private server: Server | null = null;
  /** Connections without a request so far, as browsers keep in reserve: Node does not count them as idle. */
  private readonly unused = new Set<Socket>();

  constructor(private readonly deps: HttpServerDeps) {}

  /** Listens. @throws when the address cannot be had, saying which. */
  async start(): Promise<void> {
    const { settings, app, upgrades } = this.deps;
    const server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        noDelay: true,
        // Node would refuse it with an empty answer.
        requireHostHeader: false,
      },
      (req, res) => {
        const problem = requestProblem(req);
        if (problem !== null) return this.refuse(res, problem);
        req.url = originForm(req.url ?? '');
        app(req, res);
      },
    );
    server.setTimeout(settings.inactivityTimeoutMs);
    this.watchUnused(server);
    server.on('upgrade', (req, socket, head) => {
      if (req.headers.upgrade?.toLowerCase() === 'websocket') upgrades.handle(req, socket, head);
      else this.readAgain(server, req, socket, head);
    });
    server.on('checkExpectation', (_req, res) => this.refuse(res, 'the only "Expect" that can be met is 100-continue'));
    server.on('connect', (_req, socket) => {
      refuseOnSocket(socket, new AppError('method_not_allowed', 'this is no proxy: CONNECT is not possible'), this.deps.clock.nowMs());
    });
    server.on('clientError', (error, socket) => this.onClientError(error, socket));
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void =>
        reject(new Error(`cannot listen on ${settings.host}:${settings.port}: ${error.message}`, { cause: error }));
      server.once('error', failed);
      server.listen({ host: settings.host, port: settings.port, backlog: LISTEN_BACKLOG }, () => {
        server.removeListener('error', failed);
        resolve();
      });
    });
    server.on('error', (error) => this.deps.logger.error('the listening socket failed', { error }));
    this.server = server;
  }

  /** Where it listens. @throws when it does not. */
  address(): { host: string; port: number } {
    const address = this.server?.address() as AddressInfo | null | undefined;
    if (address === null || address === undefined) throw new Error('the HTTP server is not listening');
    return { host: address.address, port: address.port };
  }

  /** First step of a stop: upgrades get 503 from now on, plain requests are still answered. */
  refuseUpgrades(): void {
    this.deps.upgrades.refuseAll();
  }

  /** Stops listening, lets running requests finish (for a while), then cuts what is left. */
  async stop(): Promise<void> {
    this.refuseUpgrades();
    const { server } = this;
    if (server === null) return;
    this.server = null;
    // Connections that become idle from now on are closed here; Node looks only once.
    const poll = setInterval(() => this.closeIdle(server), CLOSE_POLL_MS);
    let deadline: NodeJS.Timeout | undefined;
    const tooLate = new Promise<'late'>((resolve) => {
      deadline = setTimeout(() => resolve('late'), DRAIN_TIMEOUT_MS);
    });
    const closed = new Promise<'closed'>((resolve) => {
      server.close(() => resolve('closed'));
      this.closeIdle(server);
    });
    const outcome = await Promise.race([closed, tooLate]);
    clearInterval(poll);
    clearTimeout(deadline);
    if (outcome === 'late') {
      this.deps.logger.warn('connections were still busy at the stop and are cut');
      server.closeAllConnections();
    }
  }

  /**
   * Node takes the socket away from HTTP for every `Upgrade` there is, and some HTTP clients (Java's) offer `h2c` with
   * each first request: the request goes back in front of what follows it, without the offer, and is read once more.
   */
  private readAgain(server: Server, req: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Pipelined behind a request that is not answered yet: two readers would mix up the order of the answers.
    if (responseOn(socket) !== null) {
      socket.destroy();
      return;
    }
    socket.unshift(Buffer.concat([withoutUpgrade(req), head]));
    server.emit('connection', socket);
  }

  private watchUnused(server: Server): void {
    const { unused } = this;
    function closed(this: Socket): void {
      unused.delete(this);
    }
    server.on('connection', (socket: Socket) => {
      unused.add(socket);
      socket.on('close', closed);
    });
    const used = (req: IncomingMessage): void => {
      unused.delete(req.socket);
      req.socket.removeListener('close', closed);
    };
    server.prependListener('request', used);
    server.prependListener('upgrade', used);
  }

  private closeIdle(server: Server): void {
    server.closeIdleConnections();
    for (const socket of this.unused) if (socket.bytesRead === 0) socket.destroy();
  }

  /** A request that cannot be handed to anybody. */
  private refuse(res: ServerResponse, reason: string): void {
    const { status, headers, body } = errorResponse(new AppError('validation_failed', reason), this.deps.clock.nowMs());
    const json = Buffer.from(JSON.stringify(body), 'utf8');
    const type = 'application/json; charset=utf-8';
    res.writeHead(status, { 'Content-Type': type, 'Content-Length': json.length, Connection: 'close', ...headers });
    res.end(json);
  }

  /** What cannot be parsed has no request and no response: the answer goes onto the bare socket. */
  private onClientError(error: Error & { code?: string }, socket: Duplex): void {
    // An error written into the middle of an answer would be taken for its body.
    if (error.code === 'ECONNRESET' || !socket.writable || responseOn(socket)?.headersSent === true) {
      socket.destroy();
      return;
    }
    this.deps.logger.debug('a request could not be read', { code: error.code });
    refuseOnSocket(socket, new AppError('validation_failed', clientErrorReason(error.code)), this.deps.clock.nowMs());
  }
}

/** Node keeps the response in progress on its socket. */
function responseOn(socket: Duplex): { readonly headersSent: boolean } | null {
  return (socket as { _httpMessage?: { headersSent: boolean } | null })._httpMessage ?? null;
}

/** What Express and Node would each answer in a shape of their own, or null. */
function requestProblem({ url = '', httpVersion, headers, headersDistinct }: IncomingMessage): string | null {
  if (httpVersion === '1.1' && headers.host === undefined) return 'the request has no Host header';
  if ((headersDistinct.host?.length ?? 0) > 1) return 'the request has more than one Host header';
  const isPath = url.startsWith('/') || url === '*';
  return isPath || (/^https?:/i.test(url) && URL.canParse(url)) ? null : 'the request target is not a valid URL';
}

function clientErrorReason(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW') return `the request line and headers are larger than ${MAX_HEADER_BYTES} bytes`;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'the request did not arrive in time';
  return 'the request is not valid HTTP';
}
