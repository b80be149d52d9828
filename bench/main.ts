/**
 * `npm run bench`: measures the built server from outside, as agents see it, prints a table and updates
 * docs/benchmarks.md. See options.ts for what can be asked. Ends with 1 when anything was not as it must be (a batch not
 * acknowledged in full, a connection lost, a server that does not stop cleanly); a missed aim is told, not punished.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchContext } from './bench-context.js';
import { describeMachine } from './machine.js';
import { HELP, type Options, parseOptions, UsageError } from './options.js';
import { ingestReport, profileReport, type Results, type Section, writeSection } from './report.js';
import { CLOSED_LOOP_SHAPES, type ClosedLoopResult, closedLoop, isReference, REFERENCE_SHAPE } from './scenarios/closed-loop.js';
import { idleAndStorm, whyNotIdle } from './scenarios/idle-and-storm.js';
import { openLoop } from './scenarios/open-loop.js';
import { profileRun } from './scenarios/profile-run.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measure(context: BenchContext): Promise<Results> {
  const { scenarios, connections, seconds } = context.options;
  const closedLoops: ClosedLoopResult[] = [];
  const measureClosed = async (shape: (typeof CLOSED_LOOP_SHAPES)[number]): Promise<ClosedLoopResult> => {
    say(`closed loop: ${shape.agents} agents, ${shape.inFlight} in flight${shape.fastParser ? '' : ', JSON.parse'}, ${seconds} s …`);
    const result = await closedLoop(context, shape);
    say(`  ${Math.round(result.samplesPerSecond)} samples/s, ${Math.round(result.samplesPerCpuSecond)} per CPU-second`);
    return result;
  };
  if (scenarios.includes('a')) {
    for (const shape of CLOSED_LOOP_SHAPES) closedLoops.push(await measureClosed(shape));
  }

  let idle: Results['idle'] = null;
  let storm: Results['storm'] = null;
  if (scenarios.includes('b') || scenarios.includes('c')) {
    const obstacle = whyNotIdle(connections);
    if (obstacle === null) {
      say(`${connections} idle connections${scenarios.includes('c') ? ', then the storm' : ''} …`);
      ({ idle, storm } = await idleAndStorm(context, scenarios.includes('c')));
    } else {
      say(obstacle);
      context.notes.push(obstacle);
    }
  }

  let open: Results['openLoop'] = null;
  if (scenarios.includes('d')) {
    const ceiling = closedLoops.find(isReference) ?? (await measureClosed(REFERENCE_SHAPE));
    say(`open loop, ${seconds} s …`);
    open = await openLoop(context, ceiling.samplesPerSecond);
  }
  return { closedLoops, idle, storm, openLoop: open };
}

async function run(context: BenchContext, options: Options): Promise<void> {
  const machine = describeMachine(options.dir);
  let section: Section;
  let report: string;
  if (options.profile) {
    say('closed loop under --cpu-prof …');
    section = 'profile';
    report = profileReport(await profileRun(context, ROOT), machine, options, context.notes);
  } else {
    section = 'ingest';
    report = ingestReport(await measure(context), machine, options, context.notes);
  }
  process.stdout.write(`\n${report}\n`);
  if (options.out === null) {
    say('\nNot a complete run: the document was not changed.');
  } else {
    writeSection(options.out, section, report);
    say(`\nWritten to ${options.out}`);
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
