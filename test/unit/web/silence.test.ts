import { expect, test } from '@jest/globals';
import { ANSWER_MS, QUIET_MS, Silence } from '../../../web/src/app/core/silence.js';

test('somebody who is heard of is not asked', () => {
  const silence = new Silence();
  for (let now = 0; now < 10 * QUIET_MS; now += QUIET_MS / 2) {
    silence.heard(now);
    expect(silence.look(now + QUIET_MS / 2 - 1)).toBe('fine');
  }
});

test('somebody who is silent is asked once, and is gone without an answer', () => {
  const silence = new Silence();
  silence.heard(1_000);
  const late = 1_000 + QUIET_MS;
  expect(silence.look(late - 1)).toBe('fine');
  expect(silence.look(late)).toBe('ask');
  expect(silence.look(late + ANSWER_MS - 1)).toBe('fine');
  expect(silence.look(late + ANSWER_MS)).toBe('gone');
});

test('any answer will do, and the silence begins anew', () => {
  const silence = new Silence();
  silence.heard(0);
  expect(silence.look(QUIET_MS)).toBe('ask');
  silence.heard(QUIET_MS + 20);
  expect(silence.look(QUIET_MS + ANSWER_MS)).toBe('fine');
  expect(silence.look(2 * QUIET_MS + 20)).toBe('ask');
});

test('timers that were held up (a page out of sight, a machine that slept) do not make it gone before it was asked', () => {
  const silence = new Silence();
  silence.heard(0);
  expect(silence.look(100 * QUIET_MS)).toBe('ask');
});
