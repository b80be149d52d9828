/**
 * The figures as Markdown, for the terminal and for docs/benchmarks.md. In the document only what stands between a
 * section's markers is replaced, so that the words around it stay.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Machine } from './machine.js';
import { aimRow, count, fixed, megabytes, ms, percent, table } from './markdown.js';
import type { Usage } from './measure.js';
import type { Options } from './options.js';
import { type ClosedLoopResult, isReference, REFERENCE_SHAPE } from './scenarios/closed-loop.js';
import type { IdleResult, StormResult } from './scenarios/idle-and-storm.js';
import { type OpenLoopResult, SHARE_OF_CEILING } from './scenarios/open-loop.js';
import type { ProfileResult } from './scenarios/profile-run.js';

/** Cores that other programs may use before the figures come with a warning. */
const QUIET_CORES = 0.05;
const MB = 1_000_000;

export interface Results {
  readonly closedLoops: readonly ClosedLoopResult[];
  readonly idle: IdleResult | null;
  readonly storm: StormResult | null;
  readonly openLoop: OpenLoopResult | null;
}

export type Section = 'ingest' | 'disturbed' | 'rules' | 'profile';

export function ingestReport(results: Results, machine: Machine, options: Options, notes: readonly string[]): string {
  const { closedLoops, idle, storm, openLoop } = results;
  const parts = [heading(machine, options), aimsTable(results)];
  if (closedLoops.length > 0) {
    parts.push(
      '### Closed loop: the ceiling',
      table(
        [
          'agents',
          'in flight',
          'parser',
          'samples/s',
          'samples per CPU-second',
          'server cores',
          'of it event loop',
          'ack p50',
          'ack p99',
          'ack max',
          'memory',
          'generator cores',
        ],
        closedLoops.map((r) => [
          count(r.agents),
          count(r.inFlight),
          r.fastParser ? 'fast' : 'JSON.parse',
          count(r.samplesPerSecond),
          count(r.samplesPerCpuSecond),
          fixed(r.usage.serverCpu / r.usage.seconds, 2),
          fixed(r.usage.eventLoopCpu / r.usage.seconds, 2),
          ms(r.ackMs.p50),
          ms(r.ackMs.p99),
          ms(r.ackMs.max),
          megabytes(r.usage.residentBytes),
          fixed(r.usage.loadCpu / r.usage.seconds, 2),
        ]),
      ),
    );
  }
  if (idle !== null) {
    parts.push(
      '### Idle connections',
      table(
        ['agents', 'memory before', 'memory with all, 30 s later', 'highest', 'per connection', 'connecting took', 'refusals'],
        [
          [
            count(idle.connections),
            megabytes(idle.emptyBytes),
            megabytes(idle.residentBytes),
            megabytes(idle.peakBytes),
            `${fixed(idle.bytesPerConnection / 1000, 1)} kB`,
            `${fixed(idle.connectSeconds, 1)} s`,
            count(idle.refusals),
          ],
        ],
      ),
    );
  }
  if (storm !== null) {
    parts.push(
      '### Reconnect storm',
      table(
        [
          'agents',
          'all registered after',
          'refusals',
          'an agent waits, p50',
          'p99',
          '/health p50',
          '/health p99',
          '/health max',
          'highest memory',
        ],
        [
          [
            count(storm.connections),
            `${fixed(storm.seconds, 1)} s`,
            count(storm.refusals),
            ms(storm.waitMs.p50),
            ms(storm.waitMs.p99),
            ms(storm.healthMs.p50),
            ms(storm.healthMs.p99),
            ms(storm.healthMs.max),
            megabytes(storm.peakBytes),
          ],
        ],
      ),
    );
  }
  if (openLoop !== null) {
    parts.push(
      `### Open loop at ${Math.round(SHARE_OF_CEILING * 100)} % of the ceiling`,
      table(
        [
          'agents',
          'offered samples/s',
          'acknowledged',
          'samples per CPU-second',
          'ack p50',
          'ack p99',
          'ack max',
          'sent late, p99',
          '/health p50',
          '/health p99',
          'still due at the end',
        ],
        [
          [
            count(openLoop.agents),
            count(openLoop.offeredSamplesPerSecond),
            count(openLoop.samplesPerSecond),
            count(openLoop.samplesPerCpuSecond),
            ms(openLoop.ackMs.p50),
            ms(openLoop.ackMs.p99),
            ms(openLoop.ackMs.max),
            ms(openLoop.latenessMs.p99),
            ms(openLoop.healthMs.p50),
            ms(openLoop.healthMs.p99),
            count(openLoop.unacknowledgedAtEnd),
          ],
        ],
      ),
    );
  }
  parts.push(method(options));
  const remarks = [...disturbances([...closedLoops, ...(openLoop === null ? [] : [openLoop])]), ...refusalNotes(storm), ...notes];
  if (remarks.length > 0) parts.push(remarks.map((note) => `- ${note}`).join('\n'));
  return parts.join('\n\n');
}

