/**
 * How fast the console is in a browser: `npm run build && npm run bench:console [-- --agents N]`. Needs Chromium.
 *
 * Server, agents and browser share the machine, as on the laptop of somebody who tries this out; figures of the browser are the browser's
 * own (Performance API). A warm start is measured as well as a cold one: scripts are kept by the browser for good. Exit code 1: an aim
 * is missed.
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { ConsoleLab } from '../scripts/console-lab.mjs';

const AIMS = { scriptsKb: 220, usefulMs: 1_000, drawMs: 100, taskMs: 50 };
const ROUNDS = 7;
const CHART_SERIES = 100;
const CHART_POINTS = 2_880;
const CHART_STEP_MS = 30_000;
const CHART_METRIC = 'bench_console_value';
const BATCH = 5_760;
const WATCH_MS = 15_000;
const PANS = 60;

/** Runs before the page's own scripts. Canvas calls of one drawing follow each other without a pause. */
const PROBE = `(() => {
  const probe = { tasks: [], shift: 0, usefulMs: null, draws: [], frames: [] };
  Object.defineProperty(globalThis, 'probe', { value: probe });
  const observe = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  observe('longtask', ({ startTime, duration }) => probe.tasks.push({ startTime, duration }));
  observe('layout-shift', ({ value, hadRecentInput }) => { if (!hadRecentInput) probe.shift += value; });
  const useful = () => {
    if (/of [1-9][0-9,]* connected/.test(document.querySelector('main')?.textContent ?? '')) probe.usefulMs = performance.now();
    else requestAnimationFrame(useful);
  };
  requestAnimationFrame(useful);
  const { clearRect, stroke } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function (...args) {
    probe.draws.push({ startMs: performance.now(), endMs: performance.now(), strokes: 0 });
    return clearRect.apply(this, args);
  };
  CanvasRenderingContext2D.prototype.stroke = function (...args) {
    stroke.apply(this, args);
    const draw = probe.draws.at(-1);
    if (draw !== undefined) { draw.endMs = performance.now(); draw.strokes += 1; }
  };
})()`;

const { values: options } = parseArgs({ options: { agents: { type: 'string', default: '1000' } } });
const agents = Number(options.agents);
const lab = new ConsoleLab();
const missed = [];

function tell(what, value, unit, aim) {
  const isMissed = aim !== undefined && !(value <= aim);
  if (isMissed) missed.push(what);
  const aimText = aim === undefined ? '' : ` (aim: ${`${aim} ${unit}`.trimEnd()}${isMissed ? ', MISSED' : ''})`;
  console.log(`- ${what}: ${value === null ? 'not seen' : `${Math.round(value * 10) / 10} ${unit}`.trimEnd()}${aimText}`);
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const longest = (tasks) => Math.max(0, ...tasks.map(({ duration }) => duration));

async function openPage(context = null) {
  const own = context ?? (await lab.browser.newContext({ viewport: { width: 1_400, height: 900 } }));
  if (context === null) await own.addInitScript(PROBE);
  return own.newPage();
}

/** The page's policy forbids what Playwright's own waiting does with text. */
function whenTrue(page, expression) {
  return page.evaluate(`new Promise((resolve) => {
    const check = () => (${expression} ? resolve() : requestAnimationFrame(check));
    check();
  })`);
}

async function load(context) {
  const page = await openPage(context);
  const scripts = [];
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') scripts.push(response);
  });
  await page.goto(`${lab.url}/`);
  await whenTrue(page, 'globalThis.probe.usefulMs !== null');
  const paintMs = await page.evaluate(`performance.getEntriesByName('first-contentful-paint')[0].startTime`);
  const usefulMs = await page.evaluate('globalThis.probe.usefulMs');
  await page.waitForLoadState('networkidle');
  return { page, paintMs, usefulMs, scripts };
}

async function firstPaint() {
  console.log('\n## The overview, opened from this machine\n');
  const cold = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { page, ...figures } = await load(null);
    let gzipped = 0;
    for (const script of figures.scripts) gzipped += gzipSync(await script.body()).length;
    const { page: again, ...warm } = await load(page.context());
    cold.push({ ...figures, kilobytes: gzipped / 1_000, files: figures.scripts.length, warm });
    await again.context().close();
  }
  const of = (pick) => median(cold.map(pick));
  tell(
    'scripts of the overview, all of them, gzipped',
    of(({ kilobytes }) => kilobytes),
    'kB',
    AIMS.scriptsKb,
  );
  tell(
    'files they are in',
    of(({ files }) => files),
    '',
  );
  tell(
    'first paint',
    of(({ paintMs }) => paintMs),
    'ms',
  );
  tell(
    'first useful paint: the fleet in numbers',
    of(({ usefulMs }) => usefulMs),
    'ms',
    AIMS.usefulMs,
  );
  tell(
    'the same when scripts are in the browser already',
    of(({ warm }) => warm.usefulMs),
    'ms',
    AIMS.usefulMs,
  );
}

