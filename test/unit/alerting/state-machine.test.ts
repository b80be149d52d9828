import { describe, expect, test } from '@jest/globals';
import { type Finding, type GroupState, step } from '../../../src/alerting/state-machine.js';

const MINUTE = 60_000;
const T0 = 1_800_000_000_000;
const TIMING = { forMs: 2 * MINUTE, keepFiringForMs: 3 * MINUTE, maxStepMs: 5 * MINUTE };

const PENDING: GroupState = { state: 'pending', startedAtMs: T0 - MINUTE, firingSinceMs: null, wellSinceMs: null, lookedAtMs: T0 };
const FIRING: GroupState = { state: 'firing', startedAtMs: T0 - MINUTE, firingSinceMs: T0, wellSinceMs: null, lookedAtMs: T0 };
const WELL: GroupState = { ...FIRING, wellSinceMs: T0 - MINUTE };

function look(state: GroupState | null, finding: Finding, afterMs: number, mayBegin = true, timing = TIMING) {
  return step(state, { nowMs: T0 + afterMs, finding, mayBegin }, timing);
}

describe('a group that is well', () => {
  test('becomes pending when it is bad', () => {
    expect(look(null, 'bad', 0)).toEqual({ state: { ...PENDING, startedAtMs: T0 }, transition: 'pending' });
  });

  test('fires at once without a for', () => {
    const { state, transition } = look(null, 'bad', 0, true, { ...TIMING, forMs: 0 });
    expect(transition).toBe('fired');
    expect(state).toEqual({ ...FIRING, startedAtMs: T0 });
  });

  test.each([
    ['well', true],
    ['unknown', true],
    ['bad', false],
  ] as const)('stays so: %s, may begin %s', (finding, mayBegin) => {
    expect(look(null, finding, 0, mayBegin)).toEqual({ state: null, transition: null });
  });
});

describe('a pending group', () => {
  test.each([
    [MINUTE - 1, null],
    [MINUTE, 'fired'],
    [4 * MINUTE, 'fired'],
  ] as const)('bad after %i ms more: %s', (afterMs, transition) => {
    const next = look(PENDING, 'bad', afterMs);
    expect(next.transition).toBe(transition);
    expect(next.state?.firingSinceMs ?? null).toBe(transition === null ? null : T0 + afterMs);
    expect(next.state?.startedAtMs).toBe(PENDING.startedAtMs);
  });

  test('does not fire while it may not, and does when it may', () => {
    const waiting = look(PENDING, 'bad', 2 * MINUTE, false);
    expect(waiting).toMatchObject({ state: { state: 'pending' }, transition: null });
    expect(look(waiting.state, 'bad', 2 * MINUTE + 1).transition).toBe('fired');
  });

  test('waits without data: its for stands still, and goes on from there', () => {
    const silent = look(PENDING, 'unknown', 4 * MINUTE);
    expect(silent).toEqual({ state: { ...PENDING, startedAtMs: T0 + 3 * MINUTE, lookedAtMs: T0 + 4 * MINUTE }, transition: null });
    expect(look(silent.state, 'bad', 5 * MINUTE - 1).transition).toBeNull();
    expect(look(silent.state, 'bad', 5 * MINUTE).transition).toBe('fired');
  });

  test('is dropped when it is well', () => {
    expect(look(PENDING, 'well', 1)).toEqual({ state: null, transition: 'dropped' });
  });
});

describe('a firing group', () => {
  test('goes on firing while it is bad, and without data', () => {
    expect(look(FIRING, 'bad', MINUTE)).toEqual({ state: { ...FIRING, lookedAtMs: T0 + MINUTE }, transition: null });
    expect(look(FIRING, 'unknown', MINUTE)).toEqual({ state: { ...FIRING, lookedAtMs: T0 + MINUTE }, transition: null });
    expect(look(FIRING, 'bad', MINUTE, false).transition).toBeNull();
  });

  test('resolves at once when it is well and nothing keeps it firing', () => {
    expect(look(FIRING, 'well', 1, true, { ...TIMING, keepFiringForMs: 0 })).toEqual({ state: null, transition: 'resolved' });
  });

  test('goes on firing for a while when it is well', () => {
    const recovering = look(FIRING, 'well', MINUTE);
    expect(recovering).toEqual({ state: { ...FIRING, wellSinceMs: T0 + MINUTE, lookedAtMs: T0 + MINUTE }, transition: 'recovering' });
    const still = look(recovering.state, 'well', 4 * MINUTE - 1);
    expect(still).toMatchObject({ state: { wellSinceMs: T0 + MINUTE }, transition: null });
    expect(look(still.state, 'well', 4 * MINUTE)).toEqual({ state: null, transition: 'resolved' });
  });

  test('that is bad again meanwhile has never been well', () => {
    expect(look(WELL, 'bad', MINUTE)).toEqual({ state: { ...FIRING, lookedAtMs: T0 + MINUTE }, transition: 'relapsed' });
  });

  test('is not resolved without data, however long: the time for which it goes on firing stands still', () => {
    const silent = look(WELL, 'unknown', 4 * MINUTE);
    expect(silent).toEqual({ state: { ...WELL, wellSinceMs: T0 + 3 * MINUTE, lookedAtMs: T0 + 4 * MINUTE }, transition: null });
    expect(look(silent.state, 'well', 6 * MINUTE - 1).transition).toBeNull();
    expect(look(silent.state, 'well', 6 * MINUTE).transition).toBe('resolved');
  });
});

describe('when the clock is set', () => {
  test('ahead, no more than the most counts', () => {
    const timing = { ...TIMING, forMs: 20 * MINUTE };
    const jumped = look(PENDING, 'bad', 24 * 60 * MINUTE, true, timing);
    expect(jumped.transition).toBeNull();
    const { startedAtMs, lookedAtMs } = jumped.state as GroupState;
    expect(lookedAtMs - startedAtMs).toBe(MINUTE + 5 * MINUTE);
  });

  test('back, nothing counts and nothing is lost', () => {
    const back = look(PENDING, 'bad', -60 * MINUTE);
    expect(back.transition).toBeNull();
    expect(look(back.state, 'bad', -59 * MINUTE - 1).transition).toBeNull();
    expect(look(back.state, 'bad', -59 * MINUTE).transition).toBe('fired');
  });

  test('the time for which it goes on firing keeps to the same', () => {
    const back = look(WELL, 'well', -60 * MINUTE);
    expect(back.transition).toBeNull();
    expect(look(back.state, 'well', -58 * MINUTE - 1).transition).toBeNull();
    expect(look(back.state, 'well', -58 * MINUTE).transition).toBe('resolved');
    expect(back.state?.startedAtMs).toBe(WELL.startedAtMs);
  });
});
