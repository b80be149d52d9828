import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { moveOfKey, panned, scaled } from '../../../web/src/app/shared/chart-moves.js';
import { lonely, reachOf, trace } from '../../../web/src/app/shared/chart-paths.js';

const grid = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function draw(values: (number | null)[], width: number): string[] {
  const times = grid(values.length);
  const steps: string[] = [];
  const pen = {
    moveTo: (x: number, y: number) => steps.push(`M${x},${y}`),
    lineTo: (x: number, y: number) => steps.push(`L${x},${y}`),
  };
  const frame = { left: 0, top: 0, width, height: 100, xMin: 0, xMax: values.length - 1, yMin: 0, yMax: 100 };
  trace(pen, times, values, { from: 0, to: values.length - 1 }, frame, reachOf(times, values));
  return steps;
}

describe('lines of a chart', () => {
  test('go from value to value where they come at their usual pace, and break where they do not', () => {
    expect(draw([0, null, 10, null, 20, null, null, null, null, null, 30, null, 40], 12)).toEqual([
      'M0,100',
      'L2,90',
      'L4,80',
      'M10,70',
      'L12,60',
    ]);
    expect(draw([0, 10, null, 20, null, null, 30, 40], 7)).toEqual(['M0,100', 'L1,90', 'L3,80', 'M6,70', 'L7,60']);
  });

  test('values that no line reaches are points', () => {
    const find = (values: (number | null)[]): number[] | null => lonely(grid(values.length), values, reachOf(grid(values.length), values));
    expect(find([1, 2, null, null, 3, null, null, ...grid(20)])).toEqual([4]);
    expect(find([null, 1, null])).toEqual([1]);
    expect(find([1])).toEqual([0]);
    expect(find([1, 2, 3])).toBeNull();
    expect(find([null, null])).toBeNull();
    expect(find([])).toBeNull();
  });

  test('many values in a pixel are drawn as far as they reach, and take no more steps than the pixels allow', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 100, maxLength: 400 }), (values) => {
        const steps = draw(values, 10);
        expect(steps.length).toBeLessThanOrEqual(11 * 4);
        const ys = steps.map((step) => Number(step.split(',')[1]));
        expect([Math.min(...ys), Math.max(...ys)]).toEqual([100 - Math.max(...values), 100 - Math.min(...values)]);
      }),
    );
  });
});

describe('moves', () => {
  const span = { startMs: 100_000, endMs: 200_000 };

  test('keep the length when they go sideways, and the anchor when they zoom', () => {
    expect(panned(span, -0.5)).toEqual({ startMs: 50_000, endMs: 150_000 });
    expect(scaled(span, 0.5, 0)).toEqual({ startMs: 100_000, endMs: 150_000 });
    expect(scaled(span, 2)).toEqual({ startMs: 50_000, endMs: 250_000 });
    expect(scaled(span, 0).endMs).toBeGreaterThan(scaled(span, 0).startMs);
    // However often somebody zooms out, both ends are dates.
    let far = span;
    for (let i = 0; i < 100; i += 1) far = scaled(far, 2);
    expect(new Date(far.startMs).toISOString()).toMatch(/^19\d\d-/);
    expect(moveOfKey('ArrowRight', span)).toEqual({ startMs: 125_000, endMs: 225_000 });
    expect(moveOfKey('x', span)).toBeNull();
  });
});
