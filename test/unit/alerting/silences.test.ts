import { describe, expect, test } from '@jest/globals';
import { compileMatchers } from '../../../src/alerting/matchers.js';
import { parseSilence } from '../../../src/alerting/silence-body.js';
import { SilenceSet, SilenceWindow } from '../../../src/alerting/silences.js';
import type { Matcher, Silence } from '../../../src/model/alert.js';

const at = (text: string): number => Date.parse(text);
const NOW = at('2026-11-23T12:00:00Z');
const HOUR = 3_600_000;

function matcher(label: string, value: string, more: Partial<Matcher> = {}): Matcher {
  return { label, value, isRegex: false, isEqual: true, ...more };
}

function silence(more: Partial<Silence> = {}): Silence {
  return {
    id: 's1',
    matchers: [matcher('agent', 'web-1')],
    startsAtMs: NOW,
    endsAtMs: NOW + HOUR,
    recurrence: null,
    author: 'me',
    comment: '',
    createdAtMs: NOW,
    updatedAtMs: NOW,
    ...more,
  };
}

describe('matchers', () => {
  const labels = { agent: 'web-1', region: 'eu-west', empty: '' };
  test.each<[string, Matcher[], boolean]>([
    ['none: all', [], true],
    ['equal', [matcher('agent', 'web-1')], true],
    ['other', [matcher('agent', 'web-2')], false],
    ['not equal', [matcher('agent', 'web-2', { isEqual: false })], true],
    ['all must hold', [matcher('agent', 'web-1'), matcher('region', 'us')], false],
    ['pattern', [matcher('agent', 'web-\\d+', { isRegex: true })], true],
    ['pattern, anchored', [matcher('agent', 'web', { isRegex: true })], false],
    ['inverted pattern', [matcher('agent', 'db-.*', { isRegex: true, isEqual: false })], true],
    ['a missing label is empty', [matcher('zone', '')], true],
    ['a missing label is not something', [matcher('zone', '.+', { isRegex: true })], false],
    ['what every object has is no label', [matcher('constructor', '')], true],
    ['a pattern that cannot be used matches nothing', [matcher('agent', '(', { isRegex: true, isEqual: false })], false],
  ])('%s', (_name, matchers, expected) => {
    expect(compileMatchers(matchers)(labels)).toBe(expected);
  });
});

describe('a one-off silence', () => {
  test('is active from its start until just before its end', () => {
    const window = new SilenceWindow(silence());
    expect([NOW - 1, NOW, NOW + HOUR - 1, NOW + HOUR].map((ms) => window.isOpen(ms))).toEqual([false, true, true, false]);
    expect([NOW - 1, NOW, NOW + HOUR].map((ms) => window.state(ms))).toEqual(['pending', 'active', 'expired']);
  });
});

describe('a recurring silence', () => {
  const sundays = { cron: '0 2 * * 0', durationMs: 2 * HOUR, timeZone: 'Europe/Berlin' };

  test('opens at every time of its expression, as clocks of its zone show it', () => {
    const window = new SilenceWindow(silence({ startsAtMs: 0, endsAtMs: null, recurrence: sundays }));
    const open = (text: string): boolean => window.isOpen(at(text));
    // Berlin is an hour ahead of UTC in winter, two in summer.
    expect(['2026-11-29T00:59:59.999Z', '2026-11-29T01:00:00Z', '2026-11-29T02:59:59.999Z', '2026-11-29T03:00:00Z'].map(open)).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(['2026-07-04T23:59:59Z', '2026-07-05T00:00:00Z', '2026-07-05T01:59:59Z', '2026-07-05T02:00:00Z'].map(open)).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(open('2026-11-28T01:30:00Z')).toBe(false);
  });

  test('is open over the hour that is left out, and over the one that comes twice', () => {
    const nightly = { cron: '30 2 * * *', durationMs: HOUR, timeZone: 'Europe/Berlin' };
    const window = new SilenceWindow(silence({ startsAtMs: 0, endsAtMs: null, recurrence: nightly }));
    expect(window.isOpen(at('2026-03-29T01:15:00Z'))).toBe(true);
    expect(window.isOpen(at('2026-10-25T00:45:00Z'))).toBe(true);
  });

  test('answers the same for times in any order', () => {
    const set = silence({
      startsAtMs: 0,
      endsAtMs: null,
      recurrence: { cron: '*/7 3-5 * * 1-5', durationMs: 3 * 60_000, timeZone: 'Asia/Kolkata' },
    });
    const known = new SilenceWindow(set);
    for (let i = 0; i < 500; i++) {
      const ms = NOW + ((i * 7_919_000) % (14 * 24 * HOUR));
      expect([ms, known.isOpen(ms)]).toEqual([ms, new SilenceWindow(set).isOpen(ms)]);
    }
  });

  test('keeps within its start and end', () => {
    const hourly = { cron: '0 * * * *', durationMs: HOUR / 2, timeZone: 'UTC' };
    const window = new SilenceWindow(silence({ startsAtMs: NOW + HOUR / 4, endsAtMs: NOW + HOUR + HOUR / 4, recurrence: hourly }));
    const minutes = [0, 14, 15, 29, 30, 59, 60, 74, 75];
    expect(minutes.filter((minute) => window.isOpen(NOW + minute * 60_000))).toEqual([15, 29, 60, 74]);
    expect(window.state(NOW + HOUR / 2)).toBe('pending');
    expect(window.state(NOW + 2 * HOUR)).toBe('expired');
  });
});

