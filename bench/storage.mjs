/**
 * `npm run bench:storage`: what a day of samples takes on disk, and how long questions about it take over REST; beside
 * VictoriaMetrics where that is installed. Prints tables and updates docs/benchmarks.md.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from '../dist-bench/machine.js';
import { writeSection } from '../dist-bench/report.js';
import { ServerProcess } from '../dist-bench/server-process.js';
import { DayAgent, EQUAL, INTERVAL_MS, unequal } from './storage/day-fleet.mjs';
import { DatabaseFiller } from './storage/fill-database.mjs';
import { HttpClient } from './storage/http-client.mjs';
import { cold, compareHistories, questions, walkPages, warm } from './storage/queries.mjs';
import { report } from './storage/storage-report.mjs';
import { VictoriaMetrics, victoriaMetricsVersion } from './storage/victoria-metrics.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const HOUR_MS = 3_600_000;
const CYCLES_PER_HOUR = HOUR_MS / INTERVAL_MS;
/** A server folds what is ten minutes old: half of that is in the log on average. */
const LOG_MS = 5 * 60_000;
/** How long the warm questions take at most. */
const QUESTIONS_MS = 5 * 60_000;

const HELP = `npm run bench:storage -- [options]

  --agents N     default 100
  --hours N      of folded samples, default 24
  --unequal N    hours of the second fleet, agents of 5 to 400 series (default 6, 0: leave it out)
  --cold N       fresh starts per question (default 20, 0: leave them out)
  --warm N       warm runs per question (default 50)
  --quick        10 agents, 2 hours, few runs: shows whether it works, writes nothing
  --dir DIR      where databases go, a real disk (default: the system's temporary folder)
  --keep DIR     leaves the database of the first fleet in DIR (bench.db)
  --no-peer      without VictoriaMetrics
  --server-args  flags for the Node of the server, separated by spaces (to profile it)
  --out FILE     document to update (default docs/benchmarks.md)
`;

