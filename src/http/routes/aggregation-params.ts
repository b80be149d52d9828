/** What `GET /metrics/aggregated` is asked to compute: its parameters' joi schemas, and what becomes of them. */
import Joi from 'joi';
import { AppError } from '../../model/errors.js';
import { AGGREGATIONS, type Aggregation } from '../../query/aggregation.js';
import type { GroupKey } from '../../model/aggregate.js';
import { commaSeparated } from './read-params.js';

const MAX_AGGREGATIONS = 20;
const MAX_GROUP_KEYS = 10;
const GROUP_KEYS = ['agent', 'provider', 'region', 'name', 'type', 'unit', 'series'] as const;

export interface AggregationParams {
  readonly aggregation: Aggregation[];
  readonly groupBy?: (GroupKey | 'none')[];
}

/** One or several, each once; `avg` when none is given. */
export function aggregation(): Joi.ArraySchema {
  const allowed = `must be one of ${AGGREGATIONS.join(', ')}, or a percentile from p1 to p99`;
  return commaSeparated(oneOf(new RegExp(`^(?:${AGGREGATIONS.join('|')}|p[1-9][0-9]?)$`), allowed))
    .unique()
    .max(MAX_AGGREGATIONS)
    .default(['avg']);
}

export function groupBy(): Joi.ArraySchema {
  const allowed = `must be none, or any of ${GROUP_KEYS.join(', ')} and tag:KEY`;
  return commaSeparated(oneOf(new RegExp(`^(?:none|${GROUP_KEYS.join('|')}|tag:.+)$`, 's'), allowed))
    .unique()
    .max(MAX_GROUP_KEYS);
}

/**
 * null when it was not said.
 * @throws AppError `validation_failed` for `none` together with something else.
 */
export function toGroupBy({ groupBy: given }: AggregationParams): GroupKey[] | null {
  if (given === undefined) return null;
  const keys = given.filter((key) => key !== 'none');
  if (keys.length === given.length) return keys;
  if (keys.length === 0) return [];
  const reason = '"groupBy" must be none alone, or a list without it';
  throw new AppError('validation_failed', `${reason} (it is "${given.join(',')}")`, [
    { field: 'groupBy', message: reason, value: given.join(',') },
  ]);
}

function oneOf(pattern: RegExp, allowed: string): Joi.StringSchema {
  return Joi.string()
    .max(1_024)
    .pattern(pattern)
    .messages({ 'string.pattern.base': `{{#label}} ${allowed}` });
}
