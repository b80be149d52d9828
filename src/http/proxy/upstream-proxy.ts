import { type ClientRequest, type IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { AppError } from '../../model/errors.js';
import { answerHeaders, stripRequestHeaders } from './proxy-headers.js';
import { StallWatch } from './stall-watch.js';

/** One request on its way through. */
interface Exchange {
  readonly next: NextFunction;
  /** The body came without a length: http-proxy would forget so for DELETE and OPTIONS. */
  readonly chunked: boolean;
  upstream: ClientRequest | null;
  answered: boolean;
  watch: StallWatch | null;
  /** The one failure that is answered; what follows from it is not looked at. */
  failed: boolean;
}

/**
 * Forwards everything below its mount path to one upstream: any method, prefix stripped, bodies streamed both ways
 * under back-pressure and never held. Promises beyond what the middleware library does by itself:
 *
 * - unreachable → `bad_gateway`; silent for `timeoutMs`, connecting included → `gateway_timeout`;
 * - an upstream that fails once its answer has begun cuts the client's connection: never a hang, never a short
 *   answer that looks whole;
 * - a client that goes away ends the upstream request;
 * - a path that climbs (`..`) is refused, so that nobody leaves the upstream's base path.
 *
 * Every request has its own upstream connection: a kept one that the upstream is just closing would turn into a
 * 502 for a request that cannot be repeated, its body being gone.
 */
export function upstreamProxy(name: string, target: string, timeoutMs: number): RequestHandler {
  const exchanges = new WeakMap<IncomingMessage, Exchange>();

  const fail = (req: IncomingMessage, res: ServerResponse, error: AppError): void => {
    const exchange = exchanges.get(req);
    if (exchange === undefined || exchange.failed || res.writableEnded) return;
    exchange.failed = true;
    exchange.watch?.stop();
    exchange.upstream?.destroy();
    if (res.headersSent || res.destroyed) {
      res.destroy();
      return;
    }
    // The client may still be sending: let it finish, so that it gets to read the answer.
    req.unpipe();
    req.resume();
    exchange.next(error);
  };

  const forward = createProxyMiddleware<Request, Response>({
    target,
    changeOrigin: true,
    xfwd: false,
    secure: true,
    toProxy: true,
    selfHandleResponse: true,
    on: {
      start: (req) => {
        stripRequestHeaders(req.headers);
        if (exchanges.get(req)?.chunked === true) {
          delete req.headers['content-length'];
          req.headers['transfer-encoding'] = 'chunked';
        }
      },
      proxyReq: (upstream, req, res) => {
        const exchange = exchanges.get(req);
        if (exchange === undefined) return;
        exchange.upstream = upstream;
        if (res.destroyed) {
          upstream.destroy();
          return;
        }
        exchange.watch = new StallWatch({ req, res, upstream }, timeoutMs, () => {
          fail(req, res, new AppError('gateway_timeout', `${name} said nothing for ${timeoutMs} ms`));
        });
        upstream.once('close', () => {
          if (!exchange.answered) fail(req, res, new AppError('bad_gateway', `${name} closed the connection without an answer`));
          // An upstream may answer before it took the whole body: the rest goes nowhere, but must not block the connection.
          if (!req.readableEnded) req.resume();
        });
      },
      proxyRes: (answer, req, res) => {
        const exchange = exchanges.get(req);
        if (exchange === undefined || exchange.failed || res.destroyed) {
          answer.destroy();
          return;
        }
        exchange.answered = true;
        try {
          writeHead(answer, res);
        } catch {
          fail(req, res, new AppError('bad_gateway', `${name} sent an answer that is not valid HTTP`));
          return;
        }
        pipeline(answer, res, (error) => {
          if (error) exchange.upstream?.destroy();
        });
      },
      error: (error, req, res) => {
        const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
        const slow = code === 'ETIMEDOUT' || code === 'ESOCKETTIMEDOUT';
        const reason = slow
          ? new AppError('gateway_timeout', `${name} could not be reached in time`)
          : new AppError('bad_gateway', `${name} cannot be reached or broke off (${code})`);
        if (res instanceof ServerResponse) fail(req, res, reason);
      },
    },
  });

  return (req, res, next) => {
    if (climbs(req.url)) {
      next(new AppError('validation_failed', 'the path must not hold "." or ".." as a part'));
      return;
    }
    const chunked = req.headers['transfer-encoding'] !== undefined;
    const exchange: Exchange = { next, chunked, upstream: null, answered: false, watch: null, failed: false };
    exchanges.set(req, exchange);
    res.once('close', () => {
      exchange.watch?.stop();
      if (!res.writableFinished) exchange.upstream?.destroy();
    });
    void forward(req, res, next);
  };
}

/** Ours stay where both sides have a header; `Vary` is the sum of both. */
function writeHead(answer: IncomingMessage, res: Response): void {
  for (const [name, value] of answerHeaders(answer.headers)) {
    if (name === 'vary') res.vary(String(value));
    else if (!res.hasHeader(name)) res.setHeader(name, value);
  }
  res.writeHead(answer.statusCode ?? 502, answer.statusMessage);
}

/** True when a part of the path is `.` or `..`, also percent-encoded. */
function climbs(url: string): boolean {
  const path = url.split('?', 1)[0] ?? '';
  return path.split(/[/\\]|%2f|%5c/i).some((part) => /^(?:\.|%2e){1,2}$/i.test(part));
}
