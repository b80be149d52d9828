import type Joi from 'joi';
import { AppError, type ErrorDetail } from '../model/errors.js';

/**
 * The one way input becomes typed values: a joi schema, and on failure one AppError whose message is enough to
 * repair the request — every wrong field, the reason, and the value that was given.
 *
 * Keys the schema does not know are refused: a misspelt filter must not quietly answer for everything. A schema
 * that wants to be lenient says `.unknown()`.
 */

const MAX_SHOWN_CHARACTERS = 100;
const MAX_DETAILS = 20;
/** Keys of the caller's choosing are part of joi's messages. */
const MAX_MESSAGE_CHARACTERS = 300;
/** Values in an input, all levels together, up to which every error is looked for. */
const MAX_EXAMINED_VALUES = 1_000;

/** Joi's "this is no number/string/…": for a list they all mean that the parameter was repeated. */
const WRONG_TYPE = new Set(['number.base', 'string.base', 'boolean.base', 'any.only', 'date.base']);

/**
 * @param what names the input in the message, e.g. `query` or `body`.
 * @throws AppError `validation_failed`
 */
export function validate<T>(schema: Joi.ObjectSchema<T>, input: unknown, what: string): T {
  const checked = schema.validate(input ?? {}, {
    abortEarly: isLarge(input),
    convert: true,
    errors: { wrap: { label: '"' } },
  });
  if (checked.error === undefined) return checked.value;
  const details = checked.error.details.slice(0, MAX_DETAILS).map((item) => toDetail(item, what));
  const reasons = details.map((d) => (d.value === undefined ? d.message : `${d.message} (it is ${show(d.value)})`));
  const more = checked.error.details.length - details.length;
  if (more > 0) reasons.push(`and ${more} more`);
  throw new AppError('validation_failed', `invalid ${what}: ${reasons.join('; ')}`, details);
}

/**
 * True for input so large that joi must stop at the first error: it takes seconds to describe a million of them, and
 * then fails to return them.
 */
export function isLarge(input: unknown): boolean {
  const found: unknown[] = [input];
  for (let at = 0; at < found.length; at++) {
    const value = found[at];
    if (typeof value !== 'object' || value === null) continue;
    for (const inner of Object.values(value)) {
      if (found.push(inner) > MAX_EXAMINED_VALUES) return true;
    }
  }
  return false;
}

function toDetail(item: Joi.ValidationErrorItem, what: string): ErrorDetail {
  if (item.type === 'object.rename.override') {
    const { from, to } = item.context as { from: string; to: string };
    const field = [...item.path, to].join('.');
    return { field, message: `"${from}" and "${to}" are the same setting, given twice` };
  }
  const field = cut(item.path.join('.'), MAX_SHOWN_CHARACTERS);
  // What nobody asked for may be anything, also a credential in the wrong place: its name is enough to repair the request.
  const value: unknown = item.type === 'object.unknown' ? undefined : item.context?.value;
  const repeated = what === 'query' && Array.isArray(value) && WRONG_TYPE.has(item.type);
  const message = repeated ? `"${field}" must be given only once` : cut(item.message, MAX_MESSAGE_CHARACTERS);
  return value === undefined ? { field, message } : { field, message, value: shorten(value) };
}

/** The value as it may be shown: scalars as they are, everything else as shortened text. */
function shorten(value: unknown): unknown {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : toJson(value);
  return cut(text, MAX_SHOWN_CHARACTERS);
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

function show(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'a value that cannot be shown';
  }
}
