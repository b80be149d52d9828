/**
 * What agents say, apart from the metrics themselves: joi schemas for the data of every frame, and how it maps to
 * the model. Both spellings of a field are the same field (`agent_id`, `agentId`); a field that is null or an empty
 * string is not known, as if it were absent (Go sends null for an empty slice); unknown fields are ignored.
 */
import Joi from 'joi';
import type { AgentHealth } from '../model/agent.js';
import { AppError, type ErrorDetail } from '../model/errors.js';
import { isLarge } from '../runtime/validate.js';
import { type AgentDescription, type DroppedReport, MAX_SEQ } from '../storage/ports.js';
import { isPlainObject, shown } from './metric-checks.js';
import { parseRfc3339Ms, unixTimeMs } from './timestamps.js';

const MAX_TEXT_LENGTH = 256;
const MAX_MESSAGE_LENGTH = 1_024;
const MAX_OUTPUT_LENGTH = 65_536;
const MAX_CAPABILITIES = 64;
const MAX_BATCH_ID_LENGTH = 128;
/** Agents' clocks may be ahead by this much, as their samples' times may. */
const MAX_AHEAD_MS = 3_600_000;
/** Errors of one frame that are told apart in the answer. */
const MAX_DETAILS = 20;

/** What may be read from data: the fields under their wire names (snake case). */
type Fields = Readonly<Record<string, Joi.Schema>>;

const text = Joi.string().max(MAX_TEXT_LENGTH);
const time = Joi.any();
/** Longer text is cut, not refused: it is for people to read. */
const cut = (length: number): Joi.Schema =>
  Joi.string().custom((value: string) => (value.length > length ? value.slice(0, length).toWellFormed() : value));

const LOCATION: Fields = {
  provider: text,
  region: text,
  zone: text,
  network: text,
  subnet: text,
  subnetwork: text,
  instance_id: text,
  ip_address: text,
  private_ip: text,
  public_ip: text,
};

const DROPPED: Fields = { count: Joi.number().strict().integer().min(0).max(MAX_SEQ), from: time, to: time };

const REGISTRATION: Fields = {
  version: text,
  location: Joi.object(),
  capabilities: Joi.array().max(MAX_CAPABILITIES).items(text.allow('', null)),
  config: Joi.any(),
  dropped: Joi.any(),
  timestamp: time,
};

const STATUS: Fields = {
  status: Joi.valid('healthy', 'warning', 'error', 'stopped').required(),
  message: cut(MAX_MESSAGE_LENGTH),
  details: Joi.any(),
};

const CONFIG_STATUS: Fields = {
  version: Joi.number().integer().min(0).required(),
  status: Joi.valid('applied', 'failed').required(),
  error: cut(MAX_MESSAGE_LENGTH),
};

const COMMAND_RESULT: Fields = {
  command_id: Joi.string().max(128).required(),
  status: Joi.valid('ok', 'failed', 'refused').required(),
  output: cut(MAX_OUTPUT_LENGTH),
  error: cut(MAX_MESSAGE_LENGTH),
};

/** The older agent's registration over HTTP; `id` is checked by itself. */
const HTTP_REGISTRATION: Fields = { ...LOCATION, ...REGISTRATION, hostname: text, status: Joi.any(), started_at: time };

export interface Registration {
  readonly description: AgentDescription;
  /** What the agent says it had to throw away, as it was sent: see readDropped. */
  readonly dropped: unknown;
}

export interface StatusReport {
  readonly health: AgentHealth;
  readonly message: string;
}

/** The `registration` of agent `id`. @throws AppError `validation_failed` */
export function readRegistration(id: string, data: unknown): Registration {
  const fields = read('registration', REGISTRATION, data);
  const location = read('registration location', LOCATION, fields.location ?? {});
  return { description: describe(id, location, fields), dropped: fields.dropped };
}

/**
 * The `dropped` of a registration, as far as samples are kept, which is from `oldestMs` on; null when it says that nothing was.
 * @throws AppError `validation_failed`; a registration is good without it
 */
export function readDropped(dropped: unknown, nowMs: number, oldestMs: number): DroppedReport | null {
  if (dropped === undefined) return null;
  const fields = read('dropped', DROPPED, dropped);
  const count = Number(fields.count ?? 0);
  if (count === 0) return null;
  const [fromMs, toMs] = [timeMs(fields.from), timeMs(fields.to)];
  // Written so that NaN is refused too.
  if (!(fromMs >= 0 && toMs >= fromMs && toMs <= nowMs + MAX_AHEAD_MS)) {
    const reason = `dropped must be from a time to a later one (it is from ${shown(fields.from)} to ${shown(fields.to)})`;
    throw invalid('dropped', reason, dropped);
  }
  return toMs < oldestMs ? null : { count, fromMs: Math.max(fromMs, oldestMs), toMs };
}

