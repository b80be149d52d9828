import { expect, test } from '@jest/globals';
import { axe } from '../helpers/browser/axe.js';
import { useConsole } from '../helpers/browser/console-fixture.js';
import { AGENT_ID } from '../helpers/browser/pages.js';

const KEY = 'a-key-that-only-people-know';
const TOKEN = 'a-token-that-only-agents-know';
const REFUSED = [/status of 401/, /WebSocket connection to .* failed/];
const console = useConsole({ settings: { API_KEYS: KEY, AGENT_TOKENS: TOKEN }, agents: 3, fleet: { token: TOKEN } });

test('without a key the console asks for one, says when it is wrong, and with the right one shows the fleet live', async () => {
  const watched = await console.newPage({ tolerates: REFUSED });
  const { page } = watched;
  await page.goto('/agents');
  await page.getByRole('heading', { level: 1, name: 'API key' }).waitFor();
  expect(await axe(page)).toEqual([]);
  await page.getByLabel('Key', { exact: true }).fill('a-key-that-nobody-knows');
  await page.getByRole('button', { name: 'Open the console' }).click();
  await page.getByText('The server does not know this key.').waitFor();
  expect(await axe(page)).toEqual([]);
  await page.getByLabel('Key', { exact: true }).fill(KEY);
  await page.keyboard.press('Enter');
  await page.getByText(AGENT_ID).first().waitFor();
  await page.locator('header').getByText('Live', { exact: true }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/agents');
  // For this tab: after a reload it is still known, in another window it is not.
  await page.reload();
  await page.getByText(AGENT_ID).first().waitFor();
  expect(await page.evaluate('localStorage.getItem("ccv.api-key")')).toBeNull();
});

test('a key that is remembered on the device is there in the next window', async () => {
  const watched = await console.newPage({ tolerates: REFUSED });
  await watched.page.goto('/about');
  await watched.page.getByLabel('Key', { exact: true }).fill(KEY);
  await watched.page.getByLabel('Remember it on this device').check();
  await watched.page.getByRole('button', { name: 'Open the console' }).click();
  await watched.page.getByRole('heading', { level: 1, name: 'About' }).waitFor();
  const second = await watched.page.context().newPage();
  await second.goto('/agents');
  await second.getByText(AGENT_ID).first().waitFor();
});

test('a key that the server no longer takes is asked for again', async () => {
  const watched = await console.newPage({ tolerates: REFUSED });
  await watched.page.addInitScript('sessionStorage.setItem("ccv.api-key", "a-key-of-days-gone-by")');
  await watched.page.goto('/');
  await watched.page.getByRole('heading', { level: 1, name: 'API key' }).waitFor();
});

test('a key can be forgotten: it is asked for again, and no longer on the device', async () => {
  const watched = await console.newPage({ tolerates: REFUSED });
  const { page } = watched;
  await page.goto('/agents');
  await page.getByLabel('Key', { exact: true }).fill(` ${KEY} `);
  await page.getByLabel('Remember it on this device').check();
  await page.keyboard.press('Enter');
  await page.getByText(AGENT_ID).first().waitFor();
  await page.getByRole('button', { name: 'Forget the API key' }).click();
  await page.getByRole('heading', { level: 1, name: 'API key' }).waitFor();
  await page.locator('header').getByText('No key', { exact: true }).waitFor();
  expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);
});

test('what is being filled in when a key is asked for is there again with the key', async () => {
  const watched = await console.newPage({ tolerates: REFUSED });
  const { page } = watched;
  const enterKey = async (): Promise<void> => {
    await page.getByLabel('Key', { exact: true }).fill(KEY);
    await page.keyboard.press('Enter');
  };
  const isRefused = '**/api/v1/**';
  const loseKey = async (action: string): Promise<void> => {
    await page.route(isRefused, (route) =>
      route.fulfill({ status: 401, json: { error: { code: 'unauthorized', message: 'no', status: 401 } } }),
    );
    await page.getByRole('button', { name: action }).click();
    await page.getByRole('heading', { level: 1, name: 'API key' }).waitFor();
    await page.unroute(isRefused);
  };
  await page.goto(`/agents/${AGENT_ID}?tab=config`);
  await enterKey();
  await page.getByLabel('Retries').fill('7');
  await loseKey('Save and send');
  await enterKey();
  await page.getByText('Changed, not saved').waitFor();
  expect(await page.getByLabel('Retries').inputValue()).toBe('7');
  await page.getByRole('button', { name: 'Discard changes' }).click();

  await page.goto('/alerts/rules/new');
  await page.getByLabel('Name', { exact: true }).fill('Half a rule');
  await page.getByRole('radio', { name: 'The agents themselves' }).check();
  await loseKey('Make the rule');
  await enterKey();
  await page.getByLabel('Bad when an agent').waitFor();
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Half a rule');
});
