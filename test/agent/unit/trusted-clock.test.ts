import { beforeEach, describe, expect, test } from '@jest/globals';
import { TrustedClock } from '../../../agent/src/spool/trusted-clock.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { SettableClock } from '../helpers/metrics.js';

const NOW_MS = Date.UTC(2026, 10, 22);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

describe('TrustedClock', () => {
  let wall: SettableClock;
  let monotonic: SettableClock;
  let logger: MemoryLogger;
  let clock: TrustedClock;

  beforeEach(() => {
    wall = new SettableClock(NOW_MS);
    monotonic = new SettableClock(123_456);
    logger = new MemoryLogger();
    clock = new TrustedClock(wall, logger, () => monotonic.ms);
  });

  function pass(ms: number): number {
    wall.ms += ms;
    monotonic.ms += ms;
    return clock.nowMs();
  }

  test('a clock that goes evenly, is put right a little, or falls back is believed', () => {
    expect(pass(0)).toBe(NOW_MS);
    expect(pass(30 * DAY_MS)).toBe(wall.ms);
    wall.ms += 59 * MINUTE_MS;
    expect(pass(0)).toBe(wall.ms);
    wall.ms -= 400 * DAY_MS;
    expect(pass(MINUTE_MS)).toBe(wall.ms);
    expect(logger.of('warn')).toEqual([]);
  });

  test('a jump ahead is not believed before it has lasted an hour; time goes on as before meanwhile', () => {
    pass(0);
    wall.ms += 10 * DAY_MS;
    expect(pass(MINUTE_MS)).toBe(NOW_MS + MINUTE_MS);
    expect(pass(59 * MINUTE_MS)).toBe(NOW_MS + 60 * MINUTE_MS);
    expect(logger.of('warn').map(({ meta }) => meta)).toEqual([{ aheadHours: 240 }]);
    expect(pass(MINUTE_MS)).toBe(wall.ms);
    expect(pass(MINUTE_MS)).toBe(wall.ms);
  });

  test('one that is put right in time has never been', () => {
    pass(0);
    wall.ms += 10 * DAY_MS;
    pass(50 * MINUTE_MS);
    wall.ms -= 10 * DAY_MS;
    expect(pass(0)).toBe(NOW_MS + 50 * MINUTE_MS);
    // Another jump has an hour of its own.
    wall.ms += 10 * DAY_MS;
    expect(pass(20 * MINUTE_MS)).toBe(NOW_MS + 70 * MINUTE_MS);
    wall.ms += 10 * DAY_MS;
    expect(pass(50 * MINUTE_MS)).toBe(NOW_MS + 120 * MINUTE_MS);
    expect(pass(60 * MINUTE_MS)).toBe(wall.ms);
  });

  test('what is known from before a start is what the clock is measured by', () => {
    clock.startFrom(NOW_MS - 3 * DAY_MS);
    expect(pass(0)).toBe(NOW_MS - 3 * DAY_MS);
    expect(pass(60 * MINUTE_MS)).toBe(wall.ms);
    expect(logger.of('warn')).toEqual([]);
    clock.startFrom(wall.ms + DAY_MS);
    expect(pass(0)).toBe(wall.ms);
  });
});
