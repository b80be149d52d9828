import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { alertLabels } from '../../../src/alerting/alert-steps.js';
import { canonicalTags } from '../../../src/model/metric.js';

const name = fc
  .tuple(fc.nat({ max: 3 }), fc.constantFrom('alertname', 'severity', 'team', 'agent', '__proto__', ''))
  .map(([depth, base]) => `${'tag_'.repeat(depth)}${base}`);
const value = fc.constantFrom('x', 'y');
const tags = fc.uniqueArray(fc.tuple(name, value), { maxLength: 5, selector: ([of]) => of }).map((pairs) => Object.fromEntries(pairs));

test('alerts of different groups never have equal labels, and have all of their rule', () => {
  fc.assert(
    fc.property(tags, tags, tags, (labels, one, other) => {
      const rule = { name: 'Load', severity: 'warning', labels } as const;
      const ofOne = alertLabels(rule, one);
      const isSame = canonicalTags(ofOne) === canonicalTags(alertLabels(rule, other));
      expect(isSame).toBe(canonicalTags(one) === canonicalTags(other));
      const ofRule = Object.entries({ ...labels, alertname: 'Load', severity: 'warning' });
      for (const [of, expected] of ofRule) expect([of, Object.getOwnPropertyDescriptor(ofOne, of)?.value]).toEqual([of, expected]);
      expect(Object.keys(ofOne)).toHaveLength(ofRule.length + Object.keys(one).length);
    }),
    { numRuns: 2_000 },
  );
});
