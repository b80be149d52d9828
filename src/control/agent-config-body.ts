import Joi from 'joi';
import { AppError } from '../model/errors.js';
import { validate } from '../runtime/validate.js';
import type { AgentConfigBody, TargetType } from '../storage/ports.js';
import { CREDENTIALS_PROBLEM, holdsCredentials } from './credentials-in-address.js';

/**
 * What a configuration for an agent may look like. Two shapes come in — flat, as programs send it, and nested, as
 * the console does — in either spelling of every key; one shape is kept and pushed: flat, snake_case, and only
 * the keys that were set. An unknown key is refused by name: a misspelt setting must not look applied.
 */

const MAX_LIST_ENTRIES = 1_000;
const MAX_ENTRY_LENGTH = 2_048;

const TARGET_TYPES: readonly TargetType[] = ['ping', 'dns', 'http', 'tcp'];

/** Addresses by how they are watched; a kind that is not there is left to the agent. */
export type TargetLists = { readonly [kind in TargetType]?: readonly string[] };

interface Numbers {
  readonly collection_interval?: number;
  readonly transmission_interval?: number;
  readonly batch_size?: number;
  readonly retry_attempts?: number;
  readonly retry_delay?: number;
}

interface GivenConfig extends Numbers {
  readonly agent_id?: string;
  readonly collection?: { readonly interval?: number; readonly transmission_interval?: number; readonly batch_size?: number };
  readonly targets?: TargetLists;
  readonly filters?: Readonly<Record<string, readonly string[]>>;
}

const seconds = Joi.number().integer().min(1).max(3_600);
const batchSize = Joi.number().integer().min(1).max(1_000);
/** The length is looked at first: what is too long is not looked through. */
const list = Joi.array().max(MAX_LIST_ENTRIES).items(Joi.string().max(MAX_ENTRY_LENGTH));

const schema = Joi.object<GivenConfig>({
  agent_id: Joi.string(),
  collection_interval: seconds,
  transmission_interval: seconds,
  batch_size: batchSize,
  retry_attempts: Joi.number().integer().min(0).max(10),
  retry_delay: Joi.number().integer().min(100).max(60_000),
  collection: Joi.object({ interval: seconds, transmission_interval: seconds, batch_size: batchSize })
    .rename('transmissionInterval', 'transmission_interval')
    .rename('batchSize', 'batch_size'),
  targets: Joi.object(Object.fromEntries(TARGET_TYPES.map((kind) => [kind, list]))),
  filters: Joi.object({ interfaces: list, metrics: list }),
})
  .rename('agentId', 'agent_id')
  .rename('collectionInterval', 'collection_interval')
  .rename('transmissionInterval', 'transmission_interval')
  .rename('batchSize', 'batch_size')
  .rename('retryAttempts', 'retry_attempts')
  .rename('retryDelay', 'retry_delay');

/**
 * The flat configuration in a request's body.
 * @param agentId the agent it is for: an `agent_id` in the body must be the same.
 * @throws AppError `validation_failed` naming every key that is unknown, out of range or given twice, and for a
 * body that sets nothing, or targets with a password in them.
 */
export function parseAgentConfig(body: unknown, agentId: string): AgentConfigBody {
  const { agent_id: givenAgentId, collection, ...flat } = validate(schema, body, 'agent configuration');
  if (givenAgentId !== undefined && givenAgentId !== agentId) {
    const message = '"agent_id" is not the agent of the path';
    throw new AppError('validation_failed', `invalid agent configuration: ${message}`, [{ field: 'agent_id', message }]);
  }
  refuseCredentials(flat.targets);
  const nested: Record<string, number> = {};
  for (const [key, value] of Object.entries(collection ?? {})) {
    const name = key === 'interval' ? 'collection_interval' : key;
    if (name in flat) {
      const message = `"collection.${key}" and "${name}" are the same setting`;
      throw new AppError('validation_failed', `invalid agent configuration: ${message}`, [{ field: `collection.${key}`, message }]);
    }
    nested[name] = value;
  }
  const config = { ...nested, ...flat };
  if (Object.keys(config).length === 0) {
    throw new AppError('validation_failed', 'invalid agent configuration: it sets nothing (try {"collection_interval": 30})');
  }
  return config;
}

function refuseCredentials(targets: TargetLists = {}): void {
  for (const kind of TARGET_TYPES) {
    const at = targets[kind]?.findIndex(holdsCredentials) ?? -1;
    if (at === -1) continue;
    const field = `targets.${kind}.${at}`;
    const message = `"${field}" ${CREDENTIALS_PROBLEM}`;
    throw new AppError('validation_failed', `invalid agent configuration: ${message}`, [{ field, message }]);
  }
}

/**
 * The configuration as an agent gets it: its own, with the targets that apply to it behind its own ones. It is the
 * whole of what the server wants: a key that is not there is left to the agent's own settings.
 */
export function withTargets(config: AgentConfigBody | null, applying: TargetLists): AgentConfigBody {
  const own = (config?.targets ?? {}) as TargetLists;
  const merged: Partial<Record<TargetType, readonly string[]>> = {};
  for (const kind of TARGET_TYPES) {
    if (own[kind] === undefined && applying[kind] === undefined) continue;
    merged[kind] = [...new Set([...(own[kind] ?? []), ...(applying[kind] ?? [])])];
  }
  const said = config?.targets !== undefined || Object.keys(merged).length > 0;
  return said ? { ...config, targets: merged } : { ...config };
}
