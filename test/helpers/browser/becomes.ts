import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';

const WAIT_MS = 15_000;
const PAUSE_MS = 50;

/** For what a page shows a moment later, and Playwright's locators cannot wait for: reads until it is as wanted, or shows the difference. */
export async function becomes<T>(read: () => Promise<T>, wanted: T): Promise<void> {
  let last = await read();
  for (const deadline = Date.now() + WAIT_MS; !isDeepStrictEqual(last, wanted) && Date.now() < deadline; last = await read())
    await sleep(PAUSE_MS);
  expect(last).toEqual(wanted);
}
