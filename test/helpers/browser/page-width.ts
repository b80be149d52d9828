import type { Page } from 'playwright-core';

/** What must be scrolled sideways, of the page and of its content as a whole (a table may, within its frame); nothing: it fits. */
export function tooWide(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`[document.documentElement, document.querySelector('main')]
    .filter((element) => element.scrollWidth > element.clientWidth)
    .map((element) => element.tagName.toLowerCase() + ' is ' + element.scrollWidth + ' pixels wide and has ' + element.clientWidth)`);
}
