import { describe, expect, test } from '@jest/globals';
import { axe } from '../helpers/browser/axe.js';
import { tooWide } from '../helpers/browser/page-width.js';
import { useConsole } from '../helpers/browser/console-fixture.js';
import { CONSOLE_PAGES, FURTHER_PAGES } from '../helpers/browser/pages.js';

const console = useConsole({ agents: 12 });

describe.each([...CONSOLE_PAGES, ...FURTHER_PAGES])('$path', ({ path, title, label }) => {
  test('shows a live fleet without an error, under its title and one heading, in a window of 360 pixels', async () => {
    const { page } = await console.openSettled(path, { width: 360, height: 640 });
    expect(await page.title()).toMatch(title);
    expect(await page.title()).toMatch(/ · CloudConsoleVibe$/);
    expect(await page.locator('h1').count()).toBe(1);
    await page.locator('header').getByText('Live', { exact: true }).waitFor();
    const current = await page.locator('#navigation [aria-current=page]').allTextContents();
    expect(current.map((text) => text.trim())).toEqual(label === null ? expect.not.arrayContaining(['Overview']) : [label]);
    expect(await tooWide(page)).toEqual([]);
  });

  test('has nothing that axe finds wrong: light, dark, and on a phone', async () => {
    const { page } = await console.openSettled(path);
    const light = await axe(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await axe(page);
    await page.setViewportSize({ width: 390, height: 800 });
    const phone = await axe(page);
    expect({ light, dark, phone }).toEqual({ light: [], dark: [], phone: [] });
  });
});
