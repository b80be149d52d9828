/** JSON of long answers. */
import { setImmediate } from 'node:timers/promises';

/** Longer than this nobody else waits for an answer to be written. */
const SLICE_MS = 8;

/** The answer as JSON, its list of that name at the end and item by item: sockets have their turn in between. */
export async function jsonInSlices<K extends string>(
  answer: { readonly [key in K]: readonly object[] } & object,
  list: K,
): Promise<string> {
  const { [list]: items, ...rest } = answer;
  const texts: string[] = [];
  let sinceMs = performance.now();
  for (const item of items) {
    texts.push(JSON.stringify(item));
    if (performance.now() - sinceMs < SLICE_MS) continue;
    await setImmediate();
    sinceMs = performance.now();
  }
  const head = JSON.stringify(rest).slice(0, -1);
  return `${head}${head === '{' ? '' : ','}${JSON.stringify(list)}:[${texts.join(',')}]}`;
}
