import type { Page } from 'playwright-core';

/** Resolves when an expression has become true in the page. Playwright's own way takes `eval`, which the page's policy forbids. */
export async function whenTrue(page: Page, expression: string): Promise<void> {
  await page.evaluate(`new Promise((resolve) => {
    const check = () => (${expression} ? resolve() : requestAnimationFrame(check));
    check();
  })`);
}
