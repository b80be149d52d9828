/**
 * One metric in joi: the description of what metric-checks.ts and metric-frame.ts check by hand. Nothing runs it
 * while serving (it is a hundred times slower); test/property/metric-checker.test.ts holds the two together.
 * Whether a time is in range is not a matter of form and therefore not in here.
 */
import Joi from 'joi';
import { boundedJson, CONTROL_CHARACTERS, type MetricLimits } from './metric-checks.js';
import { parseRfc3339Ms } from './timestamps.js';

/** The form of a metric under these limits; to be used with `convert: false`. */
export function metricSchema(limits: MetricLimits): Joi.ObjectSchema {
  const wellFormed = (text: string): string => {
    if (!text.isWellFormed()) throw new Error('not well-formed Unicode');
    return text;
  };
  const label = Joi.string().max(limits.maxNameLength).pattern(CONTROL_CHARACTERS, { invert: true }).custom(wellFormed);
  const tagText = Joi.string().allow('').max(limits.maxTagLength).custom(wellFormed).required();
  const finite = Joi.number().unsafe();
  const objectValue = Joi.object({
    value: finite.required(),
    min: finite,
    max: finite,
    avg: finite,
    count: finite,
  })
    .unknown(true)
    .custom((value: object) => {
      if (boundedJson(value, limits.maxObjectValueBytes) === null) throw new Error('too long, too deep or not finite');
      return value;
    });
  return Joi.object({
    name: label.required(),
    type: Joi.valid('gauge', 'counter', 'histogram', 'timer', 'timing').required(),
    value: Joi.when('type', {
      is: Joi.valid('histogram', 'timer', 'timing'),
      then: Joi.alternatives(finite, objectValue).required(),
      otherwise: finite.required(),
    }),
    unit: label.allow('', null),
    tags: Joi.custom(tagsOf(tagText, limits)).allow(null),
    timestamp: Joi.alternatives(
      Joi.valid('', null),
      finite,
      Joi.string().custom((text: string) => {
        if (Number.isNaN(parseRfc3339Ms(text))) throw new Error('no RFC 3339 time');
        return text;
      }),
    ),
  }).unknown(true);
}

/** String to string, entry by entry: joi's own `pattern` passes over a key named `__proto__`. */
function tagsOf(tagText: Joi.Schema, { maxTagsPerMetric, maxTagsLength }: MetricLimits): (tags: unknown) => unknown {
  return (tags) => {
    if (typeof tags !== 'object' || tags === null || Array.isArray(tags)) throw new Error('not an object');
    const entries = Object.entries(tags);
    if (entries.length > maxTagsPerMetric) throw new Error('too many tags');
    for (const entry of entries) for (const text of entry) Joi.assert(text, tagText, { convert: false });
    if (entries.flat().join('').length > maxTagsLength) throw new Error('too long in all');
    return tags;
  };
}
