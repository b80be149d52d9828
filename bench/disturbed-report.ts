/** The figures of the disturbed open loop as Markdown: a section of the document for itself. */
import { DASHBOARD_PERIOD_MS } from './dashboards.js';
import type { Machine } from './machine.js';
import { aimRow, count, fixed, megabytes, ms, table } from './markdown.js';
import type { Options } from './options.js';
import { disturbances, heading } from './report.js';
import { CONSOLES, type DisturbedResult } from './scenarios/disturbed.js';
import { SHARE_OF_CEILING } from './scenarios/open-loop.js';

const AIM_ACK_MS = 100;

export function disturbedReport(result: DisturbedResult, machine: Machine, options: Options, notes: readonly string[]): string {
  const { folded, backup, backlog, usage } = result;
  const failures = result.dashboards.flatMap(({ path, firstError }) =>
    firstError === null ? [] : [`The first error of \`${path}\`: ${firstError}`],
  );
  const remarks = [...disturbances([result]), ...failures, ...notes];
  return [
    heading(machine, options),
    table(['', 'aim', 'measured', 'reached'], [aimRow('ack p99', `≤ ${AIM_ACK_MS} ms`, result.ackMs.p99, ms, (v) => v <= AIM_ACK_MS)]),
    table(
      [
        'agents',
        'offered samples/s',
        'acknowledged',
        'ack p50',
        'ack p99',
        'ack max',
        'sent late, p99',
        'server cores',
        'memory',
        'longest log',
      ],
      [
        [
          count(result.agents),
          count(result.offeredSamplesPerSecond),
          count(result.samplesPerSecond),
          ms(result.ackMs.p50),
          ms(result.ackMs.p99),
          ms(result.ackMs.max),
          ms(result.latenessMs.p99),
          fixed(usage.serverCpu / usage.seconds, 2),
          megabytes(usage.residentBytes),
          megabytes(result.largestWalBytes),
        ],
      ],
    ),
    table(
      ['folding', 'log rows folded', 'units of samples', 'samples in them', 'rollups of 5 min', 'rollups of 1 h', 'backup'],
      [
        [
          `${fixed(result.foldingSeconds, 0)} of ${count(result.seconds)} s`,
          count(folded.batches),
          ...['raw', '5m', '1h'].flatMap((name) => {
            const tier = folded.tiers.find((candidate) => candidate.tier === name);
            return name === 'raw' ? [count(tier?.units ?? 0), count(tier?.samples ?? 0)] : [count(tier?.units ?? 0)];
          }),
          `${megabytes(backup.bytes)} in ${fixed(backup.seconds, 1)} s${backup.withinWindow ? '' : ', beyond the window'}`,
        ],
      ],
    ),
    table(
      ['dashboard', 'answers', 'p50', 'p99', 'max', 'errors'],
      result.dashboards.map(({ path, answerMs, errors }) => [
        `\`${path}\``,
        count(answerMs.count),
        ...(answerMs.count === 0 ? ['–', '–', '–'] : [ms(answerMs.p50), ms(answerMs.p99), ms(answerMs.max)]),
        count(errors),
      ]),
    ),
    `How: an open loop at ${Math.round(SHARE_OF_CEILING * 100)} % of ${count(result.ceilingSamplesPerSecond)} samples/s, ${options.warmUpSeconds} s warm-up, then ${count(result.seconds)} s measured. ` +
      `The server starts on a log of ${count(backlog.samples + backlog.expiredSamples)} samples that nobody has folded, ${count(backlog.expiredSamples)} of them older than retention, and looks for work ten times a second; ` +
      `what the agents play back lies in hours that are over and is folded as it comes, again with every late batch. ${CONSOLES} consoles ask the four questions one after the other, each every ${DASHBOARD_PERIOD_MS / 1000} s. ` +
      'One backup is made by `npm run backup` meanwhile. "Longest log" is the write-ahead log at its largest.',
    ...(remarks.length > 0 ? [remarks.map((note) => `- ${note}`).join('\n')] : []),
  ].join('\n\n');
}
