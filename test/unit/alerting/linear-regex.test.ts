import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LinearRegex } from '../../../src/alerting/linear-regex.js';

const matches = (pattern: string, text: string): boolean => new LinearRegex(pattern).test(text);

describe('LinearRegex', () => {
  test.each([
    ['web-.*', 'web-1', true],
    ['web-.*', 'my-web-1', false],
    ['web', 'web-1', false],
    ['', '', true],
    ['', 'a', false],
    ['a|b|', '', true],
    ['eu-(north|south)-[0-9]+', 'eu-south-12', true],
    ['eu-(?:north|south)-[^0-9]', 'eu-north-1', false],
    ['\\d{2,3}', '1', false],
    ['\\d{2,3}', '123', true],
    ['\\d{2,3}', '1234', false],
    ['a{2}', 'aa', true],
    ['a{2,}', 'aaaaa', true],
    ['^full$', 'full', true],
    ['a^b', 'ab', false],
    ['(?i)Web[a-c]', 'wEBB', true],
    ['[]a-]+', ']-a', true],
    ['[\\w.-]+', 'a_b-c.d', true],
    ['\\.', 'x', false],
    ['.', '\u{1F600}', true],
    ['a+?b??', 'aa', true],
    ['{', '{', true],
  ])('%p on %p: %p', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  test.each([
    '(',
    ')',
    'a)',
    '[a',
    '[z-a]',
    '*a',
    'a**',
    '\\',
    '\\1',
    '(?=a)',
    '(?<n>a)',
    '(?<!a)b',
    'a{3,1}',
    '^*',
    '((a{100}){100}){100}',
    '(a{1000}){1000}',
    'a{9999}',
    '('.repeat(100),
  ])('refuses %p', (pattern) => {
    expect(() => new LinearRegex(pattern)).toThrow(expect.objectContaining({ name: 'PatternError' }));
  });

  test('patterns that keep other engines busy for ever are answered at once', () => {
    const startMs = performance.now();
    for (const pattern of ['(a+)+b', '(a|a)*b', '(a*)*b', '(.*)*(.*)*(.*)*b', '([a-z]+)*[0-9]'])
      expect(matches(pattern, 'a'.repeat(2_000))).toBe(false);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  test("agrees with JavaScript's own", () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\d', '1');
    const pattern = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => `${a}${b}`),
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a}|${b})`),
        fc.tuple(tie('node'), fc.constantFrom('*', '+', '?', '{0,2}', '{2}', '{1,}')).map(([a, repeat]) => `(${a})${repeat}`),
      ),
    })).node;
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', '-'), maxLength: 6 });
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 5, maxLength: 5 }), (source, texts) => {
        const own = new LinearRegex(source);
        const theirs = new RegExp(`^(?:${source})$`, 'u');
        for (const one of texts) expect([source, one, own.test(one)]).toEqual([source, one, theirs.test(one)]);
      }),
      { numRuns: 500 },
    );
  });
});
