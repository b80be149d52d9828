import { describe, expect, test } from '@jest/globals';
import { HELP, type Options, parseOptions, SCENARIOS } from '../../../bench/options.js';
import { replaceSection } from '../../../bench/report.js';

const parse = (...args: string[]): Options => {
  const options = parseOptions(args, '/project');
  if (options === null) throw new Error('help was asked for');
  return options;
};

describe('the command line of the bench', () => {
  test('everything, unless told otherwise', () => {
    expect(parse()).toMatchObject({ scenarios: SCENARIOS, seconds: 10, ceilingSamplesPerSecond: null, out: '/project/docs/benchmarks.md' });
    expect(parseOptions(['--help'], '/project')).toBeNull();
    for (const scenario of SCENARIOS) expect(HELP).toContain(scenario);
  });

  test('one scenario, at a ceiling that is known', () => {
    const options = parse('--only', 'disturbed', '--ceiling', '500000', '--out', '/somewhere/else.md');
    expect(options).toMatchObject({ scenarios: ['disturbed'], ceilingSamplesPerSecond: 500_000 });
    expect(options.command).toBe('npm run bench -- --only disturbed --ceiling 500000 --out …');
  });

  test.each([
    [['--only', 'disturbd'], 'there is no scenario "disturbd"'],
    [['--ceiling', 'high'], '--ceiling: must be a whole number'],
    [['--nonsense'], '--nonsense'],
  ])('%j is refused', (args, why) => {
    expect(() => parse(...args)).toThrow(why);
  });
});

test('a section of its own for the disturbed open loop', () => {
  expect(replaceSection('# Benchmarks\n', 'disturbed', 'new')).toBe(
    '# Benchmarks\n\n## Ingest while all else is at work\n\n<!-- bench:disturbed -->\nnew\n<!-- /bench:disturbed -->\n',
  );
});
