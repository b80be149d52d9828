import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TestStorage } from '../../helpers/storage.js';

/** Niceness of every thread of this process, by thread: field 19 of its stat. */
function niceness(): Map<string, number> {
  const of = (thread: string): number => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  };
  return new Map(readdirSync('/proc/self/task').map((thread) => [thread, of(thread)]));
}

(process.platform === 'linux' ? describe : describe.skip)('storage threads', () => {
  let store: TestStorage;
  let before: Map<string, number>;
  beforeEach(async () => {
    before = niceness();
    store = await TestStorage.start();
  });
  afterEach(() => store.stop());

  test('a reader goes behind the writer, and nobody else is touched', () => {
    const after = niceness();
    const own = before.get(String(process.pid)) ?? 0;
    const grown = [...after].filter(([thread]) => !before.has(thread)).map(([, nice]) => nice - own);
    expect(grown.filter((by) => by > 0)).toEqual([Math.min(5, 19 - own)]);
    expect(grown).toContain(0);
    for (const [thread, nice] of before) expect(after.get(thread) ?? nice).toBe(nice);
  });
});
