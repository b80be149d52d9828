import { describe, expect, test } from '@jest/globals';
import { jsonInSlices } from '../../../src/http/routes/json-in-slices.js';

describe('a long answer as JSON', () => {
  test.each([{ items: [], a: 1 }, { a: 1, items: [{ b: null }, { c: ['"', '\u2028'] }], z: undefined }, { items: [{}] }])(
    'is that of the whole: %j',
    async (answer) => {
      expect(JSON.parse(await jsonInSlices(answer, 'items'))).toEqual(JSON.parse(JSON.stringify(answer)));
    },
  );

  test('others have their turn between items', async () => {
    const order: string[] = [];
    const slow = (name: string) => ({
      toJSON() {
        const sinceMs = performance.now();
        while (performance.now() - sinceMs < 20);
        order.push(name);
        return name;
      },
    });
    setImmediate(() => order.push('somebody else'));
    expect(await jsonInSlices({ items: [slow('one'), slow('two')] }, 'items')).toBe('{"items":["one","two"]}');
    expect(order).toEqual(['one', 'somebody else', 'two']);
  });
});
