import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { becomes } from '../helpers/browser/becomes.js';
import { useConsole } from '../helpers/browser/console-fixture.js';

/** Of every five agents three are in Google's cloud, one in Amazon's and one in a lab. */
const console = useConsole({ agents: 25 });

async function ids(page: Page): Promise<string[]> {
  return page.locator('ccv-agents-table a.id').allTextContents();
}

async function count(page: Page, text: string): Promise<void> {
  await page.getByText(text, { exact: true }).waitFor();
}

test('filters, search and order narrow the list, stand in the address, and the way back undoes them', async () => {
  const { page } = await console.openSettled('/agents');
  await count(page, '25 of 25');
  await page.getByLabel('Provider').selectOption({ value: 'gcp' });
  await count(page, '15 of 25');
  expect(new URL(page.url()).searchParams.get('provider')).toBe('gcp');
  await page.getByLabel('Region').selectOption({ value: 'asia-east1' });
  await count(page, '5 of 25');
  await becomes(() => ids(page), ['fleet-0003', 'fleet-0008', 'fleet-0013', 'fleet-0018', 'fleet-0023']);
  await page.getByRole('searchbox', { name: 'Search' }).fill('001');
  await count(page, '2 of 25');
  await becomes(() => ids(page), ['fleet-0013', 'fleet-0018']);

  const { page: second } = await console.openSettled(new URL(page.url()).pathname + new URL(page.url()).search);
  await count(second, '2 of 25');
  expect(await second.getByLabel('Region').inputValue()).toBe('asia-east1');
  expect(await second.getByRole('searchbox', { name: 'Search' }).inputValue()).toBe('001');

  await page.goBack();
  await count(page, '15 of 25');
  expect(await page.getByRole('searchbox', { name: 'Search' }).inputValue()).toBe('');
  expect(new URL(page.url()).searchParams.get('region')).toBeNull();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await count(page, '25 of 25');
});

test('a click on a column sorts by it, says so, and turns the order around the second time', async () => {
  const { page } = await console.openSettled('/agents');
  const header = page.getByRole('columnheader', { name: 'Agent' });
  expect(await header.getAttribute('aria-sort')).toBe('ascending');
  await header.getByRole('button').click();
  await page.locator('ccv-agents-table a.id').first().filter({ hasText: 'fleet-0025' }).waitFor();
  expect(await header.getAttribute('aria-sort')).toBe('descending');
  await becomes(async () => (await ids(page)).slice(0, 2), ['fleet-0025', 'fleet-0024']);
  await page.reload();
  await page.locator('ccv-agents-table a.id').first().filter({ hasText: 'fleet-0025' }).waitFor();
});

test('what matches nothing is said, with the way back to everything', async () => {
  const { page } = await console.openSettled('/agents?q=nobody-is-called-so');
  await page.getByText('No agent matches').waitFor();
  await page.getByRole('button', { name: 'Show all of them' }).click();
  await count(page, '25 of 25');
});

test('agents that come and go are seen at once', async () => {
  const { page } = await console.openSettled('/agents?q=visitor');
  await page.getByText('No agent matches').waitFor();
  const visitors = await console.startFleet(2, { prefix: 'visitor' });
  const rows = page.getByRole('row').filter({ hasText: 'visitor-' });
  await rows
    .filter({ hasText: /connected/ })
    .nth(1)
    .waitFor();
  await page.mouse.move(0, 0);
  await visitors.stop();
  await rows.filter({ hasText: 'disconnected' }).nth(1).waitFor();
});

test('a row leads to its agent', async () => {
  const { page } = await console.openSettled('/agents');
  await page.getByRole('link', { name: 'fleet-0002' }).click();
  await page.getByRole('heading', { level: 1, name: 'fleet-0002' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/agents/fleet-0002');
});
