import { expect, test } from '@jest/globals';
import { axe } from '../helpers/browser/axe.js';
import { becomes } from '../helpers/browser/becomes.js';
import { useConsole } from '../helpers/browser/console-fixture.js';
import { whenTrue } from '../helpers/browser/when-true.js';

const console = useConsole({ agents: 5 });
/** The drawing, as its library keeps it with the element it draws in. */
const DRAWING = `document.querySelector('ccv-topology-graph .host')?._cyreg?.cy`;

test('agents and what they ping are drawn; choosing an agent says how it does and leads to its page and its charts', async () => {
  const { page } = await console.openSettled('/topology');
  await whenTrue(page, `${DRAWING}?.nodes('.agent').length === 5`);
  const kinds = await page.evaluate(`(() => {
    const cy = ${DRAWING};
    return Object.fromEntries(['provider', 'region', 'network', 'agent'].map((kind) => [kind, cy.nodes('.' + kind).length]));
  })()`);
  expect(kinds).toEqual({ provider: 3, region: 5, network: 5, agent: 5 });
  const at = await page.evaluate<{ x: number; y: number }>(`(() => {
    const { x, y } = ${DRAWING}.getElementById('agent fleet-0004').renderedPosition();
    const box = document.querySelector('ccv-topology-graph .host').getBoundingClientRect();
    return { x: box.x + x, y: box.y + y };
  })()`);
  await page.mouse.click(at.x, at.y);
  const chosen = page.getByRole('complementary', { name: 'Chosen' });
  await chosen.getByRole('heading', { name: 'fleet-0004' }).waitFor();
  await chosen.getByText('connected').waitFor();
  expect(await axe(page)).toEqual([]);
  await chosen.getByRole('link', { name: /^Chart of fleet-0004 to 10\.128\.0\.1$/ }).click();
  await page.waitForURL(/\/explore\?/);
  expect(new URL(page.url()).searchParams.getAll('agent')).toEqual(['fleet-0004']);
  await page.locator('ccv-chart canvas').first().waitFor();
  await page.goBack();
  await page.waitForURL('**/topology');
});

test('the list says the same in words, and is searched', async () => {
  const { page } = await console.openSettled('/topology');
  await page.getByRole('button', { name: 'List' }).click();
  await page.waitForURL(/view=list/);
  const rows = page.getByRole('region', { name: 'Paths' }).locator('tbody tr');
  await rows.nth(4).waitFor();
  await page.getByLabel('Find').fill('fleet-0002 10.128.0.1');
  await rows.filter({ hasText: 'fleet-0002' }).first().waitFor();
  await becomes(() => rows.filter({ hasNotText: 'fleet-0002' }).count(), 0);
  expect(await axe(page)).toEqual([]);
  await rows.first().getByRole('link', { name: 'fleet-0002', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'fleet-0002' }).waitFor();
});

test('the picture has as much room on a phone as it needs, and can be looked at closer', async () => {
  const { page } = await console.openSettled('/topology', { width: 390 });
  await whenTrue(page, `${DRAWING}?.nodes('.agent').length === 5`);
  const zoom = (): Promise<number> => page.evaluate<number>(`${DRAWING}.zoom()`);
  const before = await zoom();
  await page.getByRole('button', { name: 'Zoom in' }).click();
  expect(await zoom()).toBeGreaterThan(before);
  await page.getByRole('button', { name: 'Show everything' }).click();
  expect(await zoom()).toBeCloseTo(before, 1);
});

test('a network that was opened is open for whoever gets the address', async () => {
  await console.startFleet(40, { prefix: 'more' });
  const { page } = await console.openSettled('/topology');
  await whenTrue(page, `${DRAWING}?.nodes('.agents').length === 5 && ${DRAWING}.nodes('.agent').length === 0`);
  const opened = await page.evaluate<string>(`(() => {
    const node = ${DRAWING}.nodes('.agents')[0];
    node.emit('tap');
    return node.parent().id();
  })()`);
  await whenTrue(page, `${DRAWING}?.nodes('.agent').length === 9`);
  expect(new URL(page.url()).searchParams.getAll('open')).toEqual([opened]);
  await page.reload();
  await whenTrue(page, `${DRAWING}?.nodes('.agent').length === 9`);
  await page.goBack();
  await whenTrue(page, `${DRAWING}?.nodes('.agent').length === 0`);
});
