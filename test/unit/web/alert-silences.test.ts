import { describe, expect, test } from '@jest/globals';
import type { Silence } from '../../../web/src/app/core/alert-types.js';
import { durationField, parseSeconds } from '../../../web/src/app/pages/alerts/durations.js';
import { matches, matchersOf, matchersText, operatorOf, withOperator } from '../../../web/src/app/pages/alerts/matchers.js';
import {
  bodyOf,
  byState,
  endNow,
  formErrors,
  formOf,
  UNTIL,
  recurrenceText,
  stateText,
} from '../../../web/src/app/pages/alerts/silence-form.js';

const equal = (label: string, value: string) => ({ label, value, is_regex: false, is_equal: true });

describe('a new silence', () => {
  const form = { ...formOf(null, null, 'ada', 'UTC'), startsAt: '2026-11-23T01:00', duration: '2h' };
  const at = (local: string): number => new Date(local).getTime();

  test('that would be over already is not sent', () => {
    expect(formErrors(form, at('2026-11-23T02:59'))).toEqual({});
    expect(formErrors(form, at('2026-11-23T03:00'))).toHaveProperty('ends_at');
    const until = { ...form, duration: UNTIL, endsAt: '2026-11-23T01:30' };
    expect(formErrors(until, at('2026-11-23T01:29'))).toEqual({});
    expect(formErrors(until, at('2026-11-23T01:31'))).toHaveProperty('ends_at');
  });

  test('that begins now, comes again, or has no end yet is left to the server', () => {
    const late = at('2027-01-01T00:00');
    expect(formErrors({ ...form, startsAt: '' }, late)).toEqual({});
    expect(formErrors({ ...form, isRecurring: true }, late)).toEqual({});
    expect(formErrors({ ...form, duration: UNTIL, endsAt: '' }, late)).toEqual({});
  });
});

describe('matchers', () => {
  test('are written as Alertmanager writes them, and read back', () => {
    for (const sign of ['=', '!=', '=~', '!~']) expect(operatorOf(withOperator(equal('a', 'b'), sign))).toBe(sign);
    expect(matchersText([equal('agent', 'web-1'), withOperator(equal('region', 'eu-.*'), '!~')])).toBe('agent="web-1", region!~"eu-.*"');
  });

  test('match whole values; a label that is not there is empty', () => {
    const labels = { agent: 'web-1', region: 'eu-west' };
    expect(matches([equal('agent', 'web-1')], labels)).toBe(true);
    expect(matches([withOperator(equal('agent', 'web'), '=~')], labels)).toBe(false);
    expect(matches([withOperator(equal('region', 'eu-.*|us-.*'), '=~')], labels)).toBe(true);
    expect(matches([equal('team', '')], labels)).toBe(true);
    expect(matches([equal('agent', 'web-1'), withOperator(equal('region', 'eu-west'), '!=')], labels)).toBe(false);
    expect(matches([withOperator(equal('agent', '('), '=~')], labels)).toBeNull();
  });

  test('of an alert do not say its severity', () => {
    expect(matchersOf({ severity: 'critical', agent: 'web-1', alertname: 'Down' })).toEqual([
      equal('alertname', 'Down'),
      equal('agent', 'web-1'),
    ]);
  });
});

describe('the form of a silence', () => {
  test('for an alert begins now, once, and is sent without lines that are empty', () => {
    const form = formOf(null, { alertname: 'Down', severity: 'info' }, 'Ada', 'UTC');
    expect(bodyOf({ ...form, matchers: [...form.matchers, equal('', '')], comment: ' new disk ' })).toEqual({
      matchers: [equal('alertname', 'Down')],
      recurrence: null,
      duration: '2h',
      author: 'Ada',
      comment: 'new disk',
    });
  });

  test('of one that there is keeps its times', () => {
    const silence = {
      id: '1',
      matchers: [equal('agent', 'a')],
      starts_at: '2026-11-23T10:00:00.000Z',
      ends_at: '2026-11-23T12:00:00.000Z',
      recurrence: null,
      author: 'Ada',
      comment: '',
      state: 'active',
    } satisfies Silence;
    expect(bodyOf(formOf(silence, null, '', 'UTC'))).toMatchObject({
      starts_at: silence.starts_at,
      ends_at: silence.ends_at,
      recurrence: null,
    });
    expect(endNow(silence, Date.parse('2026-11-23T11:00:00.000Z'))).toEqual({ ends_at: '2026-11-23T11:00:00.000Z' });
    // A clock that is behind the server's must not make an end before the beginning.
    expect(endNow(silence, Date.parse('2026-11-23T09:00:00.000Z'))).toEqual({ ends_at: '2026-11-23T10:00:01.000Z' });
    expect([{ ...silence, state: 'expired' as const }, silence].sort(byState).map(({ state }) => state)).toEqual(['active', 'expired']);
  });

  test('that recurs sends its expression, and no end where none is given', () => {
    const form = { ...formOf(null, null, '', 'Europe/Berlin'), isRecurring: true };
    expect(bodyOf(form)).toMatchObject({ ends_at: null, recurrence: { cron: '0 2 * * 0', duration: '2h', time_zone: 'Europe/Berlin' } });
    expect(bodyOf(form)).not.toHaveProperty('duration');
  });

  test('in words', () => {
    const recurrence = { cron: '0 2 * * 0', duration: 7_200, time_zone: 'UTC' };
    expect(recurrenceText({ recurrence } as Silence)).toBe('every Sunday at 2:00, for 2 h, UTC');
    expect(recurrenceText({ recurrence: { ...recurrence, cron: '5 4 * * 2' } } as Silence)).toBe('5 4 * * 2, for 2 h, UTC');
    expect(recurrenceText({ recurrence: null } as Silence)).toBeNull();
  });

  test('a recurring one waits for its next time, a one-off is to come', () => {
    const recurrence = { cron: '0 2 * * 0', duration: 7_200, time_zone: 'UTC' };
    const texts = (['active', 'pending', 'expired'] as const).map((state) => [
      stateText({ state, recurrence } as Silence),
      stateText({ state, recurrence: null } as Silence),
    ]);
    expect(texts).toEqual([
      ['active', 'active'],
      ['waiting', 'to come'],
      ['over', 'over'],
    ]);
  });
});

test('durations as they are typed', () => {
  expect([0, 30, 90, 300, 7_200, 86_400, 0.5].map(durationField)).toEqual(['0s', '30s', '90s', '5m', '2h', '1d', '0.5s']);
  expect(['90', '90s', ' 5m', '1.5h', '1d', '', 'x', '-5m'].map(parseSeconds)).toEqual([90, 90, 300, 5_400, 86_400, null, null, null]);
});
