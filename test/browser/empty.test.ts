import { describe, expect, test } from '@jest/globals';
import { axe } from '../helpers/browser/axe.js';
import { useConsole } from '../helpers/browser/console-fixture.js';
import { CONSOLE_PAGES } from '../helpers/browser/pages.js';

const console = useConsole();

describe.each(CONSOLE_PAGES.filter(({ path }) => !path.startsWith('/agents/')))('$path', ({ path }) => {
  test('of a server that knows nothing yet shows no error and nothing that axe finds wrong', async () => {
    const { page } = await console.openSettled(path);
    expect(await page.locator('h1').count()).toBe(1);
    expect(await page.locator('ccv-notice.is-error').count()).toBe(0);
    expect(await page.getByText(/NaN|undefined|Infinity|\[object/).count()).toBe(0);
    expect(await axe(page)).toEqual([]);
  });
});
