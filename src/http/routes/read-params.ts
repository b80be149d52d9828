/**
 * The query parameters that reading endpoints share: their joi schemas, and what becomes of them. Parameters nobody
 * knows are ignored (existing clients send some), an empty one counts as not given, and both spellings are one.
 */
import Joi from 'joi';
import { AppError } from '../../model/errors.js';
import { METRIC_TYPES, type MetricType, type TimeRange } from '../../model/metric.js';
import type { LabelledRange } from '../../query/agent-queries.js';
import type { MetricFilter } from '../../query/filter.js';
import type { PageRequest } from '../../query/metric-queries.js';
import { validate } from '../../runtime/validate.js';
import { camelKeys, type GivenRange, parseTime, resolveRange } from '../params.js';

const MAX_TEXT = 1_024;
const MAX_LIST = 100;
/** Writing an answer keeps everybody else waiting: this many samples take tens of milliseconds. */
export const MAX_SAMPLES = 10_000;
const DEFAULT_SAMPLES = 1_000;
/** Every row before the offset is read and thrown away. */
const MAX_OFFSET = 100_000;

/** A text; empty counts as not given. */
export function text(): Joi.StringSchema {
  return Joi.string().empty('').max(MAX_TEXT);
}

export function limit(max: number, fallback: number): Joi.NumberSchema {
  return Joi.number().empty('').integer().min(1).max(max).default(fallback);
}

export function offset(): Joi.NumberSchema {
  return Joi.number()
    .empty('')
    .integer()
    .min(0)
    .max(MAX_OFFSET)
    .default(0)
    .messages({ 'number.max': '{{#label}} must be less than or equal to {{#limit}}; use cursor, or a shorter range, to go further' });
}

/** A list out of a parameter given once or repeatedly; empty texts are dropped, nothing left counts as not given. */
function listSchema(split: (value: string) => string[], item: Joi.Schema = Joi.string().max(MAX_TEXT)): Joi.ArraySchema<string[]> {
  const extended = Joi.extend((joi: Joi.Root) => ({
    type: 'list',
    base: joi.array().max(MAX_LIST),
    coerce: (value: unknown) => {
      const given: unknown[] = Array.isArray(value) ? value : [value];
      const parts = given.flatMap((part) => (typeof part === 'string' ? split(part) : [part])).filter((part) => part !== '');
      return { value: parts.length === 0 ? undefined : parts };
    },
  })) as { list(): Joi.ArraySchema<string[]> };
  return extended.list().items(item) as Joi.ArraySchema<string[]>;
}

/** Ids and names may hold commas: several are given by repeating the parameter. */
export function repeated(): Joi.ArraySchema<string[]> {
  return listSchema((value) => [value]);
}

/** Several values are given by repeating the parameter or separated by commas. */
export function commaSeparated(item?: Joi.Schema): Joi.ArraySchema<string[]> {
  return listSchema(atCommas, item);
}

function atCommas(value: string): string[] {
  return value.split(',').map((part) => part.trim());
}

/** `timing` is the agents' other word for `timer`. */
const metricTypes = listSchema((value) => atCommas(value).map((type) => (type === 'timing' ? 'timer' : type)), Joi.valid(...METRIC_TYPES));

export const rangeParams = { timeRange: text(), startTime: text(), endTime: text() };

export const filterParams = {
  agentId: repeated(),
  provider: commaSeparated(),
  region: commaSeparated(),
  metricName: repeated(),
  metricType: metricTypes,
  tag: repeated(),
};

export const pageParams = { limit: limit(MAX_SAMPLES, DEFAULT_SAMPLES), offset: offset(), cursor: text() };

export interface FilterParams {
  readonly agentId?: string[];
  readonly provider?: string[];
  readonly region?: string[];
  readonly metricName?: string[];
  readonly metricType?: MetricType[];
  readonly tag?: string[];
}

export interface PageParams {
  readonly limit: number;
  readonly offset: number;
  readonly cursor?: string;
}

/** @throws AppError `validation_failed` */
export function readQuery<T>(schema: Joi.ObjectSchema<T>, query: unknown): T {
  return validate(schema.unknown(), camelKeys(query), 'query');
}

/** @throws AppError `validation_failed` for a tag that is no `key:value`. */
export function toFilter(params: FilterParams): MetricFilter {
  const { agentId, provider, region, metricName, metricType, tag } = params;
  return {
    ...(agentId && { agentIds: agentId }),
    ...(provider && { providers: provider }),
    ...(region && { regions: region }),
    ...(metricName && { names: metricName }),
    ...(metricType && { types: metricType }),
    ...(tag && { tags: tag.map(toTag) }),
  };
}

/** The first colon separates: a value may hold more of them (`target:https://…`), a key cannot be asked for with one. */
function toTag(given: string): { key: string; value: string } {
  const colon = given.indexOf(':');
  if (colon < 1) {
    const reason = '"tag" must be key:value';
    throw new AppError('validation_failed', `${reason} (it is "${given.slice(0, 100)}")`, [
      { field: 'tag', message: reason, value: given.slice(0, 100) },
    ]);
  }
  return { key: given.slice(0, colon), value: given.slice(colon + 1) };
}

export function toPage({ limit: size, offset: skip, cursor }: PageParams): PageRequest {
  return { limit: size, offset: skip, cursor: cursor ?? null };
}

/**
 * The range asked for; without any, the last `defaultRange`. With both a start and an end, `timeRange` says nothing.
 * @throws AppError `validation_failed`
 */
export function toRange({ timeRange, startTime, endTime }: GivenRange, nowMs: number, defaultRange = '24h'): LabelledRange {
  const bounded = startTime !== undefined && endTime !== undefined;
  return resolveRange({ timeRange: bounded ? undefined : timeRange, startTime, endTime }, nowMs, defaultRange);
}

/**
 * The same for lists of samples, which need no range: what is not given stays open, a start alone also reaches
 * samples that are ahead of the server's clock.
 * @throws AppError `validation_failed`
 */
export function toOpenRange(given: GivenRange, nowMs: number): Partial<TimeRange> {
  const { timeRange, startTime, endTime } = given;
  if (timeRange !== undefined || (startTime !== undefined && endTime !== undefined)) {
    const { startMs, endMs } = toRange(given, nowMs);
    return { startMs, endMs };
  }
  if (startTime !== undefined) return { startMs: parseTime(startTime, 'startTime') };
  return endTime === undefined ? {} : { endMs: parseTime(endTime, 'endTime') };
}
