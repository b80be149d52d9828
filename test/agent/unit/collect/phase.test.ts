import { expect, test } from '@jest/globals';
import { phaseOf } from '../../../../agent/src/collect/phase.js';

test('ids in a row are spread evenly over the interval, each always in the same place', () => {
  const tenths = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 10_000; i++) {
    const phase = phaseOf(`web-${i}`);
    expect(phase).toBe(phaseOf(`web-${i}`));
    tenths[Math.floor(phase * 10)]! += 1;
  }
  expect(tenths).toHaveLength(10);
  for (const agents of tenths) expect(Math.abs(agents - 1_000)).toBeLessThan(150);
});
