/**
 * `npm run screenshots`: a picture of each page in light, dark and phone width, as docs/screenshots/PAGE-{light,dark,phone}.png. From a
 * real server that a simulated fleet and the reference agent on this machine report to; nothing in them is painted by hand. Takes a
 * four minutes, most of it waiting for something to look at. Needs Chromium and the built console.
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ConsoleLab } from './console-lab.mjs';

const MAX_BYTES = 150_000;
const AGENT_ID = 'web-frontend-1';
const INTERVAL_S = 2;
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: fileURLToPath(new URL('../docs/screenshots', import.meta.url)) },
    seconds: { type: 'string', default: '170' },
  },
});

const LOOKS = [
  { look: 'light', theme: 'light', width: 1_280, height: 800 },
  { look: 'dark', theme: 'dark', width: 1_280, height: 800 },
  { look: 'phone', theme: 'light', width: 390, height: 844 },
];
const RANGE = 'range=2m';
const PAGES = [
  { name: 'overview', path: `/?${RANGE}`, minHeight: 1_060 },
  { name: 'agents', path: '/agents' },
  { name: 'agent', path: `/agents/${AGENT_ID}?${RANGE}` },
  { name: 'agent-configuration', path: `/agents/${AGENT_ID}?tab=config` },
  { name: 'alerts', path: '/alerts' },
  { name: 'alert-rules', path: '/alerts/rules' },
  { name: 'explorer', path: `/explore?m=ping_rtt_avg_ms&agent=fleet-0001&agent=fleet-0002&${RANGE}&step=5s`, minHeight: 960 },
  { name: 'topology', path: `/topology?${RANGE}` },
  { name: 'about', path: '/about' },
  { name: 'targets', path: '/targets' },
];
const TARGETS = [
  { name: 'This machine', type: 'ping', address: '127.0.0.1', interval: 30, timeout: 5, agent_ids: [AGENT_ID] },
  { name: 'Name servers', type: 'dns', address: 'example.com', interval: 60, timeout: 5 },
  { name: 'Shop, health', type: 'http', address: 'https://shop.example.com/health', interval: 60, timeout: 10, agent_ids: ['fleet-0004'] },
  {
    name: 'Database',
    type: 'tcp',
    address: 'db.example.com',
    port: 5432,
    interval: 30,
    timeout: 5,
    agent_ids: ['fleet-0001', 'fleet-0002'],
  },
];

async function populate(lab) {
  // One that has gone: a fleet of which nothing ever fails is not what people have.
  const leavers = await lab.startFleet({ agents: 1, intervalS: INTERVAL_S, series: 22, prefix: 'retired' });
  leavers.kill('SIGTERM');
  const file = join(lab.dir, 'agent.json');
  const local = { ping: ['127.0.0.1'], tcp: [`127.0.0.1:${lab.port}`], http: [`${lab.url}/health`], commands: ['report_status'] };
  const place = { provider: 'on-premise', region: 'lab', zone: 'rack-1' };
  writeFileSync(file, JSON.stringify({ interval: INTERVAL_S, ...place, ...local }), { mode: 0o600 });
  lab.startAgent(AGENT_ID, ['--config', file]);
  await lab.startFleet({ agents: 8, intervalS: INTERVAL_S, series: 34 });
  await lab.until(async () => (await lab.get('/api/v1/agents')).agents.some(({ id, status }) => id === AGENT_ID && status === 'connected'));
  const pinged = { ping: ['127.0.0.1'], tcp: local.tcp, http: local.http };
  await lab.put(`/api/v1/agents/${AGENT_ID}/config`, {
    collection_interval: INTERVAL_S,
    transmission_interval: INTERVAL_S,
    targets: pinged,
  });
}

async function shoot(lab, { name, path, minHeight = 0 }, { look, theme, width, height }) {
  const context = await lab.browser.newContext({
    baseURL: lab.url,
    colorScheme: theme,
    viewport: { width, height: Math.max(height, minHeight) },
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  await page.goto(path);
  await page.locator('h1').waitFor();
  await page.waitForLoadState('networkidle');
  // Charts are there when they have been drawn.
  await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
  const file = join(options.out, `${name}-${look}.png`);
  await page.screenshot({ path: file });
  await context.close();
  return { file, bytes: statSync(file).size };
}

const lab = new ConsoleLab();
try {
  await lab.start();
  mkdirSync(options.out, { recursive: true });
  await populate(lab);
  for (let left = Number(options.seconds); left > 0; left -= 5) await sleep(5_000);
  for (const page of PAGES) {
    // Not before: simulated agents cannot be configured, and all other pages would say so.
    if (page.name === 'targets') for (const target of TARGETS) await lab.post('/api/v1/targets', target);
    for (const look of LOOKS) {
      const { file, bytes } = await shoot(lab, page, look);
      console.log(`${file} ${Math.round(bytes / 1_000)} kB${bytes > MAX_BYTES ? ': LARGE' : ''}`);
    }
  }
} finally {
  await lab.stop();
}
