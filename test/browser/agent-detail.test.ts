import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type SpawnedAgent, spawnAgent } from '../agent/helpers/spawned-agent.js';
import { axe } from '../helpers/browser/axe.js';
import { useConsole } from '../helpers/browser/console-fixture.js';
import { eventually } from '../helpers/eventually.js';

const ID = 'reference-agent';
const TABS = ['Charts', 'Series', 'Samples', 'History', 'Configuration', 'Commands'];
const console = useConsole({ agents: 2 });
let dir: string;
let agent: SpawnedAgent;

/** The real agent on this machine, which obeys one command. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ccv-browser-agent-'));
  const file = join(dir, 'agent.json');
  const targets = { tcp: [new URL(console.app.url).host] };
  await writeFile(
    file,
    JSON.stringify({ url: console.app.wsUrl, id: ID, interval: 1, spool: dir, ...targets, commands: ['report_status'] }),
    { mode: 0o600 },
  );
  agent = spawnAgent(['--config', file]);
  await eventually(async () => {
    // A first cycle has no rates yet, and the page asks for its series only twice a minute.
    const { status, body } = await console.app.api(`/api/v1/metrics/series?agentId=${ID}`);
    return status === 200 && body.series.some(({ name }: { name: string }) => name === 'system_cpu_percent');
  });
});

afterAll(async () => {
  await agent.dispose();
  await rm(dir, { recursive: true, force: true });
});

test('every part of the page shows what there is of a real agent, and has nothing that axe finds wrong', async () => {
  // Nobody has configured it yet.
  const { page } = await console.openSettled(`/agents/${ID}`, { tolerates: [/status of 404 .*\/config\)$/] });
  const tabs = page.getByRole('navigation', { name: /^Parts of/ });
  expect((await tabs.getByRole('link').allTextContents()).map((text) => text.trim())).toEqual(TABS);
  await page.locator('ccv-chart canvas').first().waitFor();
  const contents: Readonly<Record<string, RegExp>> = {
    Series: /system_cpu_percent/,
    Samples: /tcp_|system_|network_/,
    History: /connected/,
    Configuration: /Nothing is set for this agent yet/,
    Commands: /No command was sent to this agent yet/,
  };
  for (const [tab, text] of Object.entries(contents)) {
    await tabs.getByRole('link', { name: tab }).click();
    await page.locator('main').getByText(text).first().waitFor();
    await tabs.locator('[aria-current=page]').filter({ hasText: tab }).waitFor();
    expect({ tab, found: await axe(page) }).toEqual({ tab, found: [] });
  }
  await page.goBack();
  await tabs.locator('[aria-current=page]').filter({ hasText: 'Configuration' }).waitFor();
});

test('a configuration that is saved goes to the agent, which applies it, and the page says so', async () => {
  const { page } = await console.openSettled(`/agents/${ID}?tab=config`, { tolerates: [/status of 400/] });
  await page.getByLabel('Collect every').fill('5000');
  await page.getByRole('button', { name: 'Save and send' }).click();
  await page.getByLabel('Collect every').and(page.locator('[aria-invalid=true]')).waitFor();
  await page.getByLabel('Collect every').fill('2');
  await page.getByRole('button', { name: 'Save and send' }).click();
  await page.getByText('Version 1 is stored and sent to the agent.').waitFor();
  const state = page.getByRole('region', { name: 'What the agent runs' });
  await state.getByText('applied', { exact: true }).waitFor();
  await state.getByText('Effective', { exact: true }).waitFor();
  expect((await state.textContent())?.replace(/\s+/g, ' ')).toMatch(/Desired\s*version 1.*Attempted\s*version 1.*Effective\s*version 1/);

  // The same as JSON, with what is not in the form.
  await page.getByRole('button', { name: 'JSON' }).click();
  const text = page.getByLabel('Configuration as JSON');
  expect(JSON.parse(await text.inputValue())).toEqual({ collection_interval: 2 });
  await text.fill('{"collection_interval": ');
  await page.getByText(/This is not JSON/).waitFor();
  expect(await page.getByRole('button', { name: 'Save and send' }).isDisabled()).toBe(true);
  await text.fill('{"collection_interval": 1, "filters": {"interfaces": ["lo"]}}');
  await page.getByRole('button', { name: 'Save and send' }).click();
  await page.getByText('Version 2 is stored and sent to the agent.').waitFor();
  await state
    .getByText(/version 2/)
    .nth(2)
    .waitFor();
  const { body } = await console.app.api(`/api/v1/agents/${ID}/config`);
  expect(body).toMatchObject({ version: 2, status: 'applied', config: { collection_interval: 1, filters: { interfaces: ['lo'] } } });
  expect(await axe(page)).toEqual([]);
});

test('an agent that cannot be configured is shown as having failed, with its reason', async () => {
  const { page } = await console.openSettled('/agents/fleet-0001?tab=config');
  await page.getByLabel('Samples in a batch').fill('50');
  await page.getByRole('button', { name: 'Save and send' }).click();
  await page.getByText('Why version 1 failed: simulated agents have no configuration').waitFor();
});

test('changes that are not saved are not lost without a question', async () => {
  const { page } = await console.openSettled('/agents/fleet-0002?tab=config');
  await page.getByLabel('Retries').fill('7');
  await page.getByRole('link', { name: 'Targets', exact: true }).click();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByText('Leave without saving?').waitFor();
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await page.getByLabel('Retries').inputValue()).toBe('7');
  await page.getByRole('link', { name: 'Targets', exact: true }).click();
  await dialog.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('heading', { level: 1, name: 'Targets' }).waitFor();
});

test('a command the agent obeys comes back with its answer', async () => {
  const { page } = await console.openSettled(`/agents/${ID}?tab=commands`);
  await page.getByLabel('Command').selectOption({ value: 'report_status' });
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  const result = page.getByRole('region', { name: 'Results' }).getByRole('listitem').first();
  await result.getByText('ok', { exact: true }).waitFor();
  expect(JSON.parse((await result.locator('pre').textContent()) ?? '')).toHaveProperty('uptime_s');
  await page.getByLabel('Command').selectOption({ value: 'flush' });
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByRole('region', { name: 'Results' }).getByText('refused', { exact: true }).waitFor();
  expect(await axe(page)).toEqual([]);
});

test('an agent is deleted only when its name was typed, and is gone with all it had', async () => {
  const visitors = await console.startFleet(1, { prefix: 'leaver' });
  await visitors.stop();
  const watched = await console.openSettled('/agents/leaver-0001', { tolerates: [/status of 404/] });
  const { page } = watched;
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const dialog = page.getByRole('alertdialog');
  const button = dialog.getByRole('button', { name: 'Delete agent' });
  await button.waitFor();
  expect(await button.isDisabled()).toBe(true);
  await dialog.getByRole('textbox').fill('leaver-0002');
  expect(await button.isDisabled()).toBe(true);
  await dialog.getByRole('textbox').fill('leaver-0001');
  await button.click();
  await page.waitForURL('**/agents');
  await page.getByText('fleet-0001').waitFor();
  expect(await page.getByText('leaver-0001').count()).toBe(0);
  expect((await console.app.api('/api/v1/agents/leaver-0001')).status).toBe(404);
});