export function profileReport({ run, threads }: ProfileResult, machine: Machine, options: Options, notes: readonly string[]): string {
  const parts = [
    heading(machine, options),
    `Closed loop, ${run.agents} agents, under \`node --cpu-prof\`: ${count(run.samplesPerSecond)} samples/s, ${count(run.samplesPerCpuSecond)} per CPU-second (profiling itself costs some of that). "Busy" is the thread's share of the measured window, waiting for the disk inside a call included; the shares of functions are self time within it. Built-ins such as JSON.parse count as their caller's own time; \`(program)\` is native code without a name of its own, mostly system calls.`,
  ];
  for (const thread of threads) {
    parts.push(
      `### ${thread.name === 'event loop' ? 'Event loop' : `\`${thread.name}\``}: busy ${percent(thread.busyShare)}`,
      table(
        ['self time', 'function', 'where'],
        thread.functions.map((f) => [percent(f.share), `\`${f.name}\``, f.place]),
      ),
    );
  }
  if (notes.length > 0) parts.push(notes.map((note) => `- ${note}`).join('\n'));
  return parts.join('\n\n');
}

const TITLES: Readonly<Record<Section, string>> = {
  ingest: 'Ingest',
  disturbed: 'Ingest while all else is at work',
  rules: 'Ingest with and without alert rules',
  profile: 'Where the time goes',
};

/** Puts `text` between the section's markers; adds the section, or the whole document, where there is none. */
export function writeSection(file: string, section: Section, text: string): void {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '# Benchmarks\n';
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, replaceSection(before, section, text));
}

/** @throws Error when only one of the two markers is there. */
export function replaceSection(document: string, section: Section, text: string): string {
  const open = `<!-- bench:${section} -->`;
  const close = `<!-- /bench:${section} -->`;
  const from = document.indexOf(open);
  const to = document.indexOf(close);
  if (from === -1 && to === -1) {
    return `${document.trimEnd()}\n\n## ${TITLES[section]}\n\n${open}\n${text}\n${close}\n`;
  }
  if (from === -1 || to < from) throw new Error(`the document's markers of section "${section}" are not a pair`);
  return `${document.slice(0, from + open.length)}\n${text}\n${document.slice(to)}`;
}

/** Where and when the figures were taken, and how. */
export function heading(machine: Machine, options: Options): string {
  return [
    `- ${machine.cpu}, ${machine.cores} cores shared by server and load, ${fixed(machine.memoryBytes / 1e9, 0)} GB, ${machine.kernel}, Node ${machine.node}`,
    `- yardstick: one JSON.parse of a batch takes ${fixed(machine.parseUs, 0)} µs of CPU here`,
    `- disk: ${machine.disk}; 4 kB append + fdatasync: median ${ms(machine.syncMs.p50)}, p99 ${ms(machine.syncMs.p99)}`,
    `- ${new Date().toISOString().slice(0, 10)}, \`${options.command}\`${options.quick ? ' (a quick run: these figures mean nothing)' : ''}`,
  ].join('\n');
}

function aimsTable({ closedLoops, idle, storm, openLoop }: Results): string {
  const reference = closedLoops.find(isReference);
  return table(
    ['', 'aim', 'measured', 'reached'],
    [
      aimRow(
        `samples per CPU-second of the server (${REFERENCE_SHAPE.agents} agents)`,
        '≥ 300,000',
        reference?.samplesPerCpuSecond,
        count,
        (v) => v >= 300_000,
      ),
      aimRow(
        `memory with ${count(idle?.connections ?? 10_000)} connected agents`,
        '≤ 250 MB',
        idle?.residentBytes,
        megabytes,
        (v) => v <= 250 * MB,
      ),
      aimRow(
        'storm: until all are registered again',
        '≤ 20 s',
        storm?.seconds,
        (v) => `${fixed(v, 1)} s`,
        (v) => v <= 20,
      ),
      aimRow('storm: refusals', '0', storm?.refusals, count, (v) => v === 0),
      aimRow('open loop: ack p99', '≤ 50 ms', openLoop?.ackMs.p99, ms, (v) => v <= 50),
      aimRow('open loop: /health p99', '≤ 20 ms', openLoop?.healthMs.p99, ms, (v) => v <= 20),
    ],
  );
}

function method(options: Options): string {
  const frames = options.fragmentBytes === 0 ? 'in one frame each' : `in fragments of ${options.fragmentBytes} bytes`;
  return (
    'How: each row has a fresh server process and an empty database; ' +
    `${options.loadProcesses === 1 ? 'one load process' : `${options.loadProcesses} load processes`} on the same machine, batches of 100 metrics (about 17.5 kB) ${frames}; ` +
    `${options.warmUpSeconds} s warm-up, then ${options.seconds} s measured. Every acknowledgement was checked: 100 processed, 0 errors. CPU time is utime + stime of all ` +
    "threads of the server; memory is resident (VmRSS). A closed loop's latency counts from sending, the open loop's from the scheduled time. " +
    '`/health` is polled every 20 ms from a third process, from the scheduled time as well.'
  );
}

/** A warning when other programs were busy during one of the runs. */
export function disturbances(runs: readonly { readonly usage: Usage }[]): string[] {
  const cores = runs.map(({ usage }) => usage.othersCpu / usage.seconds);
  const most = Math.max(0, ...cores);
  return most > QUIET_CORES
    ? [`The machine was not quiet: other programs used up to ${fixed(most, 2)} cores meanwhile (the kernel's own work included).`]
    : [];
}

function refusalNotes(storm: StormResult | null): string[] {
  return storm === null || storm.firstRefusal === null ? [] : [`The first refusal of the storm: ${storm.firstRefusal}`];
}