function parseOptions() {
  const { values } = parseArgs({
    options: {
      agents: { type: 'string' },
      hours: { type: 'string' },
      unequal: { type: 'string' },
      cold: { type: 'string' },
      warm: { type: 'string' },
      quick: { type: 'boolean' },
      dir: { type: 'string' },
      keep: { type: 'string' },
      'no-peer': { type: 'boolean' },
      'server-args': { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return null;
  const quick = values.quick === true;
  const whole = (name, fallback) => {
    const number = Number(values[name] ?? fallback);
    if (!Number.isInteger(number) || number < 0) throw new Error(`--${name} must be a whole number`);
    return number;
  };
  const options = {
    agents: whole('agents', quick ? 10 : 100),
    hours: whole('hours', quick ? 2 : 24),
    unequalHours: whole('unequal', quick ? 1 : 6),
    cold: whole('cold', quick ? 2 : 20),
    warm: whole('warm', quick ? 5 : 50),
    quick,
    dir: resolve(values.dir ?? tmpdir()),
    keep: values.keep === undefined ? null : resolve(values.keep),
    withPeer: values['no-peer'] !== true,
    serverArgs: values['server-args']?.split(' ').filter((flag) => flag !== '') ?? [],
    out: resolve(ROOT, values.out ?? 'docs/benchmarks.md'),
  };
  return { ...options, isComplete: options.agents === 100 && options.hours === 24 && options.cold >= 20 && options.warm >= 20 };
}

/** Processes that are there now, to be ended when this one is, however that comes about. */
const living = new Set();

function endAll() {
  for (const pid of living) {
    try {
      process.kill(pid);
    } catch {
      // It has ended by itself.
    }
  }
}

/** A server in the shape that questions are asked of. */
function tracked({ pid }, client, stop) {
  living.add(pid);
  return {
    client,
    stop: async () => {
      await stop();
      living.delete(pid);
    },
  };
}

const say = (text) => process.stderr.write(`${text}\n`);

/**
 * Fills, folds, vacuums, measures. `livePath`: where to leave the database as a running server has it by then: hours that
 * are over folded, not yet merged into days, and nothing vacuumed.
 */
async function ourBytes(path, agents, hours, livePath = null) {
  const filler = new DatabaseFiller(path, agents);
  say(`writing ${hours} h of ${agents.length} agents …`);
  const samples = await filler.append(hours * CYCLES_PER_HOUR, say);
  say('folding …');
  let foldCpuSeconds = await filler.fold(false);
  if (livePath !== null) filler.copyTo(livePath);
  foldCpuSeconds += await filler.fold(true);
  filler.vacuum();
  const sizes = filler.sizes();
  say(`  ${samples} samples, ${(sizes.fileBytes / samples).toFixed(3)} bytes each`);
  return { filler, samples, foldCpuSeconds, ...sizes };
}

async function theirBytes(dir, agents, hours) {
  const peer = await VictoriaMetrics.start(dir);
  const { stop } = tracked(peer, peer.client, () => peer.stop());
  say('the same for VictoriaMetrics …');
  const taken = await peer.import(agents, hours * CYCLES_PER_HOUR, say);
  const mergeCpuSeconds = await peer.merge();
  await stop();
  // Ended, it has written all it had in memory.
  const sizes = peer.dataBytes();
  say(`  ${taken.samples} samples, ${(sizes.all / taken.samples).toFixed(3)} bytes each`);
  return { ...taken, mergeCpuSeconds, ...sizes };
}

/**
 * What came in since the day ended, as a running server has it: folded but for the last minutes. It goes on for as long as the
 * questions take, so that there always are samples of the last five minutes.
 */
async function fillUntilNow(filler, path, dayEndMs) {
  say('what came in since …');
  const cyclesUntil = (ms) => Math.max(0, Math.floor((ms - dayEndMs) / INTERVAL_MS));
  const folded = cyclesUntil(Date.now() - LOG_MS);
  await filler.appendTo(path, folded);
  await filler.fold(false);
  await filler.append(cyclesUntil(Date.now() + QUESTIONS_MS) - folded);
}

async function ask(serverDir, peerDir, fleet, dayEndMs, options) {
  const startServer = async () => {
    const server = await ServerProcess.start({ entry: join(ROOT, 'dist/main.js'), dir: serverDir, nodeArgs: options.serverArgs });
    const client = new HttpClient(server.port);
    return tracked(server, client, async () => {
      client.close();
      await server.stop();
    });
  };
  const startPeer = async () => {
    const peer = await VictoriaMetrics.start(peerDir);
    return tracked(peer, peer.client, () => peer.stop());
  };
  const server = await startServer();
  const peer = peerDir === null ? null : await startPeer();
  let list;
  let page = null;
  let same = null;
  const rows = [];
  try {
    const number = options.quick ? 10 : 1_000;
    say(`going to page ${number} …`);
    page = await walkPages(server.client, dayEndMs, number);
    list = questions({ agentId: fleet[3].id, agents: fleet.length, dayEndMs, page });
    if (peer !== null) {
      const history = list.find(({ name }) => name.startsWith('raw history'));
      same = await compareHistories(server.client, peer.client, history);
    }
    for (const question of list) {
      const ours = await warm(server.client, question.ours, options.warm);
      const theirs =
        peer === null || question.theirs === null ? null : await warm(peer.client, question.theirs.map(withCache), options.warm);
      say(`  ${question.name}: ${ours.p50.toFixed(1)} ms${theirs === null ? '' : `, VictoriaMetrics ${theirs.p50.toFixed(1)} ms`}`);
      rows.push({ name: question.name, aimMs: question.aimMs ?? null, ours, theirs, oursCold: null, theirsCold: null });
    }
  } finally {
    await server.stop();
    await peer?.stop();
  }
  if (options.cold > 0) {
    for (const [i, question] of list.entries()) {
      say(`cold: ${question.name} …`);
      rows[i].oursCold = await cold(startServer, question.ours, options.cold);
      if (peer !== null && question.theirs !== null) rows[i].theirsCold = await cold(startPeer, question.theirs, options.cold);
    }
  }
  return { rows, page, same };
}

/** VictoriaMetrics' cache of answers is left on where it had time to fill, as ours is. */
function withCache(path) {
  return path.replace('nocache=1&', '');
}

async function run(options) {
  const folder = mkdtempSync(join(options.dir, 'ccv-bench-storage-'));
  process.on('exit', () => {
    endAll();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  const serverDir = options.keep ?? join(folder, 'ours');
  mkdirSync(serverDir, { recursive: true });
  const version = options.withPeer ? victoriaMetricsVersion() : null;
  if (version === null) say('VictoriaMetrics is not on the PATH (or was left out): without comparison.');
  const machine = describeMachine(options.dir);
  const startMs = Date.now() - options.hours * HOUR_MS;
  const fleetOf = (shape, from = startMs) =>
    Array.from({ length: options.agents }, (_, i) => new DayAgent(i, shape(i, options.agents), from));

  const path = join(serverDir, 'bench.db');
  // Nothing is added to what somebody kept.
  if (existsSync(path)) throw new Error(`${path} exists already`);
  const fleet = fleetOf(EQUAL);
  const equal = { ours: await ourBytes(join(folder, 'folded.db'), fleet, options.hours, path), theirs: null };
  const peerDir = version === null ? null : join(folder, 'theirs');
  if (peerDir !== null) equal.theirs = await theirBytes(peerDir, fleetOf(EQUAL), options.hours);
  let mixed = null;
  if (options.unequalHours > 0) {
    const from = Date.now() - options.unequalHours * HOUR_MS;
    const agents = fleetOf(unequal, from);
    const series = agents.map(({ seriesCount }) => seriesCount);
    mixed = { ours: await ourBytes(join(folder, 'unequal.db'), agents, options.unequalHours), theirs: null, series };
    if (version !== null) mixed.theirs = await theirBytes(join(folder, 'unequal-theirs'), fleetOf(unequal, from), options.unequalHours);
  }
  await fillUntilNow(equal.ours.filler, path, startMs + options.hours * HOUR_MS);
  const answers = await ask(serverDir, peerDir, fleet, startMs + options.hours * HOUR_MS, options);
  const text = report({ machine, version, equal, mixed, answers, options });
  process.stdout.write(`\n${text}\n`);
  if (options.isComplete) writeSection(options.out, 'storage', text);
  say(options.isComplete ? `\nWritten to ${options.out}` : '\nNot a complete run: the document was not changed.');
}

const options = parseOptions();
if (options === null) process.stdout.write(HELP);
else await run(options);
