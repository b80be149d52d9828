/**
 * Runs in each page before anything else and writes down what nobody would see afterwards: long tasks, shifts of the layout, violations of
 * the content security policy, and when there was something to read. Source text, because it belongs to the browser.
 */
export const PAGE_PROBE = `(() => {
  if (globalThis.ccvProbe !== undefined) return;
  const probe = { longTasks: [], shifts: [], violations: [], firstHeadingMs: null, firstPaintMs: null };
  Object.defineProperty(globalThis, 'ccvProbe', { value: probe });
  const observe = (type, take) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  observe('longtask', ({ startTime, duration }) => probe.longTasks.push({ startMs: startTime, durationMs: duration }));
  observe('layout-shift', ({ startTime, value, hadRecentInput, sources }) => {
    if (hadRecentInput) return;
    const names = sources.map(({ node, previousRect: a, currentRect: b }) => {
      const element = node?.nodeType === 3 ? node.parentElement : node;
      const name = element == null ? 'something gone' : element.tagName.toLowerCase() + (element.className ? '.' + String(element.className).trim().replace(/\\s+/g, '.') : '');
      return name + ' ' + [a.x, a.y, a.width, a.height].map(Math.round) + ' -> ' + [b.x, b.y, b.width, b.height].map(Math.round);
    });
    probe.shifts.push({ startMs: startTime, value, names });
  });
  observe('paint', ({ name, startTime }) => {
    if (name === 'first-contentful-paint') probe.firstPaintMs = startTime;
  });
  addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile }) => {
    probe.violations.push(effectiveDirective + ' blocked ' + blockedURI + ' of ' + (sourceFile || 'the page'));
  });
  const headings = new MutationObserver(() => {
    if ((document.querySelector('h1')?.textContent ?? '').trim() === '') return;
    probe.firstHeadingMs = performance.now();
    headings.disconnect();
  });
  headings.observe(document, { childList: true, subtree: true, characterData: true });
})()`;

export interface LongTask {
  /** Since the page was asked for. */
  readonly startMs: number;
  readonly durationMs: number;
}

export interface LayoutShift {
  readonly startMs: number;
  /** The share of the window that moved, times how far. */
  readonly value: number;
  /** What moved, from where to where. */
  readonly names: readonly string[];
}

export interface Probe {
  readonly longTasks: readonly LongTask[];
  /** Those that no click or key caused. */
  readonly shifts: readonly LayoutShift[];
  readonly violations: readonly string[];
  /** When there was a heading in the page, and when something was painted; null: not yet. */
  readonly firstHeadingMs: number | null;
  readonly firstPaintMs: number | null;
}
