import express, { type RequestHandler } from 'express';
import { AppError } from '../model/errors.js';
import { isAgentCall } from './auth.js';

export interface BodyLimits {
  /** Bodies of people's requests. */
  readonly maxBodyBytes: number;
  /** Bodies agents push; the same as for a WebSocket message. */
  readonly maxMessageBytes: number;
}

const JSON_TYPES = ['application/json', 'application/*+json', 'text/json'];
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Parses JSON bodies of POST, PUT and PATCH, unpacked size limited. A body of another type is refused rather than ignored:
 * curl's default is a form, and "field missing" would be a riddle.
 */
export function jsonBodies(limits: BodyLimits): RequestHandler {
  const pushed = express.json({ limit: limits.maxMessageBytes, type: JSON_TYPES });
  const other = express.json({ limit: limits.maxBodyBytes, type: JSON_TYPES });
  return (req, res, next) => {
    if (!WITH_BODY.has(req.method) || !hasBody(req.headers)) {
      next();
      return;
    }
    if (req.is(JSON_TYPES) === false) {
      next(new AppError('unsupported_media_type', 'the body must be JSON: send it with "Content-Type: application/json"'));
      return;
    }
    (isAgentCall(req.method, req.path) ? pushed : other)(req, res, next);
  };
}

function hasBody(headers: { 'transfer-encoding'?: string | undefined; 'content-length'?: string | undefined }): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