/** What the connect URL says of agent `id`; parameters that are too long are cut, for a connect must not fail over them. */
export function readConnectParameters(id: string, parameters: URLSearchParams): AgentDescription {
  const fields: Record<string, string> = {};
  for (const [name, value] of parameters) {
    const wire = snakeCase(name);
    if ((wire === 'version' || Object.hasOwn(LOCATION, wire)) && fields[wire] === undefined) {
      fields[wire] = value.slice(0, MAX_TEXT_LENGTH);
    }
  }
  return describe(id, fields, fields);
}

/** A `location` as it comes along with metrics. @throws AppError `validation_failed` */
export function readLocation(id: string, location: unknown): AgentDescription {
  return describe(id, read('location', LOCATION, location), {});
}

/** The older agent's `POST /agents/register`, or a `registration` sent the same way. @throws AppError `validation_failed` */
export function readHttpRegistration(id: string, body: unknown): Registration {
  const fields = read('registration', HTTP_REGISTRATION, body);
  if (fields.location !== undefined) return readRegistration(id, body);
  return { description: { ...describe(id, fields, fields), provider: stringOf(fields.provider) || 'gcp' }, dropped: fields.dropped };
}

/** A `status` frame. @throws AppError `validation_failed` */
export function readStatus(data: unknown): StatusReport {
  const fields = read('status', STATUS, data);
  return { health: fields.status as AgentHealth, message: stringOf(fields.message) };
}

/** A `config_status` frame. @throws AppError `validation_failed` */
export function readConfigStatus(data: unknown): { version: number; status: 'applied' | 'failed'; error: string | null } {
  const fields = read('config_status', CONFIG_STATUS, data);
  return { version: Number(fields.version), status: fields.status as 'applied' | 'failed', error: textOrNull(fields.error) };
}

/** A `command_result` frame. @throws AppError `validation_failed` */
export function readCommandResult(data: unknown): {
  commandId: string;
  status: 'ok' | 'failed' | 'refused';
  output: string | null;
  error: string | null;
} {
  const fields = read('command_result', COMMAND_RESULT, data);
  return {
    commandId: stringOf(fields.command_id),
    status: fields.status as 'ok' | 'failed' | 'refused',
    output: textOrNull(fields.output),
    error: textOrNull(fields.error),
  };
}

/** What is around the metrics of a batch. */
export interface BatchEnvelope {
  readonly batchId: string | null;
  readonly seq: number | null;
  readonly timestamp: unknown;
  readonly location: unknown;
  readonly metrics: readonly unknown[];
}

/**
 * The envelope of a `metrics` frame or a push of that shape. Checked by hand, because it comes with every batch.
 * @throws AppError `validation_failed`: this batch can never succeed
 */
export function readBatchEnvelope(data: unknown, maxMetrics: number): BatchEnvelope {
  if (!isPlainObject(data)) throw invalid('data', `data must be an object (it is ${shown(data)})`, data);
  const batchId = readBatchId(data);
  const { metrics } = data;
  if (metrics !== null && !Array.isArray(metrics)) {
    throw invalid('metrics', `metrics must be an array (it is ${shown(metrics)})`, metrics);
  }
  if (metrics !== null && metrics.length > maxMetrics) {
    throw invalid('metrics', `metrics has ${metrics.length} entries; a batch may have ${maxMetrics}`, metrics.length);
  }
  return { batchId, seq: readSeq(data.seq), timestamp: data.timestamp, location: data.location, metrics: metrics ?? [] };
}

/** The sender's count of its batches. What is no count is ignored: no batch is lost over it. */
function readSeq(seq: unknown): number | null {
  return typeof seq === 'number' && Number.isInteger(seq) && seq >= 0 && seq <= MAX_SEQ ? seq : null;
}

/** The sender's name of a batch, or null when it gave none. @throws AppError `validation_failed` */
export function readBatchId(data: Readonly<Record<string, unknown>>): string | null {
  const batchId = data.batch_id ?? data.batchId;
  if (batchId === undefined || batchId === null || batchId === '') return null;
  if (typeof batchId !== 'string') throw invalid('batch_id', `batch_id must be a string (it is ${shown(batchId)})`, batchId);
  if (batchId.length > MAX_BATCH_ID_LENGTH) {
    throw invalid('batch_id', `batch_id is longer than ${MAX_BATCH_ID_LENGTH} characters (it is ${shown(batchId)})`, batchId);
  }
  if (!batchId.isWellFormed()) throw invalid('batch_id', 'batch_id is not well-formed Unicode', batchId);
  return batchId;
}

