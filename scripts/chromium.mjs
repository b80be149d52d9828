/**
 * What the browser tests and the screenshots need of the machine: a Chromium, and the console built. Also says in a sentence why they
 * cannot run, for those who were expecting them.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-stable', '/usr/bin/google-chrome'];

/** The console as `npm run build` leaves it; settings know it as CONSOLE_DIR. */
export const consoleDir = fileURLToPath(new URL('../web/dist/browser', import.meta.url));

/** No sandbox: tests often run as root, where it cannot work. Nothing calls home, and no name but this machine's is looked up. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Where Chromium is: CHROMIUM_PATH, or where distributions put it. Null: nowhere. */
export function chromiumPath() {
  const places = process.env.CHROMIUM_PATH ? [process.env.CHROMIUM_PATH] : PLACES;
  return places.find((path) => existsSync(path)) ?? null;
}

/** Null when the browser tests can run; otherwise the reason, and what to do about it. */
export function whyNoBrowserTests() {
  if (chromiumPath() === null) {
    const where = process.env.CHROMIUM_PATH ? `CHROMIUM_PATH says ${process.env.CHROMIUM_PATH}, where nothing is` : 'there is no Chromium';
    return `${where} (get it with "apt-get install chromium", or set CHROMIUM_PATH)`;
  }
  if (!existsSync(`${consoleDir}/index.html`)) return 'the console is not built (build it with "npm run build:console")';
  return null;
}
