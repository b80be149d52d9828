import Joi from 'joi';
import type { Silence, SilenceFields } from '../model/alert.js';
import { validate } from '../runtime/validate.js';
import { durationMs, type GivenMatcher, instantMs, invalidField, matcherList, toMatchers } from './body-fields.js';
import { recurrenceProblem } from './silences.js';

/**
 * What a request may say of a silence. What the server itself makes (`id`, `state`, times) may come back in a body and is
 * not taken from it.
 */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MAX_DURATION_MS = 366 * DAY_MS;
const MAX_WINDOW_MS = 31 * DAY_MS;
const MAX_TEXT_LENGTH = 2_000;

interface GivenSilence {
  readonly matchers?: readonly GivenMatcher[];
  readonly starts_at?: number;
  readonly ends_at?: number | null;
  readonly duration?: number;
  readonly recurrence?: { readonly cron: string; readonly duration: number; readonly time_zone: string } | null;
  readonly author?: string;
  readonly comment?: string;
  readonly id?: unknown;
  readonly state?: unknown;
  readonly created_at?: unknown;
  readonly updated_at?: unknown;
}

const recurrence = Joi.object({
  cron: Joi.string().trim().max(200).required(),
  duration: durationMs(MINUTE_MS, MAX_WINDOW_MS).required(),
  time_zone: Joi.string().trim().max(100).default('UTC'),
}).rename('timeZone', 'time_zone');

const schema = Joi.object<GivenSilence>({
  matchers: matcherList().min(1),
  starts_at: instantMs(),
  ends_at: instantMs().allow(null),
  duration: durationMs(MINUTE_MS, MAX_DURATION_MS),
  recurrence: recurrence.allow(null),
  author: Joi.string().trim().allow('').max(200),
  comment: Joi.string().trim().allow('').max(MAX_TEXT_LENGTH),
  id: Joi.any().strip(),
  state: Joi.any().strip(),
  created_at: Joi.any().strip(),
  updated_at: Joi.any().strip(),
})
  .rename('startsAt', 'starts_at')
  .rename('endsAt', 'ends_at')
  .rename('created_by', 'author')
  .rename('createdBy', 'author')
  .rename('createdAt', 'created_at')
  .rename('updatedAt', 'updated_at')
  .nand('ends_at', 'duration');

/**
 * The silence a body describes. A field that is missing keeps the value it has in `current`; without one it is the
 * default (from now on), or required. A one-off silence needs an end: `ends_at`, or its `duration`.
 * @throws AppError `validation_failed`
 */
export function parseSilence(body: unknown, current: Silence | null, nowMs: number): SilenceFields {
  const given = validate(schema, body, 'silence');
  const startsAtMs = given.starts_at ?? current?.startsAtMs ?? nowMs;
  const recurs = given.recurrence === undefined ? (current?.recurrence ?? null) : toRecurrence(given.recurrence);
  const endsAtMs =
    given.duration === undefined
      ? given.ends_at === undefined
        ? (current?.endsAtMs ?? null)
        : given.ends_at
      : startsAtMs + given.duration;
  const matchers = given.matchers === undefined ? current?.matchers : toMatchers(given.matchers);
  if (matchers === undefined) throw invalidField('silence', 'matchers', 'is required');
  if (recurs === null && endsAtMs === null)
    throw invalidField('silence', 'ends_at', 'is required, or a "duration": only recurring silences have no end');
  if (endsAtMs !== null && endsAtMs <= startsAtMs) throw invalidField('silence', 'ends_at', 'must be after "starts_at"');
  const problem = recurs === null ? null : recurrenceProblem(recurs.cron, recurs.timeZone, nowMs);
  if (problem !== null) throw invalidField('silence', 'recurrence', `cannot be used: ${problem}`);
  return {
    matchers,
    startsAtMs,
    endsAtMs,
    recurrence: recurs,
    author: given.author ?? current?.author ?? '',
    comment: given.comment ?? current?.comment ?? '',
  };
}

function toRecurrence(given: GivenSilence['recurrence']): SilenceFields['recurrence'] {
  return given == null ? null : { cron: given.cron, durationMs: given.duration, timeZone: given.time_zone };
}
