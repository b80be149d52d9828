import { describe, expect, test } from '@jest/globals';
import {
  isSame,
  linesOfText,
  parseText,
  problemsFrom,
  problemsOf,
  typedNumber,
  valueAt,
  withValue,
} from '../../../web/src/app/pages/agent-detail/config-model.js';

describe('one value of a configuration', () => {
  test('is set and found by its path, and nothing else is touched', () => {
    const before = { batch_size: 5, targets: { ping: ['a'] } };
    const after = withValue(before, 'targets.dns', []);
    expect(after).toEqual({ batch_size: 5, targets: { ping: ['a'], dns: [] } });
    expect(before).toEqual({ batch_size: 5, targets: { ping: ['a'] } });
    expect(valueAt(after, 'targets.dns')).toEqual([]);
    expect(valueAt(after, 'filters.metrics')).toBeUndefined();
  });

  test('is left to the agent again, and what becomes empty by that with it', () => {
    expect(withValue({ targets: { ping: ['a'] }, batch_size: 5 }, 'targets.ping', undefined)).toEqual({ batch_size: 5 });
    expect(withValue({ targets: { ping: ['a'], tcp: [] } }, 'targets.ping', undefined)).toEqual({ targets: { tcp: [] } });
    expect(withValue({ batch_size: 5 }, 'batch_size', undefined)).toEqual({});
  });
});

test('numbers are numbers, nothing is nothing, and what is neither stays to be mended', () => {
  expect([' 30 ', '', '3x', '1.5', '-1'].map(typedNumber)).toEqual([30, undefined, '3x', '1.5', -1]);
});

test('lists have an entry per line', () => {
  expect(linesOfText(' a \n\n b\n')).toEqual(['a', 'b']);
  expect(linesOfText('\n')).toEqual([]);
});

describe('problemsOf', () => {
  test.each([
    ['collection_interval', 1, 3_600],
    ['transmission_interval', 1, 3_600],
    ['batch_size', 1, 1_000],
    ['retry_attempts', 0, 10],
    ['retry_delay', 100, 60_000],
  ])('%s is from %i to %i', (key, least, most) => {
    for (const value of [least, most]) expect(problemsOf({ [key]: value })).toEqual([]);
    for (const value of [least - 1, most + 1, 'x', least + 0.5, null]) expect(problemsOf({ [key]: value })).toMatchObject([{ field: key }]);
  });

  test('lists hold texts; a configuration sets something', () => {
    expect(problemsOf({ targets: { ping: [1] } })).toMatchObject([{ field: 'targets.ping' }]);
    expect(problemsOf({ filters: { metrics: 'all' } })).toMatchObject([{ field: 'filters.metrics' }]);
    expect(problemsOf({})).toMatchObject([{ field: null }]);
  });
});

describe('parseText', () => {
  test('takes every shape and spelling that the server takes', () => {
    expect(parseText('{"collection":{"interval":5,"batchSize":7},"retryDelay":200,"targets":{"ping":["a"]}}')).toEqual({
      config: { collection_interval: 5, batch_size: 7, retry_delay: 200, targets: { ping: ['a'] } },
    });
  });

  test('keeps what it does not know: the server says what is wrong with it', () => {
    expect(parseText('{"colour":1}')).toEqual({ config: { colour: 1 } });
  });

  test('says what is wrong with the text', () => {
    expect(parseText('{"a":')).toMatchObject({ problem: expect.stringContaining('not JSON') });
    for (const text of ['[]', '3', 'null']) expect(parseText(text)).toMatchObject({ problem: expect.stringContaining('object') });
  });
});

test('the same configuration is the same in any order', () => {
  expect(isSame({ a: 1, b: { c: [1, 2], d: 2 } }, { b: { d: 2, c: [1, 2] }, a: 1 })).toBe(true);
  expect(isSame({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
});

test("the server's words are shown at the field they are about", () => {
  expect(
    problemsFrom([
      { field: 'targets.http.3', message: 'is wrong' },
      { field: 'collection.interval', message: 'is wrong' },
      { field: 'colour', message: '"colour" is not known' },
    ]),
  ).toEqual([
    { field: 'targets.http', message: 'Is wrong' },
    { field: 'collection_interval', message: 'Is wrong' },
    { field: null, message: '"colour" is not known' },
  ]);
});
