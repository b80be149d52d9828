import { expect, test } from '@jest/globals';
import { axe } from '../helpers/browser/axe.js';
import { useConsole } from '../helpers/browser/console-fixture.js';

const console = useConsole({ agents: 2 });

test('a rule is tried and made, fires, and is acknowledged, silenced and switched off', async () => {
  const { page } = await console.openSettled('/alerts/rules', { tolerates: [/status of 400/] });
  await page.getByRole('link', { name: 'New rule' }).click();
  const save = page.getByRole('button', { name: 'Make the rule' });
  await save.click();
  await page.getByText('Give the rule a name.').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Any answer');
  await page.getByRole('combobox', { name: 'Metric' }).fill('ping_rtt_avg_ms');
  await page.getByRole('option', { name: /ping_rtt_avg_ms/ }).click();
  await page.getByLabel('Threshold', { exact: true }).fill('0');
  await page.getByLabel('Looks every').fill('1s');
  // What the server says of a field stands there before anything is saved.
  await page.getByText(/^The interval must be/).waitFor();
  await page.getByLabel('Looks every').fill('5s');
  await page.getByLabel('Over the last').fill('1m');
  await page.getByText('It would').waitFor();
  await page.getByRole('img', { name: /ping_rtt_avg_ms/ }).waitFor();
  expect(await axe(page)).toEqual([]);
  await save.click();
  const rule = page.getByRole('row').filter({ hasText: 'Any answer' });
  await rule.filter({ hasText: 'avg of ping_rtt_avg_ms over 1 min > 0 ms' }).waitFor();

  await page.getByRole('link', { name: 'Active', exact: true }).click();
  const alert = page.getByRole('row').filter({ hasText: 'Any answer' }).filter({ hasText: 'fleet-0001' }).first();
  await alert.filter({ hasText: 'firing' }).waitFor();
  await page
    .getByRole('navigation', { name: 'Pages' })
    .getByRole('link', { name: /^Alerts \d+ firing$/ })
    .waitFor();

  await alert.getByRole('button', { name: /^Acknowledge/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your name').fill('Ada');
  await dialog.getByLabel('Comment').fill('on it');
  await dialog.getByRole('button', { name: 'Acknowledge' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('row').filter({ hasText: 'Acknowledged by Ada' }).filter({ hasText: 'on it' }).waitFor();

  await alert.getByRole('button', { name: /^Silence/ }).click();
  await dialog.getByText('active alerts one is meant.').waitFor();
  expect(await dialog.getByLabel('Your name').inputValue()).toBe('Ada');
  await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await alert.filter({ hasText: 'Silenced: nobody is told.' }).waitFor();
  expect(await axe(page)).toEqual([]);

  await page.getByRole('link', { name: 'Rules', exact: true }).click();
  await rule.getByRole('switch').uncheck();
  await page.getByText('Any answer is switched off.').waitFor();
  await page.getByRole('link', { name: 'History', exact: true }).click();
  await page.getByRole('row').filter({ hasText: 'Any answer' }).filter({ hasText: 'The rule was switched off' }).first().waitFor();
});

test('an alert that nothing measures any more is dismissed by hand', async () => {
  const fleet = await console.startFleet(1, { prefix: 'gone' });
  const rule = {
    name: 'Answers',
    metric_name: 'ping_rtt_avg_ms',
    condition: 'gte',
    threshold: 0,
    window: '1m',
    interval: '5s',
    by: ['agent'],
  };
  const body = { ...rule, agent_filter: { agent_ids: ['gone-0001'] } };
  const { page } = await console.openSettled('/alerts');
  expect((await console.app.api('/api/v1/alerts/rules', { method: 'POST', body })).status).toBe(201);
  const alert = page.getByRole('row').filter({ hasText: 'Answers' });
  // Rules see the series of a new agent after some seconds.
  await alert.filter({ hasText: 'firing' }).waitFor({ timeout: 40_000 });
  await fleet.stop();
  await alert.getByRole('button', { name: /^Dismiss/ }).click();
  const question = page.getByRole('alertdialog');
  await question.getByText('This is for what nobody measures any more.').waitFor();
  expect(await axe(page)).toEqual([]);
  await question.getByRole('button', { name: 'Dismiss', exact: true }).click();
  await page.getByText('Answers is dismissed.').waitFor();
  await alert.waitFor({ state: 'detached' });
  // The button that had the focus went with the row.
  await page.locator('ccv-listing:focus, ccv-listing .list:focus').waitFor();
  await page.getByRole('link', { name: 'History', exact: true }).click();
  await alert.filter({ hasText: 'Dismissed by hand' }).waitFor();
});

test('a silence is made for a maintenance window, ended and deleted', async () => {
  const { page } = await console.openSettled('/alerts/silences', { tolerates: [/status of 400/] });
  await page.getByRole('button', { name: 'New silence' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Label').fill('region');
  await dialog.getByLabel('Comparison').selectOption('=~');
  await dialog.getByLabel('Value').fill('eu-(');
  await dialog.getByRole('radio', { name: /Again and again/ }).check();
  await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
  await dialog
    .getByRole('group', { name: 'Alerts with all of these labels' })
    .locator('p', { hasText: /regular expression/ })
    .waitFor();
  await dialog.getByLabel('Value').fill('eu-.*');
  await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  const row = page.getByRole('row').filter({ hasText: 'region=~"eu-.*"' });
  await row.filter({ hasText: 'every Sunday at 2:00, for 2 h' }).waitFor();
  await row.getByRole('button', { name: /^End/ }).click();
  await page.getByText('The silence is over.').waitFor();
  await page.getByLabel('Show those that are over').check();
  await row.getByRole('button', { name: /^Delete/ }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await row.waitFor({ state: 'detached' });
});

test('a channel is added, keeps its secrets when it is changed, and says what became of a test', async () => {
  const { page } = await console.openSettled('/alerts/channels', { tolerates: [/status of 400/] });
  await page.getByRole('button', { name: 'Add channel' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('Hook');
  await dialog.getByRole('button', { name: 'Add channel' }).click();
  await dialog.getByText('This is needed.').waitFor();
  await dialog.getByLabel('Address').fill('http://127.0.0.1:9/hook');
  await dialog.getByLabel('Signing secret').fill('s3cret');
  expect(await axe(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Add channel' }).click();
  await dialog.waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Change Hook' }).click();
  const kept = dialog.getByText('As it is: the server does not show it');
  await kept.first().waitFor();
  expect(await kept.count()).toBe(2);
  await dialog.getByLabel('Name', { exact: true }).fill('Night hook');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });

  // The server does not send into its own network, unless it is told that it may.
  await page.getByRole('button', { name: 'Send a test to Night hook' }).click();
  await page.getByText('The test was not delivered').waitFor();
  await page.getByRole('link', { name: 'Deliveries of Night hook' }).click();
  await page.getByRole('heading', { name: 'Deliveries of Night hook' }).waitFor();
  expect(await axe(page)).toEqual([]);
  await page.getByRole('button', { name: 'Delete Night hook' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('No channels', { exact: true }).waitFor();
});
