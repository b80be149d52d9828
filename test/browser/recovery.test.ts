import { expect, test } from '@jest/globals';
import { useConsole } from '../helpers/browser/console-fixture.js';
import { AGENT_ID, CONSOLE_PAGES } from '../helpers/browser/pages.js';
import type { WatchedPage } from '../helpers/browser/watched-page.js';

const console = useConsole({ agents: 5 });
const NO_SERVER = [/ERR_CONNECTION_REFUSED/, /ERR_CONNECTION_RESET/, /ERR_EMPTY_RESPONSE/, /ERR_SOCKET_NOT_CONNECTED/, /status of 503/];

async function state(watched: WatchedPage, text: string): Promise<void> {
  await watched.page.locator('header').getByText(text, { exact: true }).waitFor({ timeout: 30_000 });
}

test('pages that are open say so when the server goes away, and go on by themselves when it is back', async () => {
  const pages = await Promise.all(
    CONSOLE_PAGES.map(async ({ path }) => {
      const watched = await console.openSettled(path, { tolerates: NO_SERVER });
      await state(watched, 'Live');
      // Gone after a reload.
      await watched.page.evaluate('globalThis.isTheSamePage = true');
      return { path, watched };
    }),
  );
  await console.app.app.stop();
  for (const { watched } of pages) {
    await state(watched, 'Offline');
    await watched.page.getByText(/The server is away/).waitFor();
    expect(await watched.page.locator('h1').count()).toBe(1);
  }
  await console.app.start();
  for (const { watched } of pages) {
    await state(watched, 'Live');
    await watched.page.getByText(/The server is away/).waitFor({ state: 'hidden' });
    // Whatever failed meanwhile has been asked for again.
    await watched.page.locator('ccv-notice.is-error').waitFor({ state: 'detached' });
    expect(await watched.page.evaluate('globalThis.isTheSamePage')).toBe(true);
  }
  // What happens now is shown: the channel is not just open.
  const agents = pages.find(({ path }) => path === `/agents/${AGENT_ID}`);
  await agents?.watched.page.getByText('connected', { exact: true }).first().waitFor();
});

test('a page that is opened while the API does not answer shows what there is when it does', async () => {
  const watched = await console.newPage({ tolerates: [/ERR_FAILED/, ...NO_SERVER] });
  await watched.page.route('**/api/v1/**', (route) => route.abort());
  await watched.page.goto('/agents');
  await watched.page.locator('ccv-notice.is-error').first().waitFor();
  await watched.page.unroute('**/api/v1/**');
  await watched.page.getByRole('button', { name: 'Try again' }).first().click();
  await watched.page.getByText(AGENT_ID).first().waitFor();
  expect(await watched.page.locator('ccv-notice.is-error').count()).toBe(0);
});

test('a page whose code is not there yet is said to be missing while the server is away, and comes when it is back', async () => {
  const watched = await console.openSettled('/about', { tolerates: [...NO_SERVER, /Failed to fetch dynamically imported module/] });
  await state(watched, 'Live');
  await console.app.app.stop();
  await state(watched, 'Offline');
  await watched.page.getByRole('navigation').getByText('Targets').click();
  await watched.page.getByText('The page could not be loaded').waitFor();
  await console.app.start();
  await watched.page.getByRole('heading', { level: 1, name: 'Targets' }).waitFor({ timeout: 30_000 });
  expect(new URL(watched.page.url()).pathname).toBe('/targets');
});

test('a page that opens reads everything once', async () => {
  const watched = await console.newPage();
  const asked: string[] = [];
  watched.page.on('request', (request) => {
    if (request.url().includes('/api/v1/')) asked.push(new URL(request.url()).pathname);
  });
  await watched.page.goto('/targets');
  await state(watched, 'Live');
  await watched.page.waitForLoadState('networkidle');
  expect(asked.filter((path) => path === '/api/v1/agents')).toHaveLength(1);
  expect(asked.filter((path) => path === '/api/v1/targets')).toHaveLength(1);
});

test('a connection that the network forgot is given up, and another one is opened', async () => {
  const watched = await console.newPage();
  const { page } = watched;
  await page.clock.install();
  const asked: string[] = [];
  const opened: string[] = [];
  let isForgotten = false;
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    opened.push(socket.url());
    const isFirst = opened.length === 1;
    const isLost = (): boolean => isFirst && isForgotten;
    server.onMessage((message) => {
      if (!isLost()) socket.send(message);
    });
    socket.onMessage((message) => {
      if (isLost()) asked.push(String(message));
      else server.send(message);
    });
  });
  await page.goto('/agents');
  await state(watched, 'Live');
  await page.getByText(AGENT_ID).first().waitFor();
  isForgotten = true;
  for (let second = 0; second < 60 && opened.length === 1; second++) await page.clock.runFor(1_000);
  await state(watched, 'Live');
  expect(asked.map((message) => JSON.parse(message).type)).toEqual(['ping']);
  expect(opened).toHaveLength(2);
});

test('times are those of the server, also where the clock of the browser is wrong', async () => {
  const watched = await console.newPage();
  // Set ten minutes back.
  await watched.page.addInitScript('{ const now = Date.now; Date.now = () => now() - 600_000; }');
  await watched.page.goto('/agents');
  await watched.page.getByText(AGENT_ID).first().waitFor();
  await watched.page
    .getByText(/^(?:just now|\d+ s ago)$/)
    .first()
    .waitFor();
  expect(await watched.page.getByText(/^in \d+ min/).count()).toBe(0);
});
