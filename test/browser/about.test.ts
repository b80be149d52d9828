import { expect, test } from '@jest/globals';
import { useConsole } from '../helpers/browser/console-fixture.js';

const console = useConsole({ agents: 3 });

test('the server says what it is, what it stores and what it counts', async () => {
  const { page } = await console.openSettled('/about');
  const { body } = await console.app.api('/api/v1/info');
  const server = page.getByRole('region', { name: 'Server', exact: true });
  await server.getByText(new RegExp(`${String(body.version).replaceAll('.', '\\.')}$`)).waitFor();
  await server
    .getByText('healthy', { exact: true })
    .or(server.getByText('ok', { exact: true }))
    .first()
    .waitFor();
  const storage = page.getByRole('region', { name: 'Storage' });
  await storage.getByText(/The database takes/).waitFor();
  expect(await storage.locator('tbody tr').count()).toBeGreaterThanOrEqual(3);
  const figures = page.getByRole('region', { name: "The server's own figures" });
  await figures.getByRole('searchbox').fill('process_resident_memory');
  await figures.locator('tbody tr').first().filter({ hasText: 'process_resident_memory_bytes' }).waitFor();
  expect(await figures.locator('tbody tr').count()).toBe(1);
});
