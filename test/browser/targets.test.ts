import { expect, test } from '@jest/globals';
import { axe } from '../helpers/browser/axe.js';
import { useConsole } from '../helpers/browser/console-fixture.js';

const console = useConsole({ agents: 3 });

test('a target is added, found, changed, switched off and deleted', async () => {
  const { page } = await console.openSettled('/targets', { tolerates: [/status of 400/] });
  await page.getByText('No targets yet').waitFor();
  await page.getByRole('button', { name: 'Add target' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('Name servers');
  expect(await axe(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Add target' }).click();
  await dialog.getByText(/^The address /).waitFor();
  await dialog.getByRole('radio', { name: 'TCP' }).check();
  await dialog.getByLabel('Host').fill('ns1.example.com');
  await dialog.getByLabel('Port').fill('53');
  await dialog.getByRole('button', { name: 'Add target' }).click();
  await dialog.waitFor({ state: 'detached' });
  const row = page.getByRole('row').filter({ hasText: 'Name servers' });
  await row.filter({ hasText: 'ns1.example.com:53' }).waitFor();
  const [stored] = (await console.app.api('/api/v1/targets')).body;
  expect(stored).toMatchObject({ name: 'Name servers', type: 'tcp', address: 'ns1.example.com', port: 53, enabled: true, agent_ids: [] });
  expect(await axe(page)).toEqual([]);

  await page.getByRole('button', { name: 'Change Name servers' }).click();
  await dialog.getByRole('radio', { name: 'Only these' }).check();
  await dialog.getByText('fleet-0002').click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await row.getByRole('link', { name: 'fleet-0002' }).waitFor();

  await row.getByRole('switch').uncheck();
  await page.getByText('Name servers is no longer watched.').waitFor();
  expect((await console.app.api('/api/v1/targets')).body).toMatchObject([{ enabled: false, agent_ids: ['fleet-0002'] }]);

  await page.getByRole('button', { name: 'Delete Name servers' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('No targets yet').waitFor();
  expect((await console.app.api('/api/v1/targets')).body).toEqual([]);
});

test('what the server refuses is said in the form, and nothing is lost', async () => {
  const watched = await console.openSettled('/targets', { tolerates: [/status of 500/] });
  const { page } = watched;
  await page.getByRole('button', { name: 'Add target' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('Gateway');
  await dialog.getByLabel('Host').fill('192.0.2.1');
  await page.route('**/api/v1/targets', (route) =>
    route.fulfill({
      status: 500,
      contentType: 'application/json',
      body: JSON.stringify({ error: { code: 'internal_error', message: 'the disk is full', status: 500, timestamp: '' } }),
    }),
  );
  await dialog.getByRole('button', { name: 'Add target' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'the disk is full' }).waitFor();
  await page.unroute('**/api/v1/targets');
  expect(await dialog.getByLabel('Host').inputValue()).toBe('192.0.2.1');
  await dialog.getByRole('button', { name: 'Add target' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('row').filter({ hasText: 'Gateway' }).waitFor();
});

test('a long list shows its first hundred, and more when asked for', async () => {
  // The fleet shall not be told of so many; their number is all that matters here.
  const targets = Array.from({ length: 205 }, (_, i) => ({
    id: i + 1,
    name: `Target ${i + 1}`,
    type: 'tcp',
    address: '192.0.2.1',
    port: 80,
    interval: 60,
    timeout: 5,
    enabled: true,
    agent_ids: [],
  }));
  const { page } = await console.openSettled('/about');
  await page.route('**/api/v1/targets', (route) => route.fulfill({ json: targets }));
  await page.getByRole('link', { name: 'Targets' }).click();
  const rows = page.getByRole('row').filter({ hasText: '192.0.2.1' });
  for (const shown of [100, 200]) {
    const more = page.getByRole('button', { name: `Show more: ${shown} of 205` });
    await more.waitFor();
    expect(await rows.count()).toBe(shown);
    await more.click();
  }
  await rows.nth(204).waitFor();
  expect(await page.getByRole('button', { name: /^Show more/ }).count()).toBe(0);
});