async function seedChart() {
  const endMs = Math.floor(Date.now() / CHART_STEP_MS) * CHART_STEP_MS;
  const metrics = [];
  for (let i = CHART_POINTS; i > 0; i -= 1) {
    for (let series = 0; series < CHART_SERIES; series += 1) {
      const value = 50 + series + 10 * Math.sin((i + series * 40) / 60) + Math.random() * 5;
      const timestamp = new Date(endMs - i * CHART_STEP_MS).toISOString();
      metrics.push({ name: CHART_METRIC, type: 'gauge', value, unit: 'ms', tags: { line: String(series) }, timestamp });
    }
  }
  for (let i = 0; i < metrics.length; i += BATCH) {
    await lab.post('/api/v1/metrics', {
      agent_id: 'bench',
      timestamp: new Date().toISOString(),
      metrics: metrics.slice(i, i + BATCH),
    });
  }
  return endMs;
}

async function drawChart() {
  console.log(`\n## A chart of ${CHART_SERIES} series × ${CHART_POINTS} points\n`);
  const endMs = await seedChart();
  const range = { from: new Date(endMs - CHART_POINTS * CHART_STEP_MS).toISOString(), to: new Date(endMs).toISOString() };
  const draws = [];
  const tasks = [];
  let page = null;
  for (let round = 0; round < ROUNDS; round += 1) {
    await page?.context().close();
    page = await openPage();
    await page.goto(`${lab.url}/explore?${new URLSearchParams({ m: CHART_METRIC, step: '30s', ...range })}`);
    await whenTrue(page, `globalThis.probe.draws.some(({ strokes }) => strokes >= ${CHART_SERIES})`);
    await page.waitForLoadState('networkidle');
    const probe = await page.evaluate('globalThis.probe');
    const first = probe.draws.find(({ strokes }) => strokes >= CHART_SERIES);
    draws.push(first.endMs - first.startMs);
    // The task that drew it does more: it makes the page around the chart, and the lines' list.
    tasks.push(longest(probe.tasks.filter(({ startTime, duration }) => startTime <= first.endMs && startTime + duration >= first.startMs)));
  }
  tell('drawing it (from the first call on the canvas to the last)', median(draws), 'ms', AIMS.drawMs);
  tell('the task that drew it, everything included', median(tasks), 'ms');
  await pan(page);
  await page.context().close();
}

async function pan(page) {
  const box = await page.locator('ccv-chart').first().boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.evaluate(`(() => {
    const { probe } = globalThis;
    probe.draws.length = 0;
    probe.tasks.length = 0;
    let last = performance.now();
    const frame = (now) => { probe.frames.push(now - last); last = now; requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
  })()`);
  for (let i = 0; i < PANS; i += 1) await page.mouse.wheel(i < PANS / 2 ? 20 : -20, 0);
  const { frames, draws, tasks } = await page.evaluate('globalThis.probe');
  const drawn = draws.filter(({ strokes }) => strokes >= CHART_SERIES).map(({ startMs, endMs }) => endMs - startMs);
  if (drawn.length === 0) {
    console.log('- panning: the chart was not drawn again');
    return;
  }
  tell(`panning by wheel, drawing it each of ${drawn.length} times`, median(drawn), 'ms', AIMS.drawMs);
  tell('panning: time between two frames', median(frames.slice(1)), 'ms');
  tell('panning: longest time between two frames', Math.max(...frames.slice(1)), 'ms');
  tell('panning: longest task', longest(tasks), 'ms');
}

async function watchFleet(path) {
  const page = await openPage();
  await page.goto(`${lab.url}${path}`);
  await page.locator('h1').waitFor();
  await page.waitForLoadState('networkidle');
  await sleep(1_000);
  const loading = await page.evaluate('globalThis.probe');
  await page.evaluate('globalThis.probe.tasks.length = 0; globalThis.probe.shift = 0');
  await sleep(WATCH_MS);
  const { tasks, shift } = await page.evaluate('globalThis.probe');
  tell(`${path}: longest task in ${WATCH_MS / 1_000} s of live data (those under 50 ms are not told)`, longest(tasks), 'ms', AIMS.taskMs);
  tell(`${path}: tasks over 50 ms in that time`, tasks.length, '');
  tell(`${path}: layout shift in that time`, shift, '', 0.01);
  tell(`${path}: longest task while it loads`, longest(loading.tasks), 'ms');
  await page.context().close();
}

console.log('# The console in a browser\n');
try {
  await lab.start();
  console.log(`- ${cpus()[0]?.model}, ${cpus().length} cores; Chromium ${lab.browser.version()}, Node ${process.version}`);
  const small = await lab.startFleet({ agents: 30, intervalS: 5, series: 20, prefix: 'small' });
  await firstPaint();
  await drawChart();
  small.kill('SIGTERM');
  console.log(`\n## ${agents} agents, live, each delivering every 10 s\n`);
  await lab.startFleet({ agents, intervalS: 10, series: 20, prefix: 'many' });
  for (const path of ['/', '/agents', '/agents/many-0001', '/topology', '/targets']) await watchFleet(path);
} finally {
  await lab.stop();
}
console.log(missed.length === 0 ? '\nAll aims are met.' : `\nMissed: ${missed.join('; ')}.`);
process.exitCode = missed.length === 0 ? 0 : 1;
