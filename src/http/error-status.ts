import type { ErrorCode } from '../model/errors.js';

/** The one table from error code to HTTP status. Every code has exactly one status, on every route and socket. */
export const ERROR_STATUS: Readonly<Record<ErrorCode, number>> = Object.freeze({
  validation_failed: 400,
  invalid_json: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  agent_not_found: 404,
  method_not_allowed: 405,
  agent_disconnected: 409,
  conflict: 409,
  agent_deleted: 410,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal: 500,
  not_implemented: 501,
  bad_gateway: 502,
  overloaded: 503,
  query_timeout: 503,
  storage_unavailable: 503,
  storage_full: 503,
  shutting_down: 503,
  gateway_timeout: 504,
});
