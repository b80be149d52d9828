/** Waits for what the server does on its own and tells nobody. */
export async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 8_000; !(await check()); ) {
    if (Date.now() > deadline) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
