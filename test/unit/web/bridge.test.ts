import { describe, expect, test } from '@jest/globals';
import { bridged } from '../../../web/src/app/core/bridge.js';

const n = null;
const u = undefined;

describe('bridged', () => {
  test('leaves lines alone that have a value at every place, or none, or one', () => {
    for (const values of [[], [n, n], [n, 1, n], [1, 2, 3]]) expect(bridged(values)).toBe(values);
  });

  test('draws through the places between measurements', () => {
    expect(bridged([n, 1, n, n, 2, n, n, 3, n])).toEqual([n, 1, u, u, 2, u, u, 3, n]);
  });

  test('keeps a gap that is longer than usual', () => {
    expect(bridged([1, n, 2, n, n, n, n, n, 3, n, 4])).toEqual([1, u, 2, n, n, n, n, n, 3, u, 4]);
  });

  test('a single measurement that was left out is no gap, several are', () => {
    expect(bridged([1, 2, 3, n, 4, 5, n, n, 6, 7])).toEqual([1, 2, 3, u, 4, 5, n, n, 6, 7]);
  });
});
