import { isIP } from 'node:net';
import Joi from 'joi';
import { agentIdProblem } from '../model/agent.js';
import { AppError } from '../model/errors.js';
import { validate } from '../runtime/validate.js';
import type { Target, TargetFields, TargetType } from '../storage/ports.js';
import { CREDENTIALS_PROBLEM, holdsCredentials } from './credentials-in-address.js';

/**
 * What a monitoring target may look like. Addresses end up on command lines and in URLs of agents: what is
 * neither a host name nor an IP address (nor, for http, a URL) does not get in; with a password in it neither. What the server itself makes
 * (`id`, times) may come back in a body, because the console sends whole objects, and is not taken from it.
 */

const TARGET_TYPES: readonly TargetType[] = ['ping', 'http', 'tcp', 'dns'];

const MAX_NAME_LENGTH = 200;
const MAX_URL_LENGTH = 2_048;
const MAX_AGENT_IDS = 10_000;
const DEFAULT_INTERVAL_SECONDS = 60;
const DEFAULT_TIMEOUT_SECONDS = 5;

/** Labels of letters, digits, `-` and `_` that begin and end with no `-`; 253 characters at the most. */
const HOST_NAME = /^(?=.{1,253}\.?$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;
// eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
const BLANK_OR_CONTROL = /[\s\u0000-\u001f\u007f-\u009f]/;

interface GivenTarget {
  readonly name?: string;
  readonly type?: TargetType;
  readonly address?: string;
  readonly port?: number | null;
  readonly interval?: number;
  readonly timeout?: number;
  readonly enabled?: boolean;
  readonly agent_ids?: readonly string[];
  readonly id?: unknown;
  readonly created_at?: unknown;
  readonly updated_at?: unknown;
}

const agentId = Joi.string().custom((value: string, helpers) => {
  const problem = agentIdProblem(value);
  return problem === null ? value : helpers.message({ custom: `{{#label}} is no agent id: ${problem}` });
});

const schema = Joi.object<GivenTarget>({
  name: Joi.string().trim().max(MAX_NAME_LENGTH),
  type: Joi.string().valid(...TARGET_TYPES),
  address: Joi.string().trim().max(MAX_URL_LENGTH),
  port: Joi.number().integer().min(1).max(65_535).allow(null),
  interval: Joi.number().integer().min(1).max(3_600),
  timeout: Joi.number().integer().min(1).max(300),
  enabled: Joi.boolean(),
  agent_ids: Joi.array().max(MAX_AGENT_IDS).items(agentId),
  id: Joi.any().strip(),
  created_at: Joi.any().strip(),
  updated_at: Joi.any().strip(),
})
  .rename('agentIds', 'agent_ids')
  .rename('createdAt', 'created_at')
  .rename('updatedAt', 'updated_at');

/**
 * The target a body describes. A field that is missing keeps the value it has in `current`; without one it is the
 * default, or required.
 * @throws AppError `validation_failed`
 */
export function parseTarget(body: unknown, current: Target | null): TargetFields {
  const given = validate(schema, body, 'target');
  const interval = given.interval ?? current?.interval ?? DEFAULT_INTERVAL_SECONDS;
  const fields: TargetFields = {
    name: given.name ?? current?.name ?? missing('name'),
    type: given.type ?? current?.type ?? missing('type'),
    address: given.address ?? current?.address ?? missing('address'),
    port: given.port === undefined ? (current?.port ?? null) : given.port,
    interval,
    timeout: given.timeout ?? current?.timeout ?? Math.min(DEFAULT_TIMEOUT_SECONDS, interval),
    enabled: given.enabled ?? current?.enabled ?? true,
    agentIds: given.agent_ids === undefined ? (current?.agentIds ?? []) : [...new Set(given.agent_ids)],
  };
  if (holdsCredentials(fields.address)) throw invalid('address', CREDENTIALS_PROBLEM);
  const problem = addressProblem(fields);
  if (problem !== null) throw invalid('address', problem, fields.address);
  if (fields.type === 'tcp' && fields.port === null) throw invalid('port', 'is required for a tcp target');
  if (fields.timeout > fields.interval) throw invalid('timeout', `must not be longer than the interval (${interval} s)`, fields.timeout);
  return fields;
}

function addressProblem({ type, address }: TargetFields): string | null {
  if (type === 'http') {
    if (BLANK_OR_CONTROL.test(address)) return 'must not contain blanks or control characters';
    const url = URL.canParse(address) ? new URL(address) : null;
    return url !== null && /^https?:$/.test(url.protocol) ? null : 'must be an http or https URL for an http target';
  }
  return isIP(address) !== 0 || HOST_NAME.test(address) ? null : `must be a host name or an IP address for a ${type} target`;
}

function missing(field: string): never {
  throw invalid(field, 'is required');
}

function invalid(field: string, reason: string, value?: string | number): AppError {
  const message = `"${field}" ${reason}`;
  const shown = typeof value === 'string' ? value.slice(0, 100) : value;
  return new AppError('validation_failed', `invalid target: ${message}`, [
    shown === undefined ? { field, message } : { field, message, value: shown },
  ]);
}
