import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, jest } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { Fleet, type FleetOptions } from '../../../agent/src/fleet/fleet.js';
import { chromiumArguments, chromiumPath, consoleDir } from '../../../scripts/chromium.mjs';
import { silentLogger } from '../../../src/runtime/logger.js';
import { startTestApp, type TestApp } from '../test-app.js';
import { type PageOptions, WatchedPage } from './watched-page.js';

export interface ConsoleOptions {
  /** Settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Simulated agents that are connected and have delivered before the first test begins. Default: none. */
  readonly agents?: number;
  readonly fleet?: Partial<FleetOptions>;
}

const TIMEOUT_MS = 60_000;
/** Of everything a test waits for in a page: much more than it takes, and less than the test has. */
const WAIT_MS = 15_000;
const FLEET_MS = 40_000;

/**
 * For a test file: the production app with the built console, a live fleet of simulated agents, and one browser for all of its tests.
 * A test fails when anything went wrong in a page that it opened (WatchedPage).
 */
export function useConsole(options: ConsoleOptions = {}): ConsoleFixture {
  const fixture = new ConsoleFixture(options);
  jest.setTimeout(TIMEOUT_MS);
  beforeAll(() => fixture.start());
  afterAll(() => fixture.stop());
  afterEach(() => fixture.closePages());
  return fixture;
}

export class ConsoleFixture {
  private running: { app: TestApp; browser: Browser } | null = null;
  private readonly fleets: Fleet[] = [];
  private pages: WatchedPage[] = [];

  constructor(private readonly options: ConsoleOptions) {}

  get app(): TestApp {
    return this.parts.app;
  }

  get browser(): Browser {
    return this.parts.browser;
  }

  async start(): Promise<void> {
    const app = await startTestApp({ CONSOLE_DIR: consoleDir, ...this.options.settings });
    const browser = await chromium.launch({ executablePath: chromiumPath() ?? '', args: chromiumArguments });
    this.running = { app, browser };
    const { agents = 0 } = this.options;
    if (agents > 0) await this.startFleet(agents);
  }

  async stop(): Promise<void> {
    if (this.running === null) return;
    const { app, browser } = this.running;
    this.running = null;
    await Promise.all(this.fleets.map((fleet) => fleet.stop()));
    await browser.close();
    await app.stop();
  }

  /** Starts simulated agents `<prefix>-0001`…; resolves when all of them have delivered something. */
  async startFleet(agents: number, options: Partial<FleetOptions> = {}): Promise<Fleet> {
    const fleet = new Fleet({
      url: this.app.wsUrl,
      token: null,
      agents,
      intervalS: 1,
      series: 22,
      startsPerSecond: 1_000,
      timings: { minBackoffMs: 50, maxBackoffMs: 500 },
      version: '1.2.3',
      clock: { nowMs: () => Date.now() },
      logger: silentLogger,
      ...this.options.fleet,
      ...options,
    });
    this.fleets.push(fleet);
    await fleet.start();
    for (const deadline = Date.now() + FLEET_MS; fleet.stats().connected < agents || fleet.stats().ackedBatches < agents; await sleep(20)) {
      if (Date.now() > deadline) throw new Error(`the fleet did not come up: ${JSON.stringify(fleet.stats())}`);
    }
    return fleet;
  }

  /** A page that has nothing in it yet. */
  async newPage(options: PageOptions = {}): Promise<WatchedPage> {
    const watched = await WatchedPage.open(this.browser, this.app.url, options);
    watched.page.setDefaultTimeout(WAIT_MS);
    this.pages.push(watched);
    return watched;
  }

  /** A page at this address, with its heading on the screen. */
  async open(path: string, options: PageOptions = {}): Promise<WatchedPage> {
    const watched = await this.newPage(options);
    await watched.page.goto(path);
    await watched.page.locator('h1').waitFor();
    return watched;
  }

  /** The same, and everything it asked for first has come. */
  async openSettled(path: string, options: PageOptions = {}): Promise<WatchedPage> {
    const watched = await this.open(path, options);
    await settled(watched.page);
    return watched;
  }

  /** Closes what the test opened; fails when something went wrong in it. */
  async closePages(): Promise<void> {
    const pages = this.pages;
    this.pages = [];
    const wrongs = await Promise.all(pages.map((page) => page.close()));
    expect(wrongs.flat()).toEqual([]);
  }

  private get parts(): { app: TestApp; browser: Browser } {
    if (this.running === null) throw new Error('the console is not running');
    return this.running;
  }
}

/** Resolves when half a second has passed in which nothing was being fetched. */
export async function settled(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle');
}
