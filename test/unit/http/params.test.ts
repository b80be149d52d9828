import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import Joi from 'joi';
import { camelKeys, parseDuration, parseTime, resolveRange } from '../../../src/http/params.js';
import { validate } from '../../../src/runtime/validate.js';

const HOUR_MS = 3_600_000;
const failure = (run: () => unknown): any => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure');
};

describe('camelKeys', () => {
  test('both spellings are one name', () => {
    expect(camelKeys({ agent_id: 'a', startTime: '1', metric_name: 'm', q: 'x' })).toEqual({
      agentId: 'a',
      startTime: '1',
      metricName: 'm',
      q: 'x',
    });
  });

  test('both at once must agree', () => {
    expect(camelKeys({ agent_id: 'a', agentId: 'a' })).toEqual({ agentId: 'a' });
    const error = failure(() => camelKeys({ agent_id: 'a', agentId: 'b' }));
    expect(error).toMatchObject({ code: 'validation_failed', details: [{ field: 'agentId' }] });
    expect(error.message).toContain('"agent_id" and "agentId"');
  });

  test('lists stay lists, odd names stay as they are', () => {
    expect(camelKeys({ tag: ['a=1', 'b=2'], _: '1', a_: '2' })).toEqual({ tag: ['a=1', 'b=2'], _: '1', a_: '2' });
  });

  test('"__proto__" is an ordinary name', () => {
    const renamed = camelKeys(JSON.parse('{"__proto__":{"polluted":true}}'));
    expect(Object.keys(renamed)).toEqual(['__proto__']);
    expect(({} as any).polluted).toBeUndefined();
    expect((renamed as any).polluted).toBeUndefined();
  });

  test.each([[null], [[1]], ['text'], [5]])('%j is no object', (input) => {
    expect(failure(() => camelKeys(input)).code).toBe('validation_failed');
  });

  test('no body is an empty one', () => expect(camelKeys(undefined)).toEqual({}));
});

describe('parseTime', () => {
  test.each([
    ['2026-11-22', Date.UTC(2026, 10, 22)],
    ['2026-11-22T10:30', Date.UTC(2026, 10, 22, 10, 30)],
    ['2026-11-22T10:30:15Z', Date.UTC(2026, 10, 22, 10, 30, 15)],
    ['2026-11-22t10:30:15z', Date.UTC(2026, 10, 22, 10, 30, 15)],
    ['2026-11-22 10:30:15', Date.UTC(2026, 10, 22, 10, 30, 15)],
    ['2026-11-22T10:30:15.123456789Z', Date.UTC(2026, 10, 22, 10, 30, 15, 123)],
    ['2026-11-22T10:30:15.5+02:00', Date.UTC(2026, 10, 22, 8, 30, 15, 500)],
    ['2026-11-22T10:30:15 02:00', Date.UTC(2026, 10, 22, 8, 30, 15)],
    ['2026-11-22T10:30:15-0530', Date.UTC(2026, 10, 22, 16, 0, 15)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['1795374381', 1_795_374_381_000],
    ['1795374381.5', 1_795_374_381_500],
    ['1795374381123', 1_795_374_381_123],
    ['0', 0],
  ])('%s', (text, expected) => expect(parseTime(text, 'startTime')).toBe(expected));

  test.each([
    [''],
    ['yesterday'],
    ['2026-02-30'],
    ['2026-13-01'],
    ['2026-11-22T24:00:00Z'],
    ['2026-11-22T10:60'],
    ['2026-11-22T10:00:00+25:00'],
    ['2026-11-22T10:00:00+'],
    ['-5'],
    ['1e9'],
    ['NaN'],
    ['Infinity'],
    ['999999999999999'],
    ['1950-01-01'],
    ['2026-11-22T10:00:00Zx'],
    ['x'.repeat(5_000)],
  ])('%s is refused, by name', (text) => {
    const error = failure(() => parseTime(text, 'endTime'));
    expect(error).toMatchObject({ code: 'validation_failed', details: [{ field: 'endTime' }] });
    expect(error.message).toContain('"endTime"');
    expect(error.message.length).toBeLessThan(300);
  });

  test('every time comes back', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
        expect(parseTime(date.toISOString(), 't')).toBe(date.getTime());
      }),
    );
  });

  test('no text breaks it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(Number.isSafeInteger(parseTime(text, 't'))).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'validation_failed' });
        }
      }),
    );
  });
});

