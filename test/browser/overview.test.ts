import { expect, test } from '@jest/globals';
import { axe } from '../helpers/browser/axe.js';
import { useConsole } from '../helpers/browser/console-fixture.js';

const console = useConsole();

test('from a command for the first agent, by the agent connecting, to a fleet in numbers that follows what happens', async () => {
  const { page } = await console.openSettled('/');
  await page.getByRole('heading', { name: 'Connect your first agent' }).waitFor();
  const command = page.getByRole('region', { name: 'Start the agent', exact: true });
  expect((await command.textContent())?.trim()).toBe(`npm run agent -- --url ${console.app.wsUrl} --id "$(hostname)"`);
  await page.getByRole('button', { name: 'Copy: Start the agent', exact: true }).click();
  await page.getByRole('button', { name: 'Copied: Start the agent', exact: true }).waitFor();
  // What was copied is what comes out when it is pasted.
  await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<textarea id="paste"></textarea>')`);
  await page.locator('#paste').focus();
  await page.keyboard.press('Control+V');
  expect(await page.locator('#paste').inputValue()).toBe((await command.textContent())?.trim());
  await page.evaluate(`document.querySelector('#paste').remove()`);

  const fleet = await console.startFleet(5);
  const agents = page.locator('section[aria-labelledby=tile-agents]');
  await agents.getByText(/5\s*of 5 connected/).waitFor();
  expect(await page.getByRole('heading', { name: 'Connect your first agent' }).count()).toBe(0);
  await page.getByText('every known agent is connected').waitFor();
  const providers = page.locator('section[aria-labelledby=by-provider]');
  await providers.getByRole('link', { name: 'gcp' }).waitFor();
  expect((await providers.getByRole('listitem').filter({ hasText: 'gcp' }).textContent())?.replace(/\s+/g, ' ')).toMatch(/3 \/ of 3/);
  await page
    .getByRole('region', { name: /^Activity/ })
    .getByRole('link', { name: 'fleet-0001' })
    .first()
    .waitFor();
  await page.locator('ccv-chart canvas').first().waitFor();

  await fleet.stop();
  await agents.getByText(/0\s*of 5 connected/).waitFor();
  await page.getByRole('heading', { name: 'Needs attention' }).waitFor();
  await page.locator('ccv-attention-list').getByRole('link', { name: 'fleet-0003' }).waitFor();
  expect(await axe(page)).toEqual([]);
  await agents.getByRole('link', { name: 'Disconnected' }).click();
  await page.waitForURL('**/agents?status=disconnected');
  await page.getByText('5 of 5', { exact: true }).waitFor();
});
