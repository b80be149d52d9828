import type { Browser, BrowserContext, Page, Response } from 'playwright-core';
import { PAGE_PROBE, type Probe } from './page-probe.js';

export interface PageOptions {
  readonly theme?: 'light' | 'dark';
  /** Default: 1280 by 800. */
  readonly width?: number;
  readonly height?: number;
  /** Errors on the console that belong to the test. */
  readonly tolerates?: readonly RegExp[];
}

/**
 * A page in a browser profile of its own that remembers everything that went wrong in it: errors and exceptions on the console, violations
 * of the content security policy, requests to other hosts. `close` tells.
 */
export class WatchedPage {
  /** Of scripts, in the order they were asked for. */
  readonly scripts: Response[] = [];
  /** Messages of the live channel so far. */
  private liveMessages = 0;
  private readonly waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  private readonly problems: string[] = [];
  private readonly tolerated: RegExp[];

  constructor(
    readonly page: Page,
    private readonly context: BrowserContext,
    private readonly origin: string,
    tolerates: readonly RegExp[],
  ) {
    this.tolerated = [...tolerates];
  }

  static async open(browser: Browser, origin: string, options: PageOptions = {}): Promise<WatchedPage> {
    const { theme = 'light', width = 1_280, height = 800, tolerates = [] } = options;
    const context = await browser.newContext({
      baseURL: origin,
      colorScheme: theme,
      viewport: { width, height },
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
    });
    await context.addInitScript(PAGE_PROBE);
    const watched = new WatchedPage(await context.newPage(), context, origin, tolerates);
    watched.watch();
    return watched;
  }

  /** From here on errors like these belong to the test. */
  tolerate(...patterns: readonly RegExp[]): void {
    this.tolerated.push(...patterns);
  }

  /** Resolves when so many more messages have come by the live channel. */
  hears(count: number): Promise<void> {
    return new Promise((resolve) => this.waiters.push({ count: this.liveMessages + count, resolve }));
  }

  probe(): Promise<Probe> {
    return this.page.evaluate<Probe>('globalThis.ccvProbe');
  }

  /** What went wrong so far and does not belong to the test. */
  async wrongs(): Promise<readonly string[]> {
    const probe = this.page.isClosed() ? null : await this.probe().catch(() => null);
    const all = [...this.problems, ...(probe?.violations ?? []).map((violation) => `content security policy: ${violation}`)];
    return all.filter((problem) => !this.tolerated.some((pattern) => pattern.test(problem)));
  }

  /** Closes the page and answers what went wrong in it. */
  async close(): Promise<readonly string[]> {
    const wrongs = await this.wrongs();
    await this.context.close();
    return wrongs;
  }

  private watch(): void {
    const { page, problems } = this;
    const checkHost = (url: string): void => {
      if (/^(?:data|blob|about):/.test(url) || new URL(url).host === new URL(this.origin).host) return;
      problems.push(`asked another host: ${url}`);
    };
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => problems.push(`exception: ${error.stack ?? error.message}`));
    page.on('crash', () => problems.push('the page crashed'));
    page.on('request', (request) => checkHost(request.url()));
    page.on('websocket', (socket) => {
      checkHost(socket.url());
      socket.on('framereceived', () => {
        this.liveMessages += 1;
        for (const { count, resolve } of this.waiters) if (this.liveMessages >= count) resolve();
      });
    });
    page.on('response', (response) => {
      if (response.request().resourceType() === 'script') this.scripts.push(response);
    });
  }
}