describe('parseDuration', () => {
  test.each([
    ['90s', 90_000],
    ['5m', 300_000],
    ['24h', 24 * HOUR_MS],
    ['30d', 720 * HOUR_MS],
  ])('%s', (text, expected) => expect(parseDuration(text, 'timeRange')).toBe(expected));

  test.each([[''], ['0h'], ['h'], ['5'], ['-1h'], ['1.5h'], ['1w'], ['1H'], ['9999d'], ['99999999999s']])('%s is refused', (text) => {
    expect(failure(() => parseDuration(text, 'timeRange'))).toMatchObject({ code: 'validation_failed', details: [{ field: 'timeRange' }] });
  });
});

describe('resolveRange', () => {
  const nowMs = Date.UTC(2026, 10, 22, 12);
  const iso = (ms: number): string => new Date(ms).toISOString();

  test.each([
    ['nothing', {}, { startMs: nowMs - 24 * HOUR_MS, endMs: nowMs, label: '24h' }],
    ['a length', { timeRange: '1h' }, { startMs: nowMs - HOUR_MS, endMs: nowMs, label: '1h' }],
    ['a start', { startTime: iso(nowMs - 5) }, { startMs: nowMs - 5, endMs: nowMs, label: 'custom' }],
    ['an end', { endTime: iso(nowMs - 5) }, { startMs: nowMs - 5 - 24 * HOUR_MS, endMs: nowMs - 5, label: 'custom' }],
    ['start and end', { startTime: '100', endTime: '200' }, { startMs: 100_000, endMs: 200_000, label: 'custom' }],
    ['start and length', { startTime: '100', timeRange: '1h' }, { startMs: 100_000, endMs: 100_000 + HOUR_MS, label: 'custom' }],
    ['end and length', { endTime: iso(nowMs), timeRange: '1h' }, { startMs: nowMs - HOUR_MS, endMs: nowMs, label: 'custom' }],
  ])('%s', (_what, given, expected) => expect(resolveRange(given, nowMs)).toEqual(expected));

  test.each([
    ['all three', { startTime: '100', endTime: '200', timeRange: '1h' }],
    ['empty', { startTime: '200', endTime: '200' }],
    ['backwards', { startTime: '300', endTime: '200' }],
    ['a start in the future', { startTime: iso(nowMs + 5) }],
    ['a bad length', { timeRange: 'soon' }],
  ])('%s is refused', (_what, given) => expect(failure(() => resolveRange(given, nowMs)).code).toBe('validation_failed'));

  test('the default can be another', () => expect(resolveRange({}, nowMs, '5m').startMs).toBe(nowMs - 300_000));
});

describe('validate', () => {
  const schema = Joi.object<{ limit: number; q?: string }>({ limit: Joi.number().integer().max(10).default(5), q: Joi.string().min(2) });

  test('converts and fills in', () => {
    expect(validate(schema, { limit: '7' }, 'query')).toEqual({ limit: 7 });
    expect(validate(schema, undefined, 'query')).toEqual({ limit: 5 });
  });

  test('names every field, the reason and the value', () => {
    const error = failure(() => validate(schema, { limit: '99', q: 'x', other: 1 }, 'query'));
    expect(error.code).toBe('validation_failed');
    expect(error.details.map((detail: any) => detail.field)).toEqual(['limit', 'q', 'other']);
    expect(error.message).toMatch(/invalid query: "limit" must be less than or equal to 10 \(it is 99\)/);
  });

  test('a repeated parameter is named as such', () => {
    expect(failure(() => validate(schema, { limit: ['1', '2'] }, 'query')).message).toContain('"limit" must be given only once');
  });

  test('both spellings at once are named as such', () => {
    const spelt = Joi.object({ batch_size: Joi.number() }).rename('batchSize', 'batch_size');
    const error = failure(() => validate(spelt, { batch_size: 1, batchSize: 2 }, 'body'));
    expect(error.message).toBe('invalid body: "batchSize" and "batch_size" are the same setting, given twice');
    expect(error.details).toEqual([{ field: 'batch_size', message: '"batchSize" and "batch_size" are the same setting, given twice' }]);
  });

  test('long values are cut', () => {
    const error = failure(() => validate(schema, { limit: 'x'.repeat(10_000) }, 'query'));
    expect(JSON.stringify(error.details).length).toBeLessThan(500);
    expect(error.message.length).toBeLessThan(500);
  });
});
