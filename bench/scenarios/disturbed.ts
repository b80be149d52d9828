/**
 * The open loop again, while all else is at work: the server finds hours of a log that nobody has folded and days whose
 * samples have had their time, so that it folds, merges, makes rollups and deletes all the while; consoles poll their
 * dashboards, and a backup is made. What the agents play back lies in hours that are over as well: it is folded as it comes.
 */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchContext, Running } from '../bench-context.js';
import { type DashboardAnswers, Dashboards } from '../dashboards.js';
import { Exposition } from '../exposition.js';
import { planHistory, SAMPLES_PER_BATCH } from '../fleet.js';
import { startUsage, type Usage } from '../measure.js';
import { type Percentiles, percentiles } from '../percentiles.js';
import { ScriptRun } from '../run-script.js';
import { SHARE_OF_CEILING } from './open-loop.js';

const AGENTS = 100;
export const CONSOLES = 4;
/** The window is so many times as long as the others: a console asks once in five seconds, a backup takes several. */
const LONGER = 3;
const SPARE_SECONDS = 10;
const RETENTION_DAYS = 30;
const COMPACT_INTERVAL_MS = 100;
const CLEANUP_INTERVAL_MS = 1_000;
/** Time into the window at which the backup begins. */
const BACKUP_AFTER_SHARE = 0.3;
const LOOK_EVERY_MS = 1_000;
const TIERS = ['raw', '5m', '1h'] as const;

export interface Folding {
  /** Rows of the batch log that became part of a unit. */
  readonly batches: number;
  readonly tiers: readonly { readonly tier: string; readonly units: number; readonly samples: number }[];
}

export interface DisturbedResult {
  readonly agents: number;
  readonly seconds: number;
  readonly ceilingSamplesPerSecond: number;
  readonly offeredSamplesPerSecond: number;
  readonly samplesPerSecond: number;
  readonly ackMs: Percentiles;
  readonly latenessMs: Percentiles;
  readonly unacknowledgedAtEnd: number;
  /** What the server found: samples in the log, and of these older than retention. */
  readonly backlog: { readonly samples: number; readonly expiredSamples: number };
  readonly folded: Folding;
  /** Seconds of the window in which units were written. */
  readonly foldingSeconds: number;
  readonly largestWalBytes: number;
  readonly dashboards: readonly DashboardAnswers[];
  readonly backup: { readonly seconds: number; readonly bytes: number; readonly withinWindow: boolean };
  readonly usage: Usage;
}

/** Runs at 70 % of `ceilingSamplesPerSecond`. Throws when the backup fails. */
export async function disturbed(context: BenchContext, root: string, ceilingSamplesPerSecond: number): Promise<DisturbedResult> {
  let backlog = { samples: 0, expiredSamples: 0 };
  return context.withServer((running) => measure(context, running, ceilingSamplesPerSecond, backlog), {
    env: {
      COMPACT_INTERVAL: String(COMPACT_INTERVAL_MS),
      CLEANUP_INTERVAL: String(CLEANUP_INTERVAL_MS),
      METRICS_RETENTION_DAYS: String(RETENTION_DAYS),
    },
    prepare: async (path) => {
      backlog = await fillBacklog(context, root, path);
    },
  });
}

async function fillBacklog(context: BenchContext, root: string, path: string): Promise<DisturbedResult['backlog']> {
  const { quick } = context.options;
  const order = { path, agents: AGENTS, hours: quick ? 1 : 12, expiredDays: quick ? 1 : 8, retentionDays: RETENTION_DAYS };
  const run = new ScriptRun(join(root, 'bench/storage/fill-backlog.mjs'), [JSON.stringify(order)]);
  return context.owning(
    () => run.stop(),
    async () => JSON.parse(await run.output) as DisturbedResult['backlog'],
  );
}