describe('SilenceSet', () => {
  test('names the silences that keep an alert quiet', () => {
    const set = new SilenceSet([
      silence(),
      silence({ id: 's2', matchers: [matcher('agent', '.*', { isRegex: true })] }),
      silence({ id: 's3', endsAtMs: NOW + 1 }),
    ]);
    expect(set.silencing({ agent: 'web-1' }, NOW + 1)).toEqual(['s1', 's2']);
    expect(set.silencing({ agent: 'web-2' }, NOW + 1)).toEqual(['s2']);
    expect(set.at(NOW + 1)({ agent: 'web-2' })).toBe(true);
    expect(set.at(NOW + HOUR)({ agent: 'web-2' })).toBe(false);
  });
});

describe('a silence in a request', () => {
  const body = {
    matchers: [{ label: 'agent', value: 'web-.*', is_regex: true }],
    ends_at: '2026-11-23T14:00:00Z',
    author: 'me',
    comment: 'new disks',
  };

  test('is read in both spellings', () => {
    const expected = {
      matchers: [matcher('agent', 'web-.*', { isRegex: true })],
      startsAtMs: NOW,
      endsAtMs: NOW + 2 * HOUR,
      recurrence: null,
      author: 'me',
      comment: 'new disks',
    };
    expect(parseSilence(body, null, NOW)).toEqual(expected);
    const { ends_at: _, ...rest } = body;
    expect(
      parseSilence(
        { ...rest, matchers: [{ name: 'agent', value: 'web-.*', isRegex: true }], startsAt: NOW / 1_000, duration: '2h' },
        null,
        NOW,
      ),
    ).toEqual(expected);
  });

  test('changes only what it says', () => {
    const current = silence();
    const { id: _i, createdAtMs: _c, updatedAtMs: _u, ...fields } = current;
    expect(parseSilence({ comment: 'longer', duration: 7_200 }, current, NOW + 5)).toEqual({
      ...fields,
      comment: 'longer',
      endsAtMs: NOW + 2 * HOUR,
    });
  });

  test('may recur, and then needs no end', () => {
    const { ends_at: _, ...rest } = body;
    const fields = parseSilence({ ...rest, recurrence: { cron: '0 2 * * 0', duration: '90m', timeZone: 'Europe/Berlin' } }, null, NOW);
    expect(fields).toMatchObject({ endsAtMs: null, recurrence: { cron: '0 2 * * 0', durationMs: 90 * 60_000, timeZone: 'Europe/Berlin' } });
  });

  test.each<[object, string]>([
    [{ matchers: [] }, '"matchers" must contain at least 1 items'],
    [{ ends_at: null }, '"ends_at" is required'],
    [{ ends_at: '2026-11-23T11:00:00Z' }, 'must be after "starts_at"'],
    [{ ends_at: 'tomorrow' }, 'must be a time'],
    [{ matchers: [{ label: 'agent', value: '(', is_regex: true }] }, 'a "(" is not closed'],
    [{ matchers: [{ label: 'agent', value: 'a'.repeat(501), is_regex: true }] }, 'longer than 500 characters'],
    [{ recurrence: { cron: '0 2 * *', duration: 60 } }, 'five fields'],
    [{ recurrence: { cron: '0 0 30 2 *', duration: 60 } }, 'never comes true'],
    [{ recurrence: { cron: '99 2 * * *', duration: 60 } }, 'cannot be used'],
    [{ recurrence: { cron: '2030-01-01T00:00:00', duration: 60 } }, 'five fields'],
    [{ recurrence: { cron: '0 2 * * *', duration: 60, time_zone: 'Europe/Nowhere' } }, 'no time zone'],
    [{ recurrence: { cron: '0 2 * * *', duration: 'long' } }, 'must be seconds, or a duration'],
    [{ recurrence: { cron: '0 2 * * *', duration: 5 } }, 'must be between 60 and'],
    [{ until: 5 }, 'is not allowed'],
  ])('%j is refused: %s', (more, message) => {
    expect(() => parseSilence({ ...body, ...more }, null, NOW)).toThrow(message);
  });
});
