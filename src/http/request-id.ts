import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';

const SANE = /^[A-Za-z0-9._:/+=-]{1,128}$/;

/** The caller's `X-Request-Id` when it is a sane one (it ends up in logs), a new one otherwise; echoed in the answer. */
export function pickRequestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && SANE.test(given) ? given : randomUUID();
}

/** Puts the request's id on `res.locals.requestId` and into the answer. */
export function requestId(): RequestHandler {
  return (req, res, next) => {
    const id = pickRequestId(req.headers['x-request-id']);
    res.locals.requestId = id;
    res.setHeader('X-Request-Id', id);
    next();
  };
}
