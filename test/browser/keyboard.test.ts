import { expect, test } from '@jest/globals';
import { useConsole } from '../helpers/browser/console-fixture.js';
import { whenTrue } from '../helpers/browser/when-true.js';
import { CONSOLE_PAGES } from '../helpers/browser/pages.js';
import type { Page } from 'playwright-core';

const console = useConsole({ agents: 3 });
const labels = CONSOLE_PAGES.flatMap(({ label }) => (label === null ? [] : [label]));

/** The text or name of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate<string>(
    `(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim() || document.activeElement.tagName`,
  );
}

async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === name) return;
  }
  throw new Error(`"${name}" is not reached by 20 presses of Tab`);
}

test('the first press of Tab offers to skip to the content, and Enter does so', async () => {
  const { page } = await console.openSettled('/agents');
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to content' });
  expect(await focused(page)).toBe('Skip to content');
  expect((await skip.boundingBox())?.y).toBeGreaterThanOrEqual(0);
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('content');
  expect(new URL(page.url()).pathname).toBe('/agents');
});

test('Tab goes through the navigation in its order, and Enter opens what has the focus', async () => {
  const { page } = await console.openSettled('/');
  await tabTo(page, labels[0] ?? '');
  for (const label of labels.slice(1)) {
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe(label);
  }
  await page.keyboard.press('Enter');
  await page.waitForURL('**/about');
  await page.getByRole('heading', { level: 1, name: 'About' }).waitFor();
  expect(await page.title()).toMatch(/^About/);
});

test('on a phone the menu opens by keyboard, has the pages, and closes by Escape and by going somewhere', async () => {
  const { page } = await console.openSettled('/', { width: 390 });
  const navigation = page.getByRole('navigation', { name: 'Pages', exact: true });
  await tabTo(page, 'Open menu');
  await page.keyboard.press('Enter');
  await navigation.getByRole('link', { name: 'Targets' }).waitFor();
  await page.getByRole('button', { name: 'Close menu' }).waitFor();
  await navigation.getByRole('link', { name: 'Targets' }).focus();
  await page.keyboard.press('Escape');
  await navigation.waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Open menu' }).click();
  await navigation.getByRole('link', { name: 'Targets' }).press('Enter');
  await page.waitForURL('**/targets');
  await navigation.waitFor({ state: 'hidden' });
});

test('the colours are chosen by a button, are there again after a reload before anything is painted, and can be given back to the system', async () => {
  const { page } = await console.openSettled('/about', { theme: 'light' });
  const background = (): Promise<string> => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  const light = await background();
  const button = page.getByRole('button', { name: /^Colours: / });
  await button.click();
  expect(await background()).toBe(light);
  await button.click();
  await page.getByRole('button', { name: 'Colours: dark. Change' }).waitFor();
  await whenTrue(page, `getComputedStyle(document.body).backgroundColor !== ${JSON.stringify(light)}`);
  await page.reload({ waitUntil: 'commit' });
  await page.locator('html[data-theme=dark]').waitFor();
  await button.click();
  await page.getByRole('button', { name: 'Colours: system. Change' }).waitFor();
  await whenTrue(page, `getComputedStyle(document.body).backgroundColor === ${JSON.stringify(light)}`);
});
