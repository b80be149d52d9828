import { describe, expect, test } from '@jest/globals';
import { axe } from '../helpers/browser/axe.js';
import { useConsole } from '../helpers/browser/console-fixture.js';
import { AGENT_ID } from '../helpers/browser/pages.js';

const console = useConsole({ agents: 3 });
/** Pages that read something, and what shows that they have read it. */
const READING_PAGES = ['/', '/agents', `/agents/${AGENT_ID}`, '/alerts', '/explore', '/topology', '/targets', '/about'];

function failure(status: number, message: string): { status: number; contentType: string; body: string } {
  const error = { code: 'internal_error', message, status, timestamp: '2026-11-22T00:00:00.000Z' };
  return { status, contentType: 'application/json', body: JSON.stringify({ error }) };
}

describe.each(READING_PAGES)('%s', (path) => {
  test('says in the words of the server what went wrong, with a way to try again that works', async () => {
    const watched = await console.newPage({ tolerates: [/status of 500/] });
    const { page } = watched;
    await page.route(/\/api\/v1\/|\/metrics$|\/health$/, (route) => route.fulfill(failure(500, 'the disk is on fire')));
    await page.goto(path);
    const alert = page.getByRole('alert').filter({ hasText: 'the disk is on fire' });
    await alert.first().waitFor();
    expect(await page.locator('h1').count()).toBe(1);
    expect(await axe(page)).toEqual([]);
    await page.unroute(/\/api\/v1\/|\/metrics$|\/health$/);
    await alert.first().getByRole('button', { name: 'Try again' }).click();
    await alert.first().waitFor({ state: 'detached' });
  });

  test('survives answers that are no JSON and requests that get none', async () => {
    const watched = await console.newPage({ tolerates: [/status of 502/, /ERR_CONNECTION_RESET/, /ERR_FAILED/] });
    const { page } = watched;
    let requests = 0;
    await page.route(/\/api\/v1\/|\/metrics$|\/health$/, (route) => {
      requests += 1;
      return requests % 2 === 0 ? route.abort('connectionreset') : route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' });
    });
    await page.goto(path);
    await page
      .getByRole('alert')
      .filter({ hasText: /502|cannot be reached/ })
      .first()
      .waitFor();
  });
});

test('an agent that is not there is not found, and the way back is shown', async () => {
  const watched = await console.newPage({ tolerates: [/status of 404/] });
  await watched.page.goto('/agents/nobody-of-this-name');
  await watched.page
    .locator('main')
    .getByText(/not found|no such agent|does not exist|there is no agent/i)
    .first()
    .waitFor();
  await watched.page
    .locator('main')
    .getByRole('link', { name: /agents/i })
    .first()
    .waitFor();
  expect(await axe(watched.page)).toEqual([]);
});