async function measure(
  context: BenchContext,
  running: Running,
  ceilingSamplesPerSecond: number,
  backlog: DisturbedResult['backlog'],
): Promise<DisturbedResult> {
  const { server, load } = running;
  const { warmUpSeconds } = context.options;
  const seconds = context.options.seconds * LONGER;
  const batchesPerSecond = (ceilingSamplesPerSecond * SHARE_OF_CEILING) / SAMPLES_PER_BATCH;
  await load.connect(server, AGENTS, AGENTS, planHistory(Date.now(), AGENTS, warmUpSeconds + seconds + SPARE_SECONDS));
  const loading = load.openLoop(batchesPerSecond, warmUpSeconds, seconds);
  // Awaited below; until then a failure must not count as unhandled.
  loading.catch(() => undefined);
  await sleep(warmUpSeconds * 1000);

  const dashboards = new Dashboards(server, CONSOLES);
  dashboards.start();
  const backing = backUp(context, running, seconds * BACKUP_AFTER_SHARE);
  backing.catch(() => undefined);
  const stopUsage = startUsage(running);
  const watched = await watchFolding(server, seconds, loading);
  const usage = stopUsage();
  const windowEndMs = performance.now();
  const answers = await dashboards.stop();
  const answer = await loading;
  const backup = await backing;
  await load.disconnect();
  return {
    agents: AGENTS,
    seconds,
    ceilingSamplesPerSecond,
    offeredSamplesPerSecond: batchesPerSecond * SAMPLES_PER_BATCH,
    samplesPerSecond: answer.samples / seconds,
    ackMs: percentiles(answer.latenciesMs),
    latenessMs: percentiles(answer.latenessMs),
    unacknowledgedAtEnd: answer.unacknowledgedAtEnd,
    backlog,
    ...watched,
    dashboards: answers,
    backup: { seconds: backup.seconds, bytes: backup.bytes, withinWindow: backup.endMs <= windowEndMs },
    usage,
  };
}

/** Looks at the server's counters for `seconds`, or until `loading` fails. */
async function watchFolding(
  server: Running['server'],
  seconds: number,
  loading: Promise<unknown>,
): Promise<Pick<DisturbedResult, 'folded' | 'foldingSeconds' | 'largestWalBytes'>> {
  const endMs = performance.now() + seconds * 1000;
  const first = foldingOf(await Exposition.read(server));
  let last = first;
  let foldingSeconds = 0;
  let largestWalBytes = 0;
  for (let leftMs = endMs - performance.now(); leftMs > 0; leftMs = endMs - performance.now()) {
    await Promise.race([sleep(Math.min(LOOK_EVERY_MS, leftMs)), loading]);
    const figures = await Exposition.read(server);
    const now = foldingOf(figures);
    if (unitsOf(now) > unitsOf(last)) foldingSeconds += Math.min(LOOK_EVERY_MS, leftMs) / 1000;
    largestWalBytes = Math.max(largestWalBytes, figures.value('ccv_database_wal_bytes'));
    last = now;
  }
  const folded = {
    batches: last.batches - first.batches,
    tiers: last.tiers.map(({ tier, units, samples }, i) => ({
      tier,
      units: units - (first.tiers[i]?.units ?? 0),
      samples: samples - (first.tiers[i]?.samples ?? 0),
    })),
  };
  return { folded, foldingSeconds, largestWalBytes };
}

function foldingOf(figures: Exposition): Folding {
  return {
    batches: figures.value('ccv_folded_batches_total'),
    tiers: TIERS.map((tier) => ({
      tier,
      units: figures.value(`ccv_units_written_total{tier="${tier}"}`),
      samples: figures.value(`ccv_unit_samples_written_total{tier="${tier}"}`),
    })),
  };
}

function unitsOf(folding: Folding): number {
  return folding.tiers.reduce((sum, { units }) => sum + units, 0);
}

/** Runs the backup tool, as an operator would. */
async function backUp(
  context: BenchContext,
  { server }: Running,
  afterSeconds: number,
): Promise<{ seconds: number; bytes: number; endMs: number }> {
  await sleep(afterSeconds * 1000);
  const target = `${server.databasePath}.backup`;
  const startMs = performance.now();
  const run = new ScriptRun(join(dirname(context.options.server), 'tools/backup.js'), ['--db', server.databasePath, target]);
  await context.owning(
    () => run.stop(),
    () => run.output,
  );
  const endMs = performance.now();
  return { seconds: (endMs - startMs) / 1000, bytes: statSync(target).size, endMs };
}