/** True when the description says nothing that is not known of this agent already. */
export function addsNothing(known: Omit<AgentDescription, 'id'>, said: AgentDescription): boolean {
  return (
    saysNothing(known.provider, said.provider) &&
    saysNothing(known.region, said.region) &&
    saysNothing(known.zone, said.zone) &&
    saysNothing(known.network, said.network) &&
    saysNothing(known.subnet, said.subnet) &&
    saysNothing(known.instanceId, said.instanceId) &&
    saysNothing(known.ipAddress, said.ipAddress) &&
    saysNothing(known.version, said.version) &&
    (said.capabilities === null || sameList(said.capabilities, known.capabilities))
  );
}

/**
 * True when a `location` that came with metrics is worth reading: it has something this agent was not known for.
 * Runs for every batch, so it looks at the plain fields only; readLocation does the rest.
 */
export function mayMove(known: Omit<AgentDescription, 'id' | 'capabilities'>, location: unknown): boolean {
  if (!isPlainObject(location)) return false;
  return !(
    saysNothing(known.provider, location.provider) &&
    saysNothing(known.region, location.region) &&
    saysNothing(known.zone, location.zone) &&
    saysNothing(known.network, location.network) &&
    saysNothing(known.subnet, location.subnet ?? location.subnetwork) &&
    saysNothing(known.instanceId, location.instance_id ?? location.instanceId) &&
    saysNothing(known.ipAddress, location.ip_address ?? location.ipAddress) &&
    (known.ipAddress !== '' || saysNothing('', location.private_ip ?? location.privateIp ?? location.public_ip ?? location.publicIp))
  );
}

function saysNothing(known: string, said: unknown): boolean {
  return said === '' || said === known || said === undefined || said === null;
}

function sameList(a: readonly string[], b: readonly string[] | null): boolean {
  return b !== null && a.length === b.length && a.every((item, i) => item === b[i]);
}

function describe(id: string, location: Readonly<Record<string, unknown>>, fields: Readonly<Record<string, unknown>>): AgentDescription {
  return {
    id,
    provider: stringOf(location.provider),
    region: stringOf(location.region),
    zone: stringOf(location.zone),
    network: stringOf(location.network),
    subnet: stringOf(location.subnet) || stringOf(location.subnetwork),
    instanceId: stringOf(location.instance_id),
    ipAddress: stringOf(location.ip_address) || stringOf(location.private_ip) || stringOf(location.public_ip),
    version: stringOf(fields.version),
    capabilities: Array.isArray(fields.capabilities) ? fields.capabilities.map(stringOf).filter((item) => item !== '') : null,
  };
}

/** Keeps the known fields of `data` that say something, under their wire names, and checks them. */
function read(what: string, fields: Fields, data: unknown): Readonly<Record<string, unknown>> {
  if (!isPlainObject(data)) throw invalid('data', `${what} must be an object (it is ${shown(data)})`, data);
  const said: Record<string, unknown> = {};
  for (const key of Object.keys(data)) {
    const name = snakeCase(key);
    const value = data[key];
    if (value === null || value === '' || !Object.hasOwn(fields, name) || said[name] !== undefined) continue;
    said[name] = value;
  }
  const checked: Joi.ValidationResult<Record<string, unknown>> = Joi.object(fields).validate(said, { abortEarly: isLarge(said) });
  const { error } = checked;
  if (error !== undefined) {
    const details = error.details
      .slice(0, MAX_DETAILS)
      .map((detail): ErrorDetail => ({ field: detail.path.join('.'), message: detail.message, value: shown(detail.context?.value) }));
    const reasons = details.map(({ message, value }) => `${message} (it is ${String(value)})`);
    if (error.details.length > details.length) reasons.push(`and ${error.details.length - details.length} more`);
    throw new AppError('validation_failed', `${what}: ${reasons.join('; ')}`, details);
  }
  return checked.value;
}

/** The error of one field, with its value shortened. */
export function invalid(field: string, message: string, value: unknown): AppError {
  return new AppError('validation_failed', message, [{ field, message, value: shown(value) }]);
}

function snakeCase(name: string): string {
  return /[A-Z]/.test(name) ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name;
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value.toWellFormed() : '';
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value.toWellFormed() : null;
}

function timeMs(value: unknown): number {
  return typeof value === 'string' ? parseRfc3339Ms(value) : unixTimeMs(value);
}
