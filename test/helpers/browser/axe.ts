import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { projectRoot } from '../project-root.js';

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly html: string; readonly failureSummary?: string }[];
}

const SHOWN_NODES = 4;

/**
 * What axe-core finds wrong with the page as it is, one text per rule; nothing: it is fine. It is run by way of the debugger: the page's
 * own policy would not let it in.
 */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(join(projectRoot, 'node_modules/axe-core/axe.min.js'), 'utf8'));
  // Colours that are on their way from one theme to the other have no contrast to speak of.
  await page.evaluate(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))).then(() =>
    Promise.allSettled(document.getAnimations().filter(({ effect }) => Number.isFinite(effect.getComputedTiming().endTime)).map(({ finished }) => finished)))`);
  const violations = await page.evaluate<Violation[]>(
    'globalThis.axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)',
  );
  return violations.map(({ id, help, nodes }) => {
    const places = nodes.slice(0, SHOWN_NODES).map(({ target, html, failureSummary }) => {
      return `  ${target.join(' ')}\n    ${html.slice(0, 200)}\n    ${failureSummary?.replace(/\s+/g, ' ') ?? ''}`;
    });
    return `${id}: ${help} (${nodes.length} places)\n${places.join('\n')}`;
  });
}
