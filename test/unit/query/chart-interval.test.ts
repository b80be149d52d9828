import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseDuration } from '../../../src/http/params.js';
import { intervalText, narrowestStep, widerSteps } from '../../../src/query/chart-interval.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('a chart that may choose its interval', () => {
  test.each([
    [1, 1_000, '1s'],
    [1_000 * SECOND, 1_000, '1s'],
    [1_000 * SECOND + 1, 1_000, '5s'],
    [HOUR, 1_000, '5s'],
    [6 * HOUR, 1_000, '30s'],
    [DAY, 2_880, '30s'],
    [DAY, 1_000, '5m'],
    [7 * DAY, 1_000, '15m'],
    [30 * DAY, 1_000, '1h'],
    [400 * DAY, 1_000, '1d'],
    [1_001 * DAY, 1_000, '2d'],
    [20_000 * DAY, 10, '2000d'],
  ])('%d ms in %d points: %s', (lengthMs, points, interval) => {
    expect(intervalText(narrowestStep(lengthMs, points))).toBe(interval);
  });

  test('what it chooses holds the range, and is a multiple of what it tries next where it is wider', () => {
    const length = fc.integer({ min: 1, max: 3_650 * DAY });
    fc.assert(
      fc.property(length, fc.integer({ min: 1, max: 5_000 }), (lengthMs, points) => {
        const stepMs = narrowestStep(lengthMs, points);
        expect(Math.ceil(lengthMs / stepMs)).toBeLessThanOrEqual(points);
        for (const wider of widerSteps(stepMs)) expect(wider).toBeGreaterThan(stepMs);
        for (const rollupMs of [5 * MINUTE, HOUR]) {
          if (!widerSteps(stepMs).includes(rollupMs)) expect(stepMs % rollupMs).toBe(0);
        }
        expect(parseDuration(intervalText(stepMs), 'interval')).toBe(stepMs);
      }),
    );
  });

  test.each([
    [SECOND, '1s'],
    [90 * SECOND, '90s'],
    [60 * MINUTE, '1h'],
    [90 * MINUTE, '90m'],
    [36 * HOUR, '36h'],
    [48 * HOUR, '2d'],
  ])('%d ms is written %s', (stepMs, text) => {
    expect(intervalText(stepMs)).toBe(text);
  });
});
