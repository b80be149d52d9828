import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRfc3339Ms } from '../../src/ingest/timestamps.js';

const pad = (n: number, width: number): string => String(n).padStart(width, '0');

const date = fc.date({ min: new Date('0001-01-03T00:00:00Z'), max: new Date('9999-12-29T00:00:00Z'), noInvalidDate: true });
const fraction = fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,9}$/));
const offset = fc.oneof(
  fc.constantFrom('Z', 'z'),
  fc
    .tuple(fc.constantFrom('+', '-'), fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
    .map(([sign, h, m]) => `${sign}${pad(h, 2)}:${pad(m, 2)}`),
);

describe('parseRfc3339Ms', () => {
  test('agrees with Date.parse on every RFC 3339 time, cutting at the millisecond', () => {
    fc.assert(
      fc.property(date, fraction, offset, (day, digits, zone) => {
        const seconds = day.toISOString().slice(0, 19);
        const milliseconds = `${digits.slice(1)}000`.slice(0, 3);
        const expected = Date.parse(`${seconds}.${milliseconds}${zone.toUpperCase()}`);
        expect(parseRfc3339Ms(`${seconds}${digits}${zone}`)).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  test('knows every day of the calendar, and no other', () => {
    for (const year of [0, 1600, 1900, 1970, 2000, 2023, 2024, 2100, 9999]) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          const text = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T00:00:00Z`;
          const parsed = new Date(text);
          const exists = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text.slice(0, 10));
          expect([text, parseRfc3339Ms(text)]).toEqual([text, exists ? parsed.getTime() : NaN]);
        }
      }
    }
  });

  test('whatever text it accepts, Date.parse accepts with the same result', () => {
    const nearly = fc
      .tuple(date, fraction, offset, fc.nat(40), fc.constantFrom('', ' ', '0', ':', '-', 'T', '.', 'é', '\u0000'), fc.nat(2))
      .map(([day, digits, zone, at, insert, cut]) => {
        const text = `${day.toISOString().slice(0, 19)}${digits}${zone}`;
        return text.slice(0, at) + insert + text.slice(at + cut);
      });
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string()), (text) => {
        const parsed = parseRfc3339Ms(text);
        if (!Number.isNaN(parsed)) expect(Date.parse(text.toUpperCase())).toBe(parsed);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    '',
    'yesterday',
    '2026-11-22',
    '2026-11-22T19:04:38',
    '2026-11-22 19:04:38Z',
    '2026-11-22T19:04:38.Z',
    '2026-11-22T19:04:38.1234567890Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T19:60:00Z',
    '2026-11-22T19:04:60Z',
    '2026-11-22T19:04:38+24:00',
    '2026-11-22T19:04:38+0100',
    '2026-11-22T19:04:38Z ',
    ' 2026-11-22T19:04:38Z',
    '2026-02-29T00:00:00Z',
    '+02026-11-22T19:04:38Z',
  ])('takes %j for no time', (text) => {
    expect(parseRfc3339Ms(text)).toBeNaN();
  });

  test('cuts nanoseconds of the real agent to the millisecond', () => {
    expect(parseRfc3339Ms('2026-11-22T19:04:38.412999999Z')).toBe(Date.UTC(2026, 10, 22, 19, 4, 38, 412));
  });
});
