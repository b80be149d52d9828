/**
 * `npm run bench`: measures the built server from outside, as agents see it, prints a table and updates
 * docs/benchmarks.md. See options.ts for what can be asked. Ends with 1 when anything was not as it must be (a batch not
 * acknowledged in full, a connection lost, a server that does not stop cleanly); a missed aim is told, not punished.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchContext } from './bench-context.js';
import { disturbedReport } from './disturbed-report.js';
import { describeMachine, type Machine } from './machine.js';
import { HELP, type Options, parseOptions, SCENARIOS, UsageError } from './options.js';
import { rulesReport } from './rules-report.js';
import { ingestReport, profileReport, type Results, type Section, writeSection } from './report.js';
import {
  CLOSED_LOOP_SHAPES,
  type ClosedLoopResult,
  type ClosedLoopShape,
  closedLoop,
  isReference,
  REFERENCE_SHAPE,
} from './scenarios/closed-loop.js';
import { disturbed } from './scenarios/disturbed.js';
import { idleAndStorm, whyNotIdle } from './scenarios/idle-and-storm.js';
import { openLoop } from './scenarios/open-loop.js';
import { profileRun } from './scenarios/profile-run.js';
import { withRules } from './scenarios/with-rules.js';

/** The server takes a thousand, with those it begins with. */
const MOST_RULES = 990;
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** What stands under one heading of the document. `isComplete`: all of it was measured, for good. */
interface Report {
  readonly section: Section;
  readonly text: string;
  readonly isComplete: boolean;
}

async function measureClosed(context: BenchContext, shape: ClosedLoopShape): Promise<ClosedLoopResult> {
  say(
    `closed loop: ${shape.agents} agents, ${shape.inFlight} in flight${shape.fastParser ? '' : ', JSON.parse'}, ${context.options.seconds} s …`,
  );
  const result = await closedLoop(context, shape);
  say(`  ${Math.round(result.samplesPerSecond)} samples/s, ${Math.round(result.samplesPerCpuSecond)} per CPU-second`);
  return result;
}

/** What `ceiling` is to be asked for: given, found by a run already, or measured now, once. */
function ceilingOf(context: BenchContext, closedLoops: readonly ClosedLoopResult[]): () => Promise<number> {
  let known = context.options.ceilingSamplesPerSecond ?? closedLoops.find(isReference)?.samplesPerSecond ?? null;
  return async () => (known ??= (await measureClosed(context, REFERENCE_SHAPE)).samplesPerSecond);
}

async function measureIdle(context: BenchContext): Promise<Pick<Results, 'idle' | 'storm'>> {
  const { scenarios, connections } = context.options;
  if (!scenarios.includes('b') && !scenarios.includes('c')) return { idle: null, storm: null };
  const obstacle = whyNotIdle(connections);
  if (obstacle !== null) {
    say(obstacle);
    context.notes.push(obstacle);
    return { idle: null, storm: null };
  }
  say(`${connections} idle connections${scenarios.includes('c') ? ', then the storm' : ''} …`);
  return idleAndStorm(context, scenarios.includes('c'));
}

async function measure(context: BenchContext, machine: Machine): Promise<Report[]> {
  const { options } = context;
  const { scenarios, seconds } = options;
  const reports: Report[] = [];
  const closedLoops: ClosedLoopResult[] = [];
  if (scenarios.includes('a')) {
    for (const shape of CLOSED_LOOP_SHAPES) closedLoops.push(await measureClosed(context, shape));
  }
  const { idle, storm } = await measureIdle(context);
  const ceiling = ceilingOf(context, closedLoops);
  let open: Results['openLoop'] = null;
  if (scenarios.includes('d')) {
    const samplesPerSecond = await ceiling();
    say(`open loop, ${seconds} s …`);
    open = await openLoop(context, samplesPerSecond);
  }
  const ofIngest = SCENARIOS.filter((scenario) => scenario !== 'disturbed' && scenario !== 'rules');
  if (ofIngest.some((scenario) => scenarios.includes(scenario))) {
    const text = ingestReport({ closedLoops, idle, storm, openLoop: open }, machine, options, context.notes.splice(0));
    reports.push({ section: 'ingest', text, isComplete: !options.quick && ofIngest.every((scenario) => scenarios.includes(scenario)) });
  }
  if (scenarios.includes('disturbed')) {
    const samplesPerSecond = await ceiling();
    say('open loop while all else is at work …');
    const text = disturbedReport(await disturbed(context, ROOT, samplesPerSecond), machine, options, context.notes.splice(0));
    reports.push({ section: 'disturbed', text, isComplete: !options.quick });
  }
  if (scenarios.includes('rules')) {
    say('a fleet without alert rules, then with them …');
    const results = [await withRules(context, 0), await withRules(context, MOST_RULES)];
    const text = rulesReport(results, machine, options, context.notes.splice(0));
    reports.push({ section: 'rules', text, isComplete: !options.quick });
  }
  return reports;
}

async function run(context: BenchContext, options: Options): Promise<void> {
  const machine = describeMachine(options.dir);
  let reports: Report[];
  if (options.profile) {
    say('closed loop under --cpu-prof …');
    const text = profileReport(await profileRun(context, ROOT), machine, options, context.notes);
    reports = [{ section: 'profile', text, isComplete: !options.quick }];
  } else {
    reports = await measure(context, machine);
  }
  for (const { section, text, isComplete } of reports) {
    process.stdout.write(`\n${text}\n`);
    if (isComplete) writeSection(options.out, section, text);
    say(isComplete ? `\nWritten to ${options.out}` : `\nNot a complete run: section "${section}" of the document was not changed.`);
  }
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), ROOT);
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!existsSync(options.server)) throw new UsageError(`${options.server} does not exist: npm run build makes it`);
  const context = new BenchContext(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      say(`${signal}: stopping what was started …`);
      void context.releaseAll().then(() => process.exit(1));
    });
  }
  await run(context, options);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(
    error instanceof UsageError
      ? `${error.message}\n\n${HELP}`
      : `\nBENCH FAILED: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exitCode = 1;
}
