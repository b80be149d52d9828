import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { axe } from '../helpers/browser/axe.js';
import { becomes } from '../helpers/browser/becomes.js';
import { useConsole } from '../helpers/browser/console-fixture.js';

const METRIC = 'requests_in_flight';
const STEP_MS = 30_000;
const COUNT = 60;
const SHOPS = ['north', 'south', 'west'];
const console = useConsole({ agents: 2 });
/** Half an hour that is over. */
const endMs = Math.floor((Date.now() - 3_600_000) / STEP_MS) * STEP_MS;
const startMs = endMs - COUNT * STEP_MS;
const range = `from=${new Date(startMs).toISOString()}&to=${new Date(endMs).toISOString()}`;

/** Of shop number `shop` at moment `i`; nothing at the tenth. */
function valueAt(shop: number, i: number): number | null {
  return i === 10 ? null : (shop + 1) * 100 + i;
}

beforeAll(async () => {
  const metrics = SHOPS.flatMap((shop, number) =>
    Array.from({ length: COUNT }, (_, i) => ({ value: valueAt(number, i), timestamp: new Date(startMs + i * STEP_MS).toISOString() }))
      .filter(({ value }) => value !== null)
      .map((sample) => ({ name: METRIC, type: 'gauge', unit: 'ms', tags: { shop }, ...sample })),
  );
  const { status } = await console.app.api('/api/v1/metrics', {
    method: 'POST',
    body: { agent_id: 'till', timestamp: new Date().toISOString(), metrics },
  });
  expect(status).toBe(200);
});

/** What is drawn, byte by byte. */
async function picture(page: Page): Promise<string> {
  await page.locator('ccv-chart canvas').first().waitFor();
  return page.evaluate<string>(`document.querySelector('ccv-chart canvas').toDataURL()`);
}

async function lineNames(page: Page): Promise<string[]> {
  const names = await page.getByRole('table', { name: 'Lines' }).getByRole('rowheader').allTextContents();
  return names.map((name) => name.trim());
}

test('a metric is found by typing, split by a tag, and a link shows the same picture', async () => {
  const { page } = await console.openSettled(`/explore?${range}&step=30s`);
  await page.getByText('Choose a metric').waitFor();
  await page.getByRole('combobox', { name: 'Metrics' }).fill('in_fl');
  await page.getByRole('option', { name: METRIC }).click();
  await page.getByText(/3 lines, one value per 30s/).waitFor();
  await page.keyboard.press('Escape');
  await page.getByLabel('A line for').selectOption({ value: 'tag:shop' });
  await page.waitForURL(/by=tag:shop|by=tag%3Ashop/);
  const names = SHOPS.map((shop) => `shop=${shop}`);
  await becomes(() => lineNames(page), names);
  await page.getByRole('checkbox', { name: 'shop=south' }).uncheck();
  await page.waitForURL(/hide=/);
  expect(await axe(page)).toEqual([]);

  const address = new URL(page.url());
  const { page: second } = await console.openSettled(address.pathname + address.search);
  await becomes(() => lineNames(second), names);
  expect(await second.getByRole('checkbox', { name: 'shop=south' }).isChecked()).toBe(false);
  // Nothing under the pointer in either.
  await page.mouse.move(0, 0);
  await becomes(async () => (await picture(second)) === (await picture(page)), true);
});

test('the table has the values that were sent, and so has the CSV file', async () => {
  const { page } = await console.openSettled(`/explore?m=${METRIC}&${range}&step=30s&by=tag:shop&view=table`);
  const table = page.getByRole('table', { name: 'Values by time' });
  expect(await table.getAttribute('aria-rowcount')).toBe(String(COUNT));
  await becomes(() => table.getByRole('row').nth(1).getByRole('cell').allTextContents(), ['159 ms', '259 ms', '359 ms']);
  expect(await axe(page)).toEqual([]);

  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
  expect(download.suggestedFilename()).toMatch(new RegExp(`^${METRIC} .*Z\\.csv$`));
  const lines = (await readFile(await download.path(), 'utf8')).split('\r\n');
  const rows = Array.from({ length: COUNT }, (_, i) => i)
    .filter((i) => valueAt(0, i) !== null)
    .map((i) => [new Date(startMs + i * STEP_MS).toISOString(), ...SHOPS.map((_, shop) => valueAt(shop, i))].join(','));
  expect(lines).toEqual([`time,${SHOPS.map((shop) => `shop=${shop} [ms]`).join(',')}`, ...rows, '']);
});

test('dragging over the chart looks closer, a double click goes back', async () => {
  const { page } = await console.openSettled(`/explore?m=${METRIC}&${range}&step=30s`);
  const box = await page.locator('ccv-chart .u-over').boundingBox();
  if (box === null) throw new Error('the chart has no room');
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width / 4, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, y, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL((url) => Date.parse(url.searchParams.get('from') ?? '') > startMs);
  const { searchParams } = new URL(page.url());
  const [from, to] = [Date.parse(searchParams.get('from') ?? ''), Date.parse(searchParams.get('to') ?? '')];
  const durationMs = endMs - startMs;
  expect(Math.abs(from - (startMs + durationMs / 4))).toBeLessThan(durationMs / 50);
  expect(Math.abs(to - (startMs + durationMs / 2))).toBeLessThan(durationMs / 50);
  await page.mouse.dblclick(box.x + box.width / 3, y);
  await page.waitForURL((url) => Date.parse(url.searchParams.get('from') ?? '') === startMs);
});

test('keys move the chart in time', async () => {
  const { page } = await console.openSettled(`/explore?m=${METRIC}&${range}&step=30s`);
  await page.getByRole('application').press('ArrowLeft');
  await page.waitForURL((url) => Date.parse(url.searchParams.get('from') ?? '') < startMs);
});

test('live, the newest values come in by themselves', async () => {
  const { page } = await console.openSettled('/explore?m=ping_rtt_avg_ms&agent=fleet-0001&range=5m&step=1s&by=none');
  await page.getByRole('button', { name: 'Live' }).click();
  await page.waitForURL(/live=1/);
  const last = page.getByRole('table', { name: 'Lines' }).getByRole('cell').first();
  const [before] = await last.allTextContents();
  await last.filter({ hasNotText: before ?? '' }).waitFor();
});

test('metrics with three units are drawn in charts one below the other, and what finds nothing says so', async () => {
  const { page } = await console.openSettled(
    '/explore?m=ping_rtt_avg_ms&m=ping_packet_loss_percent&m=network_interface_rx_bytes_per_sec&agent=fleet-0001&range=5m',
  );
  await page.locator('ccv-chart canvas').nth(2).waitFor();
  expect(await page.locator('ccv-chart canvas').count()).toBe(3);
  expect(await axe(page)).toEqual([]);
  await page.goto(`/explore?m=${METRIC}&agent=fleet-0001&${range}`);
  await page.getByText('Nothing there').waitFor();
});
